//! The facts of a tenant: its identity, its live access policy, and the groups that the configuration refers to.
//!
//! They are read at intervals, because no directory notifies of changes to them. Identity and policy are published at each reading, as a
//! heartbeat; groups and names when they differ from what [`Facts::note_published`] recorded last.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tracing::warn;
use xtsync_directory::{self as directory, Source};
use xtsync_domain::fact::{Fact, Group, GroupState, TenantFact, group_key, group_name_key};
use xtsync_domain::resource::Projection;
use xtsync_domain::{GroupId, Timestamp, version};

use crate::error::Error;
use crate::names::Names;

/// The facts as they were published last, by key.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    published: HashMap<String, TenantFact>,
}

impl Facts {
    /// Reads the tenant's identity and access policy.
    pub(crate) async fn read_tenant(&self, source: &Arc<dyn Source>, now: Timestamp) -> Result<Vec<TenantFact>, Error> {
        let identity = source.identity().await?;
        let policy = source.access_policy().await?;
        Ok(vec![self.versioned(Fact::Identity(identity), now), self.versioned(Fact::AccessPolicy(policy), now)])
    }

    /// Looks up every name in the configuration. The result is published for each revision of the names, and when it changes, so that it is
    /// on the bus whatever was looked up before.
    pub(crate) async fn read_names(&self, source: &Arc<dyn Source>, names: &Names, now: Timestamp) -> Result<Vec<TenantFact>, Error> {
        let mut changed = Vec::new();
        for name in &names.all {
            let mut ids = match source.find_groups(name).await {
                Ok(ids) => ids,
                // One name that the directory cannot make sense of must not keep the others from being known.
                Err(error @ (directory::Error::Refused { .. } | directory::Error::Malformed { .. })) => {
                    warn!(%error, "a group's name cannot be looked up");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            ids.sort();
            changed.extend(self.if_changed(Fact::GroupName { name: name.clone(), ids, resolution: names.revision }, now));
        }
        Ok(changed)
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
            Fact::Group(_) | Fact::GroupName { .. } | Fact::AccessPolicy(_) | Fact::Identity(_) | Fact::Freshness { .. } => None,
        }
    }

    /// Checks whether the referenced groups can be read. Returns the facts that changed, and every group's state.
    pub(crate) async fn read_groups(
        &self,
        source: &Arc<dyn Source>,
        projection: &Projection,
        now: Timestamp,
    ) -> Result<(Vec<TenantFact>, Vec<(GroupId, GroupState)>), Error> {
        let (mut changed, mut states) = (Vec::new(), Vec::new());
        for id in &projection.groups {
            let (name, state) = match source.group(id).await {
                Ok(found) => found,
                // One group that the directory cannot make sense of must not keep everything else from being known.
                Err(directory::Error::Refused { .. } | directory::Error::Malformed { .. }) => (None, GroupState::Unreadable),
                Err(error) => return Err(error.into()),
            };
            let name = name.or_else(|| self.last_name(id)).unwrap_or_default();
            changed.extend(self.if_changed(Fact::Group(Group { id: id.clone(), name, state }), now));
            states.push((id.clone(), state));
        }
        Ok((changed, states))
    }

    /// The fact that a cycle is complete.
    pub(crate) fn freshness(&self, cycle: u64, now: Timestamp) -> TenantFact {
        self.versioned(Fact::Freshness { round: cycle, completed_at: now }, now)
    }

    fn last_name(&self, id: &GroupId) -> Option<String> {
        match &self.published.get(&group_key(id))?.fact {
            Fact::Group(group) => Some(group.name.clone()),
            Fact::GroupName { .. } | Fact::AccessPolicy(_) | Fact::Identity(_) | Fact::Freshness { .. } => None,
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

    fn if_changed(&self, fact: Fact, now: Timestamp) -> Option<TenantFact> {
        let is_published = self.published.get(&fact.key()).is_some_and(|published| published.fact == fact);
        (!is_published).then(|| self.versioned(fact, now))
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
