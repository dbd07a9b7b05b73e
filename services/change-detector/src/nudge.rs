//! Asks for a round now instead of at the next poll. Change notifications will call it; so does whoever knows that something happened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use xtsync_domain::TenantName;

/// Wakes the detection of single tenants. Nudges that come while a round is under way become one.
#[derive(Debug, Clone, Default)]
pub struct Nudge {
    tenants: Arc<Mutex<HashMap<TenantName, Arc<Notify>>>>,
}

impl Nudge {
    /// Something may have happened in a tenant.
    pub fn nudge(&self, tenant: &TenantName) {
        self.of(tenant).notify_one();
    }

    /// What a tenant's detection waits on.
    pub(crate) fn of(&self, tenant: &TenantName) -> Arc<Notify> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.entry(tenant.clone()).or_default().clone()
    }
}
