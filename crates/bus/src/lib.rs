//! The bus: an ordered, durable, replayable log of records by topic, partition and key.
//!
//! Two kinds behind one seam: Apache Kafka, and a log in SQLite for one machine. Services see only what stands here. Promised by both,
//! and proven by one contract suite: order within a key, delivery at least once, compaction, tombstones, headers, replay from the
//! start. A publication that returned is durable.

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

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use embedded::Embedded;
pub use kafka::{Kafka, KafkaOptions, Login, OAuth, ScramHash, Security, wait_for_closing};
pub use last::last;
pub use placement::partition_of;
pub use record::{Headers, Outgoing, Partition, Position, RECORD_BYTES_MAX, Record};
pub use table::Table;
pub use topic::{Cleanup, Topic, TopicKind};
pub use topic_tracker::{TopicTracker, WantedTopics, missing};
pub use url::connect;

/// When to look again whether there is room on a topic.
pub const CAPACITY_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The most records that one read or one event gives.
pub const BATCH_MAX: usize = 512;

/// How long a tombstone stays at least, so that whoever reads from the start within that time sees the end of the key.
pub const TOMBSTONE_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether somebody waits for a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A person or a leaver waits: sent at once.
    Live,
    /// Backlog: goes out in portions, between which what is urgent finds its way.
    Bulk,
}

/// What a subscription says next.
#[derive(Debug)]
pub enum Event {
    /// These partitions are ours now. Nothing of them is delivered before [`Subscription::start`] has answered for each.
    Assigned(Vec<Assigned>),
    /// Records, in order within each partition; never empty.
    Records(Vec<Record>),
    /// These partitions go to somebody else. What is in hand for them may be finished and committed until [`Subscription::released`] is
    /// called, for which there is a limit; then they are gone.
    Revoked(Vec<Partition>),
    /// These partitions were taken from us without asking (we were silent too long): nothing of them may be committed or acted on.
    Lost(Vec<Partition>),
}

/// A partition that became ours, with what the group committed for it.
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
    /// What the committer noted beside it.
    pub metadata: String,
}

/// Where a topic stands: what can be read of each partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The offset of the oldest record.
    pub low: i64,
    /// The offset the next record will get.
    pub high: i64,
}

impl Ends {
    /// Where whoever had come to an offset goes on: at the oldest record where he had come nowhere, where older ones are gone, and where
    /// the log ends before that offset, which means that it was made anew.
    #[must_use]
    pub fn resume(&self, next: Option<i64>) -> i64 {
        next.filter(|next| *next <= self.high).map_or(self.low, |next| next.max(self.low))
    }
}

/// A shared handle to a bus.
pub type Bus = Arc<dyn Transport>;

/// What a bus does.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Publishes records and returns when all are durable. Records of one key, given in one call or in calls one after the other, keep
    /// their order.
    ///
    /// # Errors
    /// When any record could not be made durable in time; some of the others may be.
    async fn publish(&self, records: Vec<Outgoing>, urgency: Urgency) -> Result<(), Error>;

    /// Whether what is bulk may go on to these topics: what is published has to be taken in its order, so a backlog waits where it goes
    /// by class until those who take them are near. Who is far behind for a second is not waited for, that time.
    async fn has_capacity(&self, topics: &[Topic]) -> bool;

    /// Joins a consumer group on topics. Each partition is with one member at a time. Topics must exist.
    ///
    /// # Errors
    /// When the bus is away or a topic is missing.
    async fn subscribe(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Subscription>, Error>;

    /// Opens partitions for reading from an offset each, outside any group. An offset that is not there any more reads on at the
    /// oldest record after it.
    ///
    /// # Errors
    /// When the bus is away or a topic is missing.
    async fn reader(&self, from: &[Position]) -> Result<Box<dyn Reader>, Error>;

    /// Where each partition of a topic stands, by index.
    ///
    /// # Errors
    /// When the bus is away or the topic is missing.
    async fn ends(&self, topic: &Topic) -> Result<Vec<Ends>, Error>;

    /// Creates those of these topics that do not exist yet.
    ///
    /// # Errors
    /// When the bus is away or refuses.
    async fn create(&self, topics: &[Topic], options: CreateOptions) -> Result<Vec<Topic>, Error>;

    /// How many brokers there are: a topic has at most as many copies.
    ///
    /// # Errors
    /// When the bus is away.
    async fn brokers(&self) -> Result<usize, Error>;

    /// Which of these topics are missing. A topic whose number of partitions is not the contract's is an error.
    ///
    /// # Errors
    /// When the bus is away, or a topic has another number of partitions.
    async fn missing(&self, topics: &[Topic]) -> Result<Vec<Topic>, Error>;

    /// Whether missing topics come into being by themselves (embedded) or an administrator must make them (Kafka).
    fn creates_topics(&self) -> bool;
}

