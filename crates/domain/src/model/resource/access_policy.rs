//! A target's terms: who may synchronize into it, and what it keeps for itself. Written by the target's administrator.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::TenantName;

/// A target's terms for those who synchronize into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CrossTenantAccessPolicy {
    /// Where consent is looked up.
    #[serde(default)]
    pub authority: Authority,
    /// Terms for single sources, by tenant; a source without an entry has no terms beyond consent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub partners: BTreeMap<TenantName, PartnerTerms>,
}

/// Where consent is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authority {
    /// In the tenant itself, as its administrator configured it in the portal.
    #[default]
    Live,
}

/// What a target asks of one source beyond consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PartnerTerms {
    /// The user types that the target admits from the source; both by default.
    #[serde(default = "both", rename = "as")]
    pub admits: BTreeSet<UserType>,
    /// Attributes that it keeps for itself: written at creation, never after.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub keeps: BTreeSet<String>,
}

/// Graph's `userType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UserType {
    /// Counts as one of the tenant's own.
    Member,
    /// A guest.
    Guest,
}

fn both() -> BTreeSet<UserType> {
    [UserType::Member, UserType::Guest].into()
}
