//! Which directory a tenant is: the one that was found at first contact; and its default domain.
//!
//! Derived by control, never applied by a user. A Tenant names its directory by a domain, and a domain may move to another
//! directory. Then nothing is read or written until an operator confirms the new directory.

use serde::{Deserialize, Serialize};

use super::{Id, Kind};
use crate::{DirectoryId, TenantName};

/// The directory of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Directory {
    /// The directory's own id.
    pub id: DirectoryId,
    /// The tenant's default domain, as it was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<String>,
}

impl Directory {
    /// The id of a tenant's resource of this kind.
    #[must_use]
    pub fn id_of(tenant: &TenantName) -> Id {
        Id { kind: Kind::Directory, tenant: Some(tenant.clone()), name: "directory".to_owned() }
    }
}
