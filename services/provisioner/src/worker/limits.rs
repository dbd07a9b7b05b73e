//! How much harm one target may come to in a window (I-5). Exact, because one owner counts: reserved before the call, stored with its
//! intent, and after that never given back. A deletion counts once for a link and its decision, however often it is tried.

use std::collections::BTreeMap;
use std::time::Duration;

use xtsync_domain::gate::{Allowance, WINDOW, deletions_max};
use xtsync_domain::link::Verb;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_platform::store::Store;

use crate::error::Result;
use crate::table::{link, window};

const MINUTE: i64 = 60_000_000;

/// How often the number of live links is counted anew.
const COUNTED_FOR: Duration = Duration::from_secs(60);

/// The limits of one target. Only deletions have one yet.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    deletions: BTreeMap<i64, u64>,
    live: u64,
    counted_at: Option<Timestamp>,
}

/// The minute that a use counts in.
pub(crate) fn minute(now: Timestamp) -> i64 {
    now.0.div_euclid(MINUTE)
}

impl Limits {
    /// What was used in this window, from the store.
    pub(crate) async fn load(store: &Store, target: &TenantName, now: Timestamp) -> Result<Self> {
        let from = minute(now.minus(WINDOW));
        window::prune(store, target, from).await?;
        let deletions = window::read(store, target, Verb::Delete, from).await?.into_iter().collect();
        Ok(Self { deletions, live: link::live_count(store, target).await?, counted_at: Some(now) })
    }

    /// Whether the number of live links is to be counted anew.
    pub(crate) fn is_stale(&self, now: Timestamp) -> bool {
        self.counted_at.is_none_or(|at| now.since(at) >= COUNTED_FOR)
    }

    /// Takes the number of live links.
    pub(crate) fn count(&mut self, live: u64, now: Timestamp) {
        self.live = live;
        self.counted_at = Some(now);
    }

    /// What may still be done.
    pub(crate) fn allowances(&self, now: Timestamp) -> BTreeMap<Verb, Allowance> {
        let used = self.deletions.range(minute(now.minus(WINDOW))..).map(|(_, count)| count).sum();
        [(Verb::Delete, Allowance { used, max: deletions_max(self.live) })].into()
    }

    /// When the window will have room again: as soon as so many of the oldest uses have left it that another one fits.
    pub(crate) fn room_at(&self, now: Timestamp) -> Timestamp {
        let window = self.deletions.range(minute(now.minus(WINDOW))..);
        let mut used: u64 = window.clone().map(|(_, count)| count).sum();
        for (minute, count) in window {
            used = used.saturating_sub(*count);
            if used < deletions_max(self.live) {
                return Timestamp((minute + 1) * MINUTE).plus(WINDOW);
            }
        }
        now
    }

    /// Reserves one use.
    pub(crate) fn reserve(&mut self, verb: Verb, now: Timestamp) {
        match verb {
            Verb::Delete => *self.deletions.entry(minute(now)).or_default() += 1,
            Verb::Create | Verb::Update | Verb::Disable | Verb::Enable | Verb::Restore => {}
        }
        self.deletions = self.deletions.split_off(&minute(now.minus(WINDOW)));
    }

    /// Takes back a reservation that was not stored.
    pub(crate) fn give_back(&mut self, verb: Verb, now: Timestamp) {
        match verb {
            Verb::Delete => {
                if let Some(count) = self.deletions.get_mut(&minute(now)) {
                    *count = count.saturating_sub(1);
                }
            }
            Verb::Create | Verb::Update | Verb::Disable | Verb::Enable | Verb::Restore => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_room_when_enough_of_its_oldest_uses_have_left_it() {
        let at = |minutes: i64| Timestamp(minutes * MINUTE);
        let mut limits = Limits::default();
        for (minutes, uses) in [(0, 3), (10, 7), (20, 2)] {
            (0..uses).for_each(|_| limits.reserve(Verb::Delete, at(minutes)));
        }
        let used = |now| limits.allowances(now)[&Verb::Delete];
        assert_eq!((used(at(20)), limits.room_at(at(20))), (Allowance { used: 12, max: 10 }, at(61)));
        assert_eq!((used(at(60)).used, used(at(61)).used), (12, 9));
    }
}
