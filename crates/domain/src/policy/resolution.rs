//! Name resolution: a group is written by name and known by id.
//!
//! Pure: what a synchronization resolves to follows from what is known of its tenant's groups now. So it may be asked at any time, for any
//! synchronization, as often as one likes; nothing depends on when something became known.

use std::collections::BTreeMap;

use crate::GroupId;
use crate::fact::{Fact, Group};
use crate::resource::{GroupRef, PinnedGroup, Synchronization};

/// What a group's name resolves to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// It has not been looked up yet.
    Unknown,
    /// No group has it.
    None,
    /// One group has it.
    One(GroupId),
    /// Several groups have it.
    Several(Vec<GroupId>),
}

/// What is known of a tenant's groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    names: BTreeMap<String, Vec<GroupId>>,
    groups: BTreeMap<GroupId, Group>,
}

impl Known {
    /// From a tenant's facts. Names count only where they were looked up for this revision of its name resolution.
    #[must_use]
    pub fn new(facts: impl IntoIterator<Item = Fact>, revision: u64) -> Self {
        let mut known = Self::default();
        for fact in facts {
            match fact {
                Fact::GroupName { name, ids, resolution } if resolution == revision => drop(known.names.insert(name, ids)),
                Fact::Group(group) => drop(known.groups.insert(group.id.clone(), group)),
                Fact::GroupName { .. } | Fact::AccessPolicy(_) | Fact::Identity(_) | Fact::Extensions(_) | Fact::Freshness { .. } => {}
            }
        }
        known
    }

    /// What a name resolves to.
    #[must_use]
    pub fn name(&self, name: &str) -> Name {
        match self.names.get(name).map(Vec::as_slice) {
            None => Name::Unknown,
            Some([]) => Name::None,
            Some([id]) => Name::One(id.clone()),
            Some(several) => Name::Several(several.to_vec()),
        }
    }

    /// A group.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        self.groups.get(id)
    }
}

/// A synchronization as written, with the ids that its names stood for before: a bare name keeps the group it was resolved to, though the
/// group is renamed or another one takes its name (R23).
#[must_use]
pub fn retain_ids(before: Option<&Synchronization>, written: &Synchronization) -> Synchronization {
    let pinned = before.iter().flat_map(|before| &before.scope.groups).filter_map(|group| match group {
        GroupRef::Pinned(group) => Some((group.name.clone()?, group.id.clone())),
        GroupRef::Named(_) => None,
    });
    let pinned: BTreeMap<String, GroupId> = pinned.collect();
    with_ids(written, |name| pinned.get(name).cloned())
}

/// A synchronization with those of its names resolved that one group has.
#[must_use]
pub fn resolve(written: &Synchronization, known: &Known) -> Synchronization {
    with_ids(written, |name| match known.name(name) {
        Name::One(id) => Some(id),
        Name::Unknown | Name::None | Name::Several(_) => None,
    })
}

fn with_ids(written: &Synchronization, id: impl Fn(&str) -> Option<GroupId>) -> Synchronization {
    let mut resolved = written.clone();
    for group in &mut resolved.scope.groups {
        let GroupRef::Named(name) = &*group else { continue };
        if let Some(id) = id(name) {
            *group = GroupRef::Pinned(PinnedGroup { id, name: Some(name.clone()) });
        }
    }
    resolved
}

/// Ids as a scope writes them.
#[must_use]
pub fn as_written(ids: &[GroupId]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown: Vec<String> = ids.iter().take(SHOWN_MAX).map(|id| format!("{{id: {id}}}")).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests;
