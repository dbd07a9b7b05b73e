//! Checks that each tenant is still the directory found at first contact, and that no two tenants are the same directory.
//!
//! Two Tenants for one directory would own the same objects and undo each other's changes. If a Tenant's domain led to another
//! directory, all users of the former directory would be deprovisioned, and objects of the new one would be written.

use std::collections::{BTreeMap, BTreeSet};

use crate::configuration::Configuration;
use crate::{DirectoryId, TenantName};

/// What is wrong with a tenant's directory. Nothing is written from it or into it then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another Tenant is the same directory.
    Shared,
    /// It is not the directory found at first contact, and no operator has confirmed the new one.
    Changed,
}

/// Which directory each tenant of a configuration is: what was read last, else what it was pinned to. Made once for many questions.
#[derive(Debug, Default)]
pub struct Directories {
    ids: BTreeMap<TenantName, DirectoryId>,
    tenants: BTreeMap<DirectoryId, BTreeSet<TenantName>>,
    /// The tenants that are another directory than the pinned one.
    changed: BTreeSet<TenantName>,
}

impl Directories {
    /// Of a configuration's tenants; `read` gives the id that was read last.
    pub fn of<'a>(configuration: &Configuration, read: impl Fn(&TenantName) -> Option<&'a DirectoryId>) -> Self {
        let mut directories = Self::default();
        for (tenant, _) in configuration.tenants() {
            let (pinned, read) = (configuration.directory(tenant), read(tenant));
            if pinned.zip(read).is_some_and(|(pinned, read)| pinned != read) {
                directories.changed.insert(tenant.clone());
            }
            if let Some(id) = read.or(pinned) {
                directories.ids.insert(tenant.clone(), id.clone());
                directories.tenants.entry(id.clone()).or_default().insert(tenant.clone());
            }
        }
        directories
    }

    /// The directory of a tenant, if it was read or pinned.
    #[must_use]
    pub fn id(&self, tenant: &TenantName) -> Option<&DirectoryId> {
        self.ids.get(tenant)
    }

    /// What is wrong with a tenant's directory, if anything is.
    #[must_use]
    pub fn fault(&self, tenant: &TenantName) -> Option<Fault> {
        match self.changed.contains(tenant) {
            true => Some(Fault::Changed),
            false => self.sharers(tenant).next().map(|_| Fault::Shared),
        }
    }

    /// The other tenants that are the same directory.
    pub fn sharers(&self, tenant: &TenantName) -> impl Iterator<Item = &TenantName> {
        let same = self.ids.get(tenant).and_then(|id| self.tenants.get(id));
        same.into_iter().flatten().filter(move |name| *name != tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::testing::Yaml;
    use crate::resource::Kind;

    fn name(name: &str) -> TenantName {
        TenantName::new(name).unwrap()
    }

    /// What is wrong with each of three tenants, of which some are pinned and some were read.
    fn faults(pinned: &[(&str, &str)], read: &[(&str, &str)]) -> [Option<Fault>; 3] {
        let mut yaml = Yaml::new();
        yaml.tenant("emea", "contoso").tenant("hub", "contoso").tenant("hub2", "contoso");
        for (tenant, id) in pinned {
            yaml.add(1, Kind::Directory, Some(tenant), "directory", &format!(r#"{{"id":"{id}"}}"#));
        }
        let configuration = yaml.configuration(1);
        let read: BTreeMap<TenantName, DirectoryId> = read.iter().map(|(tenant, id)| (name(tenant), (*id).into())).collect();
        let directories = Directories::of(&configuration, |name| read.get(name));
        ["emea", "hub", "hub2"].map(|tenant| directories.fault(&name(tenant)))
    }

    #[test]
    fn a_directory_is_one_tenants_and_the_one_found_at_first_contact() {
        use Fault::{Changed, Shared};
        let none = [None, None, None];
        for (pinned, read, want) in [
            (&[][..], &[][..], none),
            (&[("hub", "h")], &[("hub", "H"), ("emea", "e"), ("hub2", "i")], none),
            (&[("hub", "h")], &[("hub", "x")], [None, Some(Changed), None]),
            (&[], &[("hub", "h"), ("hub2", "H")], [None, Some(Shared), Some(Shared)]),
            (&[("hub", "h")], &[("hub2", "h")], [None, Some(Shared), Some(Shared)]),
            (&[("hub", "h"), ("hub2", "h")], &[], [None, Some(Shared), Some(Shared)]),
            // A tenant that leads elsewhere no longer shares the directory, and waits to be confirmed.
            (&[("hub", "h"), ("hub2", "h")], &[("hub", "h"), ("hub2", "i")], [None, None, Some(Changed)]),
            // Pointed at another one's it waits, and so does that one.
            (&[("hub", "h"), ("hub2", "i")], &[("hub", "h"), ("hub2", "h")], [None, Some(Shared), Some(Changed)]),
        ] {
            assert_eq!(faults(pinned, read), want, "pinned {pinned:?}, read {read:?}");
        }
    }
}
