//! One target tenant: who owns it works on its due links, some at once, leavers first.
//!
//! The lease makes it single-writer; everything in memory here (brake, limits, addresses being invited) is exact for that reason and
//! begins anew with each epoch. When the lease is lost, what is under way is dropped and records nothing.

mod brake;
mod hands;
pub(crate) mod ledger;
pub(crate) mod limits;
mod together;

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;
use xtsync_directory::Target;
use xtsync_domain::gate::Why;
use xtsync_domain::link::Verb;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_platform::health::Condition;
use xtsync_platform::shutdown::Shutdown;
use xtsync_platform::store::{Epoch, Held, Lease, Transaction, lease};
use xtsync_platform::telemetry::chain;

use self::brake::Brake;
pub(crate) use self::brake::Pressure;
use self::hands::Hands;
use self::ledger::Ledger;
use self::limits::Limits;
use crate::context::Context;
use crate::error::Result;
use crate::follow;
use crate::rebuild::rebuild;
use crate::release;
use crate::scrub::Pace;
use crate::table::{link, work};

/// One target tenant.
pub(crate) struct Worker {
    pub(crate) context: Arc<Context>,
    pub(crate) target: TenantName,
    pub(crate) directory: Arc<dyn Target>,
    pub(crate) lease: Lease,
    /// Wakes the worker: something may be due.
    pub(crate) wake: Notify,
    /// Wakes the publisher: something was committed.
    pub(crate) publish: Notify,
    pub(crate) ledger: Ledger,
    brake: Mutex<Brake>,
    limits: Mutex<Limits>,
    inviting: Mutex<BTreeSet<String>>,
    /// Whether the store has been held against its topic.
    is_whole: AtomicBool,
    scrub: Mutex<Pace>,
    jitter: Mutex<StdRng>,
    condition: Condition,
}

/// An address that is being invited; free again when this is dropped.
pub(crate) struct Inviting<'a> {
    worker: &'a Worker,
    address: String,
}

impl Worker {
    pub(crate) fn new(context: Arc<Context>, target: TenantName, directory: Arc<dyn Target>) -> Arc<Self> {
        let name = format!("target/{target}");
        let lease = Lease::new(context.store.clone(), &name, &context.parts.replica, context.config.lease_ttl);
        let condition = context.parts.health.condition(name);
        condition.set(true, "");
        // Differs between targets and replicas, so that they do not try again together.
        let seed = BuildHasherDefault::<DefaultHasher>::default().hash_one((&context.parts.replica, target.as_str()));
        Arc::new(Self {
            target,
            directory,
            lease,
            wake: Notify::new(),
            publish: Notify::new(),
            ledger: Ledger::default(),
            brake: Mutex::default(),
            limits: Mutex::default(),
            inviting: Mutex::default(),
            is_whole: AtomicBool::new(false),
            scrub: Mutex::default(),
            jitter: Mutex::new(StdRng::seed_from_u64(seed)),
            condition,
            context,
        })
    }

    /// Begins a transaction that commits only while the lease is ours, in this epoch.
    pub(crate) async fn begin(&self, epoch: Epoch) -> Result<Transaction> {
        let mut tx = self.context.store.begin().await?;
        lease::assert_with_commit(&mut tx, self.lease.name(), epoch);
        Ok(tx)
    }

