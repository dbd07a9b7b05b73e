//! The task that holds a lease: it acquires a free lease, renews it after each third of its duration, publishes a loss, and releases it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use super::{Epoch, Error, Fence, Store, acquire, release, renew};
use xtsync_runtime::telemetry::chain;

/// The longest interval between attempts to acquire a lease that another replica holds. A handover then takes less than a second, whatever
/// the duration of the lease.
const ACQUIRE_INTERVAL_MAX: Duration = Duration::from_millis(500);

/// Whether this replica holds a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// This replica holds it in this epoch.
    Held(Epoch),
    /// This replica does not hold it, or cannot know.
    Lost,
}

/// A lease that a task tries to hold as long as this exists. Dropping it releases the lease.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    name: String,
    state: watch::Receiver<LocalState>,
    changes: watch::Receiver<LeaseState>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

/// The local knowledge and its expiry: a process that was suspended finds the loss without the database.
#[derive(Debug, Clone, Copy)]
enum LocalState {
    Held { epoch: Epoch, until: Instant },
    Lost,
}

impl Lease {
    /// Starts the task. `owner` names this replica; after a restart the same owner can acquire its own lease at once.
    #[must_use]
    pub fn new(store: Store, name: &str, owner: &str, ttl: Duration) -> Self {
        let (state, state_watcher) = watch::channel(LocalState::Lost);
        let (changes, watcher) = watch::channel(LeaseState::Lost);
        let stop = CancellationToken::new();
        let keeper = LeaseKeeper { store: store.clone(), name: name.to_owned(), owner: owner.to_owned(), ttl, state, changes };
        let task = tokio::spawn(keeper.run(stop.clone()));
        Self { store, name: name.to_owned(), state: state_watcher, changes: watcher, stop: stop.drop_guard(), task }
    }

    /// The fence of an epoch in which this replica acquired it.
    #[must_use]
    pub fn fence(&self, epoch: Epoch) -> Fence {
        Fence::new(self.store.clone(), &self.name, epoch)
    }

    /// The epoch in which this replica holds it now.
    #[must_use]
    pub fn held(&self) -> Option<Epoch> {
        match *self.state.borrow() {
            LocalState::Held { epoch, until } if Instant::now() < until => Some(epoch),
            LocalState::Held { .. } | LocalState::Lost => None,
        }
    }

    /// A receiver of each change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<LeaseState> {
        self.changes.clone()
    }

    /// Stops the task and waits until the lease is released or the database has proved unavailable.
    pub async fn release(self) {
        drop(self.stop);
        // The task ends by itself and does not panic; if it did, the lease would expire.
        self.task.await.ok();
    }
}

struct LeaseKeeper {
    store: Store,
    name: String,
    owner: String,
    ttl: Duration,
    state: watch::Sender<LocalState>,
    changes: watch::Sender<LeaseState>,
}

impl LeaseKeeper {
    async fn run(self, stop: CancellationToken) {
        // A step is never interrupted: a lease that it may have acquired must be released.
        while !stop.is_cancelled() {
            let pause = self.step().await;
            stop.run_until_cancelled(sleep(pause)).await;
        }
        self.release_held().await;
    }

    /// Tries to acquire or renew the lease; returns how long to wait before the next step.
    async fn step(&self) -> Duration {
        // The time starts before the call, so that the local expiry is never later than the stored one.
        let began = Instant::now();
        let state = *self.state.borrow();
        match state {
            LocalState::Held { epoch, until } => self.renew(epoch, until, began).await,
            LocalState::Lost => self.acquire(began).await,
        }
    }

    async fn acquire(&self, began: Instant) -> Duration {
        match timeout(self.ttl, acquire(&self.store, &self.name, &self.owner, self.ttl)).await {
            Ok(Ok(Some(epoch))) => {
                info!(lease = %self.name, %epoch, "lease acquired");
                self.set_held(epoch, began);
                self.ttl / 3
            }
            // More often than renewals, so that a released lease is acquired soon.
            Ok(Ok(None)) => ACQUIRE_INTERVAL_MAX.min(self.ttl / 10),
            Ok(Err(error)) => {
                self.report("acquiring", &error);
                self.ttl / 10
            }
            Err(_) => self.ttl / 10,
        }
    }

    async fn renew(&self, epoch: Epoch, until: Instant, began: Instant) -> Duration {
        match timeout_at(until, renew(&self.store, &self.name, epoch, self.ttl)).await {
            Ok(Ok(true)) => {
                self.set_held(epoch, began);
                self.ttl / 3
            }
            Ok(Ok(false)) | Err(_) => self.set_lost(epoch),
            Ok(Err(error)) => {
                self.report("renewing", &error);
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() { self.set_lost(epoch) } else { left.min(self.ttl / 10) }
            }
        }
    }

    fn set_held(&self, epoch: Epoch, began: Instant) {
        self.state.send_replace(LocalState::Held { epoch, until: began + self.ttl });
        self.notify(LeaseState::Held(epoch));
    }

    fn set_lost(&self, epoch: Epoch) -> Duration {
        warn!(lease = %self.name, %epoch, "lease lost");
        self.state.send_replace(LocalState::Lost);
        self.notify(LeaseState::Lost);
        Duration::ZERO
    }

    fn notify(&self, now: LeaseState) {
        self.changes.send_if_modified(|changes| std::mem::replace(changes, now) != now);
    }

    async fn release_held(&self) {
        let state = *self.state.borrow();
        let LocalState::Held { epoch, until } = state else { return };
        self.state.send_replace(LocalState::Lost);
        self.notify(LeaseState::Lost);
        match timeout_at(until, release(&self.store, &self.name, epoch)).await {
            Ok(Ok(())) => info!(lease = %self.name, %epoch, "lease released"),
            Ok(Err(error)) => self.report("releasing", &error),
            // It has expired.
            Err(_) => {}
        }
    }

    fn report(&self, doing: &'static str, error: &Error) {
        warn!(lease = %self.name, doing, error = chain(error), "the lease's store failed");
    }
}
