//! Notices about the groups that a synchronization's names were resolved to: a group is deleted, cannot be read or was renamed (R23). No
//! user leaves the scope for any of these reasons. Each notice names the possible next step.

use xtsync_contract::control::Notice;
use xtsync_domain::fact::{Group, GroupState};
use xtsync_domain::resolution::{Known, Name, as_written};
use xtsync_domain::resource::{GroupRef, PinnedGroup, Synchronization};
use xtsync_domain::{GroupId, TenantName};

use crate::listing::shown;

/// Returns the notices about a synchronization's groups.
pub(crate) fn of(synchronization: &Synchronization, known: &Known, source: &TenantName) -> Vec<Notice> {
    let groups = synchronization.scope.groups.iter().enumerate();
    groups.filter_map(|(index, group)| notice(format!("spec.scope.groups[{index}]"), group, known, source)).collect()
}

fn notice(path: String, reference: &GroupRef, known: &Known, source: &TenantName) -> Option<Notice> {
    let GroupRef::Pinned(pinned) = reference else { return None };
    let group = known.group(&pinned.id)?;
    let name = shown(reference)?;
    let other = other(pinned, known, source);
    match group.state {
        GroupState::Present => renamed(pinned, group).map(|now| {
            let text = format!("group {name} is now named {now}{}", other.map(|other| format!("; {other}")).unwrap_or_default());
            Notice { path, text, needs_action: false }
        }),
        GroupState::Gone => {
            let other = other.unwrap_or_else(|| "write another group, or restore it".to_owned());
            Some(Notice {
                path,
                text: format!("group {name} is deleted, and its last members are kept in scope; {other}"),
                needs_action: true,
            })
        }
        GroupState::Unreadable => {
            Some(Notice { path, text: format!("group {name} cannot be read, and its last members are kept in scope"), needs_action: false })
        }
    }
}

/// Returns the group's current name if it differs from the name that it was resolved by.
fn renamed<'a>(pinned: &PinnedGroup, group: &'a Group) -> Option<&'a str> {
    let before = pinned.name.as_deref()?;
    // A group that was never read has no name.
    Some(group.name.as_str()).filter(|now| !now.is_empty() && *now != before)
}

/// Describes the other groups with the same name, and how to use one of them.
fn other(pinned: &PinnedGroup, known: &Known, source: &TenantName) -> Option<String> {
    let name = pinned.name.as_deref()?;
    let ids = match known.name(name) {
        Name::Unknown | Name::None => Vec::new(),
        Name::One(id) => vec![id],
        Name::Several(ids) => ids,
    };
    let others: Vec<GroupId> = ids.into_iter().filter(|id| *id != pinned.id).collect();
    match others.as_slice() {
        [] => None,
        [other] => Some(format!("another group of {source} is named {name}, {{id: {other}}}: `xtsync apply --refresh-names` uses it")),
        several => Some(format!("{} other groups of {source} are named {name}; write one of {}", several.len(), as_written(several))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xtsync_domain::fact::Fact;

    /// K-32: the notice about the group `A (0123…)`, by its state, its current name and the groups with its name.
    #[test]
    fn a_deleted_renamed_or_recreated_group_gives_a_notice() {
        const KEPT: &str = "and its last members are kept in scope";
        let anew = "another group of emea is named A, {id: 9}: `xtsync apply --refresh-names` uses it";
        let twice = "2 other groups of emea are named A; write one of {id: 8}, {id: 9}";
        for (state, now, named, want) in [
            (GroupState::Present, "A", &["01234"][..], None),
            (GroupState::Present, "A", &["01234", "9"], None),
            (GroupState::Present, "B", &[], Some(("group A (0123…) is now named B".to_owned(), false))),
            (GroupState::Present, "B", &["9"], Some((format!("group A (0123…) is now named B; {anew}"), false))),
            (GroupState::Present, "", &[], None),
            (GroupState::Gone, "", &[], Some((format!("group A (0123…) is deleted, {KEPT}; write another group, or restore it"), true))),
            (GroupState::Gone, "A", &["9"], Some((format!("group A (0123…) is deleted, {KEPT}; {anew}"), true))),
            (GroupState::Gone, "A", &["8", "9"], Some((format!("group A (0123…) is deleted, {KEPT}; {twice}"), true))),
            (GroupState::Unreadable, "A", &["01234"], Some((format!("group A (0123…) cannot be read, {KEPT}"), false))),
        ] {
            let group = Fact::Group(Group { id: "01234".into(), name: now.to_owned(), state });
            let ids = named.iter().map(|id| GroupId::from(*id)).collect();
            let known = Known::new([group, Fact::GroupName { name: "A".to_owned(), ids, resolution: 1 }], 1);
            let mut synchronization: Synchronization = serde_json::from_str(r#"{"to": "hub", "scope": {}}"#).unwrap();
            synchronization.scope.groups = vec![GroupRef::Pinned(PinnedGroup { id: "01234".into(), name: Some("A".to_owned()) })];
            let got = of(&synchronization, &known, &TenantName::new("emea").unwrap()).pop();
            assert!(got.iter().all(|got| got.path == "spec.scope.groups[0]"));
            assert_eq!(got.map(|got| (got.text, got.needs_action)), want);
        }
    }
}
