//! Buses to test, one of each implementation, with separate topics.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::OnceCell;
use xtsync_bus::{Bus, CreateOptions, Embedded, Kafka, KafkaOptions, Topic, Urgency};
use xtsync_contract::topic;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_harness::{Kafka as Broker, KafkaOptions as BrokerOptions, unique};
use xtsync_runtime::clock::{Clock, SystemClock};

use crate::builders::put;

/// Options for a single broker: one replica of each partition.
pub const ALONE: CreateOptions = CreateOptions { replication: 1, min_insync: 1 };

/// The number of partitions of a topic of [`new_topic`].
pub const PARTITIONS: u32 = 6;

/// A bus to test.
pub struct BusFixture {
    pub bus: Bus,
    kind: Kind,
}

enum Kind {
    Embedded { log: Arc<Embedded>, _folder: TempDir },
    Kafka,
}

impl BusFixture {
    /// A fresh embedded bus.
    pub async fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Embedded::open(&folder.path().join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
        Self { bus: log.clone(), kind: Kind::Embedded { log, _folder: folder } }
    }

    /// A client of the broker that the tests share.
    pub async fn kafka() -> Self {
        Self::on(KafkaOptions::new(broker().await.bootstrap())).await
    }

    /// A client of a broker with these options.
    pub async fn on(options: KafkaOptions) -> Self {
        Self { bus: Kafka::connect(options).await.unwrap(), kind: Kind::Kafka }
    }

    /// Creates a new topic.
    pub async fn topic(&self) -> Topic {
        self.create(new_topic()).await
    }

    /// Creates a topic.
    pub async fn create(&self, topic: Topic) -> Topic {
        self.bus.create(std::slice::from_ref(&topic), ALONE).await.unwrap();
        topic
    }

    /// Triggers compaction; it may take several calls.
    pub async fn compact(&self, topic: &Topic) {
        match &self.kind {
            Kind::Embedded { log, .. } => drop(log.compact(SystemClock.now()).await.unwrap()),
            // Kafka never compacts the active segment; one second after its start, the next record begins another.
            Kind::Kafka => {
                let fill = (0..20).map(|n| put(topic, &format!("filler-{n}"), n)).collect();
                self.bus.publish(fill, Urgency::Bulk).await.unwrap();
            }
        }
    }
}

/// The broker that the tests share, except for those that stop or reconfigure one.
pub async fn broker() -> &'static Broker {
    static SHARED: OnceCell<Broker> = OnceCell::const_new();
    let options = BrokerOptions { compact_soon: true, ..BrokerOptions::default() };
    SHARED.get_or_init(async || Broker::start(options).await.expect("a broker starts")).await
}

/// A unique tenant.
pub fn new_tenant() -> TenantName {
    TenantName::new(unique("t-")).unwrap()
}

/// A unique topic with several partitions that does not exist yet. It is not compacted: the shared broker compacts within seconds, and most tests count records.
pub fn new_topic() -> Topic {
    topic::OUTCOMES.of(new_tenant()).with_partitions(PARTITIONS)
}

/// The path of an embedded log in a folder.
pub fn log_in(folder: &TempDir) -> PathBuf {
    folder.path().join("bus.sqlite")
}

/// A fixed recent time at which manual clocks start.
pub fn today() -> Timestamp {
    Timestamp::parse("2026-11-21T08:00:00Z").unwrap()
}
