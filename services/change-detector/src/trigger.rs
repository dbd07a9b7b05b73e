//! Requests a cycle now instead of at the next poll. Change notifications call it; so does any caller that knows of a change.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use xtsync_domain::TenantName;
use xtsync_service::wake::Wake;

/// Wakes the detection of single tenants. Triggers that come while a cycle is under way become one.
#[derive(Debug, Clone, Default)]
pub struct Trigger {
    tenants: Arc<Mutex<HashMap<TenantName, Detection>>>,
}

/// The detection of a tenant in this process.
#[derive(Debug, Default)]
struct Detection {
    wake: Arc<Notify>,
    /// An administrator's command, which also ends a wait after a failure.
    requested: Arc<Notify>,
    /// What its directory said of a subscription.
    subscription: Arc<Notify>,
    /// How many hold the tenant's lease: one, but for a moment in which another begins before this one has ended.
    registrations: usize,
}

impl Trigger {
    /// Something may have happened in a tenant. True if its detection is in this process.
    pub fn trigger(&self, tenant: &TenantName) -> bool {
        self.tenants().get(tenant).is_some_and(Detection::trigger)
    }

    /// Does what a replica tells, for the tenants whose detection is in this process.
    pub(crate) fn wake(&self, wake: &Wake) {
        let tenants = self.tenants();
        match wake {
            Wake::Change(tenant) => drop(tenants.get(tenant).map(Detection::trigger)),
            Wake::Command(tenant) => tenants.get(tenant).into_iter().for_each(Detection::request),
            Wake::Subscription(tenant) => tenants.get(tenant).into_iter().for_each(|detection| detection.subscription.notify_one()),
            Wake::Anything => tenants.values().for_each(|detection| {
                detection.trigger();
                detection.subscription.notify_one();
            }),
        }
    }

    /// Says that a tenant's detection is in this process, until that is dropped.
    pub(crate) fn register(&self, tenant: &TenantName) -> Registration {
        let mut tenants = self.tenants();
        let detection = tenants.entry(tenant.clone()).or_default();
        detection.registrations += 1;
        Registration { trigger: self.clone(), tenant: tenant.clone(), wake: detection.wake.clone(), requested: detection.requested.clone() }
    }

    /// Waits until a tenant's directory says something of a subscription; what came before counts, too.
    pub(crate) async fn subscription(&self, tenant: &TenantName) {
        let subscription = Arc::clone(&self.tenants().entry(tenant.clone()).or_default().subscription);
        subscription.notified().await;
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantName, Detection>> {
        self.tenants.lock()
    }
}

impl Detection {
    /// Returns whether it is in this process.
    fn trigger(&self) -> bool {
        let is_here = self.registrations > 0;
        if is_here {
            self.wake.notify_one();
        }
        is_here
    }

    /// An administrator requests it: also where detection waits after a failure.
    fn request(&self) {
        self.trigger();
        self.requested.notify_waiters();
    }
}

/// A tenant's detection is in this process.
pub(crate) struct Registration {
    trigger: Trigger,
    tenant: TenantName,
    wake: Arc<Notify>,
    requested: Arc<Notify>,
}

impl Registration {
    /// Waits for a trigger; one that came meanwhile counts.
    pub(crate) async fn triggered(&self) {
        self.wake.notified().await;
    }
}

impl Registration {
    /// Waits for an administrator's command; one that came before counts not.
    pub(crate) async fn requested(&self) {
        self.requested.notified().await;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(detection) = self.trigger.tenants().get_mut(&self.tenant) {
            detection.registrations -= 1;
        }
    }
}
