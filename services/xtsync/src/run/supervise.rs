//! Supervises a role: rebuilds it after each failure, with growing pauses.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};
use xtsync_runtime::health::Condition;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::supervise::{RestartBackoff, catch_panic};

use super::Role;
use super::starter::Starter;

/// The longest pause before a rebuild. Short, so that a role resumes soon after the broker or database returns.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Supervises a role until the shutdown.
pub(super) async fn supervise(role: Role, starter: Starter, condition: Condition, shutdown: Shutdown) {
    let mut restarts = RestartBackoff::new(BACKOFF_MAX);
    while !shutdown.is_cancelled() {
        let began = Instant::now();
        match attempt(role, &starter, &condition, &shutdown).await {
            // A failure during the shutdown only means that a dependency stopped first.
            Ok(()) | Err(_) if shutdown.is_cancelled() => break,
            Ok(()) => condition.set(false, "it ended by itself"),
            Err(failure) => {
                warn!(%role, error = format!("{failure:#}"), "role failed and is rebuilt");
                condition.set(false, format!("{failure:#}"));
            }
        }
        shutdown.or(tokio::time::sleep(restarts.pause(began.elapsed()))).await;
    }
    info!(%role, "stopped");
}

/// Builds and runs the role once. A panic counts as a failure; the other roles continue.
async fn attempt(role: Role, starter: &Starter, condition: &Condition, shutdown: &Shutdown) -> anyhow::Result<()> {
    let Some(service) = shutdown.or(starter.build(role)).await else { return Ok(()) };
    let service = service?;
    condition.set(true, "");
    info!(%role, "running");
    // A child token: a role that cancels it does not stop the other roles.
    catch_panic(service.run(shutdown.child())).await?
}
