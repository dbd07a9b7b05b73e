//! Keeps a role at work: whenever it fails it is built again, with growing pauses.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};
use xtsync_runtime::health::Condition;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::supervise::{RestartBackoff, catch_panic};

use super::Role;
use super::services::Starter;

/// The longest pause: somebody waits for the broker or the database to come back.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Keeps a role at work until the shutdown.
pub(super) async fn supervise(role: Role, starter: Starter, condition: Condition, shutdown: Shutdown) {
    let mut restarts = RestartBackoff::new(BACKOFF_MAX);
    while !shutdown.is_cancelled() {
        let began = Instant::now();
        match attempt(role, &starter, &condition, &shutdown).await {
            // What fails now only lost what it stood on a moment earlier.
            Ok(()) | Err(_) if shutdown.is_cancelled() => break,
            Ok(()) => condition.set(false, "it ended by itself"),
            Err(failure) => {
                warn!(%role, error = format!("{failure:#}"), "role failed and is built again");
                condition.set(false, format!("{failure:#}"));
            }
        }
        shutdown.or(tokio::time::sleep(restarts.pause(began.elapsed()))).await;
    }
    info!(%role, "stopped");
}

/// Builds and runs the role once. A panic is a failure like any other: the other roles go on.
async fn attempt(role: Role, starter: &Starter, condition: &Condition, shutdown: &Shutdown) -> anyhow::Result<()> {
    let Some(service) = shutdown.or(starter.build(role)).await else { return Ok(()) };
    let service = service?;
    condition.set(true, "");
    info!(%role, "at work");
    // A child: a role that stops itself stops nobody else.
    catch_panic(service.run(shutdown.child())).await?
}
