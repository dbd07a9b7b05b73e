//! Runs the detection of one tenant: acquires its lease, steps the detection while the lease is held, waits between steps, and retries
//! after a failure.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{error, warn};
use xtsync_contract::convert::wire_time;
use xtsync_contract::internal::RoleStatus;
use xtsync_directory::Source;
use xtsync_domain::{TenantName, Timestamp, resource};
use xtsync_runtime::backoff;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::supervise::TaskState;
use xtsync_runtime::telemetry::chain;
use xtsync_service::service::Parts;
use xtsync_service::status::Publisher;
use xtsync_store::{Epoch, Fence, Lease, LeaseState, Store};

use crate::metrics::Metrics;
use crate::repeated_facts::RepeatedFacts;
use crate::subscriber::{self, Subscriber};
use crate::tenant::{DetectionSpec, Intervals, Pause, Tenant};
use crate::trigger::Registration;
use crate::{Connect, Error, Trigger};

/// The time limit for ending the subscriptions of a tenant that is no longer watched.
const UNSUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait after the first failure, and after many. A directory may ask for a longer one (`Retry-After`).
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// How often the status of a tenant is published while its steps follow one another without a pause.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// What all tenants share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) parts: Parts,
    pub(crate) connect: Connect,
    pub(crate) trigger: Trigger,
    pub(crate) intervals: Intervals,
    pub(crate) lease: Duration,
    pub(crate) metrics: Metrics,
    pub(crate) status: Publisher,
    pub(crate) repeated: Arc<RepeatedFacts>,
}

/// One tenant to watch.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: TenantName,
    pub(crate) tenant: resource::Tenant,
    pub(crate) specs: watch::Receiver<DetectionSpec>,
    /// The code of a problem that does not stop the detection; empty without one.
    pub(crate) warning: watch::Sender<String>,
    /// The state of the task, if it failed recently.
    pub(crate) stage: watch::Sender<Option<TaskState>>,
}

/// The code that reports a task that panicked.
const PANICKED: &str = "panicked_detect";

impl Watched {
    /// Watches until the stop signal.
    pub(crate) async fn run(mut self, stop: Shutdown) {
        let source = match (self.shared.connect)(&self.name, &self.tenant) {
            Ok(source) => source,
            Err(error) => {
                error!(tenant = %self.name, %error, "the tenant cannot be reached as configured");
                self.publish_blocked(Error::from(error).code());
                return stop.cancelled().await;
            }
        };
        let shared = self.shared.clone();
        let lease = Lease::new(shared.store.clone(), &format!("detector/{}", self.name), &shared.parts.replica, shared.lease);
        let mut held = lease.watch();
        let mut last = None;
        while !stop.is_cancelled() {
            self.publish_standby();
            let epoch = tokio::select! {
                () = stop.cancelled() => break,
                epoch = wait_acquired(&mut held) => epoch,
            };
            let fence = lease.fence(epoch);
            let subscriber = self.subscriber(&source, &fence);
            let specs = self.specs.clone();
            last = Some(fence.clone());
            tokio::select! {
                () = self.run_leased(&source, fence, &stop) => {}
                () = subscriber.run(shared.parts.clock.clone(), specs) => {}
                () = wait_lost(&mut held, epoch) => {}
            }
        }
        if let Some(fence) = last.filter(|_| self.specs.borrow().users.is_none()) {
            // This fails if the lease was lost.
            let _ = tokio::time::timeout(UNSUBSCRIBE_TIMEOUT, self.subscriber(&source, &fence).end()).await;
        }
        lease.release().await;
    }

    fn subscriber(&self, source: &Arc<dyn Source>, fence: &Fence) -> Subscriber {
        Subscriber {
            name: self.name.clone(),
            source: source.clone(),
            fence: fence.clone(),
            trigger: self.shared.trigger.clone(),
            metrics: self.shared.metrics.clone(),
            warning: self.warning.clone(),
            url: subscriber::url(&self.name, &**source),
            not_before: Timestamp(0),
        }
    }

