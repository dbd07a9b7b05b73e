//! The provisioner as a whole: its parts, how they run together, and how one steps them by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{error, warn};
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::topic;
use xtsync_domain::{TenantName, resource};
use xtsync_runtime::health::Condition;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::supervise::Task;
use xtsync_runtime::telemetry::chain;
use xtsync_service::commands::CommandConsumer;
use xtsync_service::service::Parts;
use xtsync_service::status;
use xtsync_service::wake::{Wake, Wakes};
use xtsync_store::{Options, Report, Store, load_offsets};

use crate::ROLE;
use crate::config::Config;
use crate::context::{Context, Targets};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::follow::{self, Follower};
use crate::intake::{self, Intake};
use crate::linked_directories::LinkedDirectories;
use crate::metrics::Metrics;
use crate::observe_only::ObserveOnly;
use crate::owned_target::OwnedTarget;
use crate::{publish, publisher, republish, table, worker};

/// The group under which replicas share the commands.
const COMMANDS_GROUP: &str = "xtsync-provisioner-commands";

/// The provisioner.
pub struct Provisioner {
    pub(crate) context: Arc<Context>,
    connect: Targets,
    workers: Mutex<BTreeMap<TenantName, Running>>,
    facts: Condition,
    follower: AsyncMutex<Option<Follower>>,
    commands: AsyncMutex<CommandConsumer>,
    wakes: AsyncMutex<Wakes>,
    _report: Report,
}

/// A target with the tasks that work on it, if any do.
struct Running {
    owned: Arc<OwnedTarget>,
    intake: Arc<Intake>,
    /// What its connector was made of.
    tenant: resource::Tenant,
    tasks: JoinSet<()>,
    stop: Shutdown,
}

/// Opens the store and makes a provisioner that does nothing yet. `connect` makes the connectors that write target tenants.
///
/// # Errors
/// When the store cannot be opened.
pub async fn build(config: Config, parts: Parts, connect: Targets) -> Result<Provisioner, Error> {
    let clock = Arc::clone(&parts.clock);
    let options = Options { url: config.store.clone(), service: ROLE.name(), migrations: table::MIGRATIONS, clock };
    let store = Store::open(options).await?;
    // Times that replicas compare, such as the end of a call, come from the clock that they share.
    let parts = Parts { clock: store.clock(), ..parts };
    let clock = Arc::clone(&parts.clock);
    let report = store.report(ROLE.name(), &parts.health);
    let status = status::Publisher::start(Arc::clone(&parts.bus), ROLE, &parts.replica, clock);
    let facts = parts.health.condition("facts");
    let commands = AsyncMutex::new(CommandConsumer::new(&store, &parts, COMMANDS_GROUP));
    let wakes = AsyncMutex::new(Wakes::of(&store));
    let directories = LinkedDirectories::default();
    let context = Context {
        config,
        parts,
        store,
        facts: Facts::default(),
        observe_only: ObserveOnly::default(),
        directories,
        metrics: Metrics::new(),
        status,
    };
    Ok(Provisioner {
        context: Arc::new(context),
        connect,
        workers: Mutex::default(),
        facts,
        follower: AsyncMutex::default(),
        commands,
        wakes,
        _report: report,
    })
}

impl Provisioner {
    /// Runs until the shutdown, then finishes the jobs under way within the limit and releases the leases.
    pub async fn run(self, shutdown: Shutdown) {
        let this = Arc::new(self);
        let mut loops = JoinSet::new();
        loops.spawn(Arc::clone(&this).supervised("facts", shutdown.clone(), Self::follow_facts));
        loops.spawn(Arc::clone(&this).supervised("configuration", shutdown.clone(), Self::follow_configuration));
        loops.spawn(Arc::clone(&this).supervised("commands", shutdown.clone(), Self::follow_commands));
        loops.spawn(Arc::clone(&this).supervised("wakes", shutdown.clone(), Self::follow_wakes));
        while let Some(ended) = loops.join_next().await {
            if let Err(error) = ended {
                error!(%error, "a part of the provisioner ended abruptly");
                shutdown.begin();
            }
        }
        let running = std::mem::take(&mut *this.workers());
        for (_, running) in running {
            running.end().await;
        }
        if let Some(context) = Arc::into_inner(this).and_then(|this| Arc::into_inner(this.context)) {
            context.status.finish().await;
            context.store.close().await;
        }
    }

