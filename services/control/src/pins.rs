//! Pinning: a group is written by name and known by id.
//!
//! Control asks no directory. The detector looks up the names that no id is known for and says on `tenant-facts` what it found; one id
//! is pinned in a revision of its own, none is waited for, several are a person's to choose from.

use std::collections::BTreeMap;

use xtsync_domain::TenantName;
use xtsync_domain::fact::Fact;
use xtsync_domain::resource::{GroupRef, Id, PinnedGroup, Spec, Synchronization};

use crate::context::{Context, ROLE};
use crate::resources::{self, Standing};
use crate::revision::{self, Act};
use crate::view::fact;
use crate::{Error, publish, rules};

/// What is known of a group's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// The detector has not said anything yet.
    Unknown,
    /// Nobody bears it.
    Nobody,
    /// One group does.
    One(PinnedGroup),
    /// Several do.
    Several(Vec<String>),
}

impl Name {
    /// Reads what a fact says of a name.
    pub(crate) fn of(fact: Option<Fact>) -> Self {
        match fact {
            Some(Fact::GroupName { name, ids }) => match ids.as_slice() {
                [] => Self::Nobody,
                [id] => Self::One(PinnedGroup { id: id.clone(), name: Some(name) }),
                several => Self::Several(several.iter().map(ToString::to_string).collect()),
            },
            Some(Fact::Group(_) | Fact::AccessPolicy(_) | Fact::Identity(_) | Fact::Freshness { .. }) | None => Self::Unknown,
        }
    }

    /// Why a group is not pinned yet, in words; `None` where it is about to be.
    pub(crate) fn trouble(&self, name: &str, tenant: &TenantName) -> Option<String> {
        match self {
            Self::Unknown => Some(format!("group {name} not seen yet")),
            Self::Nobody => Some(format!("group {name} not seen yet: {tenant} has none of that name")),
            Self::One(_) => None,
            Self::Several(ids) => {
                Some(format!("ambiguous: {} groups of {tenant} are named {name}; write one of {}", ids.len(), as_written(ids)))
            }
        }
    }
}

fn as_written(ids: &[String]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown: Vec<String> = ids.iter().take(SHOWN_MAX).map(|id| format!("{{id: {id}}}")).collect();
    shown.join(", ")
}

/// A spec as written, with the groups pinned that were pinned before under the same name.
pub(crate) fn kept(before: Option<&Spec>, written: &Spec) -> Spec {
    let (Some(Spec::Synchronization(before)), Spec::Synchronization(written)) = (before, written) else { return written.clone() };
    let known = before.scope.groups.iter().filter_map(|group| match group {
        GroupRef::Pinned(group) => group.name.clone().map(|name| (name, group.clone())),
        GroupRef::Named(_) => None,
    });
    Spec::Synchronization(pinned(written, &known.collect()))
}

/// A synchronization with those of its groups pinned that are known.
fn pinned(written: &Synchronization, known: &BTreeMap<String, PinnedGroup>) -> Synchronization {
    let mut pinned = written.clone();
    for group in &mut pinned.scope.groups {
        let found = match &*group {
            GroupRef::Named(name) => known.get(name).cloned(),
            GroupRef::Pinned(_) => None,
        };
        if let Some(found) = found {
            *group = GroupRef::Pinned(found);
        }
    }
    pinned
}

/// The names that a synchronization uses without an id.
pub(crate) fn unpinned(synchronization: &Synchronization) -> impl Iterator<Item = &str> {
    synchronization.scope.groups.iter().filter_map(|group| match group {
        GroupRef::Named(name) => Some(name.as_str()),
        GroupRef::Pinned(_) => None,
    })
}

/// Pins what has been found since, as a revision of its own.
///
/// # Errors
/// When the store or the bus is away; calling it again goes on.
pub(crate) async fn follow_up(context: &Context) -> Result<(), Error> {
    let _alone = context.revising.lock().await;
    let epoch = context.epoch()?;
    let standing = resources::read(&context.store).await?;
    let found = found(context, &standing).await?;
    if !found.is_empty() {
        let mut wanted: BTreeMap<Id, Spec> = standing.iter().map(|(id, resource)| (id.clone(), resource.spec.clone())).collect();
        wanted.extend(found);
        let act = Act { actor: ROLE.name(), verb: "pin", now: context.clock.now() };
        let mut tx = context.begin(epoch).await?;
        revision::store(&mut tx, act, &standing, &rules::with_projections(wanted)).await?;
        tx.commit().await?;
    }
    publish::pending(context).await
}

/// The synchronizations in which a name has become an id.
async fn found(context: &Context, standing: &Standing) -> Result<Vec<(Id, Spec)>, Error> {
    let mut changed = Vec::new();
    for (id, resource) in standing {
        let (Spec::Synchronization(synchronization), Some(source)) = (&resource.spec, &id.tenant) else { continue };
        let mut known = BTreeMap::new();
        for name in unpinned(synchronization) {
            if let Name::One(group) = Name::of(fact::group_name(&context.store, source, name).await?) {
                known.insert(name.to_owned(), group);
            }
        }
        if !known.is_empty() {
            changed.push((id.clone(), Spec::Synchronization(pinned(synchronization, &known))));
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xtsync_domain::GroupId;

    fn sync(groups: &[GroupRef]) -> Spec {
        let mut spec: Synchronization = serde_json::from_str(r#"{"to": "b", "scope": {}}"#).unwrap();
        spec.scope.groups = groups.to_vec();
        Spec::Synchronization(spec)
    }

    fn named(name: &str) -> GroupRef {
        GroupRef::Named(name.into())
    }

    fn group(id: &str, name: Option<&str>) -> GroupRef {
        GroupRef::Pinned(PinnedGroup { id: id.into(), name: name.map(Into::into) })
    }

    #[test]
    fn a_bare_name_keeps_the_id_it_had_and_nothing_else_does() {
        for (before, written, want) in [
            (vec![group("1", Some("All"))], vec![named("All")], vec![group("1", Some("All"))]),
            (vec![group("1", None)], vec![named("All")], vec![named("All")]),
            (vec![named("All")], vec![named("All")], vec![named("All")]),
            (vec![group("1", Some("All"))], vec![named("Sales")], vec![named("Sales")]),
            (vec![group("1", Some("All"))], vec![group("2", None)], vec![group("2", None)]),
            (vec![], vec![named("All")], vec![named("All")]),
        ] {
            assert_eq!(kept(Some(&sync(&before)), &sync(&written)), sync(&want));
        }
        assert_eq!(kept(None, &sync(&[named("All")])), sync(&[named("All")]));
    }

    #[test]
    fn a_name_is_waited_for_refused_or_pinned_by_how_many_bear_it() {
        let emea = TenantName::new("emea").unwrap();
        let fact = |ids: &[&str]| Fact::GroupName { name: "All".into(), ids: ids.iter().map(|id| GroupId::from(*id)).collect() };
        for (fact, want) in [
            (None, Some("group All not seen yet")),
            (Some(fact(&[])), Some("group All not seen yet: emea has none of that name")),
            (Some(fact(&["1"])), None),
            (Some(fact(&["1", "2"])), Some("ambiguous: 2 groups of emea are named All; write one of {id: 1}, {id: 2}")),
        ] {
            assert_eq!(Name::of(fact).trouble("All", &emea).as_deref(), want);
        }
    }
}