/// How topics are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateOptions {
    /// Copies of each partition.
    pub replication: u16,
    /// Copies that must have a record before it counts as durable.
    pub min_insync: u16,
}

/// Membership in a consumer group. Dropping it leaves the group.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for what comes next. Cancelling it loses nothing.
    ///
    /// # Errors
    /// When the bus is away for good or refuses us.
    async fn next(&mut self) -> Result<Event, Error>;

    /// Says where to start an assigned partition; `None` starts at its oldest record. So does an offset past the end, which means that
    /// the log was made anew: everything is delivered again rather than something never. A partition that went away meanwhile is left
    /// alone: its [`Event::Revoked`] or [`Event::Lost`] follows.
    ///
    /// # Errors
    /// When the bus is away.
    async fn start(&mut self, partition: &Partition, next: Option<i64>) -> Result<(), Error>;

    /// Commits positions for the group. Returns when they are durable.
    ///
    /// # Errors
    /// [`Error::Fenced`] when a partition is not ours any more: then nothing of it may be acted on.
    async fn commit(&mut self, positions: Vec<(Partition, Committed)>) -> Result<(), Error>;

    /// Lets go of revoked partitions.
    fn released(&mut self, partitions: &[Partition]);

    /// Changes the topics without leaving the group.
    ///
    /// # Errors
    /// When the bus is away or a topic is missing.
    async fn resubscribe(&mut self, topics: &[Topic]) -> Result<(), Error>;
}

/// A reader of partitions, outside any group.
#[async_trait]
pub trait Reader: Send {
    /// The next records, in order within each partition, at most `records_max`; waits up to `wait` for the first, empty when none came.
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    /// When the bus is away; a later call goes on where this one stood.
    async fn read(&mut self, records_max: usize, wait: Duration) -> Result<Vec<Record>, Error>;

    /// The offset up to which a partition has been read: what stood before it was given, or is not there any more. It passes over
    /// gaps, so it reaches the end also where compaction has taken the last record. `None` for a partition that it does not read.
    fn position(&self, partition: &Partition) -> Option<i64>;
}

/// How the bus can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached; trying again later may help.
    #[error("the bus is away: {0}")]
    Unavailable(String),
    /// It did not take a record.
    #[error("publishing to {topic}: {reason}")]
    Publish {
        /// Where to.
        topic: String,
        /// What it said.
        reason: String,
    },
    /// A topic does not exist.
    #[error("topic {0} is missing: run `xtsync topics create`")]
    Missing(String),
    /// A topic has another number of partitions than the contract.
    #[error("topic {topic} has {found} partitions instead of {expected}")]
    Partitions {
        /// The topic.
        topic: String,
        /// The contract's number.
        expected: u32,
        /// The broker's.
        found: u32,
    },
    /// A partition is not ours any more.
    #[error("partition {index} of {topic} is not ours any more")]
    Fenced {
        /// The topic.
        topic: String,
        /// The partition.
        index: u32,
    },
    /// The bus or its settings are refused for good.
    #[error("the bus refuses: {0}")]
    Refused(String),
    /// The embedded log failed.
    #[error("the embedded log")]
    Log(#[from] sqlx::Error),
}

impl Error {
    /// The error for a partition that is not ours any more.
    #[must_use]
    pub fn fenced(partition: &Partition) -> Self {
        Self::Fenced { topic: partition.topic.to_string(), index: partition.index }
    }
}
