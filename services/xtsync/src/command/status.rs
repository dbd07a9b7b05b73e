//! `xtsync status`: prints the state of all synchronizations and roles; with `--wait` it returns when all are converged.

mod print;
mod remedy;
mod wait;

use std::time::Duration;

use xtsync_contract::control::{FleetStatus, GetStatusRequest};
use xtsync_domain::duration;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

pub(crate) use wait::until_converged;

/// Shows the state of all synchronizations and roles.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync status --wait=5m --fresh")]
pub struct Args {
    /// Wait until control answers and everything is converged, 60s at most or the time of --wait=TIME; exit code 4 if it is not
    #[arg(
        long,
        visible_alias = "wait-converged",
        value_name = "TIME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "60s",
        value_parser = duration::parse
    )]
    wait: Option<Duration>,

    /// Converged only after every source was read once more, so that changes made before this command are included
    #[arg(long, requires = "wait")]
    fresh: bool,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Prints the status.
///
/// # Errors
/// When control does not answer, or not everything is converged in time.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect_within(args.wait.unwrap_or(args.connection.connect_timeout)).await?;
    let (status, verdict) = match args.wait {
        Some(limit) => until_converged(&mut client, limit, args.fresh).await?,
        None => (client.get_status(GetStatusRequest {}).await.map_err(|status| failure(&status))?.into_inner().status, Ok(())),
    };
    show(&status.unwrap_or_default(), args.format.get())?;
    verdict
}

fn show(status: &FleetStatus, format: Format) -> std::io::Result<()> {
    match format {
        Format::Json => output::json(&print::as_json(status)),
        Format::Text => output::print(&print::as_text(status)),
    }
}
