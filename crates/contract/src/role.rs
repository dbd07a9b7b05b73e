//! The roles and their names, as used in headers, status, dead letters, consumer groups and stores.

use std::fmt;

/// A role: one of the services, identified by the name that the command line uses, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(&'static str);

impl Role {
    /// Reads source tenants.
    pub const CHANGE_DETECTOR: Self = Self("change-detector");
    /// Evaluates synchronizations and publishes decisions.
    pub const POLICY: Self = Self("policy");
    /// Writes target tenants.
    pub const PROVISIONER: Self = Self("provisioner");
    /// Stores the configuration and serves the control API.
    pub const CONTROL: Self = Self("control");

    /// Creates a role with this name: lower case, words joined by hyphens.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Returns the role's name.
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
