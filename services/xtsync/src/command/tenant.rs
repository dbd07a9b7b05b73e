//! `xtsync tenant`: confirms a change of a tenant, or renames a tenant.

use clap::Subcommand;
use serde_json::json;
use xtsync_contract::control::{ConfirmTenantRequest, RenameTenantRequest};

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// The commands for a tenant.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Confirm that a Tenant's domain leads to another directory than at first contact
    #[command(after_help = "Example:\n  xtsync tenant confirm emea --directory 0b8c2f6e-9a53-4c0e-8f0c-1d2f3a4b5c6d")]
    Confirm(Confirm),
    /// Rename a Tenant: its links stay, and topics, metrics and secrets keep its key, the name under which it was first applied
    #[command(after_help = "Example:\n  xtsync tenant rename emea europe")]
    Rename(Rename),
}

/// Confirms the new directory of a Tenant.
#[derive(Debug, clap::Args)]
pub struct Confirm {
    /// The tenant
    tenant: String,

    /// The id of the new directory, as `xtsync status` shows it; without it the directory that was read last is confirmed
    #[arg(long, value_name = "ID", default_value = "")]
    directory: String,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Renames a Tenant.
#[derive(Debug, clap::Args)]
pub struct Rename {
    /// The tenant
    tenant: String,

    /// Its new name, which files must use from then on
    name: String,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
///
/// # Errors
/// When control does not answer, knows no such tenant, there is nothing to confirm, or the new name is invalid or taken.
pub async fn run(command: Command) -> exit::Result {
    match command {
        Command::Confirm(args) => confirm(args).await,
        Command::Rename(args) => rename(args).await,
    }
}

async fn confirm(args: Confirm) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = ConfirmTenantRequest { tenant: args.tenant.clone(), directory_id: args.directory, actor: super::actor() };
    let confirmed = client.confirm_tenant(request).await.map_err(|status| failure(&status))?.into_inner();
    let (now, former) = (&confirmed.directory_id, &confirmed.former_directory_id);
    match args.format.get() {
        Format::Json => output::json(&json!({
            "tenant": args.tenant, "revision": confirmed.revision, "directory": now, "former_directory": former,
        }))?,
        Format::Text => output::line(&format!("{} is directory {now} from now on, and was {former}", args.tenant))?,
    }
    Ok(())
}

async fn rename(args: Rename) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = RenameTenantRequest { tenant: args.tenant.clone(), name: args.name.clone(), actor: super::actor() };
    let renamed = client.rename_tenant(request).await.map_err(|status| failure(&status))?.into_inner();
    match args.format.get() {
        Format::Json => output::json(&json!({
            "tenant": args.name, "former_name": args.tenant, "key": renamed.key, "revision": renamed.revision, "changed": renamed.changed,
        }))?,
        Format::Text if !renamed.changed => output::line(&format!("{} unchanged", args.name))?,
        Format::Text => output::line(&format!("{} is now named {}; its key stays {}", args.tenant, args.name, renamed.key))?,
    }
    Ok(())
}
