//! What the gate knows of tenants: who they are, and their live access policies, with the time these were read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use tokio::sync::watch;
use xtsync_domain::access::PolicySnapshot;
use xtsync_domain::address::{HomeDomains, VerifiedDomains};
use xtsync_domain::fact::{AccessPolicy, Fact};
use xtsync_domain::identity::{Directories, Fault};
use xtsync_domain::{Configuration, DirectoryId, TenantFact, TenantName, Timestamp};

/// The facts of all tenants that matter to us; shared.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    tenants: RwLock<BTreeMap<TenantName, Known>>,
    domains: RwLock<VerifiedDomains>,
    /// Which directory each tenant of a revision is; made at the first question after a change.
    directories: RwLock<Option<(u64, Directories)>>,
    /// Whether all that had been said when we began has been read: before, a yes may be followed by a no that is older than we are.
    is_complete: AtomicBool,
    /// Tells of each fact.
    taken: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Known {
    directory_id: Option<(DirectoryId, Timestamp)>,
    policy: Option<(Arc<AccessPolicy>, Timestamp)>,
}

/// What a fact says to the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FactChange {
    /// Nothing, or nothing newer.
    Ignored,
    /// Something newer, which may be as before.
    Refreshed,
    /// That the tenant's access policy is another than before.
    PolicyChanged,
    /// That the tenant is another directory than before: it may make another tenant the only owner of one, so any pair is concerned.
    DirectoryChanged,
}

/// The facts of one tenant.
#[derive(Debug, Clone)]
pub(crate) struct OwnedPolicySnapshot {
    directory_id: DirectoryId,
    policy: Arc<AccessPolicy>,
    read_at: Timestamp,
}

impl OwnedPolicySnapshot {
    pub(crate) fn snapshot(&self) -> PolicySnapshot<'_> {
        PolicySnapshot { directory_id: &self.directory_id, policy: &self.policy, read_at: self.read_at }
    }
}

impl Facts {
    /// Waits until something is known of all of these tenants.
    pub(crate) async fn known(&self, tenants: &BTreeSet<TenantName>) {
        let mut taken = self.taken.subscribe();
        while tenants.iter().any(|tenant| self.policy_snapshot(tenant).is_none()) {
            // The sender lives as long as this.
            taken.changed().await.ok();
        }
    }

    /// Takes a fact in, unless a later reading is known; says what it says to the gate.
    pub(crate) fn take(&self, tenant: &TenantName, fact: TenantFact) -> FactChange {
        let change = self.note(tenant, fact);
        self.taken.send_replace(());
        change
    }

    fn note(&self, tenant: &TenantName, fact: TenantFact) -> FactChange {
        let mut tenants = self.tenants.write();
        let known = tenants.entry(tenant.clone()).or_default();
        match fact.fact {
            Fact::AccessPolicy(policy) => {
                let is_other = known.policy.as_ref().is_some_and(|(before, _)| **before != policy);
                match replace(&mut known.policy, Arc::new(policy), fact.read_at) {
                    FactChange::Refreshed if is_other => FactChange::PolicyChanged,
                    change => change,
                }
            }
            Fact::Identity(identity) => {
                let before = known.directory_id.as_ref().map(|(id, _)| id.clone());
                let domains = identity.clone();
                let is_other = before.as_ref() != Some(&identity.directory_id);
                let change = replace(&mut known.directory_id, identity.directory_id, fact.read_at);
                if change != FactChange::Ignored {
                    self.domains.write().take(tenant, &domains, fact.version);
                }
                if change == FactChange::Ignored || !is_other {
                    return change;
                }
                *self.directories.write() = None;
                FactChange::DirectoryChanged
            }
            Fact::Group(_) | Fact::GroupName { .. } | Fact::Extensions(_) | Fact::Freshness { .. } => FactChange::Ignored,
        }
    }