    /// Makes workers for the targets of the configuration, anew where a tenant's resource has changed, and ends those of others. `run`
    /// also starts them.
    pub async fn refresh(&self) {
        let configuration = self.context.configuration();
        let targets = follow::targets(&configuration);
        let is_outdated = |target: &TenantName, running: &mut Running| {
            let is_moved = self.context.directories.is_other(target, &configuration);
            is_moved || !targets.contains(target) || configuration.tenant(target) != Some(&running.tenant)
        };
        let outdated: Vec<Running> = self.workers().extract_if(.., is_outdated).map(|(_, running)| running).collect();
        // Ended before their successors are made, which have the same lease and condition: calls under way are finished.
        for target in outdated.into_iter().map(Running::end).collect::<JoinSet<_>>().join_all().await {
            self.context.directories.forget(&target);
        }
        self.context.status.retain(&targets);
        let mut workers = self.workers();
        for target in targets {
            let Some(tenant) = configuration.tenant(&target).filter(|_| !workers.contains_key(&target)) else { continue };
            match (self.connect)(&target, tenant) {
                Ok(connected) => {
                    let owned = OwnedTarget::new(Arc::clone(&self.context), target.clone(), connected);
                    let intake = Intake::new(Arc::clone(&owned));
                    let running = Running { owned, intake, tenant: tenant.clone(), tasks: JoinSet::new(), stop: Shutdown::new() };
                    workers.insert(target, running);
                }
                Err(error) => error!(%target, error = chain(&error), "the target cannot be written"),
            }
        }
    }

    /// Takes in what the bus says next about decisions for the targets whose leases are ours, waiting up to `wait` for it at each.
    ///
    /// # Errors
    /// When the store or the bus fails; the next step begins anew where the store's effect ends.
    pub async fn intake_step(&self, wait: Duration) -> Result<(), Error> {
        let all: Vec<Arc<Intake>> = self.workers().values().map(|running| Arc::clone(&running.intake)).collect();
        for intake in all {
            intake.step(wait).await?;
        }
        Ok(())
    }

    /// Takes in what the bus says next about the gate's facts, waiting up to `wait` for it, and a new configuration; returns the
    /// number of facts that came.
    ///
    /// # Errors
    /// When the store or the bus fails; the next step reads all facts again.
    pub async fn facts_step(&self, wait: Duration) -> Result<usize, Error> {
        let mut slot = self.follower.lock().await;
        let mut follower = match slot.take() {
            Some(follower) => follower,
            None => Follower::new(&self.context.parts.bus),
        };
        self.wake(&follower.reconfigure(&self.context).await?);
        let facts = timeout(wait, follower.next()).await.unwrap_or_else(|_| Ok(Vec::new()))?;
        let count = facts.len();
        self.wake(&follower.take(&self.context, facts).await?);
        set_condition(&self.facts, follower.missing().map(|missing| missing.to_string()));
        *slot = Some(follower);
        Ok(count)
    }

    /// Takes in what administrators ask for next, waiting up to `wait` for it.
    ///
    /// # Errors
    /// When the store or the bus fails; the next step begins anew where the store's effect ends.
    pub async fn commands_step(&self, wait: Duration) -> Result<(), Error> {
        Ok(self.commands.lock().await.step(self, wait).await?)
    }

    /// Waits for what a replica tells next, and has it done.
    pub async fn wakes_step(&self) -> Wake {
        let wake = self.wakes.lock().await.next().await;
        self.wake_owners(&wake);
        wake
    }

    /// Does everything that is due in a target, if its lease is ours; says how many jobs that took.
    ///
    /// # Errors
    /// When the store fails or the lease is lost.
    pub async fn work_step(&self, target: &TenantName) -> Result<usize, Error> {
        match self.owned(target) {
            Some(owned) => worker::step(&owned).await,
            None => Ok(0),
        }
    }

