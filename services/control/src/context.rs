//! The dependencies that all parts of control share.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use xtsync_bus::Bus;
use xtsync_contract::role::Role;
use xtsync_directory::Connectors;
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::health::Condition;
use xtsync_store::{Fence, Lease, Store};

use crate::Error;
use crate::metrics::Metrics;

/// The role's name on the bus.
pub(crate) const ROLE: Role = Role::CONTROL;

/// The lease of the leading replica.
pub(crate) const LEASE: &str = ROLE.name();

/// The dependencies that all parts of control share.
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lease: Lease,
    pub(crate) metrics: Metrics,
    /// The readiness condition: every topic of the read model exists.
    pub(crate) topics: Condition,
    /// The connectors, which parse the connector sections of Tenants.
    pub(crate) connectors: Connectors,
    /// The hosts that a Tenant may name besides those of its connector.
    pub(crate) hosts: AllowedHosts,
    /// Serializes the creation and publication of revisions.
    pub(crate) revision_lock: Mutex<()>,
    /// The newest revision that was published.
    pub(crate) published_revision: watch::Sender<u64>,
    /// The number of changes of the read model; signals a change to status watchers.
    pub(crate) folded: watch::Sender<u64>,
    /// Signals each change of what is counted in the read model.
    pub(crate) numbers: watch::Sender<()>,
    /// The default domains of tenants as they were folded last, by key of the tenant. Identities come at each reading; what follows of them is
    /// derived only when these differ.
    pub(crate) default_domains: parking_lot::Mutex<BTreeMap<String, String>>,
}

impl Context {
    /// Returns the fence of the leader. A transaction that it begins commits only if no other leader can have changed what it has read.
    ///
    /// # Errors
    /// [`Error::NotLeading`] while this replica does not hold the lease.
    pub(crate) fn fence(&self) -> Result<Fence, Error> {
        self.lease.held().map(|epoch| self.lease.fence(epoch)).ok_or(Error::NotLeading)
    }
}

#[cfg(test)]
pub(crate) mod tests;
