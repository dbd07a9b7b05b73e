//! What every part of control works with.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use xtsync_platform::bus::Bus;
use xtsync_platform::clock::Clock;
use xtsync_platform::store::{Lease, Store};

use crate::metrics::Metrics;

/// The lease that makes control one.
pub(crate) const LEASE: &str = "control";

/// What every part of control works with.
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lease: Lease,
    pub(crate) metrics: Metrics,
    /// Held while a revision is made and published: one after the other.
    pub(crate) revising: Mutex<()>,
    /// The newest revision that was published.
    pub(crate) revised: watch::Sender<u64>,
    /// How often the read model has changed.
    pub(crate) folded: watch::Sender<u64>,
}

#[cfg(test)]
pub(crate) mod tests;
