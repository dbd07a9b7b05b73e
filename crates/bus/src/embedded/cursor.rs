//! Cursors: positions in partitions, read in turn, that wait for appends.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::appended::Appended;
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
        self.log.partition(self.part)
    }

    /// Moves to an offset, or to the start if the log ends before it: then the log was recreated.
    pub(super) fn start(&mut self, next: i64) {
        self.next = Some(if next > self.log.end(self.part) { 0 } else { next.max(0) });
    }

    /// Whether there may be records to read.
    fn is_behind(&self) -> bool {
        self.next.is_some_and(|next| next < self.log.end(self.part))
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
    all: BTreeMap<Partition, Cursor>,
    /// The partitions that may have records to read.
    ready: BTreeSet<Partition>,
    appended: Arc<Appended>,
    /// The partition that was read last.
    last: Option<Partition>,
    /// Records that a cancelled call had read.
    batch: Vec<Record>,
    shared: Arc<Shared>,
}

impl Cursors {
    /// No cursors yet.
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            all: BTreeMap::new(),
            ready: BTreeSet::new(),
            appended: Arc::default(),
            last: None,
            batch: Vec::new(),
            shared: Arc::clone(shared),
        }
    }

    /// Adds cursors over all partitions of a topic, or some.
    pub(super) fn add(&mut self, log: &Arc<Log>, cursors: impl IntoIterator<Item = Cursor>) {
        // Before the ends are looked at, so that no append is missed.
        log.readers.add(&self.appended);
        for cursor in cursors {
            self.ready.insert(cursor.partition());
            self.all.insert(cursor.partition(), cursor);
        }
    }

    /// The cursor in a partition.
    pub(super) fn get(&self, partition: &Partition) -> Option<&Cursor> {
        self.all.get(partition)
    }

    /// The topics of all cursors.
    pub(super) fn topics(&self) -> BTreeSet<Topic> {
        self.all.keys().map(|partition| partition.topic.clone()).collect()
    }

    /// Moves the cursor in a partition to an offset, as [`Cursor::start`].
    pub(super) fn start(&mut self, partition: &Partition, next: i64) {
        if let Some(cursor) = self.all.get_mut(partition) {
            cursor.start(next);
            self.ready.insert(partition.clone());
        }
    }

    /// The offset up to which the records of a partition were returned.
    pub(super) fn position(&self, partition: &Partition) -> Option<i64> {
        let unreturned = self.batch.iter().map(|record| &record.at).find(|at| at.partition == *partition).map(|at| at.offset);
        unreturned.or_else(|| self.all.get(partition)?.next)
    }

    /// Keeps these cursors, and returns the others.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&Topic) -> bool) -> Vec<Cursor> {
        self.batch.retain(|record| is_kept(&record.at.partition.topic));
        self.ready.retain(|partition| is_kept(&partition.topic));
        let removed: Vec<Cursor> = self.all.extract_if(.., |partition, _| !is_kept(&partition.topic)).map(|(_, cursor)| cursor).collect();
        removed.iter().for_each(|cursor| cursor.log.readers.remove(&self.appended));
        removed
    }

    /// Returns the next records, of as many partitions as have any; waits for them until the deadline, if there is one. Cancelling it loses
    /// nothing.
    pub(super) async fn next(&mut self, records_max: usize, wait: Option<Duration>) -> Result<Vec<Record>, Error> {
        let deadline = wait.map(|wait| Instant::now() + wait);
        loop {
            self.ready.append(&mut self.appended.take());
            while let Some(partition) = self.next_ready().filter(|_| self.batch.len() < records_max) {
                let mut is_behind = false;
                if let Some(cursor) = self.all.get_mut(&partition) {
                    let records = cursor.read(&self.shared, records_max - self.batch.len()).await?;
                    self.batch.extend(records);
                    is_behind = cursor.is_behind();
                }
                if !is_behind {
                    self.ready.remove(&partition);
                }
                self.last = Some(partition);
            }
            if !self.batch.is_empty() {
                return Ok(std::mem::take(&mut self.batch));
            }
            let appended = self.appended.wait();
            match deadline {
                None => appended.await,
                Some(deadline) if timeout_at(deadline, appended).await.is_err() => return Ok(Vec::new()),
                Some(_) => {}
            }
        }
    }

    /// The next partition that may have records, after the one that was read last.
    fn next_ready(&self) -> Option<Partition> {
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        self.ready.range((after, Bound::Unbounded)).next().or_else(|| self.ready.first()).cloned()
    }
}
