//! Publishes the status of a role: at each heartbeat, and soon after a change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;
use xtsync_contract::convert::wire_time;
use xtsync_contract::event;
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::topic;

use xtsync_bus::{Bus, Error, Outgoing, Urgency};
use xtsync_contract::role::Role;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::telemetry::chain;

/// How often every status is published, changed or not. A replica without a status for longer counts as absent.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// How long changes are collected: at most four publications a second.
const COALESCE_INTERVAL: Duration = Duration::from_millis(250);

/// By tenant; empty for a status without a tenant.
type Statuses = BTreeMap<String, RoleStatus>;

/// Publishes the status of one replica of a role until it is dropped.
#[derive(Debug)]
pub struct Publisher {
    role: Role,
    replica: String,
    statuses: watch::Sender<Statuses>,
    task: JoinHandle<()>,
}

impl Publisher {
    /// Starts the publisher.
    #[must_use]
    pub fn start(bus: Bus, role: Role, replica: &str, clock: Arc<dyn Clock>) -> Self {
        let (statuses, changes) = watch::channel(Statuses::new());
        let publish_loop =
            PublishLoop { bus, role, clock, published: Statuses::new(), next_heartbeat: Instant::now() + HEARTBEAT_INTERVAL };
        Self { role, replica: replica.to_owned(), statuses, task: tokio::spawn(publish_loop.run(changes)) }
    }

    /// Sets the status of one tenant. The publisher fills in role, replica and time.
    pub fn set(&self, status: RoleStatus) {
        let status = RoleStatus { role: self.role.to_string(), replica: self.replica.clone(), at: None, ..status };
        self.statuses.send_if_modified(|statuses| {
            let changed = statuses.get(&status.tenant) != Some(&status);
            if changed {
                statuses.insert(status.tenant.clone(), status);
            }
            changed
        });
    }

    /// Publishes the last changes and ends.
    pub async fn finish(self) {
        drop(self.statuses);
        // The task does not panic; if it did, its missing heartbeat would show it.
        self.task.await.ok();
    }
}

struct PublishLoop {
    bus: Bus,
    role: Role,
    clock: Arc<dyn Clock>,
    published: Statuses,
    next_heartbeat: Instant,
}

impl PublishLoop {
    async fn run(mut self, mut changes: watch::Receiver<Statuses>) {
        loop {
            let ended = matches!(timeout_at(self.next_heartbeat, changes.changed()).await, Ok(Err(_)));
            let statuses = changes.borrow_and_update().clone();
            self.publish(statuses).await;
            if ended {
                return;
            }
            sleep(COALESCE_INTERVAL).await;
        }
    }

    /// Publishes every status at a heartbeat, else the changed ones. Failed publications are repeated at the next heartbeat.
    async fn publish(&mut self, statuses: Statuses) {
        let now = Instant::now();
        let is_heartbeat = now >= self.next_heartbeat;
        let due = statuses.values().filter(|status| is_heartbeat || self.published.get(&status.tenant) != Some(status));
        let records: Vec<_> = due.map(|status| self.record(status)).collect();
        if is_heartbeat {
            self.next_heartbeat = now + HEARTBEAT_INTERVAL;
        }
        if records.is_empty() {
            return;
        }
        match self.bus.publish(records, Urgency::Live).await {
            Ok(()) => self.published = statuses,
            Err(error) => self.report(&error),
        }
    }

    fn record(&self, status: &RoleStatus) -> Outgoing {
        let now = self.clock.now();
        let key = format!("{}/{}/{}", status.role, status.replica, status.tenant);
        let status = RoleStatus { at: Some(wire_time(now)), ..status.clone() };
        event::record::<RoleStatus>(self.role, topic::STATUS.topic(), &key, now.0, now, None, status.encode_to_vec())
    }

    fn report(&self, error: &Error) {
        warn!(role = %self.role, error = chain(error), "the status could not be published");
    }
}

#[cfg(test)]
mod tests {
    use xtsync_contract::event;

    use super::*;
    use xtsync_bus::{Embedded, Table};
    use xtsync_runtime::clock::SystemClock;

    fn status(tenant: &str, lag: u64) -> RoleStatus {
        RoleStatus { tenant: tenant.to_owned(), lag, ..RoleStatus::default() }
    }

    async fn published(table: &mut Table) -> Vec<(String, u64)> {
        let records = table.next().await.unwrap();
        let read = |record: &xtsync_bus::Record| {
            let status: RoleStatus = event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap();
            assert!(status.at.is_some());
            (std::str::from_utf8(&record.key).unwrap().to_owned(), status.lag)
        };
        records.iter().map(read).collect()
    }

    #[tokio::test]
    async fn changes_are_coalesced_and_everything_is_repeated_at_each_heartbeat() {
        let dir = xtsync_harness::Dir::new().unwrap();
        let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
        let mut table = Table::open(&bus, vec![topic::STATUS.topic()]).await.unwrap();
        let publisher = Publisher::start(bus, Role::POLICY, "r1", Arc::new(SystemClock));
        let began = Instant::now();
        publisher.set(status("emea", 1));
        assert_eq!(published(&mut table).await, [("policy/r1/emea".to_owned(), 1)]);
        for lag in 2..100 {
            publisher.set(status("emea", lag));
        }
        assert_eq!(published(&mut table).await, [("policy/r1/emea".to_owned(), 99)], "only the newest status of a burst");
        assert_eq!(published(&mut table).await, [("policy/r1/emea".to_owned(), 99)], "unchanged, at the heartbeat");
        assert!(began.elapsed() >= HEARTBEAT_INTERVAL);
        publisher.set(status("emea", 0));
        publisher.finish().await;
        assert_eq!(published(&mut table).await, [("policy/r1/emea".to_owned(), 0)], "the last status");
    }
}
