//! The roles.

use std::fmt;

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Reads source tenants
    ChangeDetector,
    /// Decides
    Policy,
    /// Writes target tenants
    Provisioner,
    /// Holds the configuration and answers administrators
    Control,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ChangeDetector, Self::Policy, Self::Provisioner, Self::Control];

    /// Its name everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
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
        f.write_str(self.as_str())
    }
}
