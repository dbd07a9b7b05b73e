//! `xtsync resync`: reads a source from the beginning, where its cursor does not advance.

use serde_json::json;
use xtsync_contract::control::ResyncRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// Reads a source from the beginning. It removes no user unless the directory's own count agrees.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync resync emea")]
pub struct Args {
    /// The source tenant
    tenant: String,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Requests the full cycle. It runs beside the incremental cycles.
///
/// # Errors
/// When control does not answer or knows no such tenant.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = ResyncRequest { tenant: args.tenant.clone(), actor: super::actor() };
    client.resync(request).await.map_err(|status| failure(&status))?;
    match args.format.get() {
        Format::Json => output::json(&json!({ "tenant": args.tenant }))?,
        Format::Text => output::line(&format!("{} is read from the beginning", args.tenant))?,
    }
    Ok(())
}
