//! Reads the records of one topic for the owner of a lease: without a consumer group, from the offsets in the store.

use std::time::Duration;

use xtsync_bus::{BATCH_MAX, Bus, Partition, Position, Reader, Record, Topic};
use xtsync_store::{Store, load_offsets};

use super::Error;
use super::positions::Positions;

/// A reader of a topic that resumes at the stored offsets. The caller stores the offsets with the effect of the records, in a transaction
/// that asserts its lease. After any error, drop it and open a new one.
pub struct OwnedTopic {
    positions: Positions,
    reader: Box<dyn Reader>,
}

impl OwnedTopic {
    /// Opens all partitions of a topic.
    ///
    /// # Errors
    /// When the store or the bus fails; [`xtsync_bus::Error::Missing`] when there is no such topic.
    pub async fn open(store: &Store, bus: &Bus, topic: &Topic) -> Result<Self, Error> {
        let mut positions = Positions::new(store);
        // The stored offsets are read first, so the ends are at least as new.
        let stored = load_offsets(store, topic).await?;
        let ends = bus.ends(topic).await?;
        let mut from = Vec::new();
        for partition in Partition::all(topic) {
            let offset = positions.begin(&partition, &stored, &ends).await?;
            from.push(Position { partition, offset });
        }
        Ok(Self { positions, reader: bus.reader(&from).await? })
    }

    /// The next records, in order within each partition; none if none came within `wait`. Cancelling it loses nothing as long as no record
    /// was returned.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub async fn read(&mut self, wait: Duration) -> Result<Vec<Record>, Error> {
        let records = self.reader.read(BATCH_MAX, wait).await?;
        self.positions.track(&records).await?;
        Ok(records)
    }
}
