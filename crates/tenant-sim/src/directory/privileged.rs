//! Users with privileges: those that hold a directory role, or are in a role-assignable group.
//!
//! Only an application with the right for it may do to them what Microsoft calls sensitive actions: disable or enable, delete, restore,
//! and change what they sign in or are called back with. Source: the user resource page, *Who can perform sensitive actions*.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Directory;
use crate::property::named;
use crate::value::Value;

/// Setting one of these is a sensitive action.
const SENSITIVE: [&str; 7] =
    ["accountEnabled", "businessPhones", "mobilePhone", "onPremisesImmutableId", "otherMails", "passwordProfile", "userPrincipalName"];

impl Directory {
    /// Assigns a directory role to a user, or removes it.
    pub(crate) fn set_privileged(&mut self, id: Uuid, privileged: bool) {
        if privileged {
            self.role_holders.insert(id);
        } else {
            self.role_holders.remove(&id);
        }
    }

    /// Whether the user, present or in the bin, has privileges.
    pub(crate) fn is_privileged(&self, id: Uuid) -> bool {
        let groups = self.users.get(id).or_else(|| self.deleted.get(id)).map(|user| user.groups.as_slice()).unwrap_or_default();
        let assignable = |group: &Uuid| {
            let group = self.groups.get(group);
            group.is_some_and(|group| group.fields.get(const { named("isAssignableToRole") }) == Some(&Value::Flag(true)))
        };
        self.role_holders.contains(&id) || groups.iter().any(assignable)
    }
}

/// Whether a PATCH with that body is a sensitive action.
pub(crate) fn is_sensitive(body: &Map<String, Json>) -> bool {
    body.keys().any(|name| SENSITIVE.iter().any(|sensitive| sensitive.eq_ignore_ascii_case(name)))
}
