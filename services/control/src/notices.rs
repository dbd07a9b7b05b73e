//! Notices about the groups that a synchronization's names were resolved to: a group is deleted, cannot be read or was renamed (R23). No
//! user leaves the scope for any of these reasons.

use std::fmt::Display;

use xtsync_contract::control::{ConditionCode as Code, Notice};
use xtsync_domain::fact::{Group, GroupState};
use xtsync_domain::resolution::{Known, Name, as_written};
use xtsync_domain::resource::{GroupRef, PinnedGroup, Synchronization};
use xtsync_domain::{GroupId, TenantName};

use crate::condition::condition;

/// Returns the notices about a synchronization's groups.
pub(crate) fn of(synchronization: &Synchronization, known: &Known, source: &TenantName) -> Vec<Notice> {
    let groups = synchronization.scope.groups.iter().enumerate();
    groups.filter_map(|(index, group)| notice(format!("spec.scope.groups[{index}]"), group, known, source)).collect()
}

fn notice(path: String, reference: &GroupRef, known: &Known, source: &TenantName) -> Option<Notice> {
    let GroupRef::Pinned(pinned) = reference else { return None };
    let group = known.group(&pinned.id)?;
    let shown = shown(reference)?;
    let (code, now) = match group.state {
        GroupState::Present => (Code::GroupRenamed, renamed(pinned, group)?),
        GroupState::Gone => (Code::GroupDeleted, ""),
        GroupState::Unreadable => (Code::GroupUnreadable, ""),
    };
    let mut parameters: Vec<(&str, &dyn Display)> = vec![("group", &shown), ("now", &now)];
    let others = if code == Code::GroupUnreadable { Vec::new() } else { others(pinned, known) };
    let (name, count, ids) = (pinned.name.as_deref().unwrap_or_default(), others.len(), as_written(&others));
    if !others.is_empty() {
        parameters.extend([("tenant", source as &dyn Display), ("name", &name), ("count", &count), ("others", &ids)]);
    }
    Some(Notice { path, condition: Some(condition(code, &parameters)), needs_action: code == Code::GroupDeleted })
}

/// Returns the group's current name if it differs from the name that it was resolved by.
fn renamed<'a>(pinned: &PinnedGroup, group: &'a Group) -> Option<&'a str> {
    let before = pinned.name.as_deref()?;
    // A group that was never read has no name.
    Some(group.name.as_str()).filter(|now| !now.is_empty() && *now != before)
}

/// Returns the other groups with the name that the group was resolved by.
fn others(pinned: &PinnedGroup, known: &Known) -> Vec<GroupId> {
    let ids = match pinned.name.as_deref().map(|name| known.name(name)) {
        None | Some(Name::Unknown | Name::None) => Vec::new(),
        Some(Name::One(id)) => vec![id],
        Some(Name::Several(ids)) => ids,
    };
    ids.into_iter().filter(|id| *id != pinned.id).collect()
}

/// Formats a resolved group for administrators: `GlobalEmployees (7c1e…)`. `None` if it has no id yet.
pub(crate) fn shown(group: &GroupRef) -> Option<String> {
    const SHOWN: usize = 4;
    let GroupRef::Pinned(group) = group else { return None };
    let id = group.id.as_str();
    let short = id.char_indices().nth(SHOWN).map_or(id.to_owned(), |(end, _)| format!("{}…", &id[..end]));
    Some(match &group.name {
        Some(name) => format!("{name} ({short})"),
        None => id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::codes;
    use xtsync_domain::fact::Fact;

    /// K-32: the notice about the group `A (0123…)`, by its state, its current name and the groups with its name.
    #[test]
    fn a_deleted_renamed_or_recreated_group_gives_a_notice() {
        let anew = "count=1 group=A (0123…) name=A";
        let twice = "count=2 group=A (0123…) name=A";
        for (state, now, named, want) in [
            (GroupState::Present, "A", &["01234"][..], None),
            (GroupState::Present, "A", &["01234", "9"], None),
            (GroupState::Present, "B", &[], Some(("group_renamed group=A (0123…) now=B".to_owned(), false))),
            (GroupState::Present, "B", &["9"], Some((format!("group_renamed {anew} now=B others={{id: 9}} tenant=emea"), false))),
            (GroupState::Present, "", &[], None),
            (GroupState::Gone, "", &[], Some(("group_deleted group=A (0123…)".to_owned(), true))),
            (GroupState::Gone, "A", &["9"], Some((format!("group_deleted {anew} others={{id: 9}} tenant=emea"), true))),
            (GroupState::Gone, "A", &["8", "9"], Some((format!("group_deleted {twice} others={{id: 8}}, {{id: 9}} tenant=emea"), true))),
            (GroupState::Unreadable, "A", &["01234"], Some(("group_unreadable group=A (0123…)".to_owned(), false))),
        ] {
            let group = Fact::Group(Group { id: "01234".into(), name: now.to_owned(), state });
            let ids = named.iter().map(|id| GroupId::from(*id)).collect();
            let known = Known::new([group, Fact::GroupName { name: "A".to_owned(), ids, resolution: 1 }], 1);
            let mut synchronization: Synchronization = serde_json::from_str(r#"{"to": "hub", "scope": {}}"#).unwrap();
            synchronization.scope.groups = vec![GroupRef::Pinned(PinnedGroup { id: "01234".into(), name: Some("A".to_owned()) })];
            let got = of(&synchronization, &known, &TenantName::new("emea").unwrap()).pop();
            assert!(got.iter().all(|got| got.path == "spec.scope.groups[0]"));
            assert_eq!(got.map(|got| (codes(&got.condition).concat(), got.needs_action)), want);
        }
    }
}
