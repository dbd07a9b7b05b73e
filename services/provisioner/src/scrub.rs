//! The scrub: what is published of a target's links is told again, a piece at a time, after everything that is new.
//!
//! By whoever publishes, so that no older state goes out after a newer one; and only where the store was held against its topic, for what
//! a restored store would tell again is older than what stands there.

use std::time::Duration;

use xtsync_domain::Timestamp;
use xtsync_platform::bus::Urgency;
use xtsync_platform::scrub::{PAUSE, PIECE, Scrub};

use crate::error::Result;
use crate::publish;
use crate::table::link;
use crate::worker::Worker;

/// How far this replica has come with telling again.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When it looks next.
    due: Timestamp,
    /// Whether a scrub is under way.
    pub(crate) is_under_way: bool,
}

/// Tells a piece again, if it is time; gives how long the next one waits at most.
pub(crate) async fn step(worker: &Worker) -> Result<Duration> {
    let now = worker.context.now();
    let due = worker.scrub().due;
    if now >= due {
        let is_under_way = piece(worker, now).await?;
        let pause = if is_under_way { PAUSE } else { worker.context.config.poll };
        *worker.scrub() = Pace { due: now.plus(pause), is_under_way };
    }
    Ok(worker.scrub().due.since(now).min(worker.context.config.poll))
}

/// One piece; whether there is more.
async fn piece(worker: &Worker, now: Timestamp) -> Result<bool> {
    let context = &worker.context;
    let Some(epoch) = worker.lease.held().filter(|_| worker.is_whole()) else { return Ok(false) };
    let Some(scrub) = Scrub::due(&context.store, &worker.target, context.config.republish, now).await? else { return Ok(false) };
    let rows = link::published_after(&context.store, &worker.target, scrub.after(), PIECE).await?;
    let last = rows.last().filter(|_| rows.len() == PIECE).map(|row| row.key.record());
    let count = rows.len();
    publish::send(worker, epoch, rows, Urgency::Bulk).await?;
    context.metrics.republished(&worker.target, count);
    let mut tx = worker.begin(epoch).await?;
    scrub.came_to(&mut tx, last.as_deref()).await?;
    tx.commit().await?;
    Ok(last.is_some())
}
