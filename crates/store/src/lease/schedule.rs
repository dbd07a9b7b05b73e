//! The leases that a process tries to hold, and what is due for them at a time. Without effects on the store.
//!
//! A lease is renewed after each third of its duration, and looked at more often while another replica holds it. What is due takes along
//! what is past half of its interval, so that leases that were added at different times are soon due together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Claim, Epoch, LeaseState};

/// The longest interval between looks at a lease that another replica holds. A handover then takes less than a second, whatever the duration
/// of the lease.
const LOOK_INTERVAL_MAX: Duration = Duration::from_millis(500);

/// The local knowledge and its expiry: a process that was suspended finds the loss without the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LocalState {
    Held { epoch: Epoch, until: Instant },
    Lost,
}

/// One lease.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) claim: Arc<Claim>,
    /// Cancelled when its handle is gone.
    pub(super) stop: CancellationToken,
    /// When it is next looked at or renewed.
    pub(super) due: Instant,
    pub(super) state: watch::Sender<LocalState>,
    pub(super) changes: watch::Sender<LeaseState>,
}

/// All leases, by the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    leases: BTreeMap<u64, Kept>,
    added: u64,
}

/// A lease that is due to be acquired if it is free.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    id: u64,
    pub(super) claim: Arc<Claim>,
}

/// A lease that is due to be renewed or released.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    id: u64,
    pub(super) claim: Arc<Claim>,
    pub(super) epoch: Epoch,
    pub(super) until: Instant,
}

impl Schedule {
    pub(super) fn add(&mut self, lease: Kept) {
        self.leases.insert(self.added, lease);
        self.added += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// The leases to look at now, each name once. Forgets those that are neither held nor wanted any more.
    pub(super) fn due_looks(&mut self, now: Instant) -> Vec<Wanted> {
        self.leases.retain(|_, lease| lease.holding().is_some() || !lease.stop.is_cancelled());
        let mut due = self.due(now, |lease| lease.holding().is_none());
        due.sort_by_key(|(_, lease)| lease.due);
        let mut names = BTreeSet::new();
        due.retain(|(_, lease)| names.insert(lease.claim.name.as_str()));
        due.into_iter().map(|(id, lease)| Wanted { id, claim: Arc::clone(&lease.claim) }).collect()
    }

    /// The leases to renew now.
    pub(super) fn due_renewals(&self, now: Instant) -> Vec<Holding> {
        let due = self.due(now, |lease| lease.holding().is_some() && !lease.stop.is_cancelled());
        due.into_iter().filter_map(|(id, lease)| lease.as_holding(id)).collect()
    }

    /// The leases to release. Their watchers see the loss from now on.
    pub(super) fn due_releases(&self) -> Vec<Holding> {
        let stopped = self.leases.iter().filter(|(_, lease)| lease.stop.is_cancelled());
        let held: Vec<_> = stopped.filter_map(|(id, lease)| lease.as_holding(*id)).collect();
        held.iter().filter_map(|held| self.leases.get(&held.id)).for_each(|lease| lease.notify(LeaseState::Lost));
        held
    }

    fn due(&self, now: Instant, is_meant: impl Fn(&Kept) -> bool) -> Vec<(u64, &Kept)> {
        let meant = || self.leases.iter().filter(|(_, lease)| is_meant(lease));
        if !meant().any(|(_, lease)| lease.due <= now) {
            return Vec::new();
        }
        meant().filter(|(_, lease)| lease.due <= now + lease.interval() / 2).map(|(id, lease)| (*id, lease)).collect()
    }

    /// When [`Schedule::due_looks`] has something next.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.leases.values().filter(|lease| lease.holding().is_none()).map(|lease| lease.due).min()
    }

    /// When [`Schedule::due_renewals`] has something next.
    pub(super) fn next_renewal(&self) -> Option<Instant> {
        let held = self.leases.values().filter(|lease| lease.holding().is_some() && !lease.stop.is_cancelled());
        held.map(|lease| lease.due).min()
    }

