//! `xtsync resync`: a source is read from the beginning, where it stands at a cursor that does not lead on.

use serde_json::json;
use xtsync_contract::control::ResyncRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format};

/// Has a source read from the beginning. Nobody is removed by it unless the directory's own count agrees.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The source tenant
    tenant: String,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Asks for it. It is done beside what goes on.
///
/// # Errors
/// When control does not answer or knows no such tenant.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = ResyncRequest { tenant: args.tenant.clone(), actor: super::actor() };
    client.resync(request).await.map_err(|status| failure(&status))?;
    match Format::of(args.json) {
        Format::Json => output::json(&json!({ "tenant": args.tenant }))?,
        Format::Text => output::line(&format!("{} is read from the beginning", args.tenant))?,
    }
    Ok(())
}
