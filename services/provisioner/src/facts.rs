//! What the gate knows of tenants: who they are, and their live access policies, with the time these were read.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use xtsync_domain::access::Word;
use xtsync_domain::fact::{AccessPolicy, Fact};
use xtsync_domain::{TenantFact, TenantName, Timestamp};

/// The facts of all tenants that matter to us; shared.
#[derive(Debug, Default)]
pub(crate) struct Facts(RwLock<BTreeMap<TenantName, Known>>);

#[derive(Debug, Default)]
struct Known {
    directory_id: Option<String>,
    policy: Option<(Arc<AccessPolicy>, Timestamp)>,
}

/// One tenant's word, owned.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    directory_id: String,
    policy: Arc<AccessPolicy>,
    read_at: Timestamp,
}

impl Heard {
    pub(crate) fn word(&self) -> Word<'_> {
        Word { directory_id: &self.directory_id, policy: &self.policy, read_at: self.read_at }
    }
}

impl Facts {
    /// Takes a fact in; says whether the gate may depend on it.
    pub(crate) fn take(&self, tenant: &TenantName, fact: TenantFact) -> bool {
        let mut tenants = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = tenants.entry(tenant.clone()).or_default();
        match fact.fact {
            Fact::AccessPolicy(policy) => known.policy = Some((Arc::new(policy), fact.read_at)),
            Fact::Identity(identity) => known.directory_id = Some(identity.directory_id),
            Fact::Group(_) | Fact::GroupName { .. } | Fact::Freshness { .. } => return false,
        }
        true
    }

    /// A tenant's word, once both who it is and what it says have been read.
    pub(crate) fn heard(&self, tenant: &TenantName) -> Option<Heard> {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = tenants.get(tenant)?;
        let (policy, read_at) = known.policy.clone()?;
        Some(Heard { directory_id: known.directory_id.clone()?, policy, read_at })
    }

    /// The directory's own id of a tenant.
    pub(crate) fn directory_id(&self, tenant: &TenantName) -> Option<String> {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant)?.directory_id.clone()
    }
}
