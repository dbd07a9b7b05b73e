//! The service: one detection per tenant that the configuration reads, each under the tenant's lease.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use xtsync_contract::topic;
use xtsync_directory::{self as directory, Source};
use xtsync_domain::TenantName;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::resource::{self, ScopeLoss};
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::supervise::Task;
use xtsync_service::commands::CommandConsumer;
use xtsync_service::service::Parts;
use xtsync_service::status::Publisher;
use xtsync_service::wake;
use xtsync_store::{self as store, Migration, Migrations, Report, Store};

use crate::commands::GROUP;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::scope::{Scope, Scopes};
use crate::tenant::{DetectionSpec, Intervals};
use crate::watch::{Shared, Watched};
use crate::{Error, Inbox, ROLE};

/// The settings of the detector.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its store: a directory for SQLite, or a `postgres://` URL.
    pub store: String,
    /// How long between two cycles of a tenant, unless triggered.
    pub poll: Duration,
    /// How often a source is read from the beginning, to find what its delta queries lost; zero is never.
    pub compare: Duration,
    /// How often the published state of a source is republished; zero is only when requested.
    pub republish: Duration,
    /// How long a deleted user stays known; then their key ends.
    pub forget: Duration,
    /// How long between two readings of a tenant's policy and groups. Consent counts as unknown after 60 s.
    pub facts: Duration,
    /// How long a lease lasts without renewal.
    pub lease: Duration,
}

pub(crate) const MIGRATIONS: Migrations = Migrations {
    sqlite: &[
        Migration { name: "0001_mirror", sql: include_str!("../migrations/sqlite/0001_mirror.sql") },
        Migration { name: "0002_removal_guard", sql: include_str!("../migrations/sqlite/0002_removal_guard.sql") },
        Migration { name: "0003_subscription", sql: include_str!("../migrations/sqlite/0003_subscription.sql") },
        Migration { name: "0004_full_cycle_began", sql: include_str!("../migrations/sqlite/0004_full_cycle_began.sql") },
    ],
    postgres: &[
        Migration { name: "0001_mirror", sql: include_str!("../migrations/postgres/0001_mirror.sql") },
        Migration { name: "0002_removal_guard", sql: include_str!("../migrations/postgres/0002_removal_guard.sql") },
        Migration { name: "0003_subscription", sql: include_str!("../migrations/postgres/0003_subscription.sql") },
        Migration { name: "0004_full_cycle_began", sql: include_str!("../migrations/postgres/0004_full_cycle_began.sql") },
    ],
};

/// Makes the connector for a tenant.
pub type Connect = Arc<dyn Fn(&TenantName, &resource::Tenant) -> directory::Result<Arc<dyn Source>> + Send + Sync>;

/// The service, ready to run.
pub struct Detector {
    shared: Arc<Shared>,
    _report: Report,
}

/// Opens the store.
///
/// # Errors
/// When it cannot be opened.
pub async fn build(config: Config, parts: Parts, connect: Connect, inbox: &Inbox) -> Result<Detector, Error> {
    let store =
        Store::open(store::Options { url: config.store.clone(), service: ROLE.name(), migrations: MIGRATIONS, clock: parts.clock.clone() })
            .await?;
    // Times that another role or replica compares, such as when a policy was read, come from the clock that they share.
    let parts = Parts { clock: store.clock(), ..parts };
    let intervals =
        Intervals { cycles: config.poll, facts: config.facts, compare: config.compare, republish: config.republish, forget: config.forget };
    let report = store.report(ROLE.name(), &parts.health);
    let status = Publisher::start(parts.bus.clone(), ROLE, &parts.replica, parts.clock.clone());
    let metrics = Metrics::new();
    inbox.attach(store.clone(), metrics.clone());
    let shared = Shared {
        store,
        parts,
        connect,
        trigger: inbox.trigger().clone(),
        intervals,
        lease: config.lease,
        metrics,
        status,
        repeated: Arc::default(),
    };
    Ok(Detector { shared: Arc::new(shared), _report: report })
}

