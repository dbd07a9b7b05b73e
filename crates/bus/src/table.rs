//! A compacted topic read as a table: everything from the start, then what changes.
//!
//! It is pulled and holds nothing itself, so its memory is that of one batch and whoever folds slowly slows it down. While the bus is
//! away it waits, with growing pauses, and goes on where it was.

use std::collections::HashMap;
use std::time::Duration;

use crate::topic::Topic;
use tracing::{info, warn};

use super::{BATCH_MAX, Bus, Error, Partition, Position, Reader, Record};

/// How long one read waits for news; then it asks again.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one read waits while the end may have come without a record, because compaction has taken the last ones.
const CATCH_UP_READ_TIMEOUT: Duration = Duration::from_millis(100);

/// The first and the longest pause after an error.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// A reader of whole compacted topics.
pub struct Table {
    bus: Bus,
    reader: Option<Box<dyn Reader>>,
    /// Where each partition is to be read on.
    next: HashMap<Partition, i64>,
    /// The ends seen at opening, of those partitions that have not been read up to them.
    end_offsets: HashMap<Partition, i64>,
}

impl Table {
    /// Opens topics from their start.
    ///
    /// # Errors
    /// [`Error::Missing`] when a topic is, [`Error::Unavailable`] when the bus is.
    pub async fn open(bus: &Bus, topics: Vec<Topic>) -> Result<Self, Error> {
        let mut table = Self { bus: Bus::clone(bus), reader: None, next: HashMap::new(), end_offsets: HashMap::new() };
        table.resubscribe(topics).await?;
        Ok(table)
    }

    /// Adds topics; those it reads already go on where they are. It is not [`Table::caught_up`] until it has read the new ones up to
    /// the ends they have now.
    ///
    /// # Errors
    /// As [`Table::open`]; then nothing has changed.
    pub async fn resubscribe(&mut self, topics: Vec<Topic>) -> Result<(), Error> {
        let mut added = Vec::new();
        for topic in topics {
            if self.next.keys().any(|partition| partition.topic == topic) {
                continue;
            }
            let ends = self.bus.ends(&topic).await?;
            added.extend((0..).zip(ends).map(|(index, ends)| (Partition { topic: topic.clone(), index }, ends)));
        }
        if !added.is_empty() {
            // The reader knows the old ones only; the next read opens one for all.
            self.reader = None;
        }
        for (partition, ends) in added {
            self.next.insert(partition.clone(), ends.low);
            if ends.low < ends.high {
                self.end_offsets.insert(partition, ends.high);
            }
        }
        Ok(())
    }

    /// Whether everything up to the ends seen at opening has been given.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.end_offsets.is_empty()
    }

    /// The next records, tombstones among them, in order within each partition. Empty once when it catches up without a record to
    /// give. Cancelling it loses nothing.
    ///
    /// # Errors
    /// When the bus refuses us for good; while it is away, this waits.
    pub async fn next(&mut self) -> Result<Vec<Record>, Error> {
        let mut pause = RETRY_DELAYS.0;
        loop {
            let was_caught_up = self.caught_up();
            match self.read().await {
                Ok(records) if !records.is_empty() || self.caught_up() != was_caught_up => return Ok(records),
                Ok(_) => pause = RETRY_DELAYS.0,
                Err(Error::Refused(reason)) => return Err(Error::Refused(reason)),
                Err(error) => {
                    warn!(%error, ?pause, "reading a table waits");
                    // A new reader also learns what an old one could not, such as a broker's new address.
                    self.reader = None;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_DELAYS.1);
                }
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        let wait = if self.caught_up() { READ_TIMEOUT } else { CATCH_UP_READ_TIMEOUT };
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(self.bus.reader(&positions(&self.next)).await?),
        };
        let records = reader.read(BATCH_MAX, wait).await?;
        for record in &records {
            self.next.insert(record.at.partition.clone(), record.at.offset + 1);
        }
        if !self.end_offsets.is_empty() {
            self.end_offsets.retain(|partition, end_offset| reader.position(partition).is_none_or(|position| position < *end_offset));
            if self.end_offsets.is_empty() {
                info!(partitions = self.next.len(), "a table has caught up");
            }
        }
        Ok(records)
    }
}

fn positions(next: &HashMap<Partition, i64>) -> Vec<Position> {
    next.iter().map(|(partition, offset)| Position { partition: partition.clone(), offset: *offset }).collect()
}
