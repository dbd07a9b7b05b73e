//! The last entry of each group and of each of its members in a page.
//!
//! Pure. A directory may name one object several times in an answer and says nothing of the order
//! (<https://github.com/microsoftgraph/microsoft-graph-docs/issues/16657>): whatever comes twice, the later entry holds.

use std::collections::BTreeMap;

use xtsync_directory::{GroupChange, MemberChange, MemberKind};
use xtsync_domain::GroupId;

/// The last entries of a page of groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LastEntries {
    /// Of each group.
    pub(crate) groups: BTreeMap<GroupId, GroupEntry>,
    /// Of each member of a group: its kind, or none where it left.
    pub(crate) members: BTreeMap<(GroupId, String), Option<MemberKind>>,
}

/// The last entry of one group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct GroupEntry {
    /// The last name that was mentioned.
    pub(crate) name: Option<String>,
    /// Whether the page shows the group at all, or only that it is gone.
    pub(crate) is_shown: bool,
    /// Whether it is gone in the end.
    pub(crate) is_gone: bool,
}

impl LastEntries {
    /// The last entries of these changes, which are in the directory's order.
    pub(crate) fn of(changes: Vec<GroupChange>) -> Self {
        let mut last = Self::default();
        for change in changes {
            match change {
                GroupChange::Changed { id, name, members } => {
                    let entry = last.groups.entry(id.clone()).or_default();
                    (entry.is_shown, entry.is_gone) = (true, false);
                    entry.name = name.or(entry.name.take());
                    let of = |change: MemberChange| match change {
                        MemberChange::Joined(member) => ((id.clone(), member.id), Some(member.kind)),
                        MemberChange::Left { id: member } => ((id.clone(), member), None),
                    };
                    last.members.extend(members.into_iter().map(of));
                }
                GroupChange::Gone { id } => last.groups.entry(id).or_default().is_gone = true,
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use xtsync_directory::Member;

    use super::*;

    /// Entries of a group `g`: `+x` is a user that joined, `*x` a group, `-x` left, `!` the group's end; a blank begins a new object.
    fn changes(text: &str) -> Vec<GroupChange> {
        let member = |word: &str| match word.split_at(1) {
            ("+", id) => MemberChange::Joined(Member { id: id.to_owned(), kind: MemberKind::User }),
            ("*", id) => MemberChange::Joined(Member { id: id.to_owned(), kind: MemberKind::Group }),
            (_, id) => MemberChange::Left { id: id.to_owned() },
        };
        let object = |object: &str| match object {
            "!" => GroupChange::Gone { id: "g".into() },
            words => GroupChange::Changed { id: "g".into(), name: None, members: words.split(',').map(member).collect() },
        };
        text.split(' ').map(object).collect()
    }

    #[test]
    fn the_last_entry_of_a_member_or_group_wins_in_every_order() {
        use MemberKind::{Group, User};
        for (text, kind, is_gone) in [
            ("-u,+u", Some(User), false),
            ("+u,-u", None, false),
            ("-u +u", Some(User), false),
            ("+u -u", None, false),
            ("+u,-u +u", Some(User), false),
            ("-u,+u -u", None, false),
            ("*u,+u", Some(User), false),
            ("+u,*u", Some(Group), false),
            ("! +u", Some(User), false),
            ("+u !", Some(User), true),
            ("! +u !", Some(User), true),
            ("! +u ! -u", None, false),
        ] {
            let last = LastEntries::of(changes(text));
            assert_eq!(last.members, [(("g".into(), "u".to_owned()), kind)].into(), "{text}");
            assert_eq!(last.groups[&"g".into()].is_gone, is_gone, "{text}");
        }
    }

    #[test]
    fn the_last_name_stays_and_a_removal_alone_shows_no_group() {
        let named = |name: Option<&str>| GroupChange::Changed { id: "g".into(), name: name.map(str::to_owned), members: vec![] };
        let name = |changes| LastEntries::of(changes).groups[&"g".into()].name.clone();
        assert_eq!(name(vec![named(Some("Sales")), named(None)]).as_deref(), Some("Sales"));
        assert_eq!(name(vec![named(Some("Sales")), named(Some("Legal"))]).as_deref(), Some("Legal"));
        let gone = LastEntries::of(changes("!"));
        assert_eq!(gone.groups, [("g".into(), GroupEntry { is_gone: true, ..GroupEntry::default() })].into());
    }
}
