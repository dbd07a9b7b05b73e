//! The roles, by the names that stand in headers, status, dead letters, groups and stores.

use std::fmt;

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
