//! What the configuration needs of a tenant's directory: the bus is not a copy of it.
//!
//! Derived by control with each revision and published like any resource, so its own revision changes only when the need does. A
//! delta says for which one it was cut; policy leaves a user alone whose delta was cut for an older one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::GroupId;

/// The need of all synchronizations that read one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Projection {
    /// Attributes that some rule reads.
    pub attributes: BTreeSet<String>,
    /// Groups whose members some rule asks for.
    pub groups: BTreeSet<GroupId>,
    /// Names of groups not pinned yet; the detector looks them up.
    pub unresolved: BTreeSet<String>,
}
