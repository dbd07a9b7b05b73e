//! The one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: every TLS connection depends on it, also those that libraries make.
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    debug_assert!(installed.is_ok(), "nobody chose another before");
    xtsync::cli::main()
}
