//! One target tenant: who owns it works on its due links, some at once, leavers first.
//!
//! The lease makes it single-writer; everything in memory here (circuit breaker, limits, addresses being invited) is exact for that reason and
//! begins anew with each epoch. When the lease is lost, what is under way is dropped and records nothing.

mod batcher;
pub(crate) mod breaker;
mod concurrency;
pub(crate) mod group_commit;
mod job_pool;
pub(crate) mod limits;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};
use xtsync_directory::{Connected, Target};
use xtsync_domain::gate::{ClosedReason, Counter};
use xtsync_domain::{Capabilities, TenantName, Timestamp};
use xtsync_runtime::health::Condition;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::supervise::TaskState;
use xtsync_runtime::telemetry::chain;
use xtsync_store::{Epoch, Lease, LeaseState, Transaction};

use self::breaker::{Admission, Breaker, CallResult, Lane, TargetFailure};
use self::concurrency::Concurrency;
use self::group_commit::GroupCommit;
use self::job_pool::{Capacity, JobPool};
use self::limits::{Limits, LiveCounts};
use crate::context::Context;
use crate::directory_change;
use crate::error::Result;
use crate::observe_only;
use crate::rebuild::rebuild;
use crate::republish::Progress;
use crate::retry;
use crate::table::waiting::{Waiting, Waits};
use crate::table::{Key, link, work};

/// One target tenant.
pub(crate) struct Worker {
    pub(crate) context: Arc<Context>,
    pub(crate) target: TenantName,
    pub(crate) directory: Arc<dyn Target>,
    /// What that directory can do.
    pub(crate) capabilities: Capabilities,
    pub(crate) lease: Lease,
    /// Wakes the worker: something may be due.
    pub(crate) wake: Notify,
    /// Wakes the publisher: something was committed.
    pub(crate) publish: Notify,
    pub(crate) group_commit: GroupCommit,
    breaker: Mutex<Breaker>,
    concurrency: Mutex<Concurrency>,
    /// Verbs that work again, by the code under which links wait for them.
    recovered: Mutex<BTreeSet<String>>,
    limits: Mutex<Limits>,
    inviting: Mutex<BTreeSet<String>>,
    /// The epoch in which the store was last compared with its topic, and the links with the directory.
    looked: Mutex<Option<Epoch>>,
    republish: Mutex<Progress>,
    /// Tasks that failed not long ago.
    failed: Mutex<BTreeMap<&'static str, TaskState>>,
    jitter: Mutex<StdRng>,
    condition: Condition,
}

/// An address that is being invited; free again when this is dropped.
pub(crate) struct Inviting<'a> {
    worker: &'a Worker,
    address: String,
}

impl Worker {
    pub(crate) fn new(context: Arc<Context>, target: TenantName, connected: Connected) -> Arc<Self> {
        let name = format!("target/{target}");
        let lease = Lease::new(context.store.clone(), &name, &context.parts.replica, context.config.lease_ttl);
        let condition = context.parts.health.condition(name);
        condition.set(true, "");
        // Differs between targets and replicas, so that they do not try again together.
        let seed = BuildHasherDefault::<DefaultHasher>::default().hash_one((&context.parts.replica, target.as_str()));
        Arc::new(Self {
            target,
            directory: connected.target,
            capabilities: connected.capabilities,
            lease,
            wake: Notify::new(),
            publish: Notify::new(),
            group_commit: GroupCommit::default(),
            breaker: Mutex::default(),
            concurrency: Mutex::default(),
            recovered: Mutex::default(),
            limits: Mutex::default(),
            inviting: Mutex::default(),
            looked: Mutex::default(),
            republish: Mutex::default(),
            failed: Mutex::default(),
            jitter: Mutex::new(StdRng::seed_from_u64(seed)),
            condition,
            context,
        })
    }

    /// Begins a transaction that commits only while the lease is ours, in this epoch.
    pub(crate) async fn begin(&self, epoch: Epoch) -> Result<Transaction> {
        Ok(self.lease.fence(epoch).begin().await?)
    }

