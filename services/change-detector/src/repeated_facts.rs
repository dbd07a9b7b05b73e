//! Facts that say again what is known, of all tenants of a process: they are collected for a moment and published together.
//!
//! Identity and access policy are read of each tenant at intervals, and mostly as before. With a publication for each, every reader of facts
//! would be woken for each, and a fetch from Kafka costs as much as it names partitions. News are published at once and not collected.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio::time::sleep;
use tracing::warn;
use xtsync_bus::{Bus, Outgoing, Urgency};
use xtsync_domain::TenantName;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;
use xtsync_store::{Fence, Store};

use crate::error::Error;

/// The longest time for which facts are collected: far below the minute after which a policy counts as unknown.
const COLLECT_MAX: Duration = Duration::from_secs(5);

/// They are collected for this part of the interval at which facts are read, at most.
const COLLECT_PART: u32 = 4;

/// By tenant and key of the fact, with the lease under which each was read.
type Waiting = BTreeMap<(TenantName, String), (Fence, Outgoing)>;

/// The repeated facts that wait to be published.
#[derive(Debug, Default)]
pub(crate) struct RepeatedFacts {
    waiting: Mutex<Waiting>,
    added: Notify,
}

/// While this is held, no repeated fact is published.
pub(crate) struct Paused<'a> {
    _waiting: MutexGuard<'a, Waiting>,
}

impl RepeatedFacts {
    /// Has facts of a tenant published soon, each with its key.
    pub(crate) async fn add(&self, tenant: &TenantName, fence: &Fence, records: impl IntoIterator<Item = (String, Outgoing)>) {
        let mut waiting = self.waiting.lock().await;
        waiting.extend(records.into_iter().map(|(key, record)| ((tenant.clone(), key), (fence.clone(), record))));
        self.added.notify_one();
    }

    /// Forgets facts that there is news of: what waits is older, and must not be published after them.
    pub(crate) async fn supersede(&self, tenant: &TenantName, keys: impl IntoIterator<Item = String>) -> Paused<'_> {
        let mut waiting = self.waiting.lock().await;
        keys.into_iter().for_each(|key| drop(waiting.remove(&(tenant.clone(), key))));
        Paused { _waiting: waiting }
    }

    /// Publishes what was collected, until the shutdown.
    pub(crate) async fn run(&self, bus: &Bus, store: &Store, facts_interval: Duration, shutdown: &Shutdown) {
        let collect = COLLECT_MAX.min(facts_interval / COLLECT_PART);
        while shutdown.or(self.added.notified()).await.is_some() && shutdown.or(sleep(collect)).await.is_some() {
            // Each is read and published again at the next interval.
            if let Err(error) = self.publish(bus, store).await {
                warn!(error = chain(&error), "facts that say again what is known were not published");
            }
        }
    }

    /// Publishes what was collected, as far as the leases under which it was read are held; returns the number of records.
    pub(crate) async fn publish(&self, bus: &Bus, store: &Store) -> Result<usize, Error> {
        let mut waiting = self.waiting.lock().await;
        let collected = std::mem::take(&mut *waiting);
        let leases: BTreeMap<&str, &Fence> = collected.values().map(|(fence, _)| (fence.lease(), fence)).collect();
        let held = Fence::held(store, leases.into_values()).await?;
        let records: Vec<Outgoing> = collected
            .into_values()
            .filter(|(fence, _)| held.contains(&(fence.lease().to_owned(), fence.epoch())))
            .map(|(_, record)| record)
            .collect();
        let count = records.len();
        if count > 0 {
            bus.publish(records, Urgency::Live).await?;
        }
        Ok(count)
    }
}
