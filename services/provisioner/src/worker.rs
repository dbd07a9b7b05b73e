//! The loop over one target tenant: its owner works on due links, some at once, leavers first. When the lease is lost, what is under way is
//! dropped and records nothing.

mod job_pool;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;
use xtsync_domain::TenantName;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;
use xtsync_store::{Epoch, LeaseState};

use self::job_pool::JobPool;
use crate::error::Result;
use crate::owned_target::{OwnedTarget, census};
use crate::table::work;
use crate::{epoch, follow, retry};

/// How long an owner that begins waits at most for the facts of its tenants.
const FACTS_WAIT: Duration = Duration::from_secs(2);

/// How long a worker rests at most while nothing is due and nothing wakes it.
const REST_MAX: Duration = Duration::from_secs(30);

/// Works whenever the lease is held, until the shutdown.
pub(crate) async fn run(owned: Arc<OwnedTarget>, shutdown: Shutdown) {
    let mut held = owned.lease.watch();
    while !shutdown.is_cancelled() {
        let now = *held.borrow_and_update();
        match now {
            LeaseState::Held(epoch) => {
                if let Err(error) = own(&owned, epoch, &shutdown).await {
                    warn!(target = %owned.target, error = chain(&error), "work on the target pauses");
                    shutdown.or(sleep(owned.context.config.poll)).await;
                }
            }
            LeaseState::Lost => {
                shutdown.or(held.changed()).await;
            }
        }
    }
}

/// Does everything that is due now and what follows from it, and says how many jobs that took. Nothing without the lease.
pub(crate) async fn step(owned: &Arc<OwnedTarget>) -> Result<usize> {
    let Some(epoch) = owned.lease.held() else { return Ok(0) };
    let mut jobs = Jobs::begin(owned, epoch).await?;
    let mut done = 0;
    loop {
        jobs.fill().await?;
        match jobs.pool.finished().await {
            Some(result) => result?,
            None => {
                while jobs.census.join_next().await.is_some() {}
                return Ok(done);
            }
        }
        done += 1;
    }
}

/// One epoch: from taking the lease to losing it or being asked to stop.
async fn own(owned: &Arc<OwnedTarget>, epoch: Epoch, shutdown: &Shutdown) -> Result<()> {
    let mut held = owned.lease.watch();
    // What was reserved for calls that were dropped is not in the store.
    owned.forget_limits();
    let mut jobs = Jobs::begin(owned, epoch).await?;
    // At a start decisions may come before the facts that the gate asks for: their links would be held for a moment.
    shutdown.or(timeout(FACTS_WAIT, owned.context.facts.known(&tenants(owned)))).await;
    while *held.borrow() == LeaseState::Held(epoch) {
        jobs.fill().await?;
        let pause = pause(owned, jobs.pool.is_empty()).await?;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return drain(owned, jobs.pool).await,
            _ = held.changed() => {}
            Some(result) = jobs.pool.finished() => result?,
            () = owned.wake.notified() => jobs.pool.rescan(),
            () = sleep(pause) => jobs.pool.rescan(),
        }
    }
    // Dropping the jobs drops what is under way.
    Ok(())
}

/// The target and its sources.
fn tenants(owned: &OwnedTarget) -> BTreeSet<TenantName> {
    let configuration = owned.context.configuration();
    let sources = configuration.synchronizations().filter(|one| one.spec.to == owned.target).map(|one| one.source.clone());
    sources.chain([owned.target.clone()]).collect()
}

/// The jobs of an epoch, and when its owner last looked for what is due by now.
struct Jobs<'a> {
    owned: &'a Arc<OwnedTarget>,
    epoch: Epoch,
    pool: JobPool,
    looked: Option<Instant>,
    /// A census that is being taken.
    census: JoinSet<()>,
}

impl<'a> Jobs<'a> {
    /// None yet.
    async fn begin(owned: &'a Arc<OwnedTarget>, epoch: Epoch) -> Result<Self> {
        epoch::begin(owned, epoch).await?;
        follow::refresh_observe_only(&owned.context, &owned.target).await?;
        owned.read_limits().await?;
        Ok(Self { owned, epoch, pool: JobPool::default(), looked: None, census: JoinSet::new() })
    }

    /// Takes the links that are due while places are free.
    async fn fill(&mut self) -> Result<()> {
        // Jobs that end all the time leave no pause.
        if self.looked.is_none_or(|at| at.elapsed() >= self.owned.context.config.poll) {
            self.pool.rescan();
            self.looked = Some(Instant::now());
        }
        if self.owned.take_command() && self.carry_out_commands().await? {
            self.pool.rescan();
        }
        self.take_census();
        self.owned.refresh_limits().await?;
        if self.owned.wake_recovered().await? {
            self.pool.rescan();
        }
        self.pool.fill(self.owned, self.epoch).await
    }

    /// True if there were any. What fails is looked for again.
    async fn carry_out_commands(&self) -> Result<bool> {
        let done = retry::carry_out(self.owned, self.epoch).await;
        if done.is_err() {
            self.owned.command();
        }
        done
    }

    /// Begins a census if it is worth it.
    fn take_census(&mut self) {
        while self.census.try_join_next().is_some() {}
        if self.census.is_empty() && self.owned.census().is_wanted(self.owned.context.now()) {
            self.census.spawn(census::take(Arc::clone(self.owned)));
        }
    }
}

/// Finishes the jobs under way, within a limit, and takes nothing new.
async fn drain(owned: &OwnedTarget, mut job_pool: JobPool) -> Result<()> {
    let finish = async {
        while let Some(result) = job_pool.finished().await {
            result?;
        }
        Ok(())
    };
    match timeout(owned.context.config.drain_timeout, finish).await {
        Ok(result) => result,
        Err(_) => {
            warn!(target = %owned.target, "calls still under way are left to the next owner");
            Ok(())
        }
    }
}

/// The longest wait without a wake-up or the end of a job. At rest it ends when the next link is due.
async fn pause(owned: &OwnedTarget, is_idle: bool) -> Result<Duration> {
    let now = owned.context.now();
    let longest = if is_idle { REST_MAX } else { owned.context.config.poll };
    let next = match owned.capacity(now).next_change {
        Some(until) => Some(until),
        None if is_idle => work::next_due(&owned.context.store, &owned.target).await?.filter(|due| now < *due),
        None => None,
    };
    Ok(next.map_or(longest, |next| next.since(now).min(longest)))
}
