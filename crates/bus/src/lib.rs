//! The bus: an ordered, durable, replayable log of records by topic, partition and key.
//!
//! There are two implementations of [`Transport`]: Apache Kafka, and a log in SQLite for one machine. Services use only what this crate
//! exports. One contract suite tests both: order within a key, at-least-once delivery, compaction, tombstones, headers, replay from the
//! start. A publication that has returned is durable.

mod backlog;
mod embedded;
pub mod headers;
mod kafka;
mod last;
mod placement;
mod record;
mod table;
mod topic;
mod topic_tracker;
mod url;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

pub use embedded::Embedded;
pub use kafka::{Kafka, KafkaOptions, Login, OAuth, ScramHash, Security, wait_for_closing};
pub use last::last;
pub use placement::partition_of;
pub use record::{Headers, Outgoing, Partition, Position, RECORD_BYTES_MAX, Record};
pub use table::Table;
pub use topic::{Cleanup, Topic, TopicKind};
pub use topic_tracker::{TopicTracker, WantedTopics, missing};
pub use url::connect;

/// How often a publisher checks again whether topics have capacity.
pub const CAPACITY_CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// The most records that one read or one event returns.
pub const BATCH_MAX: usize = 512;

/// How long a tombstone stays at least. A consumer that reads from the start within that time sees that the key ended.
pub const TOMBSTONE_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a user or an operator waits for a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A user, an operator or a leaver waits: sent at once.
    Live,
    /// Backlog: sent in chunks, so that live records can go between them.
    Bulk,
}

/// What a subscription reports next.
#[derive(Debug)]
pub enum Event {
    /// These partitions are assigned to this member. No record of them is delivered before [`Subscription::start`] was called for each.
    Assigned(Vec<Assigned>),
    /// Records, in order within each partition; never empty.
    Records(Vec<Record>),
    /// These partitions go to another member. This member may finish and commit records in flight until it calls
    /// [`Subscription::released`], within a time limit. Then it no longer owns them.
    Revoked(Vec<Partition>),
    /// These partitions were lost without a revocation, because the member was silent for too long. Nothing of them may be committed or
    /// acted on.
    Lost(Vec<Partition>),
}

/// An assigned partition, with the group's committed position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The partition.
    pub partition: Partition,
    /// The group's committed position, if it has one.
    pub committed: Option<Committed>,
}

/// A position that a group committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The offset of the next record to read.
    pub next: i64,
    /// Metadata that the committer stored with it.
    pub metadata: String,
}

/// The offsets that can be read of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The offset of the oldest record.
    pub low: i64,
    /// The offset that the next record gets.
    pub high: i64,
}

impl Ends {
    /// Where a consumer whose next offset is `next` resumes. It is the oldest record when there is no next offset, when older records are
    /// gone, or when the log ends before it. In the last case the log was recreated.
    #[must_use]
    pub fn resume(&self, next: Option<i64>) -> i64 {
        next.filter(|next| *next <= self.high).map_or(self.low, |next| next.max(self.low))
    }
}

/// A shared handle to a bus.
pub type Bus = Arc<dyn Transport>;

/// Resolves when all records of a publication are durable, or with an error if one could not be made durable in time; some of the others
/// may be durable then. Dropping it takes no record back.
pub type Delivery = BoxFuture<'static, Result<(), Error>>;

/// The operations of a bus.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Publishes records and returns when all are durable. Records of one key keep their order, within one call and across consecutive
    /// calls.
    ///
    /// # Errors
    /// If a record could not be made durable in time; some of the others may be durable.
    async fn publish(&self, records: Vec<Outgoing>, urgency: Urgency) -> Result<(), Error> {
        self.send(records, urgency).await?.await
    }

    /// Puts records on their way, so that the caller can work on while they are delivered. Records of one key keep their order, within
    /// one call and across consecutive calls. It waits while too many bulk records are on their way.
    ///
    /// # Errors
    /// If the bus does not take a record; some of the others may be on their way.
    async fn send(&self, records: Vec<Outgoing>, urgency: Urgency) -> Result<Delivery, Error>;

    /// How many bulk records may be published to each of these topics; 0 while one has no room. A topic keeps its order, so bulk waits
    /// while the downstream consumer group lags: live records then do not queue behind it. One wait is bounded; after it, bulk proceeds.
    async fn capacity(&self, topics: &[Topic]) -> u64;

    /// Joins a consumer group on topics. Each partition is assigned to one member at a time. The topics must exist.
    ///
    /// # Errors
    /// If the bus is unavailable or a topic is missing.
    async fn subscribe(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Subscription>, Error>;

    /// Opens partitions for reading, each from an offset, outside any group. Where the offset no longer exists, reading continues at the
    /// oldest record after it.
    ///
    /// # Errors
    /// If the bus is unavailable or a topic is missing.
    async fn reader(&self, from: &[Position]) -> Result<Box<dyn Reader>, Error>;

    /// Commits positions in the name of a group that has no members, because its readers share the partitions by leases. They are what lag
    /// tools and [`Transport::capacity`] read.
    ///
    /// # Errors
    /// If the bus is unavailable, or the group has members.
    async fn commit(&self, group: &'static str, positions: &[Position]) -> Result<(), Error>;

    /// The ends of each partition of these topics, by index. However many topics there are, it takes a few requests.
    ///
    /// # Errors
    /// If the bus is unavailable or a topic is missing.
    async fn ends_of(&self, topics: &[Topic]) -> Result<BTreeMap<Topic, Vec<Ends>>, Error>;

    /// The ends of each partition of one topic, by index.
    ///
    /// # Errors
    /// If the bus is unavailable or the topic is missing.
    async fn ends(&self, topic: &Topic) -> Result<Vec<Ends>, Error> {
        Ok(self.ends_of(std::slice::from_ref(topic)).await?.remove(topic).unwrap_or_default())
    }

    /// Creates those of these topics that do not exist, and returns them.
    ///
    /// # Errors
    /// If the bus is unavailable or refuses.
    async fn create(&self, topics: &[Topic], options: CreateOptions) -> Result<Vec<Topic>, Error>;

    /// The number of brokers, which limits the replication factor of a topic.
    ///
    /// # Errors
    /// If the bus is unavailable.
    async fn brokers(&self) -> Result<usize, Error>;

    /// How many partitions each of these topics has; a topic that does not exist is left out.
    ///
    /// # Errors
    /// If the bus is unavailable; [`Error::Partitions`] if a topic had another number when this process first saw it.
    async fn partitions(&self, topics: &[Topic]) -> Result<BTreeMap<Topic, u32>, Error>;

    /// Returns those of these topics that are missing.
    ///
    /// # Errors
    /// As [`Transport::partitions`].
    async fn missing(&self, topics: &[Topic]) -> Result<Vec<Topic>, Error> {
        let partitions = self.partitions(topics).await?;
        Ok(topics.iter().filter(|topic| !partitions.contains_key(*topic)).cloned().collect())
    }

    /// Whether the bus creates missing topics itself (embedded). On Kafka an administrator creates them.
    fn creates_topics(&self) -> bool;
}

/// How topics are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateOptions {
    /// Copies of each partition.
    pub replication: u16,
    /// Copies that must have a record before it is durable.
    pub min_insync: u16,
}

