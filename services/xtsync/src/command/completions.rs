//! `xtsync completions`: prints a completion script for a shell.

use clap::Command;
use clap_complete::Shell;

use crate::{exit, output};

/// Prints completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync completions bash >/etc/bash_completion.d/xtsync")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script for a command line.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args, mut command: Command) -> exit::Result {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "xtsync", &mut script);
    Ok(output::print(&String::from_utf8_lossy(&script))?)
}
