//! The one binary.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Requests, rows and records are many small pieces of memory, made by one thread and freed by another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Before anything else: every TLS connection depends on it, also those that libraries make.
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    debug_assert!(installed.is_ok(), "no other provider was installed before");
    xtsync::cli::main()
}
