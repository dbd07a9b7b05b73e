//! How much harm one target may come to in a window (I-5). Exact, because one owner counts: reserved before the call, stored with its
//! intent, and after that never given back. A deletion counts once for a link and its decision, however often it is tried.

use std::collections::BTreeMap;
use std::time::Duration;

use xtsync_domain::gate::{Allowance, WINDOW};
use xtsync_domain::link::Verb;
use xtsync_domain::{TenantName, Timestamp, resource};
use xtsync_platform::store::Store;

use crate::error::Result;
use crate::table::{link, window};

const MINUTE: i64 = 60_000_000;

/// How often the number of live links is counted anew.
const COUNTED_FOR: Duration = Duration::from_secs(15);

/// What was used in the window of one target, by verb and minute. What has no limit is not counted.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    uses: BTreeMap<Verb, BTreeMap<i64, u64>>,
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
        let mut uses = BTreeMap::new();
        for verb in Verb::ALL {
            uses.insert(verb, window::read(store, target, verb, from).await?.into_iter().collect());
        }
        Ok(Self { uses, live: link::live_count(store, target).await?, counted_at: Some(now) })
    }

    /// Whether the number of live links is to be counted anew.
    pub(crate) fn is_stale(&self, now: Timestamp) -> bool {
        self.counted_at.is_none_or(|at| now.since(at) >= COUNTED_FOR)
    }

    /// Takes the number of live links; gives what it was before.
    pub(crate) fn count(&mut self, live: u64, now: Timestamp) -> u64 {
        self.counted_at = Some(now);
        std::mem::replace(&mut self.live, live)
    }

    /// What may still be done of a verb; `None` where it has no limit.
    pub(crate) fn allowance(&self, limits: &resource::Limits, verb: Verb, now: Timestamp) -> Option<Allowance> {
        let max = limits.max(verb, self.live)?;
        Some(Allowance { used: self.window(verb, now).map(|(_, count)| count).sum(), max })
    }

    /// When the window will have room for a verb again: as soon as so many of the oldest uses have left it that another one fits.
    pub(crate) fn room_at(&self, limits: &resource::Limits, verb: Verb, now: Timestamp) -> Timestamp {
        let Some(Allowance { mut used, max }) = self.allowance(limits, verb, now) else { return now };
        for (minute, count) in self.window(verb, now) {
            used = used.saturating_sub(count);
            if used < max {
                return Timestamp((minute + 1) * MINUTE).plus(WINDOW);
            }
        }
        // No use leaves room where none is allowed.
        now.plus(WINDOW)
    }

    /// Reserves one use.
    pub(crate) fn reserve(&mut self, verb: Verb, now: Timestamp) {
        let uses = self.uses.entry(verb).or_default();
        *uses.entry(minute(now)).or_default() += 1;
        *uses = uses.split_off(&minute(now.minus(WINDOW)));
    }

    /// Takes back a reservation that was not stored.
    pub(crate) fn give_back(&mut self, verb: Verb, now: Timestamp) {
        if let Some(count) = self.uses.get_mut(&verb).and_then(|uses| uses.get_mut(&minute(now))) {
            *count = count.saturating_sub(1);
        }
    }

    /// Uses by minute, the oldest first.
    fn window(&self, verb: Verb, now: Timestamp) -> impl Iterator<Item = (i64, u64)> {
        let uses = self.uses.get(&verb).into_iter();
        uses.flat_map(move |uses| uses.range(minute(now.minus(WINDOW))..)).map(|(minute, count)| (*minute, *count))
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
        let unwritten = resource::Limits::default();
        let used = |now| limits.allowance(&unwritten, Verb::Delete, now).unwrap();
        assert_eq!((used(at(20)), limits.room_at(&unwritten, Verb::Delete, at(20))), (Allowance { used: 12, max: 10 }, at(61)));
        assert_eq!((used(at(60)).used, used(at(61)).used), (12, 9));
        assert_eq!(limits.allowance(&unwritten, Verb::Create, at(20)), None);
        let none = resource::Limits { create: Some(resource::Limit::Number(0)), ..unwritten };
        assert_eq!(limits.room_at(&none, Verb::Create, at(20)), at(80), "what is never allowed is asked for now and then");
    }
}
