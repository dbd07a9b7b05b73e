//! `xtsync schema`: prints the JSON schema of the resources.

use crate::{exit, output, reference};

/// Prints the JSON schema.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  xtsync schema >xtsync.schema.json\n\nA comment in a YAML document then names it:\n  # yaml-language-server: $schema=./xtsync.schema.json"
)]
pub struct Args {}

/// Prints the schema.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(_: &Args) -> exit::Result {
    Ok(output::print(&reference::schema_text())?)
}
