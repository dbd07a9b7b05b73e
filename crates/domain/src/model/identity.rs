//! Checks that each tenant is still the directory found at first contact, and that no two tenants are the same directory.
//!
//! Two Tenants for one directory would own the same objects and undo each other's changes. If a Tenant's domain led to another
//! directory, all users of the former directory would be deprovisioned, and objects of the new one would be written.

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

/// What is wrong with a tenant's directory, if anything is; `read` gives the id that was read last.
pub fn fault<'a>(
    tenant: &TenantName,
    configuration: &'a Configuration,
    read: impl Fn(&TenantName) -> Option<&'a DirectoryId>,
) -> Option<Fault> {
    match (configuration.directory(tenant), read(tenant)) {
        (Some(pinned), Some(read)) if pinned != read => Some(Fault::Changed),
        (_, _) => sharers(tenant, configuration, read).next().map(|_| Fault::Shared),
    }
}

/// The other tenants that are the same directory.
pub fn sharers<'a>(
    tenant: &TenantName,
    configuration: &'a Configuration,
    read: impl Fn(&TenantName) -> Option<&'a DirectoryId>,
) -> impl Iterator<Item = &'a TenantName> {
    let directory = move |tenant: &TenantName| read(tenant).or_else(|| configuration.directory(tenant));
    let own = directory(tenant);
    let others = configuration.tenants().map(|(name, _)| name).filter(|name| *name != tenant).collect::<Vec<_>>();
    others.into_iter().filter(move |name| own.is_some() && directory(name) == own)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
        ["emea", "hub", "hub2"].map(|tenant| fault(&name(tenant), &configuration, |name| read.get(name)))
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