    /// What is wrong with a tenant's directory, if anything is.
    pub(crate) fn fault(&self, tenant: &TenantName, configuration: &Configuration) -> Option<Fault> {
        let revision = configuration.revision();
        if let Some((_, directories)) = self.directories.read().as_ref().filter(|(of, _)| *of == revision) {
            return directories.fault(tenant);
        }
        // No other directory is noted before the new index is in place.
        let tenants = self.tenants.read();
        let directories = Directories::of(configuration, |name| tenants.get(name)?.directory_id.as_ref().map(|(id, _)| id));
        let fault = directories.fault(tenant);
        *self.directories.write() = Some((revision, directories));
        fault
    }

    /// Notes that everything has been read once; says whether that is news. Until then no tenant has a word.
    pub(crate) fn complete(&self) -> bool {
        let is_news = !self.is_complete.swap(true, Ordering::AcqRel);
        self.taken.send_replace(());
        is_news
    }

    /// The facts of a tenant, once both its identity and its policy have been read.
    pub(crate) fn policy_snapshot(&self, tenant: &TenantName) -> Option<OwnedPolicySnapshot> {
        if !self.is_complete.load(Ordering::Acquire) {
            return None;
        }
        let tenants = self.tenants.read();
        let known = tenants.get(tenant)?;
        let (policy, read_at) = known.policy.clone()?;
        let (directory_id, _) = known.directory_id.clone()?;
        Some(OwnedPolicySnapshot { directory_id, policy, read_at })
    }

    /// The domains of a tenant as a home; `None` while they are not known.
    pub(crate) fn home_domains(&self, tenant: &TenantName, configuration: &Configuration) -> Option<HomeDomains> {
        self.domains.read().home_domains(tenant, configuration)
    }

    /// The directory's own id of a tenant.
    pub(crate) fn directory_id(&self, tenant: &TenantName) -> Option<DirectoryId> {
        let tenants = self.tenants.read();
        let (directory_id, _) = tenants.get(tenant)?.directory_id.as_ref()?;
        Some(directory_id.clone())
    }
}

/// Puts a reading in the place of an earlier one.
fn replace<T>(known: &mut Option<(T, Timestamp)>, value: T, read_at: Timestamp) -> FactChange {
    let is_late = known.as_ref().is_some_and(|(_, known_at)| read_at < *known_at);
    if is_late {
        return FactChange::Ignored;
    }
    *known = Some((value, read_at));
    FactChange::Refreshed
}

#[cfg(test)]
mod tests {
    use xtsync_domain::fact::{Identity, Redemption};

    use super::*;

    fn policy(is_open: bool) -> AccessPolicy {
        AccessPolicy { default: Redemption { inbound: Some(is_open), outbound: None }, partners: BTreeMap::new() }
    }

    fn fact(read_at: i64, fact: Fact) -> TenantFact {
        TenantFact { version: 1, read_at: Timestamp(read_at), fact }
    }

    #[test]
    fn the_latest_reading_counts_in_whatever_order_they_arrive_and_none_before_all_are_read() {
        let hub = TenantName::new("hub").unwrap();
        let facts = Facts::default();
        let identity = Identity { directory_id: "hub-id".into(), verified_domains: Vec::new(), default_domain: None };
        assert_eq!(facts.take(&hub, fact(1, Fact::Identity(identity.clone()))), FactChange::DirectoryChanged);
        assert_eq!(facts.take(&hub, fact(2, Fact::Identity(identity))), FactChange::Refreshed);
        let change = [
            (1, true, FactChange::Refreshed),
            (3, false, FactChange::PolicyChanged),
            (2, true, FactChange::Ignored),
            (3, false, FactChange::Refreshed),
        ];
        for (read_at, is_open, change) in change {
            assert_eq!(facts.take(&hub, fact(read_at, Fact::AccessPolicy(policy(is_open)))), change, "read at {read_at}");
        }
        assert!(facts.policy_snapshot(&hub).is_none(), "a no may still follow");
        assert!(facts.complete() && !facts.complete());
        let snapshot = facts.policy_snapshot(&hub).unwrap();
        assert_eq!((snapshot.snapshot().policy, snapshot.snapshot().read_at), (&policy(false), Timestamp(3)));
    }
}
