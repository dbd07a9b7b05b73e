//! Where the records of a topic are read on: after the offsets in the store. They are set back when a log was recreated.

use std::collections::{BTreeMap, HashMap};

use xtsync_bus::{Ends, Partition, Record};
use xtsync_store::{Store, set_offset_back};

use super::Error;

/// The next offset of each partition that is read.
pub(super) struct Positions {
    store: Store,
    next: HashMap<Partition, i64>,
}

impl Positions {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone(), next: HashMap::new() }
    }

    /// The offset at which a partition is begun, with the stored offsets of its topic and the ends that were read after them: only a
    /// recreated log ends before a stored offset.
    pub(super) async fn begin(&mut self, partition: &Partition, stored: &BTreeMap<u32, i64>, ends: &[Ends]) -> Result<i64, Error> {
        let (stored, ends) = (stored.get(&partition.index).copied(), ends[partition.index as usize]);
        let next = ends.resume(stored);
        if stored.is_some_and(|stored| stored > ends.high) {
            set_offset_back(&self.store, partition, next).await?;
        }
        self.next.insert(partition.clone(), next);
        Ok(next)
    }

    /// Tracks what was read and detects a recreated log: offsets of one partition otherwise only grow.
    pub(super) async fn track(&mut self, records: &[Record]) -> Result<(), Error> {
        for record in records {
            let at = &record.at;
            let before = self.next.insert(at.partition.clone(), at.offset + 1);
            if before.is_some_and(|next| at.offset < next) {
                set_offset_back(&self.store, &at.partition, at.offset).await?;
            }
        }
        Ok(())
    }
}
