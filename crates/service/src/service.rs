//! The dependencies of every service.

use std::sync::Arc;

use tokio::sync::watch;
use xtsync_domain::Configuration;

use xtsync_bus::Bus;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::health::Health;

/// The dependencies that a process passes to each of its services.
#[derive(Clone)]
pub struct Parts {
    /// The bus.
    pub bus: Bus,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The newest complete revision of the configuration; revision 0 before the first (see [`crate::configuration`]).
    pub configuration: watch::Receiver<Arc<Configuration>>,
    /// The process's health.
    pub health: Health,
    /// The name of this replica in leases and status. It is unique among the replicas of a role and stable across restarts.
    pub replica: String,
}
