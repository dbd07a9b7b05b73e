//! Places in partitions from which records are read on in turn, waking when something was appended.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::log;
use super::shared::{Log, Shared};
use crate::{Error, Partition, Record};

/// A place in a partition.
#[derive(Debug)]
pub(super) struct Cursor {
    /// The topic.
    pub(super) log: Arc<Log>,
    /// The partition.
    pub(super) part: u32,
    /// The offset to read next; `None` until it is known.
    pub(super) next: Option<i64>,
}

impl Cursor {
    /// Which partition it is.
    pub(super) fn partition(&self) -> Partition {
        Partition { topic: self.log.topic.clone(), index: self.part }
    }

    /// Whether it is in this partition.
    pub(super) fn is_at(&self, partition: &Partition) -> bool {
        self.part == partition.index && self.log.topic == partition.topic
    }

    /// Puts it to an offset, or to the start where the log does not reach as far: then it was made anew.
    pub(super) fn start(&mut self, next: i64) {
        self.next = Some(if next > self.log.end(self.part) { 0 } else { next.max(0) });
    }

    /// Reads on; nothing when there is nothing new or only gaps.
    async fn read(&mut self, shared: &Shared, records_max: usize) -> Result<Vec<Record>, sqlx::Error> {
        // The end is taken before the records, so all that is there before it will have been seen.
        let end = self.log.end(self.part);
        let Some(next) = self.next.filter(|next| *next < end) else { return Ok(Vec::new()) };
        let records = log::fetch(&shared.readers, &self.log, self.part, next, records_max).await?;
        let read_to = records.last().map_or(end, |record| record.at.offset + 1);
        self.next = Some(if records.len() < records_max { read_to.max(end) } else { read_to });
        Ok(records)
    }
}

/// Cursors that are read in turn.
#[derive(Debug)]
pub(super) struct Cursors {
    /// The places.
    pub(super) all: Vec<Cursor>,
    shared: Arc<Shared>,
    appended: watch::Receiver<()>,
    turn: usize,
}

impl Cursors {
    /// Cursors over a log.
    pub(super) fn new(shared: &Arc<Shared>, all: Vec<Cursor>) -> Self {
        Self { all, shared: Arc::clone(shared), appended: shared.appended.subscribe(), turn: 0 }
    }

    /// The next records of some partition; waits for them until the deadline, if there is one. Cancelling it loses nothing.
    pub(super) async fn next(&mut self, records_max: usize, wait: Option<Duration>) -> Result<Vec<Record>, Error> {
        let deadline = wait.map(|wait| Instant::now() + wait);
        loop {
            self.appended.mark_unchanged();
            for _ in 0..self.all.len() {
                self.turn = (self.turn + 1) % self.all.len();
                let records = self.all[self.turn].read(&self.shared, records_max).await?;
                if !records.is_empty() {
                    return Ok(records);
                }
            }
            // The sender is in `shared`, which we hold, so the bell is never gone.
            let appended = self.appended.changed();
            match deadline {
                None => drop(appended.await),
                Some(deadline) if timeout_at(deadline, appended).await.is_err() => return Ok(Vec::new()),
                Some(_) => {}
            }
        }
    }
}
