//! `xtsync tenant-sim`: serves simulated tenants until a signal.

use xtsync_runtime::shutdown::Shutdown;
use xtsync_tenant_sim::Args;

use crate::{exit, output};

/// Serves the tenants.
///
/// # Errors
/// When a tenant is invalid or the address cannot be bound.
pub async fn run(args: Args) -> exit::Result {
    let shutdown = Shutdown::on_signal()?;
    let bound = args.bind().await?;
    output::line(&format!("listening on {}", bound.url()?))?;
    Ok(bound.serve(async move { shutdown.cancelled().await }).await?)
}
