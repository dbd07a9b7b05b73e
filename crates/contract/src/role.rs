//! Roles, by the names that stand in headers, status, dead letters, consumer groups and stores.

use std::fmt;

/// The name of a role: one of the services, on the command line and everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(&'static str);

impl Role {
    /// Reads source tenants.
    pub const CHANGE_DETECTOR: Self = Self("change-detector");
    /// Decides who is synchronized, and how.
    pub const POLICY: Self = Self("policy");
    /// Writes target tenants.
    pub const PROVISIONER: Self = Self("provisioner");
    /// Keeps the configuration and answers administrators.
    pub const CONTROL: Self = Self("control");

    /// A role with this name, in lower case, words joined by hyphens.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
