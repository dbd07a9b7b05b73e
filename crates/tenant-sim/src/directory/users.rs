//! Writing users: create, change, delete, restore, remove for good.
//!
//! A write is checked whole before anything of it is done.

use rand::Rng;
use serde_json::{Map, Value as Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Directory;
use super::sets::Sets;
use crate::error::Failure;
use crate::faults::Span;
use crate::journal::Verb;
use crate::object::{Fields, Stamp};
use crate::property::{self, ObjectKind, Prop};
use crate::user::User;
use crate::value::Value;

impl Directory {
    /// Creates a member from the body of a POST.
    pub(crate) fn create_user(&mut self, body: &Map<String, Json>) -> Result<Uuid, Failure> {
        let missing = ["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"];
        if let Some(name) = missing.into_iter().find(|name| body.get(*name).is_none_or(Json::is_null)) {
            return Err(Failure::bad_request(format!("A value is required for property '{name}' of resource 'User'.")));
        }
        let sets = self.read_sets(ObjectKind::User, body)?;
        self.check_user(None, &sets)?;
        let properties = self.names(sets.iter().map(|(prop, _)| *prop));
        let mut fields = Fields::with_capacity(sets.len() + 6);
        for (prop, value) in sets.into_iter().chain(self.proxy_addresses(None, body.get("mail").and_then(Json::as_str))) {
            fields.set(prop, value);
        }
        if fields.get(property::USER_TYPE).is_none() {
            fields.set(property::USER_TYPE, Value::text("Member"));
        }
        let id = new_id();
        self.add_user(id, fields);
        self.hide(id, Span::default());
        self.record_user(Verb::Create, id, None, properties);
        Ok(id)
    }

    /// Puts a new user into the directory and the log, without an entry in the journal.
    pub(crate) fn add_user(&mut self, id: Uuid, mut fields: Fields) {
        if fields.get(property::CREATED).is_none() {
            fields.set(property::CREATED, Value::Time(OffsetDateTime::now_utc()));
        }
        fields.shrink();
        let seq = self.next_seq();
        self.users.insert(Box::new(User { id, fields, manager: None, groups: Vec::new(), stamp: Stamp::born(seq) }));
        self.user_log.insert(seq, id);
    }

    /// Sets properties from the body of a PATCH.
    pub(crate) fn patch_user(&mut self, id: Uuid, body: &Map<String, Json>) -> Result<(), Failure> {
        let user = self.users.get(id).ok_or_else(|| Failure::not_found(&id.to_string()))?;
        let sets = self.read_sets(ObjectKind::User, body)?;
        self.check_user(Some(user), &sets)?;
        let properties = self.names(sets.iter().map(|(prop, _)| *prop));
        let proxies = self.proxy_addresses(Some(user), body.get("mail").and_then(Json::as_str));
        self.set_user(id, sets.into_iter().chain(proxies).collect());
        self.record_user(Verb::Patch, id, None, properties);
        Ok(())
    }

    /// Sets checked properties; what is set already makes no change for delta queries.
    pub(super) fn set_user(&mut self, id: Uuid, sets: Sets) {
        let Some(user) = self.users.get(id) else {
            return;
        };
        let fresh: Sets = sets.into_iter().filter(|(prop, value)| user.fields.differs(*prop, value)).collect();
        let mask = fresh.iter().fold(0, |mask, (prop, _)| mask | prop.bit());
        // Only a delta query that lists objects twice needs it, and a large directory has better uses for its memory.
        let kept = self.fault_state.profile().is_some_and(|profile| profile.delta.repeats > 0.0);
        let old = |prop: Prop| (prop, user.fields.get(prop).cloned().unwrap_or(Value::Null));
        let was: Sets = if kept { fresh.iter().map(|(prop, _)| old(*prop)).collect() } else { Sets::new() };
        for (prop, value) in fresh {
            self.users.set(id, prop, value);
        }
        if mask != 0 {
            self.touch_user(id, mask, None);
            let user = self.users.get_mut(id).expect("it was found above");
            user.stamp.keep(was);
            user.fields.shrink();
        }
    }

    /// Moves a user to the bin. Memberships go on unseen until the user is purged, and no group changes.
    pub(crate) fn delete_user(&mut self, id: Uuid) -> Result<(), Failure> {
        self.users.get(id).ok_or_else(|| Failure::not_found(&id.to_string()))?;
        self.soft_delete_user(id);
        self.record_user(Verb::Delete, id, None, Vec::new());
        Ok(())
    }

    /// Moves a user to the bin, without an entry in the journal.
    pub(super) fn soft_delete_user(&mut self, id: Uuid) {
        let Some(mut user) = self.users.remove(id) else {
            return;
        };
        self.show_memberships(&user.groups, id, false);
        let seq = self.next_seq();
        self.move_user(user.stamp.changed, id, seq);
        user.stamp.changed = seq;
        user.fields.set(property::DELETED, Value::Time(OffsetDateTime::now_utc()));
        // The name is free again at once: the directory puts the id before it, and takes it away on restoring.
        if let Some(upn) = user.fields.text(property::UPN) {
            let aside = format!("{}{upn}", id.simple());
            user.fields.set(property::UPN, Value::text(aside));
        }
        self.deleted.insert(user);
        self.touch_reports(id, Some(id));
    }

    /// Brings a user back from the bin as it was, with its memberships.
    pub(crate) fn restore_user(&mut self, id: Uuid) -> Result<(), Failure> {
        let user = self.deleted.get(id).ok_or_else(|| Failure::not_found(&id.to_string()))?;
        let upn = user.fields.text(property::UPN).unwrap_or_default();
        let upn = upn.strip_prefix(&id.simple().to_string()).unwrap_or(upn).to_owned();
        if self.users.with(property::UPN, &upn).next().is_some() {
            return Err(Failure::taken("userPrincipalName"));
        }
        let proxies = user.fields.get(property::PROXY_ADDRESSES).map(Value::each_text).unwrap_or_default();
        if proxies.iter().any(|proxy| self.users.with(property::PROXY_ADDRESSES, proxy).next().is_some()) {
            return Err(Failure::taken("proxyAddresses"));
        }
        let mut user = self.deleted.remove(id).expect("it was found in the bin above");
        let seq = self.next_seq();
        self.move_user(user.stamp.changed, id, seq);
        user.stamp = Stamp::born(seq);
        user.fields.set(property::UPN, Value::text(upn));
        user.fields.set(property::DELETED, Value::Null);
        self.show_memberships(&user.groups, id, true);
        self.users.insert(user);
        self.touch_reports(id, None);
        self.record_user(Verb::Restore, id, None, Vec::new());
        Ok(())
    }

    /// Removes a user from the bin for good.
    pub(crate) fn purge_user(&mut self, id: Uuid) -> Result<(), Failure> {
        let user = self.deleted.get(id).ok_or_else(|| Failure::not_found(&id.to_string()))?;
        let (before, manager, groups) = (user.stamp.changed, user.manager, user.groups.clone());
        // Notified while the anchor can still be read.
        self.record_user(Verb::Purge, id, None, Vec::new());
        self.deleted.remove(id);
        self.invited.remove(&id);
        for group in groups {
            self.leave(group, id);
        }
        if let Some(manager) = manager {
            self.reports.remove(&(manager, id));
        }
        let seq = self.next_seq();
        self.move_user(before, id, seq);
        Ok(())
    }
}

/// A new object id. Not by seed: two runs of a test must not depend on ids.
pub(super) fn new_id() -> Uuid {
    uuid::Builder::from_random_bytes(rand::rng().random()).into_uuid()
}
