//! The status as a stream: again at each change, at most four times a second, and of large tenants less often.

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

/// The shortest time between two.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// The pause lasts so many times longer than the look before it: to look at a large tenant takes a tenth of the time at most.
const INTERVAL_FACTOR: u32 = 10;

/// The longest: ages and times to settle change though nothing else does.
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

/// Whether a status says something else than the one before, but for its time.
fn differ(before: &control::FleetStatus, now: &Result<control::FleetStatus, Status>) -> bool {
    now.as_ref().map_or(true, |now| control::FleetStatus { at: before.at, ..now.clone() } != *before)
}
