//! The loop that publishes for one target: what was committed, and between that the state as a whole, in batches.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::warn;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;

use crate::owned_target::OwnedTarget;
use crate::{publish, republish};

/// The pause after a publication: the first update of a burst is published at once, the others together in shared transactions.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(100);

/// Publishes whenever something was committed, until the shutdown, and then what is left.
pub(crate) async fn run(owned: Arc<OwnedTarget>, shutdown: Shutdown) {
    loop {
        let is_last = shutdown.is_cancelled();
        let poll = owned.context.config.poll;
        let mut pause = Duration::MAX;
        if let Err(error) = publish::step(&owned).await {
            warn!(target = %owned.target, error = chain(&error), "publishing pauses");
            pause = poll;
        }
        if is_last {
            return;
        }
        shutdown.or(sleep(PUBLISH_INTERVAL)).await;
        let next = republish::step(&owned).await.unwrap_or_else(|error| {
            warn!(target = %owned.target, error = chain(&error), "republication pauses");
            poll
        });
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = owned.publish.notified() => {}
            () = sleep(pause.min(next)) => {}
        }
    }
}
