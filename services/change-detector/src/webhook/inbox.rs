//! Where notifications arrive, and which tenants they trigger.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use xtsync_domain::TenantName;
use xtsync_service::wake::Wake;
use xtsync_store::Store;

use super::delivery::{Event, Notification};
use super::states::{READ_INTERVAL_MIN, States};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::subscription;
use crate::trigger::Trigger;

/// Where notifications arrive, and which tenants they trigger. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    trigger: Trigger,
    attached: Arc<Mutex<Option<Attached>>>,
}

/// What a detector that works lends to the inbox.
#[derive(Debug, Clone)]
struct Attached {
    store: Store,
    states: Arc<States>,
    metrics: Metrics,
}

impl Inbox {
    /// One that triggers there.
    #[must_use]
    pub fn new(trigger: Trigger) -> Self {
        Self { trigger, ..Self::default() }
    }

    pub(crate) fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    /// Lends it the store of a detector that works from now on.
    pub(crate) fn attach(&self, store: Store, metrics: Metrics) {
        let attached = Attached { store, states: Arc::default(), metrics };
        *self.attached.lock() = Some(attached);
    }

    /// Takes notifications in. False when no detector works yet: then the directory is to come again.
    pub(super) async fn receive(&self, tenant: &TenantName, notifications: &[Notification<'_>]) -> Result<bool, Error> {
        let attached = self.attached.lock().clone();
        let Some(Attached { store, states, metrics }) = attached else {
            return Ok(false);
        };
        let hashed: Vec<(String, Event)> = notifications
            .iter()
            .filter_map(|notification| Some((subscription::state_hash(notification.state()?), notification.event())))
            .collect();
        let hashes: HashSet<String> = hashed.iter().map(|(hash, _)| hash.clone()).collect();
        let compare = async || states.compare(tenant, &hashes, Instant::now(), async || subscription::hashes(&store).await).await;
        let mut compared = compare().await?;
        if compared.may_be_new {
            // The notification may be of a new subscription, and the directory does not repeat it.
            sleep(READ_INTERVAL_MIN).await;
            compared = compare().await?;
        }
        let accepted: Vec<&(String, Event)> = hashed.iter().filter(|(hash, _)| compared.known.contains(hash)).collect();
        metrics.notifications(accepted.len(), notifications.len() - accepted.len());
        if accepted.is_empty() {
            return Ok(true);
        }
        // However often the same is said, it is noted once.
        for (hash, event) in accepted.into_iter().collect::<BTreeSet<_>>() {
            note(&store, tenant, hash, *event).await?;
        }
        // Who takes the tenant up after this begins with a cycle.
        if !self.trigger.trigger(tenant) {
            let mut tx = store.begin().await?;
            Wake::Change(tenant.clone()).send(&mut tx);
            tx.commit().await?;
        }
        Ok(true)
    }
}

/// Notes what becomes of a subscription, if a notification says that.
async fn note(store: &Store, tenant: &TenantName, hash: &str, event: Event) -> Result<(), Error> {
    if event == Event::Changed {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    match event {
        Event::Changed => {}
        Event::Removed => subscription::gone(&mut tx, tenant, hash).await?,
        Event::ReauthorizationRequired => subscription::renew_now(&mut tx, tenant, hash).await?,
    }
    Wake::Subscription(tenant.clone()).send(&mut tx);
    Ok(tx.commit().await?)
}
