//! The bus of a fleet: Apache Kafka, through librdkafka.
//!
//! Only this folder uses the client library. One idempotent producer publishes everything. Group members rebalance cooperatively and commit
//! explicitly; readers belong to no group. Only `create` creates topics.

mod background_drop;
mod client;
mod error;
mod group_offsets;
mod membership;
mod options;
mod partition_counts;
mod producer;
mod publication;
mod publish;
mod pump;
mod reader;
mod record;
mod subscription;
mod token;
mod topics;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::topic::Topic;
use async_trait::async_trait;

pub use self::background_drop::wait_for_closing;
use self::client::Access;
use self::group_offsets::GroupOffsets;
pub use self::options::{KafkaOptions, Login, OAuth, ScramHash, Security};
use self::partition_counts::PartitionCounts;
use self::publish::{Producer, Publisher};
use super::backlog::{Backlog, Lag, LagSource};
use super::{CreateOptions, Delivery, Ends, Error, Outgoing, Partition, Position, Reader, Subscription, Transport, Urgency};

/// The bus on Kafka.
pub struct Kafka(Arc<Cluster>);

/// The state shared by all operations on a cluster.
struct Cluster {
    options: KafkaOptions,
    access: Access,
    publisher: Arc<Publisher>,
    backlog: Backlog,
    group_offsets: GroupOffsets,
    partition_counts: PartitionCounts,
}

impl Cluster {
    /// A client for requests about topics.
    fn client(&self) -> Arc<Producer> {
        self.publisher.producer()
    }
}

#[async_trait]
impl LagSource for Cluster {
    async fn consumer_lag(&self, topic: &Topic, group: &'static str) -> Result<Option<Lag>, Error> {
        let partitions = match self.partition_counts.get(topic) {
            Some(partitions) => partitions,
            None => topics::check(self, std::slice::from_ref(topic)).await?[topic],
        };
        self.group_offsets.lag(&self.access, Partition::all(topic, partitions).collect(), group).await
    }
}

impl Kafka {
    /// Creates the bus. The brokers need not be reachable yet: operations that need them wait or return [`Error::Unavailable`].
    ///
    /// # Errors
    /// [`Error::Refused`] when a setting is wrong or a secret cannot be read.
    pub async fn connect(options: KafkaOptions) -> Result<Arc<Self>, Error> {
        let access = Access::new(&options).await?;
        let publisher = Arc::new(Publisher::new(&access, options.publish_limit)?);
        let backlog = Backlog::new(options.bulk_max_wait);
        let (group_offsets, partition_counts) = (GroupOffsets::default(), PartitionCounts::default());
        Ok(Arc::new(Self(Arc::new(Cluster { options, access, publisher, backlog, group_offsets, partition_counts }))))
    }
}

#[async_trait]
impl Transport for Kafka {
    async fn send(&self, records: Vec<Outgoing>, urgency: Urgency) -> Result<Delivery, Error> {
        self.0.publisher.send(&records, urgency).await
    }

    async fn capacity(&self, topics: &[Topic]) -> u64 {
        self.0.backlog.capacity(&*self.0, topics).await
    }

    async fn subscribe(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Subscription>, Error> {
        Ok(Box::new(subscription::Member::join(&self.0, group, topics).await?))
    }

    async fn reader(&self, from: &[Position]) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(reader::PartitionsReader::open(&self.0, from).await?))
    }

    async fn commit(&self, group: &'static str, positions: &[Position]) -> Result<(), Error> {
        self.0.group_offsets.commit(&self.0.access, group, positions).await
    }

    async fn ends_of(&self, topics: &[Topic]) -> Result<BTreeMap<Topic, Vec<Ends>>, Error> {
        topics::ends(&self.0, topics).await
    }

    async fn create(&self, topics: &[Topic], options: CreateOptions) -> Result<Vec<Topic>, Error> {
        topics::create(&self.0, topics, options).await
    }

    async fn brokers(&self) -> Result<usize, Error> {
        topics::brokers(self.0.client()).await
    }

    async fn partitions(&self, topics: &[Topic]) -> Result<BTreeMap<Topic, u32>, Error> {
        topics::partitions(&self.0, topics).await
    }

    fn creates_topics(&self) -> bool {
        false
    }
}
