//! `xtsync retry`: retries now what was refused, is in conflict or waits for its next try.

use serde_json::json;
use xtsync_contract::control::RetryRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// Retries now what waits in a tenant: refusals, conflicts, blocked verbs, and the next cycle of a source. Vetoes and rejects stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync retry contoso emea/5c0f0bd8-6d4c-4bb2-9d0f-2f6b7b0f7a11")]
pub struct Args {
    /// The tenant, as source and as target
    tenant: String,

    /// Only this user: SOURCE/USER, or the id alone
    user: Option<String>,

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
    let request = RetryRequest { tenant: args.tenant.clone(), user: args.user.clone().unwrap_or_default(), actor: super::actor() };
    client.retry(request).await.map_err(|status| failure(&status))?;
    match args.format.get() {
        Format::Json => output::json(&json!({ "tenant": args.tenant, "user": args.user }))?,
        Format::Text => output::line(&format!("what waits in {} is tried again", args.tenant))?,
    }
    Ok(())
}
