//! Publishes the status of a role: each tenant's on change, and one heartbeat of the replica at an interval.
//!
//! A status counts as long as the heartbeat of its replica does, so that the number of records at rest does not depend on the number of
//! tenants.

mod ledger;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::warn;
use xtsync_contract::internal::RoleStatus;

use xtsync_bus::{Bus, Urgency};
use xtsync_contract::role::Role;
use xtsync_domain::TenantName;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::telemetry::chain;

pub use ledger::GAP_MAX;
use ledger::{Ledger, Statuses};

/// How long changes are collected: at most four publications a second.
const COALESCE_INTERVAL: Duration = Duration::from_millis(250);

/// The longest time for the last publication.
const FINISH_MAX: Duration = Duration::from_secs(5);

/// Publishes the status of one replica of a role until it is dropped.
#[derive(Debug)]
pub struct Publisher {
    statuses: watch::Sender<Statuses>,
    task: JoinHandle<()>,
}

impl Publisher {
    /// Starts the publisher with a heartbeat.
    #[must_use]
    pub fn start(bus: Bus, role: Role, replica: &str, clock: Arc<dyn Clock>) -> Self {
        let (statuses, changes) = watch::channel(Statuses::new());
        let publish_loop = PublishLoop { bus, role, clock, ledger: Ledger::new(role, replica, Instant::now()) };
        Self { statuses, task: tokio::spawn(publish_loop.run(changes)) }
    }

    /// Sets the status of one tenant. The publisher fills in role, replica and times.
    pub fn set(&self, status: RoleStatus) {
        self.statuses.send_if_modified(|statuses| {
            let has_changed = statuses.get(&status.tenant) != Some(&status);
            if has_changed {
                statuses.insert(status.tenant.clone(), status);
            }
            has_changed
        });
    }

    /// Ends the statuses of all other tenants, with tombstones.
    pub fn retain<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantName>) {
        let tenants: BTreeSet<&str> = tenants.into_iter().map(TenantName::as_str).collect();
        self.statuses.send_if_modified(|statuses| {
            let before = statuses.len();
            statuses.retain(|tenant, _| tenants.contains(tenant.as_str()));
            statuses.len() != before
        });
    }

    /// Publishes the last changes and ends. It waits five seconds at most, for a bus that is away.
    pub async fn finish(mut self) {
        drop(self.statuses);
        // The task does not panic; if it did, its missing heartbeat would show it.
        if timeout(FINISH_MAX, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

struct PublishLoop {
    bus: Bus,
    role: Role,
    clock: Arc<dyn Clock>,
    ledger: Ledger,
}

impl PublishLoop {
    async fn run(mut self, mut changes: watch::Receiver<Statuses>) {
        loop {
            let has_ended = changes.has_changed().is_err();
            let statuses = changes.borrow_and_update().clone();
            let is_postponed = self.publish(&statuses, has_ended).await;
            if has_ended {
                return;
            }
            sleep(COALESCE_INTERVAL).await;
            if !is_postponed {
                // A change, the end, or a heartbeat: each is handled in the next round.
                let _ = timeout_at(self.ledger.next_heartbeat(), changes.changed()).await;
            }
        }
    }

    /// Publishes what is due. Returns whether a change is postponed.
    async fn publish(&mut self, statuses: &Statuses, is_last: bool) -> bool {
        let due = self.ledger.due(statuses, self.clock.now(), Instant::now(), is_last);
        let is_postponed = due.is_postponed;
        if !due.records.is_empty() {
            match self.bus.publish(due.records.clone(), Urgency::Live).await {
                Ok(()) => self.ledger.confirm(due),
                // What was not published stays due: it is repeated with the next change, at the latest with the next heartbeat.
                Err(error) => warn!(role = %self.role, error = chain(&error), "the status could not be published"),
            }
        }
        is_postponed
    }
}

#[cfg(test)]
mod tests;