    /// Works whenever the lease is held, until the shutdown.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let mut held = self.lease.watch();
        while !shutdown.is_cancelled() {
            let now = *held.borrow_and_update();
            match now {
                Held::Held(epoch) => {
                    if let Err(error) = self.own(epoch, &shutdown).await {
                        warn!(target = %self.target, error = chain(&error), "work on the target pauses");
                        shutdown.or(sleep(self.context.config.poll)).await;
                    }
                }
                Held::Lost => {
                    shutdown.or(held.changed()).await;
                }
            }
        }
    }

    /// Does everything that is due now and what follows from it, and says how many jobs that took. Nothing without the lease.
    pub(crate) async fn step(self: &Arc<Self>) -> Result<usize> {
        let Some(epoch) = self.lease.held() else { return Ok(0) };
        self.make_whole(epoch).await?;
        self.refresh_limits().await?;
        let mut hands = Hands::default();
        let mut done = 0;
        loop {
            hands.fill(self, epoch).await?;
            match hands.finished().await {
                Some(result) => result?,
                None => return Ok(done),
            }
            done += 1;
        }
    }

    /// One epoch: from taking the lease to losing it or being asked to stop.
    async fn own(self: &Arc<Self>, epoch: Epoch, shutdown: &Shutdown) -> Result<()> {
        let mut held = self.lease.watch();
        self.make_whole(epoch).await?;
        let limits = Limits::load(&self.context.store, &self.target, self.context.now()).await?;
        *self.limits() = limits;
        *self.brake() = Brake::default();
        let mut hands = Hands::default();
        let mut looked = Instant::now();
        while *held.borrow() == Held::Held(epoch) {
            // Nobody wakes us for what another replica took in, and with jobs that end all the time no pause does.
            if looked.elapsed() >= self.context.config.poll {
                hands.look_again();
                looked = Instant::now();
            }
            self.refresh_limits().await?;
            hands.fill(self, epoch).await?;
            let pause = self.pause(hands.is_empty()).await?;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return self.drain(hands).await,
                _ = held.changed() => {}
                Some(result) = hands.finished() => result?,
                () = self.wake.notified() => hands.look_again(),
                () = sleep(pause) => hands.look_again(),
            }
        }
        // Dropping the hands drops what is under way.
        Ok(())
    }

    /// Finishes what is in hand, within a limit, and takes nothing new.
    async fn drain(&self, mut hands: Hands) -> Result<()> {
        let finish = async {
            while let Some(result) = hands.finished().await {
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

    /// How long to wait when nobody wakes us and no job ends.
    async fn pause(&self, is_idle: bool) -> Result<std::time::Duration> {
        let now = self.context.now();
        let poll = self.context.config.poll;
        let rests_until = self.brake().rests_until(now);
        let next = match rests_until {
            Some(until) => Some(until),
            None if is_idle => work::next_due(&self.context.store, &self.target).await?.filter(|due| now < *due),
            None => None,
        };
        Ok(next.map_or(poll, |next| next.since(now).min(poll)))
    }

    /// Takes from the topic what the store has lost, once; then looks whether a person must release the target.
    async fn make_whole(&self, epoch: Epoch) -> Result<()> {
        if !self.is_whole() {
            rebuild(self, epoch).await?;
            self.is_whole.store(true, Ordering::Release);
        }
        release::look(&self.context, &self.target).await.map(drop)
    }

    /// Whether the store has been held against its topic.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Acquire)
    }

    async fn refresh_limits(&self) -> Result<()> {
        let now = self.context.now();
        if self.limits().is_stale(now) {
            let live = link::live_count(&self.context.store, &self.target).await?;
            let before = self.limits().count(live, now);
            // A share of more is more: who left while the target was being filled need not wait until the window has room.
            let rises = |source: &TenantName| {
                let pair = self.context.pair(source, &self.target);
                Verb::ALL.into_iter().any(|verb| pair.limits().max(verb, before) < pair.limits().max(verb, live))
            };
            follow::wake(&self.context, true, |source, target| *target == self.target && rises(source)).await?;
        }
        Ok(())
    }

    /// Stops the whole target for a while.
    pub(crate) fn press(&self, pressure: &Pressure) {
        let now = self.context.now();
        let mut brake = self.brake();
        let is_new = brake.reason().is_empty();
        brake.press(pressure, now, self.context.config.in_flight_max, &mut *self.jitter());
        match pressure {
            Pressure::Blocked(code) => self.condition.set(false, code),
            Pressure::Throttled(_) | Pressure::Away if is_new => {
                warn!(target = %self.target, reason = brake.reason(), until = ?brake.until(now), "the target is left alone");
            }
            Pressure::Throttled(_) | Pressure::Away => {}
        }
    }

    /// The target warns that it is about to throttle.
    pub(crate) fn ease(&self) {
        self.brake().ease(self.context.now(), self.context.config.in_flight_max);
    }

    /// The target answered: it may be called.
    pub(crate) fn release(&self) {
        let mut brake = self.brake();
        brake.release(self.context.now());
        if brake.reason().is_empty() {
            self.condition.set(true, "");
        }
    }

    /// Whether the whole target is left alone just now.
    pub(crate) fn is_stopped(&self) -> bool {
        self.brake().until(self.context.now()).is_some()
    }

    /// Whether the target is left to leavers just now. What is in hand goes on: begun again, it would cost the target more.
    fn is_eased(&self) -> bool {
        self.brake().is_eased(self.context.now())
    }

    /// Claims an address for one invitation; `None` while another link invites it.
    pub(crate) fn invite_alone(&self, address: &str) -> Option<Inviting<'_>> {
        let address = address.to_lowercase();
        let is_free = self.inviting().insert(address.clone());
        is_free.then_some(Inviting { worker: self, address })
    }

    /// Links that may be worked on at once now.
    fn slots(&self, now: Timestamp) -> usize {
        self.brake().slots(now, self.context.config.in_flight_max)
    }

    /// Why the target is not called; empty when it is.
    pub(crate) fn stopped(&self) -> String {
        let brake = self.brake();
        let is_rebuilt = brake.reason().is_empty() && self.context.rebuilt.contains(&self.target);
        if is_rebuilt { Why::Rebuilt.code().to_owned() } else { brake.reason().to_owned() }
    }

    fn brake(&self) -> MutexGuard<'_, Brake> {
        self.brake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn jitter(&self) -> MutexGuard<'_, StdRng> {
        self.jitter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the scrub has come.
    pub(crate) fn scrub(&self) -> MutexGuard<'_, Pace> {
        self.scrub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inviting(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.inviting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inviting<'_> {
    fn drop(&mut self) {
        self.worker.inviting().remove(&self.address);
    }
}
