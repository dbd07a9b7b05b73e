//! A target's terms: who may synchronize into it, and what it keeps for itself. Written by the target's administrator.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::TenantName;

/// A target's terms for the sources that synchronize into it. The target's administrator writes it. Consent itself is in the cross-tenant access
/// policy of the directory; this resource only narrows what is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CrossTenantAccessPolicy {
    /// Where consent is looked up.
    #[serde(default)]
    #[schemars(example = Authority::Live)]
    pub authority: Authority,
    /// Terms for single sources, by the name of the source's Tenant. A source without an entry has no terms beyond consent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = json!({"emea": {"as": ["Member"], "keeps": ["jobTitle"]}}), extend("x-key" = "tenant"))]
    pub partners: BTreeMap<TenantName, PartnerTerms>,
}

/// Where consent is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Authority {
    /// In the tenant itself, as its administrator configured it in the portal.
    #[default]
    Live,
}

/// What a target asks of one source beyond consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PartnerTerms {
    /// The user types that the target admits from the source. A user of another type is skipped.
    #[serde(default = "both", rename = "as")]
    #[schemars(extend("examples" = [["Member"]]))]
    pub admits: BTreeSet<UserType>,
    /// Attributes that the target keeps for itself: they are written when a user is created, and never after.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(schema_with = "crate::mapping::schema::writable_names", extend("examples" = [["jobTitle"]]))]
    pub keeps: BTreeSet<String>,
}

/// Graph's `userType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum UserType {
    /// The user counts as one of the tenant's own.
    Member,
    /// The user is a guest.
    Guest,
}

fn both() -> BTreeSet<UserType> {
    [UserType::Member, UserType::Guest].into()
}