/// Membership in a consumer group. Dropping it leaves the group.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for the next event. Cancelling it loses nothing.
    ///
    /// # Errors
    /// If the bus is permanently unavailable or refuses this member.
    async fn next(&mut self) -> Result<Event, Error>;

    /// Starts assigned partitions, each at an offset; `None` means its oldest record. An offset past the end also starts at the oldest
    /// record: the log was recreated, and a repeated delivery is safer than a lost one. A partition that is no longer assigned is ignored:
    /// its [`Event::Revoked`] or [`Event::Lost`] follows.
    ///
    /// # Errors
    /// If the bus is unavailable.
    async fn start(&mut self, from: &[(Partition, Option<i64>)]) -> Result<(), Error>;

    /// Commits positions for the group. Returns when they are durable.
    ///
    /// # Errors
    /// [`Error::Fenced`] when this member no longer owns a partition: then nothing of it may be acted on.
    async fn commit(&mut self, positions: Vec<(Partition, Committed)>) -> Result<(), Error>;

    /// Releases revoked partitions.
    fn released(&mut self, partitions: &[Partition]);

    /// Changes the topics without leaving the group.
    ///
    /// # Errors
    /// If the bus is unavailable or a topic is missing.
    async fn resubscribe(&mut self, topics: &[Topic]) -> Result<(), Error>;
}

/// A reader of partitions, outside any group.
#[async_trait]
pub trait Reader: Send {
    /// Returns the next records, in order within each partition, at most `records_max`. Waits up to `wait` for the first and returns none
    /// if none came. Cancelling it loses nothing.
    ///
    /// # Errors
    /// If the bus is unavailable; a later call continues at the same position.
    async fn read(&mut self, records_max: usize, wait: Duration) -> Result<Vec<Record>, Error>;

    /// The offset up to which a partition has been read: every record before it was returned or no longer exists. It skips gaps, so it
    /// reaches the end even where compaction removed the last record. `None` for a partition that this reader does not read.
    fn position(&self, partition: &Partition) -> Option<i64>;
}

/// How the bus can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached; a later attempt may succeed.
    #[error("the bus is unavailable: {0}")]
    Unavailable(String),
    /// It did not accept a record.
    #[error("publishing to {topic}: {reason}")]
    Publish {
        /// The topic.
        topic: String,
        /// The reason.
        reason: String,
    },
    /// A topic does not exist.
    #[error("topic {0} is missing: run `xtsync topics create`")]
    Missing(String),
    /// The number of partitions of a topic has changed under this process: keys have moved, and no reader of it knows the new ones.
    #[error("topic {topic} has {found} partitions and had {before}: they are changed while all roles are stopped (docs/partitions.md)")]
    Partitions {
        /// The topic.
        topic: String,
        /// The number when this process first saw the topic.
        before: u32,
        /// The number now.
        found: u32,
    },
    /// This member no longer owns a partition.
    #[error("partition {index} of {topic} is no longer owned by this member")]
    Fenced {
        /// The topic.
        topic: String,
        /// The partition.
        index: u32,
    },
    /// The bus refuses the client or its settings permanently.
    #[error("the bus refuses: {0}")]
    Refused(String),
    /// The embedded log failed.
    #[error("the embedded log")]
    Log(#[from] sqlx::Error),
}

impl Error {
    /// The error for a partition that this member no longer owns.
    #[must_use]
    pub fn fenced(partition: &Partition) -> Self {
        Self::Fenced { topic: partition.topic.to_string(), index: partition.index }
    }
}
