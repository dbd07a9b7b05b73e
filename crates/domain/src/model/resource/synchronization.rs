//! A synchronization: a source's wish to have its users in a target. Written by the source's administrator.

mod filter;
mod limits;
mod mapping;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use filter::{Clause, ClauseGroup, Where};
pub use limits::{Limit, Limits, Live, ScopeLoss};
pub use mapping::{Apply, Mapping, MappingSource};

use crate::{GroupId, TenantName, canonical_id};

/// One source's users into one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Synchronization {
    /// The target.
    pub to: TenantName,
    /// Whether it writes.
    #[serde(default)]
    pub mode: Mode,
    /// The users it applies to.
    pub scope: Scope,
    /// By target attribute, on top of the defaults of [`crate::mapping`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mappings: BTreeMap<String, Mapping>,
    /// What to do with an attribute that the source cleared.
    #[serde(default)]
    pub nulls: Nulls,
    /// How long a loss of scope must last before it is acted on.
    #[serde(default = "thirty_seconds", with = "crate::duration::text")]
    pub scope_grace_period: Duration,
    /// What to do with a user who was deleted at home and returns with a new account.
    #[serde(default, skip_serializing_if = "Rehire::is_default")]
    pub rehire: Rehire,
    /// What the target must be able to do, or the synchronization is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// How many users may be changed without approval.
    #[serde(default, skip_serializing_if = "Limits::is_default")]
    pub limits: Limits,
}

/// Whether a synchronization writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Decides and shows, writes nothing.
    #[default]
    Observe,
    /// Writes.
    Enforce,
}

/// The users a synchronization applies to: exactly one of `groups` and `everyone`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scope {
    /// Members of any of these groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupRef>,
    /// Whether members of groups in those groups count too.
    #[serde(default)]
    pub nested: bool,
    /// Every internal user of the source.
    #[serde(default)]
    pub everyone: bool,
    /// Of these users only those whose attributes pass.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Where>,
}

impl Scope {
    /// Whether every group is resolved to an id. Membership is unknown before that.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.groups.iter().all(|group| group.id().is_some())
    }

    /// The names that it writes, pinned or not.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().filter_map(GroupRef::name)
    }
}

/// A group by name, or pinned by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a group is a name (in quotes where it looks like a number, a flag or null), or an `id` and perhaps a `name`"
)]
pub enum GroupRef {
    /// By display name; control pins it as soon as the detector has found it.
    Named(String),
    /// Pinned.
    Pinned(PinnedGroup),
}

/// A group pinned by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedGroup {
    /// Its id.
    #[serde(deserialize_with = "group_id")]
    pub id: GroupId,
    /// The name it was found by, to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl GroupRef {
    /// The pinned id; `None` while it is only a name.
    #[must_use]
    pub fn id(&self) -> Option<&GroupId> {
        match self {
            Self::Named(_) => None,
            Self::Pinned(group) => Some(&group.id),
        }
    }

    /// The name it is known by, if by any.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Pinned(group) => group.name.as_deref(),
        }
    }
}

/// What to do with an attribute that the source cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Nulls {
    /// It is emptied in the target.
    #[default]
    Clear,
    /// The target keeps the last value, as Entra does.
    Keep,
}

/// An id as an administrator writes it.
fn group_id<'de, D: Deserializer<'de>>(from: D) -> Result<GroupId, D::Error> {
    Ok(GroupId(canonical_id(&String::deserialize(from)?)))
}

/// What becomes of a user who was deleted at home and comes back with a new account and the former address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rehire {
    /// The user is invited as a new one; the former shadow user stays soft-deleted.
    #[default]
    New,
    /// The former shadow user is restored, with the access it had, where both accounts have one `employeeId`; others are invited as new.
    Restore,
}

/// A capability that an administrator insists on, where xtsync would do without it otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Requirement {
    /// The sessions of a user who loses access are revoked.
    RevokeSessions,
    /// The sign-in of a user who loses access is blocked.
    BlockSignIn,
    /// A deleted user can be restored.
    RecycleBin,
}

impl Rehire {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synchronization_is_safe_where_nothing_is_written() {
        let read: Synchronization = serde_json::from_str(r#"{"to":"hub","scope":{"groups":["Everyone"]}}"#).unwrap();
        assert_eq!((read.mode, read.nulls, read.scope_grace_period), (Mode::Observe, Nulls::Clear, Duration::from_secs(30)));
        assert_eq!((read.scope.nested, read.scope.everyone), (false, false));
        assert_eq!(serde_json::from_str::<Synchronization>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
    }

    #[test]
    fn a_group_s_id_may_be_written_in_capitals() {
        let group: GroupRef = serde_json::from_str(r#"{"id":"8F2C1A00-0000-4000-8000-00000000ABCD"}"#).unwrap();
        assert_eq!(group.id(), Some(&"8f2c1a00-0000-4000-8000-00000000abcd".into()));
    }

    #[test]
    fn a_field_that_does_not_exist_yet_is_named() {
        for (scope, more, field) in [
            (r#""everyone":true,"when":"x""#, "", "when"),
            (r#""everyone":true"#, r#","limits":{"window":"2h"}"#, "window"),
            (r#""everyone":true"#, r#","onDelete":"keep""#, "onDelete"),
            (r#""groups":[{"id":"g","named":"x"}]"#, "", "a group is a name (in quotes"),
        ] {
            let json = format!(r#"{{"to":"hub","scope":{{{scope}}}{more}}}"#);
            let error = serde_json::from_str::<Synchronization>(&json).unwrap_err().to_string();
            assert!(error.contains(field), "{json}: {error}");
        }
    }
}
