//! Writing groups: create, change, delete.
//!
//! Groups are security groups and have no bin: a deleted one is gone for good.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Directory;
use super::users::new_id;
use crate::error::Failure;
use crate::faults::Span;
use crate::group::{Group, GroupEntry};
use crate::journal::Verb;
use crate::object::{Fields, Stamp};
use crate::property::{self, ObjectKind};
use crate::value::Value;

/// How many members one request may bind.
const BIND_MAX: usize = 20;
const BIND: &str = "members@odata.bind";

impl Directory {
    /// Creates a group from the body of a POST, with up to 20 members bound to it.
    pub(crate) fn create_group(&mut self, body: &Map<String, Json>) -> Result<Uuid, Failure> {
        let missing = ["displayName", "mailEnabled", "mailNickname", "securityEnabled"];
        if let Some(name) = missing.into_iter().find(|name| body.get(*name).is_none_or(Json::is_null)) {
            return Err(Failure::bad_request(format!("A value is required for property '{name}' of resource 'Group'.")));
        }
        let sets = self.read_sets(ObjectKind::Group, body)?;
        let members = self.bound_members(body)?;
        let properties = self.names(sets.iter().map(|(prop, _)| *prop));
        let mut fields = Fields::default();
        for (prop, value) in sets {
            fields.set(prop, value);
        }
        fields.set(property::CREATED, Value::Time(OffsetDateTime::now_utc()));
        let id = new_id();
        self.add_group(id, fields);
        self.hide(id, Span::default());
        self.record_group(Verb::Create, id, None, properties);
        self.add_bound(id, members)?;
        Ok(id)
    }

    /// Puts a new group into the directory and the log, without an entry in the journal.
    pub(crate) fn add_group(&mut self, id: Uuid, fields: Fields) {
        let seq = self.next_seq();
        self.groups.insert(id, Group { id, fields, members: BTreeMap::new(), groups: Vec::new(), stamp: Stamp::born(seq) });
        self.group_log.insert(seq, GroupEntry::Group(id));
    }

    /// Sets properties and binds members from the body of a PATCH.
    pub(crate) fn patch_group(&mut self, id: Uuid, body: &Map<String, Json>) -> Result<(), Failure> {
        let group = self.groups.get(&id).ok_or_else(|| Failure::not_found(&id.to_string()))?;
        let sets = self.read_sets(ObjectKind::Group, body)?;
        let members = self.bound_members(body)?;
        self.check_new_members(id, &members)?;
        let properties = self.names(sets.iter().map(|(prop, _)| *prop));
        let mask = sets.iter().filter(|(prop, value)| group.fields.differs(*prop, value)).fold(0, |mask, (prop, _)| mask | prop.bit());
        let group = self.groups.get_mut(&id).expect("it was found above");
        for (prop, value) in sets {
            group.fields.set(prop, value);
        }
        if mask != 0 {
            self.touch_group(id, mask);
        }
        if !properties.is_empty() {
            self.record_group(Verb::Patch, id, None, properties);
        }
        self.add_bound(id, members)
    }

    /// Removes a group for good, and with it every membership in it and of it.
    pub(crate) fn delete_group(&mut self, id: Uuid) -> Result<(), Failure> {
        if !self.groups.contains_key(&id) {
            return Err(Failure::not_found(&id.to_string()));
        }
        for parent in self.groups[&id].groups.clone() {
            self.leave(parent, id);
            self.forget_parent(id, parent);
        }
        let group = self.groups.remove(&id).expect("it was found above");
        for (member, membership) in group.members {
            self.group_log.remove(&membership.seq);
            self.forget_parent(member, id);
        }
        self.group_log.remove(&group.stamp.changed);
        let seq = self.next_seq();
        self.group_log.insert(seq, GroupEntry::Group(id));
        self.record_group(Verb::Delete, id, None, Vec::new());
        Ok(())
    }

    fn bound_members(&self, body: &Map<String, Json>) -> Result<Vec<Uuid>, Failure> {
        let Some(links) = body.get(BIND) else {
            return Ok(Vec::new());
        };
        let links = links.as_array().ok_or_else(|| Failure::bad_request(format!("Invalid value for '{BIND}'.")))?;
        if links.len() > BIND_MAX {
            return Err(Failure::bad_request(format!("The number of bound objects exceeds the limit of {BIND_MAX}.")));
        }
        let id = |link: &Json| link.as_str().and_then(referenced_id).ok_or_else(|| Failure::bad_request("Invalid object reference."));
        links.iter().map(id).collect()
    }

    fn add_bound(&mut self, id: Uuid, members: Vec<Uuid>) -> Result<(), Failure> {
        members.into_iter().try_for_each(|member| self.add_member(id, member))
    }
}

/// The object id at the end of a reference such as `https://host/v1.0/directoryObjects/{id}`. The host is not compared, as in Graph.
pub(crate) fn referenced_id(link: &str) -> Option<Uuid> {
    let last = link.trim_end_matches('/').rsplit('/').next()?;
    let inner = last.split_once("('").and_then(|(_, rest)| rest.strip_suffix("')")).unwrap_or(last);
    Uuid::parse_str(inner).ok()
}
