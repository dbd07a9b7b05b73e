//! Follows the topic `config` and publishes each complete revision to the services of the process.
//!
//! A partial revision is never visible. Resources take effect only when a commit closes them and matches their number and digest, because
//! compaction may have removed what a partial revision replaced. An undecodable or foreign record is reported with its position and
//! skipped. If it replaced a resource, the digest differs and the last complete revision stays. A record that only a newer version
//! understands blocks all revisions until it is replaced.

mod fold;
mod record;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use tokio::sync::watch;
use tracing::{error, info, warn};
use xtsync_contract::topic;
use xtsync_domain::Configuration;

pub use fold::digest;
use fold::{Fold, State};
pub use record::{Commit, ParsedRecord, Unusable, read};

use xtsync_bus::{Bus, Error, Position, Record, Table};
use xtsync_runtime::health::{Condition, Health};
use xtsync_runtime::metrics::meter;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;

/// How long to wait before the topic is read again after an error.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Follows the configuration until the shutdown.
#[derive(Debug, Clone)]
pub struct Watch(watch::Receiver<Arc<Configuration>>);

impl Watch {
    /// Starts to follow the topic. The condition `configuration` is false until the first revision is complete.
    #[must_use]
    pub fn start(bus: Bus, health: &Health, shutdown: Shutdown) -> Self {
        let (current, receiver) = watch::channel(Arc::new(Configuration::default()));
        let (meter, help) = (meter(), "Records of the configuration that cannot be used, by reason.");
        let unusable = meter.u64_counter("xtsync_configuration_records_unusable").with_description(help).build();
        let follower = Follower { condition: health.condition("configuration"), current, fold: Fold::default(), unusable };
        tokio::spawn(async move { shutdown.or(follower.run(bus)).await });
        Self(receiver)
    }

    /// The newest complete revision; revision 0 before the first.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<Arc<Configuration>> {
        self.0.clone()
    }

    /// Waits for the first revision; `None` when the shutdown comes first.
    pub async fn wait_first(&self) -> Option<Arc<Configuration>> {
        let mut receiver = self.receiver();
        let first = receiver.wait_for(|configuration| configuration.revision() > 0).await;
        first.ok().map(|configuration| Arc::clone(&configuration))
    }
}

struct Follower {
    condition: Condition,
    current: watch::Sender<Arc<Configuration>>,
    fold: Fold,
    unusable: Counter<u64>,
}

impl Follower {
    async fn run(mut self, bus: Bus) {
        loop {
            let error = match Table::open(&bus, vec![topic::CONFIG.topic()]).await {
                // A new table reads from the start, so nothing folded before may stay.
                Ok(table) => {
                    self.fold = Fold::default();
                    self.follow(table).await
                }
                Err(error) => error,
            };
            warn!(error = chain(&error), "the configuration cannot be read");
            self.condition.set(false, error.to_string());
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    async fn follow(&mut self, mut table: Table) -> Error {
        loop {
            if table.caught_up() {
                self.publish();
            }
            match table.next().await {
                Ok(records) => records.iter().for_each(|record| self.take(record)),
                Err(error) => return error,
            }
        }
    }

    fn take(&mut self, record: &Record) {
        if let Err(unusable) = self.fold.take(record) {
            self.unusable.add(1, &[KeyValue::new("reason", unusable.code())]);
            let Position { partition, offset } = &record.at;
            error!(%partition, offset, error = chain(&unusable), "a record of the configuration cannot be used");
        }
    }

    fn publish(&self) {
        if let Some(configuration) = self.fold.complete()
            && configuration.revision() != self.current.borrow().revision()
        {
            info!(revision = configuration.revision(), "configuration");
            self.current.send_replace(Arc::new(configuration));
        }
        let current = self.current.borrow().revision();
        match self.fold.state() {
            State::NewerWriter(reason) => self.condition.set(false, reason),
            State::Incomplete(_) | State::Complete if current > 0 => self.condition.set(true, format!("revision {current}")),
            State::Incomplete(reason) => self.condition.set(false, reason),
            State::Complete => self.condition.set(false, "nothing has been applied yet"),
        }
    }
}

#[cfg(test)]
mod tests;
