//! The task that holds the leases of a store for this process: it acquires free leases, renews them, publishes losses, and releases them.
//!
//! One statement renews all leases, one query looks at all that another replica holds, and neither waits for the other. A failed or hanging
//! statement loses no lease before its local expiry.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{info, warn};

use super::schedule::{Holding, Kept, Schedule, Wanted};
use super::statements::{self, Locked};
use super::{Claim, Epoch, Error, Store};
use xtsync_runtime::telemetry::chain;

/// The leases of a store, and whether their task runs: from the first lease until none is left.
#[derive(Debug, Default)]
pub(crate) struct LeaseKeeper {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Inner {
    schedule: Schedule,
    is_running: bool,
}

impl LeaseKeeper {
    /// Has the task look at what is due.
    pub(super) fn wake(&self) {
        self.changed.send_replace(());
    }

    fn with<T>(&self, f: impl FnOnce(&mut Schedule) -> T) -> T {
        f(&mut self.inner.lock().schedule)
    }

    /// Ends the task if no lease is left; a later one starts another.
    fn end_if_unused(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.is_running = !inner.schedule.is_empty();
        !inner.is_running
    }
}

/// Has the task of a store hold a lease.
pub(super) fn keep(store: &Store, lease: Kept) {
    let mut inner = store.lease_keeper.inner.lock();
    inner.schedule.add(lease);
    if !std::mem::replace(&mut inner.is_running, true) {
        tokio::spawn(run(store.clone()));
    }
    drop(inner);
    store.lease_keeper.wake();
}

/// Drops the leases of a task that ends before them, such as with its runtime, so that their handles learn it.
struct Running {
    keeper: Arc<LeaseKeeper>,
    has_ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            *self.keeper.inner.lock() = Inner::default();
        }
    }
}

async fn run(store: Store) {
    let mut running = Running { keeper: Arc::clone(&store.lease_keeper), has_ended: false };
    while !running.keeper.end_if_unused() {
        // Each ends when no lease is left, and so the others have nothing in progress that matters.
        tokio::select! {
            () = repeat(&store, Schedule::next_look, || look(&store)) => {}
            () = repeat(&store, Schedule::next_renewal, || release_and_renew(&store)) => {}
            () = repeat(&store, Schedule::next_expiry, || expire(&store)) => {}
        }
    }
    running.has_ended = true;
}

/// Repeats a step when something is due or has changed, until no lease is left.
async fn repeat<F: Future<Output = ()>>(store: &Store, next: fn(&Schedule) -> Option<Instant>, step: impl Fn() -> F) {
    let keeper = &store.lease_keeper;
    let mut changed = keeper.changed.subscribe();
    while !keeper.with(|schedule| schedule.is_empty()) {
        step().await;
        let next = keeper.with(|schedule| next(schedule));
        tokio::select! {
            () = async { if let Some(next) = next { sleep_until(next).await } else { pending().await } } => {}
            // The store has the sender.
            _ = changed.changed() => {}
        }
    }
}

/// Looks at the leases that are not held, and acquires those that are free.
async fn look(store: &Store) {
    let keeper = &store.lease_keeper;
    let wanted = keeper.with(|schedule| schedule.due_looks(Instant::now()));
    let Some(limit) = wanted.iter().map(|wanted| wanted.claim.ttl).max() else { return };
    let outcome = timeout(limit, acquire_free(store, &wanted)).await;
    let now = Instant::now();
    match outcome {
        Ok(Ok((acquired, began))) => {
            keeper.with(|schedule| schedule.set_acquired(&wanted, &acquired, began, now));
            if acquired.is_empty() {
                return;
            }
        }
        Ok(Err(error)) => {
            report("acquiring", wanted.len(), &error);
            keeper.with(|schedule| schedule.postpone_looks(&wanted, now));
        }
        Err(_) => keeper.with(|schedule| schedule.postpone_looks(&wanted, now)),
    }
    keeper.wake();
}

/// Returns the new epochs by name, and when the statement began that acquired them.
async fn acquire_free(store: &Store, wanted: &[Wanted]) -> Result<(HashMap<String, Epoch>, Instant), Error> {
    let mut claims: Vec<&Claim> = wanted.iter().map(|wanted| &*wanted.claim).collect();
    let free = statements::look(store, &claims).await?;
    claims.retain(|claim| free.contains(&claim.name));
    let began = Instant::now();
    Ok((statements::acquire(store, &claims, Locked::Skip).await?, began))
}

async fn release_and_renew(store: &Store) {
    release(store).await;
    expire(store).await;
    renew(store).await;
}

/// Renews the leases that are due.
async fn renew(store: &Store) {
    let keeper = &store.lease_keeper;
    let began = Instant::now();
    let due = keeper.with(|schedule| schedule.due_renewals(began));
    let Some(limit) = last_expiry(&due) else { return };
    let held: Vec<_> = due.iter().map(|held| (held.claim.name.as_str(), held.epoch, held.claim.ttl)).collect();
    match timeout_at(limit, statements::renew(store, &held)).await {
        Ok(Ok(renewed)) => keeper.with(|schedule| schedule.set_renewed(&due, &renewed, began, Instant::now())),
        Ok(Err(error)) => {
            report("renewing", due.len(), &error);
            keeper.with(|schedule| schedule.postpone_renewals(&due, Instant::now()));
        }
        // They have expired.
        Err(_) => {}
    }
    keeper.wake();
}

/// Releases the leases whose handles are gone.
async fn release(store: &Store) {
    let keeper = &store.lease_keeper;
    let stopped = keeper.with(|schedule| schedule.due_releases());
    let Some(limit) = last_expiry(&stopped) else { return };
    let held: Vec<_> = stopped.iter().map(|held| (held.claim.name.as_str(), held.epoch)).collect();
    match timeout_at(limit, statements::release(store, &held)).await {
        Ok(Ok(())) => stopped.iter().for_each(|held| info!(lease = %held.claim.name, epoch = %held.epoch, "lease released")),
        Ok(Err(error)) => report("releasing", stopped.len(), &error),
        // They have expired.
        Err(_) => {}
    }
    keeper.with(|schedule| schedule.forget(&stopped));
    keeper.wake();
}

/// Publishes the loss of leases that were not renewed in time.
async fn expire(store: &Store) {
    let keeper = &store.lease_keeper;
    if keeper.with(|schedule| schedule.expire(Instant::now())) {
        keeper.wake();
    }
}

fn last_expiry(held: &[Holding]) -> Option<Instant> {
    held.iter().map(|held| held.until).max()
}

fn report(doing: &'static str, leases: usize, error: &Error) {
    warn!(leases, doing, error = chain(error), "the leases' store failed");
}
