//! Streams the status at each change: at most four times a second, and less often for large tenants.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use xtsync_contract::control;

use super::failed;
use crate::context::Context;
use crate::status;

/// The minimum interval between two computations of the status.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// The pause after a computation is this many times longer than the computation, so that it takes at most a fifth of the time.
const INTERVAL_FACTOR: u32 = 4;

/// The longest pause: a computation that was slow once, as while everything starts, must not delay the next one by minutes.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The maximum interval: ages and grace periods change although no record arrives.
const REFRESH_INTERVAL: Duration = Duration::from_secs(2);

pub(super) type Statuses = Pin<Box<dyn Stream<Item = Result<control::WatchStatusResponse, Status>> + Send>>;

pub(super) fn statuses(context: Arc<Context>) -> Statuses {
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut folded = context.folded.subscribe();
        let mut before = None;
        loop {
            folded.mark_unchanged();
            let began = Instant::now();
            let status = status::read(&context).await.map_err(failed);
            if before.as_ref().is_none_or(|before| differ(before, &status)) {
                before = status.as_ref().ok().cloned();
                let ended = status.is_err();
                let sent = send.send(status.map(|status| control::WatchStatusResponse { status: Some(status) })).await;
                if sent.is_err() || ended {
                    return;
                }
            }
            tokio::time::sleep(pause(began.elapsed())).await;
            tokio::select! {
                _ = folded.changed() => {}
                () = tokio::time::sleep(REFRESH_INTERVAL) => {}
                () = send.closed() => return,
            }
        }
    });
    Box::pin(ReceiverStream::new(receive))
}

/// The pause after a computation that took so long.
fn pause(took: Duration) -> Duration {
    took.saturating_mul(INTERVAL_FACTOR).clamp(WATCH_INTERVAL, PAUSE_MAX)
}

/// Whether a status differs from the one before, apart from its time.
fn differ(before: &control::FleetStatus, now: &Result<control::FleetStatus, Status>) -> bool {
    now.as_ref().map_or(true, |now| control::FleetStatus { at: before.at, ..now.clone() } != *before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_the_computation_and_has_bounds() {
        for (took, want) in [(1, 250), (100, 400), (1_000, 4_000), (60_000, 5_000)] {
            assert_eq!(pause(Duration::from_millis(took)), Duration::from_millis(want), "{took} ms");
        }
    }
}
