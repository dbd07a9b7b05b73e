//! A bus to test: one of each kind, with topics of its own.

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

/// One replica, as a broker that stands alone has it.
pub const ALONE: CreateOptions = CreateOptions { replication: 1, min_insync: 1 };

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

    /// The broker that all checks share.
    pub async fn kafka() -> Self {
        Self::on(KafkaOptions::new(broker().await.bootstrap())).await
    }

    /// A broker reached in this way.
    pub async fn on(options: KafkaOptions) -> Self {
        Self { bus: Kafka::connect(options).await.unwrap(), kind: Kind::Kafka }
    }

    /// A topic of its own that exists.
    pub async fn topic(&self) -> Topic {
        self.create(new_topic()).await
    }

    /// A topic that exists.
    pub async fn create(&self, topic: Topic) -> Topic {
        self.bus.create(std::slice::from_ref(&topic), ALONE).await.unwrap();
        topic
    }

    /// Does what makes the bus compact soon; it may take a few calls.
    pub async fn compact(&self, topic: &Topic) {
        match &self.kind {
            Kind::Embedded { log, .. } => drop(log.compact(SystemClock.now()).await.unwrap()),
            // The newest segment is never compacted; a second after it was begun, the next record begins another.
            Kind::Kafka => {
                let fill = (0..20).map(|n| put(topic, &format!("filler-{n}"), n)).collect();
                self.bus.publish(fill, Urgency::Bulk).await.unwrap();
            }
        }
    }
}

/// The broker that all checks share, but those that do something to it.
pub async fn broker() -> &'static Broker {
    static SHARED: OnceCell<Broker> = OnceCell::const_new();
    let options = BrokerOptions { compact_soon: true, ..BrokerOptions::default() };
    SHARED.get_or_init(async || Broker::start(options).await.expect("a broker starts")).await
}

/// A tenant that nobody else uses.
pub fn new_tenant() -> TenantName {
    TenantName::new(unique("t-")).unwrap()
}

/// A topic that nobody else uses and that does not exist yet. Not a compacted one: the shared broker compacts within seconds, and most
/// checks count.
pub fn new_topic() -> Topic {
    topic::OUTCOMES.of(new_tenant())
}

/// An embedded log in a folder.
pub fn log_in(folder: &TempDir) -> PathBuf {
    folder.path().join("bus.sqlite")
}

/// A day of this century, to start manual clocks at.
pub fn today() -> Timestamp {
    Timestamp::parse("2026-11-21T08:00:00Z").unwrap()
}
