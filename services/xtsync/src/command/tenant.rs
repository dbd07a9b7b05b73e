//! `xtsync tenant`: confirms changes of a tenant.

use clap::Subcommand;
use serde_json::json;
use xtsync_contract::control::ConfirmTenantRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format};

/// The commands for a tenant.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Confirm that a Tenant's domain leads to another directory than at first contact
    #[command(after_help = "Example:\n  xtsync tenant confirm emea --directory 0b8c2f6e-9a53-4c0e-8f0c-1d2f3a4b5c6d")]
    Confirm(Confirm),
}

/// Confirms the new directory of a Tenant.
#[derive(Debug, clap::Args)]
pub struct Confirm {
    /// The tenant
    tenant: String,

    /// The id of the new directory, as `xtsync status` shows it; without it the directory that was read last is confirmed
    #[arg(long, value_name = "ID", default_value = "")]
    directory: String,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
///
/// # Errors
/// When control does not answer, knows no such tenant, or there is nothing to confirm.
pub async fn run(command: Command) -> exit::Result {
    match command {
        Command::Confirm(args) => confirm(args).await,
    }
}

async fn confirm(args: Confirm) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = ConfirmTenantRequest { tenant: args.tenant.clone(), directory_id: args.directory, actor: super::actor() };
    let confirmed = client.confirm_tenant(request).await.map_err(|status| failure(&status))?.into_inner();
    let (now, former) = (&confirmed.directory_id, &confirmed.former_directory_id);
    match Format::of(args.json) {
        Format::Json => output::json(&json!({
            "tenant": args.tenant, "revision": confirmed.revision, "directory": now, "former_directory": former,
        }))?,
        Format::Text => output::line(&format!("{} is directory {now} from now on, and was {former}", args.tenant))?,
    }
    Ok(())
}