    /// When [`Schedule::expire`] has something next.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.leases.values().filter_map(Kept::holding).map(|(_, until)| until).min()
    }

    /// Counts those leases as lost that were not renewed in time; returns whether there are any.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let mut has_lost = false;
        for lease in self.leases.values_mut() {
            if let Some((epoch, until)) = lease.holding()
                && until <= now
            {
                lease.set_lost(epoch, now);
                has_lost = true;
            }
        }
        has_lost
    }

    /// Records what was acquired by a statement that began at `began`; the others are looked at again later.
    pub(super) fn set_acquired(&mut self, wanted: &[Wanted], acquired: &HashMap<String, Epoch>, began: Instant, now: Instant) {
        for wanted in wanted {
            let Some(lease) = self.leases.get_mut(&wanted.id) else { continue };
            match acquired.get(&wanted.claim.name) {
                Some(epoch) => {
                    info!(lease = %wanted.claim.name, %epoch, "lease acquired");
                    lease.set_held(*epoch, began);
                }
                None => lease.due = now + lease.interval(),
            }
        }
    }

    /// Records what was renewed by a statement that began at `began`; the others are lost.
    pub(super) fn set_renewed(&mut self, due: &[Holding], renewed: &HashSet<(String, Epoch)>, began: Instant, now: Instant) {
        for held in due {
            let Some(lease) = self.leases.get_mut(&held.id).filter(|lease| lease.is_held_in(held.epoch)) else { continue };
            if renewed.contains(&(held.claim.name.clone(), held.epoch)) {
                lease.set_held(held.epoch, began);
            } else {
                lease.set_lost(held.epoch, now);
            }
        }
    }

    /// Has leases looked at again after a failure.
    pub(super) fn postpone_looks(&mut self, wanted: &[Wanted], now: Instant) {
        wanted.iter().for_each(|wanted| self.postpone(wanted.id, now));
    }

    /// Has leases renewed again after a failure: they are held until they expire.
    pub(super) fn postpone_renewals(&mut self, due: &[Holding], now: Instant) {
        due.iter().for_each(|held| self.postpone(held.id, now));
    }

    fn postpone(&mut self, id: u64, now: Instant) {
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.due = now + lease.claim.ttl / 10;
        }
    }

    /// Forgets leases that were released.
    pub(super) fn forget(&mut self, released: &[Holding]) {
        for held in released {
            self.leases.remove(&held.id);
        }
    }
}

impl Kept {
    fn holding(&self) -> Option<(Epoch, Instant)> {
        match *self.state.borrow() {
            LocalState::Held { epoch, until } => Some((epoch, until)),
            LocalState::Lost => None,
        }
    }

    fn is_held_in(&self, epoch: Epoch) -> bool {
        self.holding().is_some_and(|(held, _)| held == epoch)
    }

    fn as_holding(&self, id: u64) -> Option<Holding> {
        self.holding().map(|(epoch, until)| Holding { id, claim: Arc::clone(&self.claim), epoch, until })
    }

    /// How often it is looked at or renewed.
    fn interval(&self) -> Duration {
        let ttl = self.claim.ttl;
        if self.holding().is_some() { ttl / 3 } else { LOOK_INTERVAL_MAX.min(ttl / 10) }
    }

    /// The time counts from before the statement, so that the local expiry is never later than the stored one.
    fn set_held(&mut self, epoch: Epoch, began: Instant) {
        self.state.send_replace(LocalState::Held { epoch, until: began + self.claim.ttl });
        self.notify(LeaseState::Held(epoch));
        self.due = began + self.interval();
    }

    fn set_lost(&mut self, epoch: Epoch, now: Instant) {
        warn!(lease = %self.claim.name, %epoch, "lease lost");
        self.state.send_replace(LocalState::Lost);
        self.notify(LeaseState::Lost);
        self.due = now;
    }

    fn notify(&self, now: LeaseState) {
        self.changes.send_if_modified(|changes| std::mem::replace(changes, now) != now);
    }
}

#[cfg(test)]
mod tests;
