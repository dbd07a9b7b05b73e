//! An organization: the tenants that belong together. Each tenant names it back; one word alone confirms nothing.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TenantName;

/// Tenants that belong together. Users are synchronized only between tenants of one organization: it lists both, and each of them names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Organization {
    /// The names of its Tenants.
    #[schemars(extend("examples" = [["emea", "hub"]]))]
    pub tenants: BTreeSet<TenantName>,
}
