//! Prints how fast rules are: `cargo run --release -p xtsync-rules-bench [mappings|filters|decisions|compile|engines]`. `make bench` measures the
//! same; this builds faster.

use mimalloc::MiMalloc;
use xtsync_rules_bench::{MEASUREMENTS, Measured};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[allow(clippy::print_stdout, reason = "it is a report")]
fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let measurements = MEASUREMENTS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name));
    for Measured { name, value, unit, against, conditions, .. } in measurements.flat_map(|(_, measure)| measure()) {
        let ratio = against.map(|against| format!(" against {against:.0}: {:.2}", value / against)).unwrap_or_default();
        println!("{name:<28} {value:>12.1} {unit}{ratio}  ({conditions})");
    }
}
