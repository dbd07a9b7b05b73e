//! Writing memberships: direct members of groups.
//!
//! A group may be a member of a group, and two groups of one another; only a group within itself is refused, as Graph does.

use uuid::Uuid;

use super::Directory;
use crate::error::Failure;
use crate::group::{GroupEntry, Membership};
use crate::journal::Verb;
use crate::property::ObjectKind;

impl Directory {
    /// Adds a direct member.
    pub(crate) fn add_member(&mut self, group: Uuid, member: Uuid) -> Result<(), Failure> {
        if !self.groups.contains_key(&group) {
            return Err(Failure::not_found(&group.to_string()));
        }
        self.check_new_members(group, &[member])?;
        let kind = self.kind(member).ok_or_else(|| Failure::not_found(&member.to_string()))?;
        self.join(group, member, kind);
        self.record_group(Verb::MemberAdd, group, Some(member), Vec::new());
        Ok(())
    }

    /// Removes a direct member.
    pub(crate) fn remove_member(&mut self, group: Uuid, member: Uuid) -> Result<(), Failure> {
        let known = self.groups.get(&group).ok_or_else(|| Failure::not_found(&group.to_string()))?;
        if !known.has(member) {
            return Err(Failure::not_found(&member.to_string()));
        }
        self.leave(group, member);
        self.forget_parent(member, group);
        self.record_group(Verb::MemberRemove, group, Some(member), Vec::new());
        Ok(())
    }

    pub(super) fn check_new_members(&self, group: Uuid, members: &[Uuid]) -> Result<(), Failure> {
        for member in members {
            if *member == group {
                return Err(Failure::bad_request("A group cannot be added as a member of itself."));
            }
            self.kind(*member).ok_or_else(|| Failure::not_found(&member.to_string()))?;
            if self.groups.get(&group).is_some_and(|group| group.has(*member)) {
                let message = "One or more added object references already exist for the following modified properties: 'members'.";
                return Err(Failure::bad_request(message));
            }
        }
        Ok(())
    }

    /// Makes the membership, on both sides and in the log, without an entry in the journal.
    pub(crate) fn join(&mut self, group: Uuid, member: Uuid, kind: ObjectKind) {
        if !self.groups.contains_key(&group) {
            return;
        }
        self.note_membership(group, member, kind, true);
        let parents = match kind {
            ObjectKind::Group => self.groups.get_mut(&member).map(|member| &mut member.groups),
            ObjectKind::User | ObjectKind::Policy => self.users.get_mut(member).map(|member| &mut member.groups),
        };
        if let Some(parents) = parents.filter(|parents| !parents.contains(&group)) {
            parents.push(group);
        }
    }

    /// Shows or hides a user in the lists of all their groups, which is no change of any.
    pub(super) fn show_memberships(&mut self, groups: &[Uuid], member: Uuid, shown: bool) {
        for group in groups {
            if let Some(membership) = self.groups.get_mut(group).and_then(|group| group.members.get_mut(&member)) {
                membership.hidden = !shown;
            }
        }
    }

    /// Ends the membership on the side of the group.
    pub(super) fn leave(&mut self, group: Uuid, member: Uuid) {
        let Some(membership) = self.groups.get(&group).and_then(|group| group.members.get(&member)).copied() else {
            return;
        };
        if membership.present {
            self.note_membership(group, member, membership.kind, false);
        }
    }

    /// Ends the membership on the side of the member.
    pub(super) fn forget_parent(&mut self, member: Uuid, parent: Uuid) {
        for user_index in [&mut self.users, &mut self.deleted] {
            if let Some(user) = user_index.get_mut(member) {
                user.groups.retain(|group| *group != parent);
            }
        }
        if let Some(group) = self.groups.get_mut(&member) {
            group.groups.retain(|group| *group != parent);
        }
    }

    fn note_membership(&mut self, group: Uuid, member: Uuid, kind: ObjectKind, present: bool) {
        let seq = self.next_seq();
        let known = self.groups.get_mut(&group).expect("callers found the group");
        if let Some(before) = known.members.insert(member, Membership { kind, present, hidden: false, seq }) {
            self.group_log.remove(&before.seq);
        }
        self.group_log.insert(seq, GroupEntry::Member(group, member));
    }
}
