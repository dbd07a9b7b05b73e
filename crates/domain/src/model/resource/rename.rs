//! The name of a tenant that was renamed.
//!
//! A tenant's key is the name under which it was first applied; it never changes, and everything but the control API uses it. Made by
//! `xtsync tenant rename`, never applied by a user.

use serde::{Deserialize, Serialize};

use super::{Id, Kind};
use crate::TenantName;

/// The name of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rename {
    /// The name that administrators write and read instead of the key.
    pub name: TenantName,
}

impl Rename {
    /// The id of the resource of this kind that names the tenant with that key.
    #[must_use]
    pub fn id_of(key: &TenantName) -> Id {
        Id { kind: Kind::Rename, tenant: Some(key.clone()), name: "rename".to_owned() }
    }
}
