//! `xtsync config`: prints the settings in force, or every setting with its default.

use super::run::SettingsArgs;
use crate::{exit, output, settings};

/// The commands for settings.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print the settings in force as TOML, passwords hidden
    #[command(after_help = "Example:\n  XTSYNC__LEASE_TTL=5s xtsync config print --config xtsync.toml")]
    Print(Args),
}

/// Prints the settings in force.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the built-in defaults, with a comment for each setting
    #[arg(long)]
    defaults: bool,

    #[command(flatten)]
    settings: SettingsArgs,
}

/// Prints the settings.
///
/// # Errors
/// When the settings cannot be used.
pub fn run(command: &Command) -> exit::Result {
    let Command::Print(args) = command;
    let text = if args.defaults {
        settings::DEFAULTS.to_owned()
    } else {
        args.settings.load(&[]).map_err(|faults| exit::Code::Usage.because(faults))?.to_toml()
    };
    Ok(output::print(&text)?)
}
