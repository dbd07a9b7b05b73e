//! How many partitions topics had when this process first saw them.
//!
//! A reader knows the partitions that it was opened with, and would miss the keys that move to others. So a topic whose number of partitions
//! changes is an error until the process starts anew.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use crate::{Error, Topic};

/// The numbers of partitions, by topic.
#[derive(Default)]
pub(super) struct PartitionCounts(Mutex<HashMap<Topic, u32>>);

impl PartitionCounts {
    /// The number of partitions of a topic that was seen before.
    pub(super) fn get(&self, topic: &Topic) -> Option<u32> {
        self.0.lock().get(topic).copied()
    }

    /// Remembers the numbers of topics that were not seen before. [`Error::Partitions`] for the first topic that had another number.
    pub(super) fn check(&self, found: &BTreeMap<Topic, u32>) -> Result<(), Error> {
        let mut known = self.0.lock();
        for (topic, found) in found {
            let before = *known.entry(topic.clone()).or_insert(*found);
            if before != *found {
                return Err(Error::Partitions { topic: topic.to_string(), before, found: *found });
            }
        }
        Ok(())
    }
}
