//! `xtsync republish`: each role republishes its state, for consumers that lost a record.

use serde_json::json;
use xtsync_contract::control::RepublishRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// Republishes the current state with unchanged versions. Consumers that already have a record ignore it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync republish --tenant emea")]
pub struct Args {
    /// Only of this tenant, as source and as target [default: all, and the configuration]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Requests the republication. The roles republish in the background, after live changes.
///
/// # Errors
/// When control does not answer or knows no such tenant.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = RepublishRequest { tenant: args.tenant.unwrap_or_default(), actor: super::actor() };
    let tenants = client.republish(request).await.map_err(|status| failure(&status))?.into_inner().tenants;
    match args.format.get() {
        Format::Json => output::json(&json!({ "tenants": tenants }))?,
        Format::Text => tenants.iter().try_for_each(|tenant| output::line(&format!("{tenant} is republished")))?,
    }
    Ok(())
}
