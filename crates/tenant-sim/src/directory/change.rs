//! The steps that every change is made of: take a number, move the object to the end of the log, record it in the journal.

use std::sync::Arc;

use uuid::Uuid;

use super::{Directory, anchor_property};
use crate::faults::InjectedFault;
use crate::group::GroupEntry;
use crate::journal::{Verb, Written};
use crate::object::Change;
use crate::property::{self, ObjectKind, Prop};
use crate::value::Value;

/// Beyond so many lost changes those are forgotten that newer ones took the place of.
const LOST_MAX: usize = 100_000;

impl Directory {
    pub(super) fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.perhaps_lose();
        self.seq
    }

    /// Keeps the change that is being made from all later delta cycles, if it was asked for or the profile says so.
    fn perhaps_lose(&mut self) {
        let requested = self.changes_to_lose > 0;
        self.changes_to_lose -= u32::from(requested);
        let drawn =
            || self.fault_state.profile().is_some_and(|profile| self.fault_state.next(&profile, "change").occurs(profile.delta.loses));
        if requested || drawn() {
            self.fault_state.note(InjectedFault::ChangeLost);
            self.lost.insert(self.seq);
        }
        if self.lost.len() > LOST_MAX {
            self.lost.retain(|seq| self.user_log.contains_key(seq) || self.group_log.contains_key(seq));
        }
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Notes that those properties of a user changed.
    pub(super) fn touch_user(&mut self, id: Uuid, mask: u128, manager_was: Option<Uuid>) {
        let seq = self.next_seq();
        let Some(user) = self.users.get_mut(id) else {
            return;
        };
        let before = user.stamp.changed;
        user.stamp.note(Change { seq, mask, manager_was });
        self.move_user(before, id, seq);
    }

    /// Notes that those properties of a group changed.
    pub(super) fn touch_group(&mut self, id: Uuid, mask: u128) {
        let seq = self.next_seq();
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        self.group_log.remove(&group.stamp.changed);
        group.stamp.note(Change { seq, mask, manager_was: None });
        self.group_log.insert(seq, GroupEntry::Group(id));
    }

    /// Puts a user at the end of the log; `before` is where it stood.
    pub(super) fn move_user(&mut self, before: u64, id: Uuid, seq: u64) {
        self.user_log.remove(&before);
        self.user_log.insert(seq, id);
    }

    /// Those whose manager appears or disappears have changed too.
    pub(super) fn touch_reports(&mut self, manager: Uuid, was: Option<Uuid>) {
        let range = (manager, Uuid::nil())..=(manager, Uuid::max());
        let reports: Vec<Uuid> = self.reports.range(range).map(|(_, report)| *report).collect();
        for report in reports {
            self.touch_user(report, property::MANAGER.bit(), was);
        }
    }

    pub(super) fn record_user(&self, verb: Verb, id: Uuid, other: Option<Uuid>, properties: Vec<String>) {
        let anchor = self.anchor(id);
        self.record(Written { verb, kind: ObjectKind::User, object: id, other, anchor, properties });
    }

    pub(super) fn record_group(&self, verb: Verb, id: Uuid, other: Option<Uuid>, properties: Vec<String>) {
        let anchor = other.and_then(|member| self.anchor(member));
        self.record(Written { verb, kind: ObjectKind::Group, object: id, other, anchor, properties });
    }

    pub(crate) fn record_policy(&self, partner: Uuid, properties: Vec<String>) {
        self.record(Written { verb: Verb::Policy, kind: ObjectKind::Policy, object: partner, other: None, anchor: None, properties });
    }

    pub(super) fn record(&self, written: Written) {
        self.journal.record(&self.name, written);
    }

    pub(super) fn names(&self, props: impl Iterator<Item = Prop>) -> Vec<String> {
        props.map(|prop| self.schema.name(prop).to_owned()).collect()
    }

    fn anchor(&self, id: Uuid) -> Option<Arc<str>> {
        let prop = self.schema.find(ObjectKind::User, &anchor_property())?;
        let user = self.users.get(id).or_else(|| self.deleted.get(id))?;
        match user.fields.get(prop) {
            Some(Value::Text(anchor)) => Some(Arc::clone(anchor)),
            Some(_) | None => None,
        }
    }
}