    /// Steps the tenant under one epoch of its lease, until the stop signal.
    async fn run_leased(&mut self, source: &Arc<dyn Source>, fence: Fence, stop: &Shutdown) {
        let registration = self.shared.trigger.register(&self.name);
        let mut tenant = None;
        let mut rng = StdRng::from_os_rng();
        let mut failures = 0;
        let mut status_at = Instant::now();
        while !stop.is_cancelled() {
            let now = self.shared.parts.clock.now();
            let mut has_failed = false;
            let wait = match self.step(&mut tenant, source, &fence).await {
                Ok(Pause::None) => {
                    let is_well = !tenant.as_ref().is_some_and(Tenant::is_failing);
                    failures = if is_well { 0 } else { failures };
                    // A trigger counts also while steps follow one another without a pause.
                    tokio::select! {
                        biased;
                        () = registration.triggered() => if let Some(tenant) = &mut tenant { tenant.trigger() },
                        () = std::future::ready(()) => {}
                    }
                    if is_well && status_at.elapsed() >= STATUS_INTERVAL {
                        status_at = Instant::now();
                        self.publish_status(tenant.as_ref(), None);
                    }
                    continue;
                }
                Ok(Pause::Until(then)) => {
                    if !tenant.as_ref().is_some_and(Tenant::is_failing) {
                        failures = 0;
                        self.publish_status(tenant.as_ref(), None);
                    }
                    then.since(now)
                }
                Err(error) => {
                    failures += 1;
                    has_failed = true;
                    let wait = error.wait().unwrap_or_else(|| backoff::delay_between(failures, RETRY_FIRST, RETRY_MAX, &mut rng));
                    self.failed(tenant.as_ref(), &error, self.shared.parts.clock.now().plus(wait));
                    // The outcome of a commit may be unknown: the state in memory may differ from the store, so it is loaded again.
                    tenant = tenant.filter(|_| !matches!(error, Error::Store(_)));
                    wait
                }
            };
            if !self.wait(&mut tenant, has_failed, Instant::now() + wait, &registration, stop).await {
                return;
            }
        }
    }

    /// Waits, at most until something is to be done. After a failure, what the directory answers meanwhile is used, and the wait goes on.
    /// False when there is no configuration to follow any more.
    async fn wait(
        &mut self,
        tenant: &mut Option<Tenant>,
        has_failed: bool,
        end: Instant,
        registration: &Registration,
        stop: &Shutdown,
    ) -> bool {
        let clock = self.shared.parts.clock.clone();
        let mut uses_answers = true;
        loop {
            let mut is_answered = false;
            tokio::select! {
                () = stop.cancelled() => {}
                answered = pause(tenant.as_mut().filter(|_| uses_answers), has_failed, end, &*clock) => is_answered = answered,
                changed = self.specs.changed() => if changed.is_err() { return false },
                // A directory that asked to wait is not asked sooner, whatever is triggered.
                () = registration.requested(), if has_failed => {}
                () = registration.triggered(), if !has_failed => if let Some(tenant) = tenant { tenant.trigger() },
            }
            let Some(failed) = tenant.as_mut().filter(|_| is_answered && has_failed) else { return true };
            match failed.use_answer(clock.now()).await {
                Ok(_) => {}
                // As after a step.
                Err(Error::Store(_)) => *tenant = None,
                // It is asked for again after the wait.
                Err(_) => uses_answers = false,
            }
        }
    }

    async fn step(&mut self, tenant: &mut Option<Tenant>, source: &Arc<dyn Source>, fence: &Fence) -> Result<Pause, Error> {
        let spec = self.specs.borrow_and_update().clone();
        let now = self.shared.parts.clock.now();
        let tenant = match tenant {
            Some(tenant) => {
                if tenant.spec != spec {
                    tenant.apply_spec(spec, now).await?;
                }
                tenant
            }
            None => {
                let shared = &self.shared;
                let parts = (shared.store.clone(), shared.parts.bus.clone(), shared.repeated.clone());
                let rest = (shared.intervals, shared.metrics.clone());
                tenant.insert(Tenant::load(self.name.clone(), source.clone(), parts, fence.clone(), rest, spec, now).await?)
            }
        };
        tenant.step(now).await
    }

