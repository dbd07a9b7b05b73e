//! Takes a newer decision into a link.

use std::mem;
use std::time::Duration;

use super::{Applied, Link, Shadow};
use crate::decision::DeprovisionReason;
use crate::{Decision, Desired, TenantName, Timestamp};

impl Link {
    /// A link that nothing was done for yet.
    #[must_use]
    pub fn new(target: TenantName, desired: Decision, now: Timestamp) -> Self {
        let mut link = Self {
            target,
            desired,
            desired_since: now,
            anchor: None,
            shadow: Shadow::None,
            applied: Applied::default(),
            veto: None,
            reject: None,
            holders: [].into(),
            condition: None,
        };
        link.update_holders();
        link
    }

    /// Takes a decision if it is newer than the one at hand, and says whether it was.
    ///
    /// Settling goes on where the user stays gone, and the oldest change that waits keeps its `first_seen`: the latency told is that of
    /// the one who waited longest. Condition ends here, for another decision may be free of it; a conflict is found again if it lasts.
    pub fn decide(&mut self, newer: Decision, now: Timestamp) -> bool {
        if newer.version <= self.desired.version {
            return false;
        }
        if mem::discriminant(&newer.desired) != mem::discriminant(&self.desired.desired) {
            self.desired_since = now;
        }
        let oldest_first_seen = if self.is_converged() { newer.first_seen } else { newer.first_seen.min(self.desired.first_seen) };
        self.desired = Decision { first_seen: oldest_first_seen, ..newer };
        self.condition = None;
        self.update_holders();
        true
    }

    /// Takes over what was decided since this copy of the row was read, and says whether anything was. The rest of the row belongs to
    /// whoever works on it.
    pub fn rebase(&mut self, stored: &Self) -> bool {
        if stored.desired.version <= self.desired.version {
            return false;
        }
        self.desired = stored.desired.clone();
        self.desired_since = stored.desired_since;
        self.holders = stored.holders.clone();
        self.condition = None;
        true
    }

    /// The moment from which the target's lateness counts: a settling time is the administrator's wish, not lateness.
    #[must_use]
    pub fn awaited_since(&self) -> Timestamp {
        match self.desired.desired {
            Desired::NotWanted(DeprovisionReason::OutOfScope { grace_period_ms, .. }) => {
                self.desired.first_seen.plus(Duration::from_millis(grace_period_ms))
            }
            Desired::NotWanted(DeprovisionReason::External | DeprovisionReason::Deleted) | Desired::Wanted(_) | Desired::Skipped(_) => {
                self.desired.first_seen
            }
        }
    }

    /// A synchronization holds whom it wants present, lets go of whom it wants gone, and says nothing otherwise.
    fn update_holders(&mut self) {
        let holder = format!("synchronization/{}", self.desired.synchronization);
        match &self.desired.desired {
            Desired::Wanted(_) => {
                self.holders.insert(holder);
            }
            Desired::NotWanted(_) => {
                self.holders.remove(&holder);
            }
            Desired::Skipped(_) => {}
        }
    }
}
