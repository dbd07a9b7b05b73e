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
    let (sim, listener) = args.bind().await?;
    output::line(&format!("listening on http://{}", listener.local_addr()?))?;
    Ok(sim.serve(listener, async move { shutdown.cancelled().await }).await?)
}
