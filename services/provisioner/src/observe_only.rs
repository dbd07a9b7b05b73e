//! A target whose links had to be taken from their topic, since the store had been lost, only observes until an administrator resumes it:
//! what a wrong store would do to it cannot be undone.
//!
//! The store says so, and each replica looks there: the owner before it works, all with their status. The gate asks [`ObserveOnly`].

use std::collections::BTreeSet;

use parking_lot::RwLock;
use xtsync_domain::TenantName;

/// The observe-only targets, as this replica knows.
#[derive(Debug, Default)]
pub(crate) struct ObserveOnly(RwLock<BTreeSet<TenantName>>);

impl ObserveOnly {
    /// Whether a target is observe-only.
    pub(crate) fn contains(&self, target: &TenantName) -> bool {
        self.0.read().contains(target)
    }

    /// Records it; returns whether writes to the target are resumed.
    pub(crate) fn note(&self, target: &TenantName, is_observe_only: bool) -> bool {
        let mut targets = self.0.write();
        if is_observe_only {
            targets.insert(target.clone());
            return false;
        }
        targets.remove(target)
    }
}
