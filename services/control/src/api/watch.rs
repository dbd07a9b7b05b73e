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

/// The pause after a computation is this many times longer than the computation, so that it takes at most a tenth of the time.
const INTERVAL_FACTOR: u32 = 10;

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
            tokio::time::sleep(WATCH_INTERVAL.max(began.elapsed() * INTERVAL_FACTOR)).await;
            tokio::select! {
                _ = folded.changed() => {}
                () = tokio::time::sleep(REFRESH_INTERVAL) => {}
                () = send.closed() => return,
            }
        }
    });
    Box::pin(ReceiverStream::new(receive))
}

/// Whether a status differs from the one before, apart from its time.
fn differ(before: &control::FleetStatus, now: &Result<control::FleetStatus, Status>) -> bool {
    now.as_ref().map_or(true, |now| control::FleetStatus { at: before.at, ..now.clone() } != *before)
}
