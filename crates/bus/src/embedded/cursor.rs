//! Cursors: positions in partitions, read in turn, that wait for appends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::log::{self, Log};
use super::shared::Shared;
use crate::{Error, Partition, Record, Topic};

/// A position in a partition.
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
    /// The partition of this cursor.
    pub(super) fn partition(&self) -> Partition {
        Partition { topic: self.log.topic.clone(), index: self.part }
    }

    /// Whether it is in this partition.
    pub(super) fn is_at(&self, partition: &Partition) -> bool {
        self.part == partition.index && self.log.topic == partition.topic
    }

    /// Moves to an offset, or to the start if the log ends before it: then the log was recreated.
    pub(super) fn start(&mut self, next: i64) {
        self.next = Some(if next > self.log.end(self.part) { 0 } else { next.max(0) });
    }

    /// Reads the next records; returns none if there are no new ones, or only gaps.
    async fn read(&mut self, shared: &Shared, records_max: usize) -> Result<Vec<Record>, sqlx::Error> {
        // The end is read before the records, so that every record before it is seen.
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
    /// The cursors.
    pub(super) all: Vec<Cursor>,
    /// Records that a cancelled call had read.
    batch: Vec<Record>,
    shared: Arc<Shared>,
    appended: watch::Receiver<()>,
    turn: usize,
}

impl Cursors {
    /// Cursors over a log.
    pub(super) fn new(shared: &Arc<Shared>, all: Vec<Cursor>) -> Self {
        Self { all, batch: Vec::new(), shared: Arc::clone(shared), appended: shared.appended.subscribe(), turn: 0 }
    }

    /// The offset up to which the records of a partition were returned.
    pub(super) fn position(&self, partition: &Partition) -> Option<i64> {
        let unreturned = self.batch.iter().map(|record| &record.at).find(|at| at.partition == *partition).map(|at| at.offset);
        unreturned.or_else(|| self.all.iter().find(|cursor| cursor.is_at(partition))?.next)
    }

    /// Keeps these cursors, and returns the others.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&Topic) -> bool) -> Vec<Cursor> {
        self.batch.retain(|record| is_kept(&record.at.partition.topic));
        self.all.extract_if(.., |cursor| !is_kept(&cursor.log.topic)).collect()
    }

    /// Returns the next records, of as many partitions as have any; waits for them until the deadline, if there is one. Cancelling it loses
    /// nothing.
    pub(super) async fn next(&mut self, records_max: usize, wait: Option<Duration>) -> Result<Vec<Record>, Error> {
        let deadline = wait.map(|wait| Instant::now() + wait);
        loop {
            self.appended.mark_unchanged();
            for _ in 0..self.all.len() {
                if self.batch.len() >= records_max {
                    break;
                }
                self.turn = (self.turn + 1) % self.all.len();
                let records = self.all[self.turn].read(&self.shared, records_max - self.batch.len()).await?;
                self.batch.extend(records);
            }
            if !self.batch.is_empty() {
                return Ok(std::mem::take(&mut self.batch));
            }
            // This holds `shared` and with it the sender, so the channel stays open.
            let appended = self.appended.changed();
            match deadline {
                None => drop(appended.await),
                Some(deadline) if timeout_at(deadline, appended).await.is_err() => return Ok(Vec::new()),
                Some(_) => {}
            }
        }
    }
}
