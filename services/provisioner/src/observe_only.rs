//! A target whose links had to be taken from their topic, since the store had been lost, only observes until an administrator resumes it:
//! what a wrong store would do to it cannot be undone.
//!
//! The store says so, and each replica looks there: the owner before it works, all with their status. The gate asks [`ObserveOnly`].

use std::collections::BTreeSet;

use parking_lot::RwLock;
use tracing::info;
use xtsync_domain::TenantName;

use crate::context::Context;
use crate::error::Result;
use crate::follow;
use crate::table::target;
use crate::table::waiting::Waits;

/// The observe-only targets, as this replica knows.
#[derive(Debug, Default)]
pub(crate) struct ObserveOnly(RwLock<BTreeSet<TenantName>>);

impl ObserveOnly {
    /// Whether a target is observe-only.
    pub(crate) fn contains(&self, target: &TenantName) -> bool {
        self.0.read().contains(target)
    }

    /// Records it; returns whether writes to the target are resumed.
    fn note(&self, target: &TenantName, is_observe_only: bool) -> bool {
        let mut targets = self.0.write();
        if is_observe_only {
            targets.insert(target.clone());
            return false;
        }
        targets.remove(target)
    }
}

/// Reads the state of a target. Returns whether links are due again, since it was resumed.
pub(crate) async fn refresh(context: &Context, target: &TenantName) -> Result<bool> {
    let state = target::read(&context.store, target).await?;
    if !context.observe_only.note(target, state.is_some_and(|state| state.is_observe_only)) {
        return Ok(false);
    }
    info!(%target, "writes to the target are resumed");
    Ok(!follow::wake(context, Waits::Gate, |_, opened| opened == target).await?.is_empty())
}
