//! `xtsync resume`: resumes writes to a target that a rebuild of the provisioner's store left observe-only.

use serde_json::json;
use xtsync_contract::control::ResumeRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// Resumes writes to a target that `xtsync status` shows as `observe_only_after_rebuild`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync resume contoso")]
pub struct Args {
    /// The target tenant
    target: String,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Requests it.
///
/// # Errors
/// When control does not answer or knows no such tenant.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = ResumeRequest { target: args.target.clone(), actor: super::actor() };
    client.resume(request).await.map_err(|status| failure(&status))?;
    match args.format.get() {
        Format::Json => output::json(&json!({ "target": args.target }))?,
        Format::Text => output::line(&format!("{} is resumed", args.target))?,
    }
    Ok(())
}