    /// Publishes everything that was committed for a target, if its lease is ours; says how many records that were.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub async fn publish_step(&self, target: &TenantName) -> Result<usize, Error> {
        match self.owned(target) {
            Some(owned) => publish::step(&owned).await,
            None => Ok(0),
        }
    }

    /// Republishes one batch of a target's links, if it is due and its lease is ours.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub async fn republish_step(&self, target: &TenantName) -> Result<(), Error> {
        match self.owned(target) {
            Some(owned) => republish::step(&owned).await.map(drop),
            None => Ok(()),
        }
    }

    /// Publishes the status of a target and returns it; `None` for a target that is not worked on.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub async fn status_step(&self, target: &TenantName) -> Result<Option<RoleStatus>, Error> {
        match self.owned(target) {
            Some(owned) => crate::status::step(&owned).await.map(Some),
            None => Ok(None),
        }
    }

    /// How many decisions for a target are taken in, over all partitions and ever.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn taken(&self, target: &TenantName) -> Result<i64, Error> {
        let offsets = load_offsets(&self.context.store, &topic::DECISIONS.of(target)).await?;
        Ok(offsets.values().sum())
    }

    /// Whether a target's lease is ours.
    #[must_use]
    pub fn owns(&self, target: &TenantName) -> bool {
        self.owned(target).is_some_and(|owned| owned.lease.held().is_some())
    }

    /// One of the loops, also after a panic: it returns what it had taken only if all went well.
    async fn supervised<W>(self: Arc<Self>, name: &'static str, shutdown: Shutdown, work: fn(Arc<Self>, Shutdown) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let task = Task { health: self.context.parts.health.clone(), role: ROLE.name(), name, tenant: String::new() };
        task.supervise(&shutdown, || work(Arc::clone(&self), shutdown.clone()), |_| {}).await;
    }

    async fn follow_facts(self: Arc<Self>, shutdown: Shutdown) {
        let poll = self.context.config.poll;
        while let Some(step) = shutdown.or(self.facts_step(poll)).await {
            if let Err(error) = step {
                report(&self.facts, "reading facts", &error);
                shutdown.or(sleep(poll)).await;
            }
        }
    }

    async fn follow_configuration(self: Arc<Self>, shutdown: Shutdown) {
        let mut configuration = self.context.parts.configuration.clone();
        while !shutdown.is_cancelled() {
            configuration.mark_unchanged();
            self.refresh().await;
            self.workers().values_mut().for_each(|running| running.start(&shutdown));
            match shutdown.or(configuration.changed()).await {
                Some(Ok(())) | None => {}
                Some(Err(_)) => return shutdown.cancelled().await,
            }
        }
    }

    async fn follow_commands(self: Arc<Self>, shutdown: Shutdown) {
        let poll = self.context.config.poll;
        while let Some(step) = shutdown.or(self.commands_step(poll)).await {
            if let Err(error) = step {
                warn!(error = chain(&error), "taking commands in waits");
                shutdown.or(sleep(poll)).await;
            }
        }
    }

    async fn follow_wakes(self: Arc<Self>, shutdown: Shutdown) {
        while shutdown.or(self.wakes_step()).await.is_some() {}
    }

    /// Has commands carried out that a replica took in.
    fn wake_owners(&self, wake: &Wake) {
        let configuration = self.context.configuration();
        let is_concerned = |target: &TenantName| match wake {
            Wake::Anything => true,
            // A command may name the source.
            Wake::Command(tenant) => {
                let mut of_source = configuration.synchronizations_from(tenant);
                tenant == target || of_source.any(|synchronization| synchronization.spec.to == *target)
            }
            Wake::Change(_) | Wake::Subscription(_) => false,
        };
        let workers = self.workers();
        workers.iter().filter(|(target, _)| is_concerned(target)).for_each(|(_, running)| running.owned.command());
    }

    fn wake(&self, targets: &BTreeSet<TenantName>) {
        let workers = self.workers();
        targets.iter().filter_map(|target| workers.get(target)).for_each(|running| running.owned.wake.notify_one());
    }

    fn owned(&self, target: &TenantName) -> Option<Arc<OwnedTarget>> {
        self.workers().get(target).map(|running| Arc::clone(&running.owned))
    }

    fn workers(&self) -> parking_lot::MutexGuard<'_, BTreeMap<TenantName, Running>> {
        self.workers.lock()
    }
}

/// Says in a condition what keeps it from holding, if anything does.
fn set_condition(condition: &Condition, reason: Option<String>) {
    condition.set(reason.is_none(), reason.unwrap_or_default());
}

/// Says in a condition and in the log why a step failed; it is tried again.
fn report(condition: &Condition, doing: &'static str, error: &Error) {
    warn!(doing, error = chain(error), "a step failed and is tried again");
    condition.set(false, chain(error));
}

/// One of a worker's tasks, also after a panic: what it works on, and how.
async fn supervised<T, W>(name: &'static str, owned: Arc<OwnedTarget>, part: Arc<T>, stop: Shutdown, work: fn(Arc<T>, Shutdown) -> W)
where
    T: Send + Sync + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let task = Task { health: owned.context.parts.health.clone(), role: ROLE.name(), name, tenant: owned.target.to_string() };
    task.supervise(&stop, || work(Arc::clone(&part), stop.clone()), |stage| crate::status::report_task(&owned, name, stage)).await;
}

impl Running {
    /// Starts the worker's tasks, once.
    fn start(&mut self, shutdown: &Shutdown) {
        if self.tasks.is_empty() {
            self.stop = shutdown.child();
            let (owned, stop) = (&self.owned, &self.stop);
            self.tasks.spawn(supervised("intake", Arc::clone(owned), Arc::clone(&self.intake), stop.clone(), intake::run));
            self.tasks.spawn(supervised("work", Arc::clone(owned), Arc::clone(owned), stop.clone(), worker::run));
            self.tasks.spawn(supervised("status", Arc::clone(owned), Arc::clone(owned), stop.clone(), crate::status::run));
            self.tasks.spawn(supervised("publish", Arc::clone(owned), Arc::clone(owned), stop.clone(), publisher::run));
        }
    }

    /// Waits for the tasks, publishes what they left, and releases the lease; returns its target.
    async fn end(self) -> TenantName {
        let Self { owned, intake, tasks, stop, tenant: _ } = self;
        let target = owned.target.clone();
        stop.begin();
        tasks.join_all().await;
        drop(intake);
        if let Err(error) = publish::step(&owned).await {
            warn!(target = %owned.target, error = chain(&error), "what is left is published by the next owner");
        }
        if let Some(owned) = Arc::into_inner(owned) {
            owned.lease.release().await;
        }
        target
    }
}
