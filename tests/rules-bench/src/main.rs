//! Prints how fast rules are, within a minute of building: `cargo run --release -p xtsync-rules-bench`. `make bench` measures the same.

use mimalloc::MiMalloc;
use xtsync_rules_bench::{Measured, measure};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[allow(clippy::print_stdout, reason = "it is a report")]
fn main() {
    for Measured { name, value, unit, against, conditions, .. } in measure() {
        let ratio = against.map(|against| format!(" against {against:.0}: {:.2}", value / against)).unwrap_or_default();
        println!("{name:<28} {value:>12.1} {unit}{ratio}  ({conditions})");
    }
}