impl Detector {
    /// Detects until the stop signal; work under way is finished first.
    pub async fn run(self, shutdown: Shutdown) {
        let commands = tokio::spawn(take_commands(Arc::clone(&self.shared), shutdown.clone()));
        let wakes = tokio::spawn(follow_wakes(Arc::clone(&self.shared), shutdown.clone()));
        let facts = tokio::spawn(repeat_facts(Arc::clone(&self.shared), shutdown.clone()));
        let mut configuration = self.shared.parts.configuration.clone();
        let mut watched: BTreeMap<TenantName, Running> = BTreeMap::new();
        loop {
            let specs = specs(&configuration.borrow_and_update());
            watched = self.reconcile(watched, specs, &shutdown).await;
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = configuration.changed() => if changed.is_err() { break },
            }
        }
        for (_, running) in watched {
            running.stop().await;
        }
        // A task that panicked has nothing left to stop.
        let _ = (commands.await, wakes.await, facts.await);
    }

    /// Stops what is not asked for any more or is to be reached otherwise, starts what is new, and passes orders on to the rest.
    async fn reconcile(
        &self,
        mut watched: BTreeMap<TenantName, Running>,
        specs: BTreeMap<TenantName, (resource::Tenant, DetectionSpec)>,
        shutdown: &Shutdown,
    ) -> BTreeMap<TenantName, Running> {
        let mut reconciled = BTreeMap::new();
        for (name, (tenant, spec)) in specs {
            let running = match watched.remove(&name) {
                Some(running) if running.tenant == tenant => {
                    running.spec.send_replace(spec);
                    running
                }
                Some(running) => {
                    running.stop().await;
                    self.start(&name, tenant, spec, shutdown)
                }
                None => self.start(&name, tenant, spec, shutdown),
            };
            reconciled.insert(name, running);
        }
        for (_, running) in watched {
            running.retire().await;
        }
        self.shared.status.retain(reconciled.keys());
        reconciled
    }

    fn start(&self, name: &TenantName, tenant: resource::Tenant, spec: DetectionSpec, shutdown: &Shutdown) -> Running {
        let (spec, specs) = watch::channel(spec);
        let stop = shutdown.child();
        let warning = watch::Sender::new(String::new());
        let stage = watch::Sender::new(None);
        let watched = Watched { shared: self.shared.clone(), name: name.clone(), tenant: tenant.clone(), specs, warning, stage };
        let task = tokio::spawn(supervise(watched, stop.clone()));
        Running { tenant, spec, stop, task }
    }
}

/// Watches a tenant, also after a panic.
async fn supervise(watched: Watched, stop: Shutdown) {
    let health = watched.shared.parts.health.clone();
    let task = Task { health, role: ROLE.name(), name: "detect", tenant: watched.name.to_string() };
    task.supervise(&stop, || watched.clone().run(stop.clone()), |stage| watched.set_stage(stage)).await;
}

/// Takes commands in, also after a panic.
async fn take_commands(shared: Arc<Shared>, shutdown: Shutdown) {
    let task = Task { health: shared.parts.health.clone(), role: ROLE.name(), name: "commands", tenant: String::new() };
    let take = || {
        let (shared, shutdown) = (Arc::clone(&shared), shutdown.clone());
        async move { CommandConsumer::new(&shared.store, &shared.parts, GROUP).run(&*shared, shutdown).await }
    };
    task.supervise(&shutdown, take, |_| {}).await;
}

/// Follows what other replicas tell, also after a panic.
async fn follow_wakes(shared: Arc<Shared>, shutdown: Shutdown) {
    let task = Task { health: shared.parts.health.clone(), role: ROLE.name(), name: "wakes", tenant: String::new() };
    let follow = || {
        let (shared, shutdown) = (Arc::clone(&shared), shutdown.clone());
        async move { wake::follow(&shared.store, |wake| shared.trigger.wake(&wake), shutdown).await }
    };
    task.supervise(&shutdown, follow, |_| {}).await;
}

