//! The facts of a tenant: its identity, its live access policy, the directory extensions of its users, and the groups that the configuration
//! refers to. Pure.
//!
//! They are read at intervals, because no directory notifies of changes to them. Identity and policy are published at each reading, as a
//! heartbeat; extensions, groups and names when they differ from what [`Facts::note_published`] recorded last.

use std::collections::{BTreeSet, HashMap};

use xtsync_domain::extension::Extensions;
use xtsync_domain::fact::{AccessPolicy, Fact, Group, GroupState, Identity, TenantFact, group_key, group_name_key};
use xtsync_domain::{GroupId, Timestamp, version};

use crate::names::Names;

/// The facts as they were published last, by key.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    published: HashMap<String, TenantFact>,
}

impl Facts {
    /// The tenant's identity and access policy, as far as they were read.
    pub(crate) fn of_tenant(&self, identity: Option<&Identity>, policy: Option<&AccessPolicy>, now: Timestamp) -> Vec<TenantFact> {
        let facts = [identity.cloned().map(Fact::Identity), policy.cloned().map(Fact::AccessPolicy)];
        facts.into_iter().flatten().map(|fact| self.versioned(fact, now)).collect()
    }

    /// The directory extensions of users, if they changed.
    pub(crate) fn of_extensions(&self, found: Extensions, now: Timestamp) -> Option<TenantFact> {
        self.if_changed(Fact::Extensions(found), now)
    }

    /// The groups that bear the names of the configuration. They are published for each revision of the names, and when they change, so that
    /// they are on the bus whatever was looked up before.
    pub(crate) fn of_names(&self, found: Vec<(String, Vec<GroupId>)>, revision: u64, now: Timestamp) -> Vec<TenantFact> {
        let facts = found.into_iter().map(|(name, ids)| Fact::GroupName { name, ids, resolution: revision });
        facts.filter_map(|fact| self.if_changed(fact, now)).collect()
    }

    /// The keys of published names that are no longer in the configuration.
    pub(crate) fn obsolete_names(&self, names: &Names) -> Vec<String> {
        let written: BTreeSet<String> = names.all.iter().map(|name| group_name_key(name)).collect();
        let published = self.published.iter().filter(|(_, published)| matches!(published.fact, Fact::GroupName { .. }));
        published.map(|(key, _)| key.clone()).filter(|key| !written.contains(key)).collect()
    }

    /// Forgets facts whose keys got a tombstone.
    pub(crate) fn forget(&mut self, keys: &[String]) {
        keys.iter().for_each(|key| drop(self.published.remove(key)));
    }

    /// The groups that were found under a name, for this revision of the names.
    pub(crate) fn resolved(&self, name: &str, revision: u64) -> Option<&[GroupId]> {
        match &self.published.get(&group_name_key(name))?.fact {
            Fact::GroupName { ids, resolution, .. } if *resolution == revision => Some(ids),
            Fact::Group(_)
            | Fact::GroupName { .. }
            | Fact::AccessPolicy(_)
            | Fact::Identity(_)
            | Fact::Extensions(_)
            | Fact::Freshness { .. } => None,
        }
    }

    /// The facts about the referenced groups that changed.
    pub(crate) fn of_groups(&self, found: Vec<(GroupId, Option<String>, GroupState)>, now: Timestamp) -> Vec<TenantFact> {
        let facts = found.into_iter().map(|(id, name, state)| {
            let name = name.or_else(|| self.last_name(&id)).unwrap_or_default();
            Fact::Group(Group { id, name, state })
        });
        facts.filter_map(|fact| self.if_changed(fact, now)).collect()
    }

    /// The fact that a cycle is complete.
    pub(crate) fn freshness(&self, cycle: u64, now: Timestamp) -> TenantFact {
        self.versioned(Fact::Freshness { round: cycle, completed_at: now }, now)
    }

    fn last_name(&self, id: &GroupId) -> Option<String> {
        match &self.published.get(&group_key(id))?.fact {
            Fact::Group(group) => Some(group.name.clone()),
            Fact::GroupName { .. } | Fact::AccessPolicy(_) | Fact::Identity(_) | Fact::Extensions(_) | Fact::Freshness { .. } => None,
        }
    }

    /// All facts as they were published last.
    pub(crate) fn all_published(&self) -> Vec<TenantFact> {
        self.published.values().cloned().collect()
    }

    /// Records facts that were published.
    pub(crate) fn note_published(&mut self, facts: Vec<TenantFact>) {
        self.published.extend(facts.into_iter().map(|fact| (fact.fact.key(), fact)));
    }

    /// Whether the same was published last.
    pub(crate) fn is_published(&self, fact: &Fact) -> bool {
        self.published.get(&fact.key()).is_some_and(|published| published.fact == *fact)
    }

    fn if_changed(&self, fact: Fact, now: Timestamp) -> Option<TenantFact> {
        (!self.is_published(&fact)).then(|| self.versioned(fact, now))
    }

    /// A fact gets a new version only when it changes; its reading time is always now.
    fn versioned(&self, fact: Fact, now: Timestamp) -> TenantFact {
        let last = self.published.get(&fact.key());
        let version = match last {
            Some(last) if last.fact == fact => last.version,
            Some(last) => version::next(last.version, now),
            None => version::next(0, now),
        };
        TenantFact { version, read_at: now, fact }
    }
}
