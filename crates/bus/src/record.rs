//! Records: to be published, as stored, and their positions.

use std::fmt;

use crate::topic::Topic;
use bytes::Bytes;
use xtsync_domain::Timestamp;

use super::Error;

/// The most bytes of key, value and headers of one record together; Kafka's default.
pub const RECORD_BYTES_MAX: usize = 1_000_000;

/// A record to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The topic.
    pub topic: Topic,
    /// Its key: records of one key keep their order.
    pub key: Bytes,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Headers,
}

impl Outgoing {
    /// A tombstone for a key: compaction may remove the earlier records. It has no headers, because it is no event.
    #[must_use]
    pub fn tombstone(topic: Topic, key: &str) -> Self {
        Self { topic, key: Bytes::copy_from_slice(key.as_bytes()), value: None, headers: Vec::new() }
    }

    /// Refuses a record over [`RECORD_BYTES_MAX`], the same way on both buses.
    ///
    /// # Errors
    /// [`Error::Publish`] with both sizes.
    pub fn check_size(&self) -> Result<(), Error> {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = self.key.len() + self.value.as_ref().map_or(0, Bytes::len) + headers;
        if bytes <= RECORD_BYTES_MAX {
            return Ok(());
        }
        Err(Error::Publish { topic: self.topic.to_string(), reason: format!("a record of {bytes} bytes is over {RECORD_BYTES_MAX}") })
    }
}

/// Headers of a record: names and values, in order.
pub type Headers = Vec<(String, Bytes)>;

/// A record on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its position.
    pub at: Position,
    /// Its key.
    pub key: Bytes,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Headers,
    /// The publisher's time of publication; Kafka stores milliseconds.
    pub time: Timestamp,
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic.
    pub topic: Topic,
    /// Its index, from 0.
    pub index: u32,
}

impl Partition {
    /// All partitions of a topic that has so many.
    pub fn all(topic: &Topic, count: u32) -> impl Iterator<Item = Self> {
        (0..count).map(|index| Self { topic: topic.clone(), index })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.index)
    }
}

/// A position in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The partition.
    pub partition: Partition,
    /// The offset in it, from 0.
    pub offset: i64,
}
