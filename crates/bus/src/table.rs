//! Reads compacted topics as a table: every record from the start, then changes.
//!
//! The caller pulls records and the table stores none, so its memory is one batch and a slow caller slows the reads. While the bus is
//! unavailable, it waits with growing pauses and then continues.

use std::collections::HashMap;
use std::time::Duration;

use crate::topic::Topic;
use tracing::{info, warn};

use super::{BATCH_MAX, Bus, Error, Partition, Position, Reader, Record};

/// How long one read waits for records before the next read.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one read waits while the table catches up: compaction may have removed the last records, so none may come.
const CATCH_UP_READ_TIMEOUT: Duration = Duration::from_millis(100);

/// The first and the longest pause after an error.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// A reader of complete compacted topics.
pub struct Table {
    bus: Bus,
    reader: Option<Box<dyn Reader>>,
    /// The next offset to read of each partition.
    next: HashMap<Partition, i64>,
    /// The ends at opening of the partitions that have not been read up to them.
    end_offsets: HashMap<Partition, i64>,
}

impl Table {
    /// Opens topics from their start.
    ///
    /// # Errors
    /// [`Error::Missing`] when a topic is missing, [`Error::Unavailable`] when the bus is unavailable.
    pub async fn open(bus: &Bus, topics: Vec<Topic>) -> Result<Self, Error> {
        let mut table = Self { bus: Bus::clone(bus), reader: None, next: HashMap::new(), end_offsets: HashMap::new() };
        table.resubscribe(topics).await?;
        Ok(table)
    }

    /// Adds topics; the topics that it reads already continue at their positions. It is not [`Table::caught_up`] until it has read the new
    /// topics up to their current ends.
    ///
    /// # Errors
    /// As [`Table::open`]; on an error nothing has changed.
    pub async fn resubscribe(&mut self, topics: Vec<Topic>) -> Result<(), Error> {
        let is_new = |topic: &Topic| !self.next.contains_key(&Partition { topic: topic.clone(), index: 0 });
        let added: Vec<Topic> = topics.into_iter().filter(is_new).collect();
        if added.is_empty() {
            return Ok(());
        }
        let ends = self.bus.ends_of(&added).await?;
        // The open reader has only the old topics; the next read opens one for all.
        self.reader = None;
        for (topic, ends) in ends {
            for (index, ends) in (0..).zip(ends) {
                let partition = Partition { topic: topic.clone(), index };
                self.next.insert(partition.clone(), ends.low);
                if ends.low < ends.high {
                    self.end_offsets.insert(partition, ends.high);
                }
            }
        }
        Ok(())
    }

    /// Whether all records up to the ends at opening have been returned.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.end_offsets.is_empty()
    }

    /// Returns the next records, including tombstones, in order within each partition. Returns none once if the table catches up without a
    /// record. Cancelling it loses nothing.
    ///
    /// # Errors
    /// If the bus refuses the client permanently; while it is unavailable, this waits.
    pub async fn next(&mut self) -> Result<Vec<Record>, Error> {
        let mut pause = RETRY_DELAYS.0;
        loop {
            let was_caught_up = self.caught_up();
            match self.read().await {
                Ok(records) if !records.is_empty() || self.caught_up() != was_caught_up => return Ok(records),
                Ok(_) => pause = RETRY_DELAYS.0,
                Err(Error::Refused(reason)) => return Err(Error::Refused(reason)),
                Err(error) => {
                    warn!(%error, ?pause, "reading a table failed and is retried");
                    // A new reader also finds what the old one could not, such as a broker's new address.
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
