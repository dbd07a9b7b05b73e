//! Which directory extensions the users of a tenant have, so that the types of mappings follow from the configuration alone.
//!
//! Derived by control of what the detector has read, never applied by a user; there is none before the first reading. An extension that a
//! later reading lacks stays by its name: a mapping of it leaves its attribute as it is, and stops no synchronization.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Id, Kind};
use crate::TenantName;
use crate::extension::{EXTENSIONS_MAX, Extensions};

/// The extensions of the users of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DirectoryExtensions {
    /// Those that the directory has.
    pub users: Extensions,
    /// Those that it had.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gone: BTreeSet<String>,
}

impl DirectoryExtensions {
    /// The id of a tenant's resource of this kind.
    #[must_use]
    pub fn id_of(tenant: &TenantName) -> Id {
        Id { kind: Kind::DirectoryExtensions, tenant: Some(tenant.clone()), name: "extensions".to_owned() }
    }

    /// What follows of a reading.
    #[must_use]
    pub fn after(before: Option<&Self>, read: &Extensions) -> Self {
        let former = before.iter().flat_map(|before| before.users.0.keys().chain(&before.gone));
        let gone = former.filter(|name| !read.0.contains_key(*name)).take(EXTENSIONS_MAX).cloned().collect();
        Self { users: read.clone(), gone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extension::{DataType, Extension};

    fn read(names: &str) -> Extensions {
        let extension = Extension { data_type: DataType::String, is_multi_valued: false };
        Extensions(names.split_whitespace().map(|name| (name.to_owned(), extension)).collect())
    }

    #[test]
    fn an_extension_that_is_not_read_any_more_is_gone_until_it_is_read_again() {
        let first = DirectoryExtensions::after(None, &read("a b"));
        assert_eq!(first, DirectoryExtensions { users: read("a b"), gone: BTreeSet::new() });
        let second = DirectoryExtensions::after(Some(&first), &read("b c"));
        assert_eq!(second, DirectoryExtensions { users: read("b c"), gone: ["a".to_owned()].into() });
        let third = DirectoryExtensions::after(Some(&second), &read("a"));
        assert_eq!(third, DirectoryExtensions { users: read("a"), gone: ["b".to_owned(), "c".to_owned()].into() });
    }
}
