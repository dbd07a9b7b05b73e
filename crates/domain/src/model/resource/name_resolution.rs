//! Which group names of a tenant are looked up, and which synchronizations wait for them.
//!
//! Derived by control with each revision and published like any resource. The detector keeps a fact for each name as long as it stands
//! here, and a fact says for which revision of this it was looked up: what a name resolves to follows from what stands, never from what
//! was heard when.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Synchronization;

/// The names in all synchronizations that read one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NameResolution {
    /// Every group name that some synchronization writes, pinned or not, in force or pending.
    pub names: BTreeSet<String>,
    /// By name of the synchronization: what was written last and waits until its names resolve. Until then the synchronization stays in
    /// force as it was resolved last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<String, Synchronization>,
}
