//! A synchronization: a source's wish to have its users in a target. Written by the source's administrator.

mod filter;
mod limits;
mod mapping;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

pub use filter::{Clause, ClauseGroup, Where};
pub use limits::{Limit, Limits, Live, ScopeLoss};
pub use mapping::{Apply, Mapping, MappingSource};

use crate::{GroupId, TenantName, canonical_id};

/// The longest that a lost scope may be left standing.
pub(crate) const SCOPE_GRACE_PERIOD_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The most groups that one scope may name.
pub(crate) const GROUPS_MAX: usize = 1_000;

/// The most characters of a name or id of a group: Graph's limit of `displayName` (Microsoft Graph, resource type group).
pub(crate) const GROUP_CHARS_MAX: usize = 256;

/// A source's request to keep its users present and up to date in one target. The source's administrator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Synchronization {
    /// The name of the target's Tenant.
    #[schemars(example = &"hub")]
    pub to: TenantName,
    /// Whether the synchronization writes the target.
    #[serde(default)]
    #[schemars(example = Mode::Enforce)]
    pub mode: Mode,
    /// The users of the source that the synchronization applies to: exactly one of `groups` and `everyone: true`.
    #[schemars(example = json!({"groups": ["GlobalEmployees"]}))]
    pub scope: Scope,
    /// Where attributes of the target come from, by target attribute. They replace the default mappings of these attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::mapping::schema::mappings", example = crate::mapping::schema::example())]
    pub mappings: BTreeMap<String, Mapping>,
    /// What to do with an attribute that the source cleared.
    #[serde(default)]
    #[schemars(example = Nulls::Keep)]
    pub nulls: Nulls,
    /// How long a user must be out of scope before they lose access in the target. Users who are disabled or deleted at home lose it at once.
    #[serde(default = "thirty_seconds", with = "crate::duration::text")]
    #[schemars(schema_with = "scope_grace_period", example = &"5m")]
    pub scope_grace_period: Duration,
    /// What to do with a user who was deleted at home and returns with a new account and the former address.
    #[serde(default, skip_serializing_if = "Rehire::is_default")]
    #[schemars(example = Rehire::Restore, extend("default" = Rehire::default()))]
    pub rehire: Rehire,
    /// What the target's directory must be able to do, or `xtsync apply` refuses the synchronization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["revokeSessions", "recycleBin"]]))]
    pub requires: Vec<Requirement>,
    /// How many users may be changed in an hour. Work above a limit waits.
    #[serde(default, skip_serializing_if = "Limits::is_default")]
    #[schemars(example = json!({"create": 200, "delete": "1%"}))]
    pub limits: Limits,
}

/// Whether a synchronization writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// It decides and shows what it would do, and writes nothing.
    #[default]
    Observe,
    /// It writes.
    Enforce,
}

/// The users a synchronization applies to: exactly one of `groups` and `everyone`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(extend("oneOf" = [
    {"required": ["groups"], "properties": {"groups": {"minItems": 1}, "everyone": {"const": false}}},
    {"required": ["everyone"], "properties": {"groups": {"maxItems": 0}, "everyone": {"const": true}}},
]))]
pub struct Scope {
    /// The groups of the source whose members are in scope, each by its display name or by its `id`. A name is looked up once, and the
    /// synchronization keeps the group that it found when names change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = GROUPS_MAX), extend("examples" = [["GlobalEmployees"]]))]
    pub groups: Vec<GroupRef>,
    /// Whether members of groups within these groups are in scope, too.
    #[serde(default)]
    #[schemars(example = true)]
    pub nested: bool,
    /// Whether every internal user of the source is in scope.
    #[serde(default)]
    #[schemars(example = true)]
    pub everyone: bool,
    /// A scoping filter: of these users only those whose attributes pass are in scope. It is a text on one line, or a list of groups of clauses, as
    /// Entra's scoping filters; a user passes if all clauses of any group hold (docs/language.md).
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none", deserialize_with = "filter::given")]
    #[schemars(example = &"department EQUALS \"Sales\" AND NOT (country REGEX MATCH \"ES|FR\")")]
    pub filter: Option<Where>,
}

impl Synchronization {
    /// The mappings whose values are not shown, by target attribute: those that are sensitive, and those that redact a part of their value.
    pub fn sensitive(&self) -> impl Iterator<Item = (&String, &Mapping)> {
        self.mappings.iter().filter(|(_, mapping)| crate::mapping::is_hidden(mapping))
    }
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

/// A group by name, or by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a group is a name (in quotes where it looks like a number, a flag or null), or an `id` and perhaps a `name`"
)]
pub enum GroupRef {
    /// The group of this display name. It is looked up once and stays the same group when names change.
    Named(#[schemars(length(min = 1, max = GROUP_CHARS_MAX))] String),
    /// The group of an id.
    Pinned(PinnedGroup),
}

/// A group pinned by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedGroup {
    /// The id of the group in the source's directory.
    #[serde(deserialize_with = "group_id")]
    #[schemars(with = "String", length(min = 1, max = GROUP_CHARS_MAX), example = &"8f2c1a00-0000-4000-8000-00000000abcd")]
    pub id: GroupId,
    /// The name of the group, for readers of the file; only the id counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = GROUP_CHARS_MAX), example = &"GlobalEmployees")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Nulls {
    /// The attribute is cleared in the target, too.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Rehire {
    /// The user is invited as a new one; the former shadow user stays soft-deleted.
    #[default]
    New,
    /// The former shadow user is restored, with the access it had, where both accounts have one `employeeId`; others are invited as new.
    Restore,
}

/// A capability that an administrator insists on, where xtsync would do without it otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

fn scope_grace_period(generator: &mut SchemaGenerator) -> Schema {
    let days = SCOPE_GRACE_PERIOD_MAX.as_secs() / (24 * 60 * 60);
    let mut schema = crate::schema::duration(generator);
    schema.insert("x-limits".to_owned(), format!("a duration of at most {days} days, such as `30s`, `1h 30m`, `7d` or `PT5M`").into());
    schema
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
