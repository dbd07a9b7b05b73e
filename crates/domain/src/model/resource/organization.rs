//! An organization: the tenants that belong together. Each tenant names it back; one word alone confirms nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::TenantName;

/// The tenants of one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Organization {
    /// Its tenants, by name.
    pub tenants: BTreeSet<TenantName>,
}
