//! The registry of roles: for each its manifest, and how it is built from the options of the process. A new role is one entry here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use futures::future::BoxFuture;
use xtsync_bus::TopicKind;
use xtsync_domain::{TenantName, resource};
use xtsync_service::manifest::Manifest;
use xtsync_service::service::Parts;

use super::Role;
use super::starter::{BuiltService, Starter};

/// A role that this program can run.
pub(crate) struct Entry {
    /// Its manifest.
    pub(crate) manifest: &'static Manifest,
    /// Builds it.
    pub(super) build: for<'a> fn(&'a Starter, Parts) -> BoxFuture<'a, anyhow::Result<BuiltService>>,
}

/// Every role that this program can run.
pub(crate) static ROLES: [Entry; 4] = [
    Entry { manifest: &xtsync_change_detector::MANIFEST, build: |starter, parts| Box::pin(change_detector(starter, parts)) },
    Entry { manifest: &xtsync_policy::MANIFEST, build: |_, parts| Box::pin(policy(parts)) },
    Entry { manifest: &xtsync_provisioner::MANIFEST, build: |starter, parts| Box::pin(provisioner(starter, parts)) },
    Entry { manifest: &xtsync_control::MANIFEST, build: |starter, parts| Box::pin(control(starter, parts)) },
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

async fn change_detector(starter: &Starter, parts: Parts) -> anyhow::Result<BuiltService> {
    let config = xtsync_change_detector::Config {
        store: starter.options.store(),
        poll: starter.options.poll,
        compare: starter.options.full_cycle,
        republish: starter.options.republish,
        forget: starter.options.forget,
        facts: starter.options.facts.min(starter.options.poll.max(Duration::from_secs(1))),
        lease: starter.options.lease_ttl,
    };
    let directories = starter.options.directories();
    let connect = Arc::new(move |name: &TenantName, tenant: &resource::Tenant| directories.source(name, tenant));
    let service = xtsync_change_detector::build(config, parts, connect, &starter.inbox).await?;
    Ok(BuiltService::endless(|shutdown| service.run(shutdown)))
}

async fn provisioner(starter: &Starter, parts: Parts) -> anyhow::Result<BuiltService> {
    let config = xtsync_provisioner::Config {
        in_flight_max: starter.options.in_flight_max,
        call_timeout: starter.options.call_timeout,
        lease_ttl: starter.options.lease_ttl,
        poll: starter.options.queue_poll,
        republish: starter.options.republish,
        forget: starter.options.forget,
        drain_timeout: starter.options.drain_timeout,
        ..xtsync_provisioner::Config::new(starter.options.store())
    };
    let directories = starter.options.directories();
    let connect = Arc::new(move |name: &TenantName, tenant: &resource::Tenant| directories.target(name, tenant));
    let service = xtsync_provisioner::build(config, parts, connect).await?;
    Ok(BuiltService::endless(|shutdown| service.run(shutdown)))
}

async fn control(starter: &Starter, parts: Parts) -> anyhow::Result<BuiltService> {
    let config = xtsync_control::Config {
        store: starter.options.store(),
        lease_ttl: starter.options.lease_ttl,
        folder: starter.options.config_dir.clone(),
        connectors: starter.options.directories().connectors,
        hosts: starter.options.hosts.clone(),
        republish: starter.options.republish,
    };
    let service = xtsync_control::build(config, parts, starter.context_handle.clone()).await?;
    Ok(BuiltService::new(|shutdown| async { Ok(service.run(shutdown).await?) }))
}

async fn policy(parts: Parts) -> anyhow::Result<BuiltService> {
    let service = xtsync_policy::build(xtsync_policy::Config::default(), parts);
    Ok(BuiltService::endless(|shutdown| service.run(shutdown)))
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
