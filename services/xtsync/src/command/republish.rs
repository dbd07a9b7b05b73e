//! `xtsync republish`: the roles tell again what their stores hold, for who has lost a record.

use serde_json::json;
use xtsync_contract::control::RepublishRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format};

/// Has the current state told again, under the versions it has.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only of this tenant, as source and as target [default: all, and the configuration]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Asks for it. It is done in the background, after everything that is live.
///
/// # Errors
/// When control does not answer or knows no such tenant.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = RepublishRequest { tenant: args.tenant.unwrap_or_default(), actor: super::actor() };
    let tenants = client.republish(request).await.map_err(|status| failure(&status))?.into_inner().tenants;
    match Format::of(args.json) {
        Format::Json => output::json(&json!({ "tenants": tenants }))?,
        Format::Text => tenants.iter().try_for_each(|tenant| output::line(&format!("{tenant} is told again")))?,
    }
    Ok(())
}
