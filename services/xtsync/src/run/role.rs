//! The registry of roles: for each its manifest and how it is built. A new role is one entry here.

use std::collections::BTreeSet;

use anyhow::Context as _;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use futures::future::BoxFuture;
use xtsync_bus::TopicKind;
use xtsync_service::manifest::Manifest;
use xtsync_service::service::Parts;

use super::Role;
use super::services::{self, BuiltService, Starter};

/// A role that this program can run.
pub(crate) struct Entry {
    /// Its manifest.
    pub(crate) manifest: &'static Manifest,
    /// Builds it.
    pub(super) build: for<'a> fn(&'a Starter, Parts) -> BoxFuture<'a, anyhow::Result<BuiltService>>,
}

/// Every role that this program can run.
pub(crate) static ROLES: [Entry; 4] = [
    Entry { manifest: &xtsync_change_detector::MANIFEST, build: |starter, parts| Box::pin(services::change_detector(starter, parts)) },
    Entry { manifest: &xtsync_policy::MANIFEST, build: |_, parts| Box::pin(services::policy(parts)) },
    Entry { manifest: &xtsync_provisioner::MANIFEST, build: |starter, parts| Box::pin(services::provisioner(starter, parts)) },
    Entry { manifest: &xtsync_control::MANIFEST, build: |starter, parts| Box::pin(services::control(starter, parts)) },
];

/// The names of all roles.
pub(crate) fn all() -> impl Iterator<Item = Role> {
    ROLES.iter().map(|entry| entry.manifest.role)
}

/// The entry of a role by its name.
pub(crate) fn entry(name: &str) -> Option<&'static Entry> {
    ROLES.iter().find(|entry| entry.manifest.role.name() == name)
}

/// The kinds of topics that these roles read or write.
pub(super) fn kinds(roles: &BTreeSet<Role>) -> Vec<&'static TopicKind> {
    let manifests = ROLES.iter().map(|entry| entry.manifest).filter(|manifest| roles.contains(&manifest.role));
    manifests.flat_map(|manifest| manifest.reads.iter().chain(manifest.writes)).copied().collect()
}

impl Starter {
    /// Builds a role, as soon as the bus is connected.
    pub(super) async fn build(&self, role: Role) -> anyhow::Result<BuiltService> {
        let parts = self.dependencies.parts().await?;
        let entry = entry(role.name()).with_context(|| format!("there is no role '{role}'"))?;
        (entry.build)(self, parts).await
    }
}

/// Parses the name of a role; the help lists each role with its purpose.
#[must_use]
pub fn parser() -> impl TypedValueParser<Value = Role> {
    let values = ROLES.iter().map(|Entry { manifest, .. }| PossibleValue::new(manifest.role.name()).help(manifest.help));
    PossibleValuesParser::new(values).map(|name| entry(&name).expect("only names of roles are possible").manifest.role)
}

#[cfg(test)]
mod tests {
    use xtsync_contract::topic::TABLE;

    use super::*;

    #[test]
    fn each_topic_is_written_by_the_role_that_the_contract_names_and_by_no_other() {
        for topic in &TABLE {
            let writes = |entry: &&Entry| entry.manifest.writes.iter().any(|kind| std::ptr::eq(*kind, topic.kind));
            let writers: Vec<Role> = ROLES.iter().filter(writes).map(|entry| entry.manifest.role).collect();
            assert_eq!(writers, Vec::from_iter(topic.writer), "{}", topic.kind.name);
        }
    }

    #[test]
    fn each_topic_that_is_read_is_written_by_another_role() {
        for entry in &ROLES {
            for kind in entry.manifest.reads {
                let is_written = ROLES.iter().any(|other| other.manifest.writes.iter().any(|written| std::ptr::eq(*written, *kind)));
                let by_all = TABLE.iter().any(|topic| std::ptr::eq(topic.kind, *kind) && topic.writer.is_none());
                assert!(is_written || by_all, "{} reads {}, which no role writes", entry.manifest.role, kind.name);
            }
        }
    }

    #[test]
    fn names_of_roles_and_leases_are_unique() {
        let roles: BTreeSet<Role> = all().collect();
        let leases: Vec<&str> = ROLES.iter().flat_map(|entry| entry.manifest.leases).copied().collect();
        assert_eq!((roles.len(), BTreeSet::from_iter(&leases).len()), (ROLES.len(), leases.len()));
    }
}
