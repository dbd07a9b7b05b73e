//! The roles, and what every service is built from.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use xtsync_domain::Configuration;

use crate::bus::Bus;
use crate::clock::Clock;
use crate::health::Health;

/// One of the services, by its one name: on the command line, in headers, status, dead letters, groups and stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads source tenants.
    ChangeDetector,
    /// Decides.
    Policy,
    /// Writes target tenants.
    Provisioner,
    /// Holds the configuration and answers administrators.
    Control,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ChangeDetector, Self::Policy, Self::Provisioner, Self::Control];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChangeDetector => "change-detector",
            Self::Policy => "policy",
            Self::Provisioner => "provisioner",
            Self::Control => "control",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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
