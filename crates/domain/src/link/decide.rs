//! Takes a newer decision into a link.

use std::mem;
use std::time::Duration;

use super::{Applied, Link, Shadow};
use crate::decision::DeprovisionReason;
use crate::{Decision, TenantName, Timestamp, Wanted};

impl Link {
    /// Creates a link for which nothing was done yet.
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

    /// Takes over a decision if its version is newer than the present one, and returns whether it was.
    ///
    /// The scope grace period continues if the user stays not wanted. The oldest pending change keeps its `first_seen`, so the reported
    /// latency is the longest. The condition is cleared, because it may not apply to the new decision; a lasting conflict is found again.
    pub fn decide(&mut self, newer: Decision, now: Timestamp) -> bool {
        if newer.version <= self.desired.version {
            return false;
        }
        if mem::discriminant(&newer.desired.wanted) != mem::discriminant(&self.desired.desired.wanted) {
            self.desired_since = now;
        }
        let oldest_first_seen = if self.is_converged() { newer.first_seen } else { newer.first_seen.min(self.desired.first_seen) };
        self.desired = Decision { first_seen: oldest_first_seen, ..newer };
        self.condition = None;
        self.update_holders();
        true
    }

    /// Takes over a decision that was stored since this copy of the row was read, and returns whether there was one. The rest of the
    /// row belongs to the worker that holds this copy.
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

    /// The time from which latency counts. The scope grace period is configured, so it does not count as latency.
    #[must_use]
    pub fn awaited_since(&self) -> Timestamp {
        match self.wanted() {
            Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, .. }) => {
                self.desired.first_seen.plus(Duration::from_millis(*grace_period_ms))
            }
            Wanted::No(DeprovisionReason::External | DeprovisionReason::Deleted) | Wanted::Yes(_) | Wanted::Skipped(_) => {
                self.desired.first_seen
            }
        }
    }
}
