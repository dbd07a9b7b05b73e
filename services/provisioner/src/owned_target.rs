//! One target tenant, as its owner works on it: what its links, its breaker, its limits and its lease have in common.
//!
//! The lease makes the owner the single writer; everything in memory here (circuit breaker, limits, addresses being invited) is exact for that
//! reason and begins anew with each epoch.

mod batcher;
pub(crate) mod breaker;
pub(crate) mod census;
mod concurrency;
pub(crate) mod group_commit;
pub(crate) mod in_use;
pub(crate) mod limits;
mod owners;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tracing::{info, warn};
use xtsync_directory::{Connected, Target};
use xtsync_domain::gate::{ClosedReason, Counter};
use xtsync_domain::{Capabilities, TenantName, Timestamp};
use xtsync_runtime::health::Condition;
use xtsync_runtime::supervise::TaskState;
use xtsync_store::{Epoch, Lease, Transaction};

use self::breaker::{Admission, Breaker, CallResult, Lane, Passage, TargetFailure};
use self::census::Census;
use self::concurrency::Concurrency;
use self::group_commit::GroupCommit;
use self::in_use::InUse;
use self::limits::{Limits, LiveCounts};
use self::owners::Owners;
use crate::context::Context;
use crate::error::Result;
use crate::table::waiting::{Waiting, Waits};
use crate::table::{Key, link};

/// One target tenant, which this replica works on while it holds the lease.
pub(crate) struct OwnedTarget {
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
    /// Whether the store may have commands of administrators that are not carried out.
    commanded: AtomicBool,
    pub(crate) group_commit: GroupCommit,
    pub(crate) owners: Owners,
    /// Held by the one that begins an epoch.
    pub(crate) beginning: AsyncMutex<()>,
    breaker: Mutex<Breaker>,
    census: Mutex<Census>,
    concurrency: Mutex<Concurrency>,
    /// Verbs that work again, by the code under which links wait for them.
    recovered: Mutex<BTreeSet<String>>,
    limits: Mutex<Limits>,
    /// What jobs that create use.
    pub(crate) in_use: InUse,
    /// The epoch in which work last began: the store was compared with its topic, and the links with the directory.
    begun: Mutex<Option<Epoch>>,
    republish: Mutex<Progress>,
    /// Tasks that failed not long ago.
    failed: Mutex<BTreeMap<&'static str, TaskState>>,
    jitter: Mutex<StdRng>,
    condition: Condition,
}

/// The progress of republication on this replica.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// When the next check is due.
    pub(crate) due: Timestamp,
    /// Whether a republication is under way.
    pub(crate) is_under_way: bool,
}

/// How many links may be worked on at once, and of which classes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// By the concurrency limit.
    pub(crate) slots: usize,
    /// By the circuit breaker: those whose users lose access, and the others.
    pub(crate) leavers: Passage,
    pub(crate) others: Passage,
    /// Whether only users who lose access are begun for a moment.
    pub(crate) is_leavers_only: bool,
    /// When there may be more room than now.
    pub(crate) next_change: Option<Timestamp>,
}

impl OwnedTarget {
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
            commanded: AtomicBool::new(true),
            group_commit: GroupCommit::default(),
            owners: Owners::default(),
            beginning: AsyncMutex::default(),
            breaker: Mutex::default(),
            census: Mutex::default(),
            concurrency: Mutex::default(),
            recovered: Mutex::default(),
            limits: Mutex::default(),
            in_use: InUse::default(),
            begun: Mutex::default(),
            republish: Mutex::default(),
            failed: Mutex::default(),
            jitter: Mutex::new(StdRng::seed_from_u64(seed)),
            condition,
            context,
        })
    }

    /// Has the commands in the store carried out.
    pub(crate) fn command(&self) {
        self.commanded.store(true, Ordering::Relaxed);
        self.republish().due = Timestamp(0);
        self.wake.notify_one();
        self.publish.notify_one();
    }

    /// Whether there may be commands that have not been looked for.
    pub(crate) fn take_command(&self) -> bool {
        self.commanded.swap(false, Ordering::Relaxed)
    }

    /// Begins a transaction that commits only while the lease is ours, in this epoch.
    pub(crate) async fn begin(&self, epoch: Epoch) -> Result<Transaction> {
        Ok(self.lease.fence(epoch).begin().await?)
    }

    /// Whether an owner's work here has begun, and so the store has been compared with its topic.
    pub(crate) fn is_reconciled(&self) -> bool {
        self.begun.lock().is_some()
    }

    /// Whether the work of this epoch has begun.
    pub(crate) fn has_begun(&self, epoch: Epoch) -> bool {
        *self.begun.lock() == Some(epoch)
    }

    /// Begins anew with what is exact only within an epoch.
    pub(crate) fn begin_epoch(&self, epoch: Epoch) {
        *self.breaker() = Breaker::default();
        *self.census() = Census::default();
        *self.concurrency() = Concurrency::default();
        self.forget_limits();
        *self.begun.lock() = Some(epoch);
        // Also what was asked of a former owner, and what it has not published.
        self.command();
    }

    /// Has what was counted against the limits read again.
    pub(crate) fn forget_limits(&self) {
        *self.limits() = Limits::default();
    }

    /// Reads what was counted against the limits, unless it is known.
    pub(crate) async fn read_limits(&self) -> Result<()> {
        if !self.limits().are_read() {
            let limits = Limits::load(&self.context.store, &self.target, self.context.now()).await?;
            *self.limits() = limits;
        }
        Ok(())
    }

    /// Makes due what waits for verbs that work again. Says whether there is any.
    pub(crate) async fn wake_recovered(&self) -> Result<bool> {
        let codes = std::mem::take(&mut *self.recovered());
        for code in &codes {
            let waiting = Waiting { code, ..Waiting::all(&self.target, Waits::Verb) };
            let links = waiting.wake(&self.context.store, self.context.now()).await?;
            info!(target = %self.target, code, links, "the target lets us again");
        }
        Ok(!codes.is_empty())
    }

    /// Wakes the links that have room now, because their limit is a share of what the target holds, which has grown.
    pub(crate) async fn refresh_limits(&self) -> Result<()> {
        let now = self.context.now();
        if self.limits().is_uncounted() {
            let live = LiveCounts(link::live_counts(&self.context.store, &self.target).await?);
            self.limits().set_live(live);
        }
        let compared = self.limits().compare_live(now);
        if let Some((before, live)) = compared {
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

    /// How many links may be worked on at once now, and of which classes.
    pub(crate) fn capacity(&self, now: Timestamp) -> Capacity {
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

    /// What is known of the target's objects.
    pub(crate) fn census(&self) -> MutexGuard<'_, Census> {
        self.census.lock()
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
}

/// Whether a reason for which a target is set aside passes by itself, so that no operator needs to act.
fn is_passing(reason: &str) -> bool {
    matches!(reason, "throttled" | "away")
}
