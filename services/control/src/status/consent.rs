//! Whether a pair of tenants may be written: evaluates the gate with the facts in the read model.

use std::collections::BTreeMap;

use xtsync_domain::access::PolicySnapshot;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::fact::{ACCESS_POLICY, AccessPolicy, Fact, IDENTITY, Identity};
use xtsync_domain::gate::{Terms, Verdict, gate_of_pair};
use xtsync_domain::identity::fault;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_store::{Error, Store};

use crate::view::fact;
use crate::warnings::Identities;

/// Returns the gate's stable code of why a synchronization does not write; empty if the gate is open.
pub(crate) async fn blocked(
    store: &Store,
    synchronization: &NamedSynchronization,
    (configuration, identities): (&Configuration, &Identities),
    now: Timestamp,
) -> Result<&'static str, Error> {
    let read = |name: &TenantName| identities.get(name).map(|identity| &identity.directory_id);
    let fault = |tenant: &TenantName| fault(tenant, configuration, read);
    let (source, target) = (policy_facts(store, &synchronization.source).await?, policy_facts(store, &synchronization.spec.to).await?);
    let terms = Terms {
        source: source.as_ref().map(PolicyFacts::snapshot),
        target: target.as_ref().map(PolicyFacts::snapshot),
        // Only the gate of an invitation needs it.
        home: None,
        mode: Some(synchronization.spec.mode),
        is_frozen: false,
        is_quarantined: false,
        // The provisioner reports this in its own status.
        is_observe_only: false,
        fault: fault(&synchronization.source).or_else(|| fault(&synchronization.spec.to)),
        allowances: BTreeMap::new(),
    };
    Ok(match gate_of_pair(&terms, now) {
        Verdict::Open => "",
        Verdict::Closed(why) => why.code(),
    })
}

/// The facts about one tenant that the gate needs.
struct PolicyFacts {
    identity: Identity,
    policy: AccessPolicy,
    read_at: Timestamp,
}

impl PolicyFacts {
    fn snapshot(&self) -> PolicySnapshot<'_> {
        PolicySnapshot { directory_id: &self.identity.directory_id, policy: &self.policy, read_at: self.read_at }
    }
}

async fn policy_facts(store: &Store, tenant: &TenantName) -> Result<Option<PolicyFacts>, Error> {
    let identity = fact::read(store, tenant, IDENTITY).await?.map(|fact| fact.fact);
    let policy = fact::read(store, tenant, ACCESS_POLICY).await?.map(|fact| (fact.fact, fact.read_at));
    Ok(match (identity, policy) {
        (Some(Fact::Identity(identity)), Some((Fact::AccessPolicy(policy), read_at))) => Some(PolicyFacts { identity, policy, read_at }),
        _ => None,
    })
}
