//! Tests that the peak memory is bounded for any configuration text up to the size limit.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fmt::Write as _;

use peak_alloc::PeakAlloc;
use xtsync_control::manifest::{BYTES_MAX, File, read};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;

/// Reads a text that must be refused, and returns the peak memory in bytes, without the text itself.
fn peak(what: &str, name: &str, yaml: String) -> usize {
    let files = [File { name: name.to_owned(), yaml }];
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let refused = read(&files).unwrap_err();
    let message_bytes: usize = refused.iter().map(|problem| problem.to_string().len()).sum();
    assert!(message_bytes < MIB, "{what}: {message_bytes} bytes of problems");
    MEMORY.peak_usage().saturating_sub(before)
}

fn nested(depth: usize, key: &str, leaves: usize) -> String {
    let mut yaml = String::new();
    for level in 0..depth {
        writeln!(yaml, "{:level$}{key}:", "").unwrap();
    }
    for leaf in 0..leaves {
        writeln!(yaml, "{:depth$}k{leaf}: v", "").unwrap();
    }
    yaml
}

fn aliases() -> String {
    let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let uses = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(yaml, "a{level}: &a{level} [{uses}]").unwrap();
    }
    yaml
}

/// All cases are in one test, because memory of concurrent tests would count.
#[test]
fn any_configuration_takes_bounded_memory() {
    let fill = |piece: &str| piece.repeat((BYTES_MAX - 100) / piece.len());
    for (what, name, yaml) in [
        ("deep lists", "a", format!("a: {}", "[".repeat(454_000))),
        ("deep lists with ends", "a", format!("a: {}{}", "[".repeat(200_000), "]".repeat(200_000))),
        ("deep mappings", "a", nested(900, "a", 10)),
        ("long names above many", "a", nested(30, &"n".repeat(900), 45_000)),
        ("many small values", "a", format!("a: [{}]", fill("{},"))),
        ("many small values in blocks", "a", format!("a:\n{}", fill("- -\n"))),
        ("many documents", "a", fill("---\nx\n")),
        ("many documents with a long name", &"n".repeat(60_000), fill("---\nx\n")),
        ("many documents with a name", &"n".repeat(1_000), fill("---\nx: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]\n")),
        (
            "documents of many fields",
            "a",
            fill(&format!(
                "---\napiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {{name: o}}\nspec: {{tenants: [{}]}}\n",
                "a,".repeat(5_000)
            )),
        ),
        ("aliases", "a", aliases()),
        ("too large", "a", "x".repeat(BYTES_MAX + 1)),
    ] {
        let took = peak(what, name, yaml);
        assert!(took <= 128 * MIB, "{what}: {} MiB", took / MIB);
    }
}
