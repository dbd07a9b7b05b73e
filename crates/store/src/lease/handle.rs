//! The handle of a lease that this process tries to hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::keeper::{self, LeaseKeeper};
use super::schedule::{Kept, LocalState};
use super::{Claim, Epoch, Fence, Store};

/// Whether this replica holds a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// This replica holds it in this epoch.
    Held(Epoch),
    /// This replica does not hold it, or cannot know.
    Lost,
}

/// A lease that the store's task tries to hold as long as this exists. Dropping it releases the lease.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    name: String,
    state: watch::Receiver<LocalState>,
    changes: watch::Receiver<LeaseState>,
    stop: StopOnDrop,
}

/// Has the task stop holding the lease.
#[derive(Debug)]
struct StopOnDrop {
    stop: CancellationToken,
    keeper: Arc<LeaseKeeper>,
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.stop.cancel();
        self.keeper.wake();
    }
}

impl Lease {
    /// Adds the lease to those that the store's task holds, and starts the task with the first one. `owner` names this replica; after a
    /// restart the same owner can acquire its own lease at once.
    #[must_use]
    pub fn new(store: Store, name: &str, owner: &str, ttl: Duration) -> Self {
        let (state, state_watcher) = watch::channel(LocalState::Lost);
        let (changes, watcher) = watch::channel(LeaseState::Lost);
        let stop = CancellationToken::new();
        let claim = Arc::new(Claim { name: name.to_owned(), owner: owner.to_owned(), ttl });
        keeper::keep(&store, Kept { claim, stop: stop.clone(), due: Instant::now(), state, changes });
        let stop = StopOnDrop { stop, keeper: Arc::clone(&store.lease_keeper) };
        Self { store, name: name.to_owned(), state: state_watcher, changes: watcher, stop }
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

    /// Waits until the lease is released or the database has proved unavailable.
    pub async fn release(self) {
        let Self { mut changes, stop, .. } = self;
        drop(stop);
        // The task drops the sender when it is done with the lease.
        while changes.changed().await.is_ok() {}
    }
}
