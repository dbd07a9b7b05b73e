//! What every service is built from.

use std::sync::Arc;

use tokio::sync::watch;
use xtsync_domain::Configuration;

use xtsync_bus::Bus;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::health::Health;

/// The parts that a process gives to each service in it.
#[derive(Clone)]
pub struct Parts {
    /// The bus.
    pub bus: Bus,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The newest complete revision of the configuration; revision 0 until one was read (see [`crate::configuration`]).
    pub configuration: watch::Receiver<Arc<Configuration>>,
    /// The process's health.
    pub health: Health,
    /// What this replica is called: in leases and status. Unique among the replicas of a role, the same after a restart.
    pub replica: String,
}