    /// Works whenever the lease is held, until the shutdown.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let mut held = self.lease.watch();
        while !shutdown.is_cancelled() {
            let now = *held.borrow_and_update();
            match now {
                LeaseState::Held(epoch) => {
                    if let Err(error) = self.own(epoch, &shutdown).await {
                        warn!(target = %self.target, error = chain(&error), "work on the target pauses");
                        shutdown.or(sleep(self.context.config.poll)).await;
                    }
                }
                LeaseState::Lost => {
                    shutdown.or(held.changed()).await;
                }
            }
        }
    }

    /// Does everything that is due now and what follows from it, and says how many jobs that took. Nothing without the lease.
    pub(crate) async fn step(self: &Arc<Self>) -> Result<usize> {
        let Some(epoch) = self.lease.held() else { return Ok(0) };
        self.reconcile(epoch).await?;
        if !self.limits().are_read() {
            let limits = Limits::load(&self.context.store, &self.target, self.context.now()).await?;
            *self.limits() = limits;
        }
        self.refresh_limits().await?;
        retry::carry_out(self, epoch).await?;
        let mut job_pool = JobPool::default();
        let mut done = 0;
        loop {
            if self.wake_recovered().await? {
                job_pool.rescan();
            }
            job_pool.fill(self, epoch).await?;
            match job_pool.finished().await {
                Some(result) => result?,
                None => return Ok(done),
            }
            done += 1;
        }
    }

    /// One epoch: from taking the lease to losing it or being asked to stop.
    async fn own(self: &Arc<Self>, epoch: Epoch, shutdown: &Shutdown) -> Result<()> {
        let mut held = self.lease.watch();
        self.reconcile(epoch).await?;
        let limits = Limits::load(&self.context.store, &self.target, self.context.now()).await?;
        *self.limits() = limits;
        *self.breaker() = Breaker::default();
        *self.concurrency() = Concurrency::default();
        let mut job_pool = JobPool::default();
        let mut looked = Instant::now();
        while *held.borrow() == LeaseState::Held(epoch) {
            // Intake of another replica wakes no worker here, and jobs that end all the time leave no pause.
            if looked.elapsed() >= self.context.config.poll {
                job_pool.rescan();
                looked = Instant::now();
                retry::carry_out(self, epoch).await?;
            }
            self.refresh_limits().await?;
            if self.wake_recovered().await? {
                job_pool.rescan();
            }
            job_pool.fill(self, epoch).await?;
            let pause = self.pause(job_pool.is_empty()).await?;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return self.drain(job_pool).await,
                _ = held.changed() => {}
                Some(result) = job_pool.finished() => result?,
                () = self.wake.notified() => job_pool.rescan(),
                () = sleep(pause) => job_pool.rescan(),
            }
        }
        // Dropping the job_pool drops what is under way.
        Ok(())
    }

    /// Finishes the jobs under way, within a limit, and takes nothing new.
    async fn drain(&self, mut job_pool: JobPool) -> Result<()> {
        let finish = async {
            while let Some(result) = job_pool.finished().await {
                result?;
            }
            Ok(())
        };
        match timeout(self.context.config.drain_timeout, finish).await {
            Ok(result) => result,
            Err(_) => {
                warn!(target = %self.target, "calls still under way are left to the next owner");
                Ok(())
            }
        }
    }

    /// The longest wait without a wake-up or the end of a job.
    async fn pause(&self, is_idle: bool) -> Result<std::time::Duration> {
        let now = self.context.now();
        let poll = self.context.config.poll;
        let next = match self.capacity(now).next_change {
            Some(until) => Some(until),
            None if is_idle => work::next_due(&self.context.store, &self.target).await?.filter(|due| now < *due),
            None => None,
        };
        Ok(next.map_or(poll, |next| next.since(now).min(poll)))
    }

    /// Takes from the topic what the store has lost, and has the links of a former directory forget their objects, once an epoch; then
    /// looks whether the target is observe-only.
    async fn reconcile(&self, epoch: Epoch) -> Result<()> {
        if *self.looked() != Some(epoch) {
            rebuild(self, epoch).await?;
            directory_change::check(self, epoch).await?;
            *self.looked() = Some(epoch);
        }
        observe_only::refresh(&self.context, &self.target).await.map(drop)
    }

    /// Whether the store has been compared with its topic, if that exists.
    pub(crate) fn is_reconciled(&self) -> bool {
        self.looked().is_some()
    }

    fn looked(&self) -> MutexGuard<'_, Option<Epoch>> {
        self.looked.lock()
    }

    async fn refresh_limits(&self) -> Result<()> {
        let now = self.context.now();
        if self.limits().is_stale(now) {
            let live = LiveCounts(link::live_counts(&self.context.store, &self.target).await?);
            let before = self.limits().count(live.clone(), now);
            // A share of more is more: who left while the target was being filled need not wait until the window has room.
            for synchronization in self.context.configuration().synchronizations().filter(|one| one.spec.to == self.target) {
                let source = &synchronization.source;
                let pair = self.context.pair(source, &self.target);
                let rises =
                    |counter: &Counter| pair.limits().max(*counter, before.of(source)) < pair.limits().max(*counter, live.of(source));
                // Only links that wait for that: to check all others, which something else holds, would cost as much as their work.
                for counter in Counter::ALL.iter().filter(|counter| rises(counter)) {
                    let waiting = Waiting {
                        source: Some(source),
                        code: ClosedReason::Limit(*counter).code(),
                        ..Waiting::all(&self.target, Waits::Verb)
                    };
                    waiting.wake(&self.context.store, now).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether a call may start that needs these verbs.
    pub(crate) fn admit(&self, lane: Lane, verbs: &[&'static str], key: &Key) -> Admission {
        self.breaker().admit(lane, verbs, key, self.context.now())
    }

    /// The job of a link has ended.
    pub(crate) fn release_probe(&self, key: &Key) {
        self.breaker().release_probe(key);
    }

    /// Takes in what a call came to.
    pub(crate) fn report(&self, lane: Lane, verb: &'static str, key: &Key, call_result: &CallResult) {
        let now = self.context.now();
        let (was_open, until) = {
            let mut breaker = self.breaker();
            let was_open = breaker.open_until(Lane::Others, now).is_some();
            let recovered = breaker.report(lane, verb, key, call_result, now, &mut *self.jitter());
            self.recovered().extend(recovered);
            self.condition.set(breaker.reason().is_none_or(is_passing), breaker.reason().unwrap_or_default());
            (was_open, breaker.open_until(Lane::Others, now))
        };
        let Some(until) = until.filter(|_| !was_open) else { return };
        warn!(target = %self.target, reason = self.stopped(), %until, "the target is set aside: only leavers are tried");
        if let CallResult::TargetFailed(TargetFailure::Throttled(_)) = call_result {
            self.concurrency().throttled(now, until, self.context.config.in_flight_max);
        }
    }

    /// The target warns that it is about to throttle.
    pub(crate) fn target_warned(&self) {
        let now = self.context.now();
        // What was under way when it was set aside says nothing new.
        if self.breaker().open_until(Lane::Others, now).is_none() {
            self.concurrency().warned(now, self.context.config.in_flight_max);
        }
    }

    /// Makes due what waits for verbs that work again. Says whether there is any.
    async fn wake_recovered(&self) -> Result<bool> {
        let codes = std::mem::take(&mut *self.recovered());
        for code in &codes {
            let waiting = Waiting { code, ..Waiting::all(&self.target, Waits::Verb) };
            let links = waiting.wake(&self.context.store, self.context.now()).await?;
            info!(target = %self.target, code, links, "the target lets us again");
        }
        Ok(!codes.is_empty())
    }

    /// Claims an address for one invitation; `None` while another link invites it.
    pub(crate) fn claim_address(&self, address: &str) -> Option<Inviting<'_>> {
        let address = address.to_lowercase();
        let is_free = self.inviting().insert(address.clone());
        is_free.then_some(Inviting { worker: self, address })
    }

    /// How many links may be worked on at once now, and of which classes.
    fn capacity(&self, now: Timestamp) -> Capacity {
        let (breaker, concurrency) = (self.breaker(), self.concurrency());
        let open = [Lane::Leavers, Lane::Others].into_iter().filter_map(|lane| breaker.open_until(lane, now));
        Capacity {
            slots: concurrency.slots(now, self.context.config.in_flight_max),
            leavers: breaker.passage(Lane::Leavers, now),
            others: breaker.passage(Lane::Others, now),
            is_leavers_only: concurrency.is_leavers_only(now),
            next_change: open.chain(concurrency.leavers_only_until(now)).min(),
        }
    }

    /// Why the target is set aside; empty when it is not.
    pub(crate) fn stopped(&self) -> String {
        match self.breaker().reason() {
            Some(reason) => reason.to_owned(),
            None if self.context.observe_only.contains(&self.target) => ClosedReason::ObserveOnlyAfterRebuild.code().to_owned(),
            None => String::new(),
        }
    }

    /// The circuit breaker.
    pub(crate) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock()
    }

    fn concurrency(&self) -> MutexGuard<'_, Concurrency> {
        self.concurrency.lock()
    }

    fn recovered(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.recovered.lock()
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock()
    }

    pub(crate) fn jitter(&self) -> MutexGuard<'_, StdRng> {
        self.jitter.lock()
    }

    /// The progress of republication.
    pub(crate) fn republish(&self) -> MutexGuard<'_, Progress> {
        self.republish.lock()
    }

    /// Tasks that failed not long ago, and how each stands.
    pub(crate) fn failed(&self) -> MutexGuard<'_, BTreeMap<&'static str, TaskState>> {
        self.failed.lock()
    }

    fn inviting(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.inviting.lock()
    }
}

/// Whether a reason for which a target is set aside passes by itself, so that no operator needs to act.
fn is_passing(reason: &str) -> bool {
    matches!(reason, "throttled" | "away")
}

impl Drop for Inviting<'_> {
    fn drop(&mut self) {
        self.worker.inviting().remove(&self.address);
    }
}
