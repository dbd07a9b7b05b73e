//! `xtsync explain-field`: prints what a field of a resource means.

use crate::exit::Code;
use crate::{exit, output, reference};

/// Explains a field.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  xtsync explain-field Synchronization.spec.scope\n  xtsync explain-field tenant.graph --recursive")]
pub struct Args {
    /// The kind and the path of the field, such as Synchronization.spec.scope; `spec` can be left out
    #[arg(value_name = "KIND.PATH")]
    field: String,

    /// Print the tree of all fields below it
    #[arg(long)]
    recursive: bool,
}

/// Prints the field.
///
/// # Errors
/// When there is no such kind or field.
pub fn run(args: &Args) -> exit::Result {
    let (kind, field) = reference::find(&reference::kinds(), &args.field).map_err(|missing| Code::Usage.because(missing))?;
    let text = if args.recursive { reference::tree(&field) } else { reference::explained(&kind, &field) };
    Ok(output::print(&text)?)
}
