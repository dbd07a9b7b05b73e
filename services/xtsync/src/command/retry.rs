//! `xtsync retry`: what waits for a time or for a target's word is tried again now.

use serde_json::json;
use xtsync_contract::control::RetryRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format};

/// Has what waits in a tenant tried again now: refusals, conflicts, what is set aside, and the reading of a source. Vetoes and rejects stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The tenant, as source and as target
    tenant: String,

    /// Only this user: SOURCE/USER, or the id alone
    user: Option<String>,

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
    let request = RetryRequest { tenant: args.tenant.clone(), user: args.user.clone().unwrap_or_default(), actor: super::actor() };
    client.retry(request).await.map_err(|status| failure(&status))?;
    match Format::of(args.json) {
        Format::Json => output::json(&json!({ "tenant": args.tenant, "user": args.user }))?,
        Format::Text => output::line(&format!("what waits in {} is tried again", args.tenant))?,
    }
    Ok(())
}
