//! Policy: what every synchronization wants for every user, published as decisions.
//!
//! It reads the deltas of all sources, applies the rules of `xtsync_domain::decide`, and publishes one desired state for each
//! synchronization of the user's tenant. It makes no calls to directories, owns no table and knows no links. Its progress is stored
//! with the committed offsets. A new revision of the configuration, or a change of a tenant's verified domains, starts a replay of the
//! compacted deltas beside the live stream; live records go first.

mod evaluate;
mod membership;
mod metrics;
mod partition;
mod progress;
mod publications;
mod replay;
mod service;
mod topics;

pub use service::Service;
use xtsync_contract::role::Role;
use xtsync_contract::topic;
use xtsync_service::manifest::Manifest;
use xtsync_service::service::Parts;

/// The role, as it names itself in headers, status and dead letters.
pub const ROLE: Role = Role::POLICY;

/// What the role is.
pub static MANIFEST: Manifest = Manifest {
    role: ROLE,
    help: "Decides which users are synchronized, and how",
    reads: &[&topic::USER_DELTAS, &topic::TENANT_FACTS],
    writes: &[&topic::DECISIONS],
    migrations: None,
    leases: &[],
};

/// The settings of policy: there are none yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Config {}

/// Builds the service. It must be called within a runtime; nothing is asked of the bus before it runs.
#[must_use]
pub fn build(_config: Config, parts: Parts) -> Service {
    Service::new(parts)
}
