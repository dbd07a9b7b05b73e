//! Manifests: the static description of a role.
//!
//! `run` and its help, `topics create`, `status`, readiness and the tests read manifests; a new role is one crate and one manifest in the
//! binary's registry.

use xtsync_bus::TopicKind;
use xtsync_contract::role::Role;
use xtsync_store::Migrations;

/// The description of a role.
#[derive(Debug)]
pub struct Manifest {
    /// Its name.
    pub role: Role,
    /// A short description for `xtsync run --help`.
    pub help: &'static str,
    /// The topics it reads, besides `config`, which every role follows.
    pub reads: &'static [&'static TopicKind],
    /// The topics it writes, besides `status` and `dead-letters`, which every role writes.
    pub writes: &'static [&'static TopicKind],
    /// The tables of its store; `None` for a role without a store.
    pub migrations: Option<&'static Migrations>,
    /// The names of its leases; `{tenant}` stands for a tenant's name. A role without leases shares its work by consumer group, so every
    /// replica is active.
    pub leases: &'static [&'static str],
}

impl Manifest {
    /// Whether one replica at a time is active for each lease, with the others on standby.
    #[must_use]
    pub fn has_leader(&self) -> bool {
        !self.leases.is_empty()
    }
}
