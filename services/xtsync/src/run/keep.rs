//! Keeps a role at work: whenever it fails it is built again, with growing pauses.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;
use tracing::{info, warn};
use xtsync_platform::backoff;
use xtsync_platform::health::Condition;
use xtsync_platform::shutdown::Shutdown;

use super::Role;
use super::services::Starter;

/// The longest first pause.
const FIRST: Duration = Duration::from_millis(500);

/// The longest pause: somebody waits for the broker or the database to come back.
const LONGEST: Duration = Duration::from_secs(10);

/// A role that worked for so long has recovered from what failed before.
const RECOVERED: Duration = Duration::from_secs(60);

/// Keeps a role at work until the shutdown.
pub(super) async fn keep(role: Role, starter: Starter, condition: Condition, shutdown: Shutdown) {
    let mut rng = StdRng::from_os_rng();
    let mut failures = 0;
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
        failures = if began.elapsed() > RECOVERED { 1 } else { failures + 1 };
        let pause = backoff::within(failures, FIRST, LONGEST, &mut rng);
        shutdown.or(tokio::time::sleep(pause)).await;
    }
    info!(%role, "stopped");
}

/// Builds and runs the role once. A panic is a failure like any other: the other roles go on.
async fn attempt(role: Role, starter: &Starter, condition: &Condition, shutdown: &Shutdown) -> anyhow::Result<()> {
    let Some(service) = shutdown.or(starter.build(role)).await else { return Ok(()) };
    let service = service?;
    condition.set(true, "");
    info!(%role, "at work");
    let mut work = tokio::task::JoinSet::new();
    // A child: a role that stops itself stops nobody else.
    work.spawn(service.run(shutdown.child()));
    work.join_next().await.expect("there is one")?
}
