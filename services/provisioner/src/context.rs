//! What all parts of the provisioner share.

use std::sync::Arc;

use xtsync_directory::Connected;
use xtsync_domain::address::HomeDomains;
use xtsync_domain::gate::Terms;
use xtsync_domain::identity::Fault;
use xtsync_domain::{Configuration, DirectoryId, TenantName, Timestamp, resource};
use xtsync_service::service::Parts;
use xtsync_service::status;
use xtsync_store::Store;

use crate::config::Config;
use crate::facts::{Facts, OwnedPolicySnapshot};
use crate::linked_directories::LinkedDirectories;
use crate::metrics::Metrics;
use crate::observe_only::ObserveOnly;

/// Makes a connector that writes a tenant; fails for one without a writer.
pub type Targets = Arc<dyn Fn(&TenantName, &resource::Tenant) -> xtsync_directory::Result<Connected> + Send + Sync>;

/// What all parts share.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) parts: Parts,
    pub(crate) store: Store,
    pub(crate) facts: Facts,
    pub(crate) observe_only: ObserveOnly,
    /// Which directories the links of targets are of.
    pub(crate) directories: LinkedDirectories,
    pub(crate) metrics: Metrics,
    pub(crate) status: status::Publisher,
}

/// What is known of a pair of tenants, owned, so that terms can be made of it.
pub(crate) struct Pair {
    source: Option<OwnedPolicySnapshot>,
    target: Option<OwnedPolicySnapshot>,
    mode: Option<resource::Mode>,
    limits: resource::Limits,
    rehire: resource::Rehire,
    is_observe_only: bool,
    fault: Option<Fault>,
}

impl Pair {
    /// How much may be done without approval.
    pub(crate) fn limits(&self) -> &resource::Limits {
        &self.limits
    }

    /// What becomes of a user who comes back with a new account.
    pub(crate) fn rehire(&self) -> resource::Rehire {
        self.rehire
    }

    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms {
            source: self.source.as_ref().map(OwnedPolicySnapshot::snapshot),
            target: self.target.as_ref().map(OwnedPolicySnapshot::snapshot),
            // Only an invitation and a reset of one ask for it.
            home: None,
            mode: self.mode,
            // Freezing and quarantine come with their commands.
            is_frozen: false,
            is_quarantined: false,
            is_observe_only: self.is_observe_only,
            fault: self.fault,
            allowances: [].into(),
        }
    }
}

impl Context {
    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.parts.configuration.borrow())
    }

    /// The domains of a source as a home; `None` while they are not known.
    pub(crate) fn home_domains(&self, source: &TenantName) -> Option<HomeDomains> {
        self.facts.home_domains(source, &self.configuration())
    }

    /// The directory of a source, once it is known and is the one that it is taken for.
    pub(crate) fn own_directory(&self, source: &TenantName) -> Option<DirectoryId> {
        self.facts.directory_id(source).filter(|_| self.facts.fault(source, &self.configuration()).is_none())
    }

    pub(crate) fn pair(&self, source: &TenantName, target: &TenantName) -> Pair {
        let configuration = self.configuration();
        let synchronization = configuration.synchronization(source, target);
        let moved = || self.directories.is_other(target, &configuration).then_some(Fault::Changed);
        Pair {
            source: self.facts.policy_snapshot(source),
            target: self.facts.policy_snapshot(target),
            mode: synchronization.map(|synchronization| synchronization.spec.mode),
            limits: synchronization.map(|synchronization| synchronization.spec.limits).unwrap_or_default(),
            rehire: synchronization.map(|synchronization| synchronization.spec.rehire).unwrap_or_default(),
            is_observe_only: self.observe_only.contains(target),
            fault: self.facts.fault(source, &configuration).or_else(|| self.facts.fault(target, &configuration)).or_else(moved),
        }
    }
}
