//! Asks for a round now instead of at the next poll. Change notifications call it; so does whoever knows that something happened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use xtsync_domain::TenantName;

/// Wakes the detection of single tenants. Nudges that come while a round is under way become one.
#[derive(Debug, Clone, Default)]
pub struct Nudge {
    tenants: Arc<Mutex<HashMap<TenantName, Detection>>>,
}

/// The detection of a tenant in this process.
#[derive(Debug, Default)]
struct Detection {
    wake: Arc<Notify>,
    /// Told by an administrator's command, which also ends a wait after trouble.
    asked: Arc<Notify>,
    /// How many hold the tenant's lease: one, but for a moment in which another begins before this one has ended.
    holders: usize,
}

impl Nudge {
    /// Something may have happened in a tenant. True if its detection is in this process.
    pub fn nudge(&self, tenant: &TenantName) -> bool {
        let tenants = self.tenants();
        let held = tenants.get(tenant).filter(|detection| detection.holders > 0);
        held.inspect(|detection| detection.wake.notify_one()).is_some()
    }

    /// An administrator asks for it: also where detection waits after trouble.
    pub(crate) fn ask(&self, tenant: &TenantName) {
        let tenants = self.tenants();
        if let Some(detection) = tenants.get(tenant).filter(|detection| detection.holders > 0) {
            detection.wake.notify_one();
            detection.asked.notify_waiters();
        }
    }

    /// Says that a tenant's detection is in this process, until that is dropped.
    pub(crate) fn hold(&self, tenant: &TenantName) -> Holding {
        let mut tenants = self.tenants();
        let detection = tenants.entry(tenant.clone()).or_default();
        detection.holders += 1;
        Holding { nudge: self.clone(), tenant: tenant.clone(), wake: detection.wake.clone(), asked: detection.asked.clone() }
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantName, Detection>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tenant's detection is in this process.
pub(crate) struct Holding {
    nudge: Nudge,
    tenant: TenantName,
    wake: Arc<Notify>,
    asked: Arc<Notify>,
}

impl Holding {
    /// Waits for a nudge; one that came meanwhile counts.
    pub(crate) async fn nudged(&self) {
        self.wake.notified().await;
    }
}

impl Holding {
    /// Waits for an administrator's command; one that came before counts not.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(detection) = self.nudge.tenants().get_mut(&self.tenant) {
            detection.holders -= 1;
        }
    }
}