/// Publishes facts that say again what is known, also after a panic.
async fn repeat_facts(shared: Arc<Shared>, shutdown: Shutdown) {
    let task = Task { health: shared.parts.health.clone(), role: ROLE.name(), name: "facts", tenant: String::new() };
    let repeat = || {
        let (shared, shutdown) = (Arc::clone(&shared), shutdown.clone());
        async move { shared.repeated.run(&shared.parts.bus, &shared.store, shared.intervals.facts, &shutdown).await }
    };
    task.supervise(&shutdown, repeat, |_| {}).await;
}

/// A tenant being watched.
struct Running {
    tenant: resource::Tenant,
    spec: watch::Sender<DetectionSpec>,
    stop: Shutdown,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops for good: the tenant is asked for no more.
    async fn retire(self) {
        self.spec.send_modify(|spec| spec.users = None);
        self.stop().await;
    }

    async fn stop(self) {
        self.stop.begin();
        // A task that panicked has nothing left to stop.
        let _ = self.task.await;
    }
}

/// What the configuration asks of each tenant: users of the sources, policy facts of sources and targets.
fn specs(configuration: &Configuration) -> BTreeMap<TenantName, (resource::Tenant, DetectionSpec)> {
    let of_one = |synchronization: &NamedSynchronization| [synchronization.source.clone(), synchronization.spec.to.clone()];
    let names: BTreeSet<TenantName> = configuration.synchronizations().flat_map(of_one).collect();
    let spec = |name: TenantName| {
        let tenant = configuration.tenant(&name)?.clone();
        let users = configuration.projection(&name).map(|(revision, projection)| (revision, projection.clone()));
        let (names, scopes) = (Names::of(configuration, &name), scopes(configuration, &name));
        let targets = configuration.synchronizations_from(&name).map(|synchronization| synchronization.spec.to.clone());
        let downstream = iter::once(topic::USER_DELTAS.of(&name)).chain(targets.map(|tenant| topic::DECISIONS.of(tenant))).collect();
        let directory = configuration.directory(&name).cloned();
        Some((name, (tenant, DetectionSpec { revision: configuration.revision(), users, names, scopes, downstream, directory })))
    };
    names.into_iter().filter_map(spec).collect()
}

/// How the groups of a source's scopes count: in the way that removes no user by mistake, where its synchronizations differ.
fn scopes(configuration: &Configuration, source: &TenantName) -> Scopes {
    let mut scopes = Scopes::new();
    for synchronization in configuration.synchronizations_from(source) {
        let spec = &synchronization.spec;
        let here = Scope { nested: spec.scope.nested, allows_loss: spec.limits.scope_loss == ScopeLoss::Allow };
        for group in spec.scope.groups.iter().filter_map(|group| group.id()) {
            let scope = scopes.entry(group.clone()).or_insert(here);
            *scope = Scope { nested: scope.nested && here.nested, allows_loss: scope.allows_loss && here.allows_loss };
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use xtsync_domain::resource::{Id, Kind, Resource, Spec};

    use super::*;

    #[test]
    fn where_synchronizations_differ_the_safer_rule_of_a_group_applies() {
        let emea = TenantName::new("emea").unwrap();
        let synchronization = |target: &str, groups: &str, nested: bool, loss: &str| Resource {
            id: Id { kind: Kind::Synchronization, tenant: Some(emea.clone()), name: format!("to-{target}") },
            revision: 1,
            spec: Spec::from_json(
                Kind::Synchronization,
                format!(r#"{{"to":"{target}","scope":{{"groups":[{groups}],"nested":{nested}}},"limits":{{"scopeLoss":"{loss}"}}}}"#)
                    .as_bytes(),
            )
            .unwrap(),
        };
        let (both, one) = (r#"{"id":"both"},{"id":"one"},"unpinned""#, r#"{"id":"both"}"#);
        let configuration = Configuration::new(1, [synchronization("hub", both, true, "allow"), synchronization("us", one, false, "hold")]);
        let want =
            [("both".into(), Scope { nested: false, allows_loss: false }), ("one".into(), Scope { nested: true, allows_loss: true })];
        assert_eq!(scopes(&configuration, &emea), want.into());
        assert_eq!(scopes(&configuration, &TenantName::new("hub").unwrap()), Scopes::new());
    }
}
