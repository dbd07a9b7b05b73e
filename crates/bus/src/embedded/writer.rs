//! The one task that appends. It writes queued records, live before bulk, in one transaction, so that many publishers share one sync.
//!
//! It never waits for more records: a single record is written at once, and the next batch collects during its commit.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::log::{self, Log, Row};
use super::shared::Shared;
use crate::{BATCH_MAX, Error};

/// Records to append together.
#[derive(Debug)]
pub(super) struct Append {
    /// The records, in order.
    pub(super) rows: Vec<Row>,
    /// Receives the result when they are durable or the append has failed.
    pub(super) done: oneshot::Sender<Result<(), Error>>,
}

/// Appends until both queues are closed and empty.
pub(super) async fn run(shared: Arc<Shared>, mut live: mpsc::Receiver<Append>, mut bulk: mpsc::Receiver<Append>) {
    while let Some(first) = next(&mut live, &mut bulk).await {
        let batch = gather(first, &mut live, &mut bulk);
        let written = write(&shared, &batch).await;
        shared.has_write_failed.store(written.is_err(), Ordering::Relaxed);
        if let Err(error) = &written {
            warn!(%error, "the embedded log failed to write a batch");
        }
        for append in batch {
            let answer = written.as_ref().map(drop).map_err(|error| Error::Unavailable(format!("the embedded log: {error}")));
            // A publisher that was cancelled no longer waits for the result.
            drop(append.done.send(answer));
        }
    }
}

async fn next(live: &mut mpsc::Receiver<Append>, bulk: &mut mpsc::Receiver<Append>) -> Option<Append> {
    tokio::select! {
        biased;
        Some(append) = live.recv() => Some(append),
        Some(append) = bulk.recv() => Some(append),
        else => None,
    }
}

fn gather(first: Append, live: &mut mpsc::Receiver<Append>, bulk: &mut mpsc::Receiver<Append>) -> Vec<Append> {
    let mut records = first.rows.len();
    let mut batch = vec![first];
    while records < BATCH_MAX {
        let Ok(append) = live.try_recv().or_else(|_| bulk.try_recv()) else { break };
        records += append.rows.len();
        batch.push(append);
    }
    batch
}

/// Writes a batch in one transaction. Only after the commit do the ends advance and readers get notified.
async fn write(shared: &Shared, batch: &[Append]) -> Result<(), sqlx::Error> {
    let mut ends: HashMap<(i64, u32), (&Log, i64)> = HashMap::new();
    let mut rows = Vec::new();
    for row in batch.iter().flat_map(|append| &append.rows) {
        let (_, next) = ends.entry((row.log.id, row.part)).or_insert_with(|| (&row.log, row.log.end(row.part)));
        rows.push((row, *next));
        *next += 1;
    }
    let mut tx = shared.writer.begin_with("BEGIN IMMEDIATE").await?;
    log::append(&mut tx, &rows).await?;
    for ((_, part), (log, next)) in &ends {
        log::set_end(&mut tx, log, *part, *next).await?;
    }
    tx.commit().await?;
    for ((_, part), (log, next)) in &ends {
        log.advance(*part, *next);
    }
    Ok(())
}