    fn failed(&self, tenant: Option<&Tenant>, error: &Error, next_try: Timestamp) {
        let code = error.code();
        warn!(tenant = %self.name, code, error = chain(error), "detection failed and is retried");
        self.shared.metrics.failed(&self.name, code);
        self.publish_status(tenant, Some((error, next_try)));
    }

    /// Records the state of the task.
    pub(crate) fn set_stage(&self, stage: TaskState) {
        self.stage.send_replace(Some(stage).filter(|stage| *stage != TaskState::Recovered));
        match stage {
            TaskState::Down => self.publish_blocked(PANICKED),
            TaskState::Restarted | TaskState::Recovered => {}
        }
    }

    /// Publishes that this replica does not hold the tenant.
    fn publish_standby(&self) {
        self.shared.status.set(RoleStatus { tenant: self.name.to_string(), ..RoleStatus::default() });
    }

    /// Publishes that this replica holds the tenant, and why its detection does not run.
    fn publish_blocked(&self, code: &str) {
        let (tenant, blocked) = (self.name.to_string(), code.to_owned());
        self.shared.status.set(RoleStatus { tenant, blocked, leader: true, ..RoleStatus::default() });
    }

    /// The stable codes of problems that need an administrator.
    fn warnings(&self, tenant: Option<&Tenant>) -> String {
        let (subscriber, panicked) = (self.warning.borrow(), self.stage.borrow().map_or("", |_| PANICKED));
        let full = tenant.and_then(Tenant::full_warning).unwrap_or_default();
        let codes = [panicked, subscriber.as_str(), tenant.map_or("", Tenant::warning), full.as_str()];
        codes.into_iter().filter(|code| !code.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn publish_status(&self, tenant: Option<&Tenant>, failure: Option<(&Error, Timestamp)>) {
        let held = tenant.map(Tenant::held).unwrap_or_default();
        let condition = tenant.and_then(Tenant::condition);
        let failure_code = failure.map(|(error, next_try)| (error.code(), next_try)).or(condition);
        held.iter().for_each(|(reason, users)| self.shared.metrics.held(&self.name, reason, *users));
        self.shared.status.set(RoleStatus {
            tenant: self.name.to_string(),
            revision: tenant.map_or(0, Tenant::revision),
            cycle: tenant.map_or(0, Tenant::published_cycle),
            lag: tenant.map_or(0, Tenant::lag),
            blocked: failure_code.map_or_else(|| tenant.map_or("", Tenant::blocked), |(code, _)| code).to_owned(),
            cause: failure.map_or("", |(error, _)| error.cause()).to_owned(),
            held: held.into_iter().filter(|(_, users)| *users > 0).map(|(reason, users)| (reason.to_owned(), users)).collect(),
            leader: true,
            warning: self.warnings(tenant),
            republishing: tenant.is_some_and(Tenant::is_republishing),
            next_try: failure_code.map(|(_, next_try)| wire_time(next_try)),
            ..RoleStatus::default()
        });
    }
}

/// Waits until then, or until the directory answers; true then. It may be dropped at any time.
async fn pause(tenant: Option<&mut Tenant>, has_failed: bool, end: Instant, clock: &dyn Clock) -> bool {
    match tenant {
        Some(tenant) if has_failed => tenant.pause_until(end, clock).await,
        Some(tenant) => timeout_at(end, tenant.answered()).await.is_ok(),
        None => {
            sleep_until(end).await;
            false
        }
    }
}

/// Waits until this replica holds the lease; returns the epoch.
async fn wait_acquired(held: &mut watch::Receiver<LeaseState>) -> Epoch {
    loop {
        if let LeaseState::Held(epoch) = *held.borrow_and_update() {
            return epoch;
        }
        if held.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until this replica no longer holds the lease in this epoch.
async fn wait_lost(held: &mut watch::Receiver<LeaseState>, epoch: Epoch) {
    while *held.borrow_and_update() == LeaseState::Held(epoch) && held.changed().await.is_ok() {}
}
