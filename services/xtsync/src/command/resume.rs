//! `xtsync resume`: a target that only observes, because the provisioner's store was lost, is written again.

use serde_json::json;
use xtsync_contract::control::ResumeRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format};

/// Has a target written again that `xtsync status` shows as held: rebuilt.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The target tenant
    target: String,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Asks for it.
///
/// # Errors
/// When control does not answer or knows no such tenant.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = ResumeRequest { target: args.target.clone(), actor: super::actor() };
    client.resume(request).await.map_err(|status| failure(&status))?;
    match Format::of(args.json) {
        Format::Json => output::json(&json!({ "target": args.target }))?,
        Format::Text => output::line(&format!("{} is resumed", args.target))?,
    }
    Ok(())
}
