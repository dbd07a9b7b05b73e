//! What every part of control works with.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use xtsync_bus::Bus;
use xtsync_contract::role::Role;
use xtsync_directory::Connectors;
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::health::Condition;
use xtsync_store::{Epoch, Lease, Store, Transaction, lease};

use crate::Error;
use crate::metrics::Metrics;

/// The role's name on the bus.
pub(crate) const ROLE: Role = Role::CONTROL;

/// The lease that makes control one.
pub(crate) const LEASE: &str = ROLE.name();

/// What every part of control works with.
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lease: Lease,
    pub(crate) metrics: Metrics,
    /// Whether every topic that the read model is made of exists.
    pub(crate) topics: Condition,
    /// What reads the connector sections of Tenants.
    pub(crate) connectors: Connectors,
    /// The hosts that a Tenant may name.
    pub(crate) hosts: AllowedHosts,
    /// Held while a revision is made and published: one after the other.
    pub(crate) revision_lock: Mutex<()>,
    /// The newest revision that was published.
    pub(crate) published_revision: watch::Sender<u64>,
    /// How often the read model has changed.
    pub(crate) folded: watch::Sender<u64>,
}

impl Context {
    /// The epoch of the lease; fails while another replica has it.
    pub(crate) fn epoch(&self) -> Result<Epoch, Error> {
        self.lease.held().ok_or(Error::NotLeading)
    }

    /// Begins a transaction that commits only while the lease is ours, in this epoch: what was read in it may be relied on.
    pub(crate) async fn begin(&self, epoch: Epoch) -> Result<Transaction, Error> {
        let mut tx = self.store.begin().await?;
        lease::assert_with_commit(&mut tx, LEASE, epoch);
        Ok(tx)
    }
}

#[cfg(test)]
pub(crate) mod tests;
