//! Bounds what each source may do to one target in a window (`BoundedChange`, I-5). Exact, because one owner counts: reserved before the
//! call, stored with its intent, and after that never released. A user counts once a window and once for a decision, with any number of tries.
//!
//! By source, so that one cannot use up what another's leavers need; what all may do together is shared among them
//! ([`resource::Limits::max`]).

use std::collections::BTreeMap;
use std::time::Duration;

use xtsync_domain::gate::{Allowance, Counter, WINDOW};
use xtsync_domain::resource::Live;
use xtsync_domain::{TenantName, Timestamp, resource};
use xtsync_store::Store;

use crate::error::Result;
use crate::table::{link, window};

const MINUTE: i64 = 60_000_000;

/// How often it is checked whether shares of the live links have risen.
const COMPARE_INTERVAL: Duration = Duration::from_secs(15);

/// Who was counted in the window of one target, by source, counter and minute. What has no limit is not counted.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    uses: BTreeMap<(TenantName, Counter), BTreeMap<i64, u64>>,
    live: LiveCounts,
    /// Whether the live links are to be counted: some have changed by other ways than a job's commits.
    is_uncounted: bool,
    /// The numbers of live links at the last comparison, and when that was; none before anything was read from the store.
    compared: Option<(LiveCounts, Timestamp)>,
}

/// The number of live links by source.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveCounts(pub(crate) BTreeMap<TenantName, u64>);

impl LiveCounts {
    /// The numbers that a source's limits are shares of.
    pub(crate) fn of(&self, source: &TenantName) -> Live {
        Live { source: self.0.get(source).copied().unwrap_or(0), target: self.0.values().sum() }
    }
}

/// The minute that a use counts in.
pub(crate) fn minute(now: Timestamp) -> i64 {
    now.0.div_euclid(MINUTE)
}

/// The first minute of the window.
pub(crate) fn window_from(now: Timestamp) -> i64 {
    minute(now.minus(WINDOW))
}

impl Limits {
    /// Who was counted in this window, from the store.
    pub(crate) async fn load(store: &Store, target: &TenantName, now: Timestamp) -> Result<Self> {
        let from = window_from(now);
        window::prune(store, target, from).await?;
        let mut uses = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ((source, counter, minute), count) in window::read(store, target, from).await? {
            uses.entry((source, counter)).or_default().insert(minute, count);
        }
        let live = LiveCounts(link::live_counts(store, target).await?);
        Ok(Self { uses, compared: Some((live.clone(), now)), live, is_uncounted: false })
    }

    /// Whether they were ever read from the store.
    pub(crate) fn are_read(&self) -> bool {
        self.compared.is_some()
    }

    /// Has the live links counted anew.
    pub(crate) fn forget_live(&mut self) {
        self.is_uncounted = true;
    }

    /// Whether the live links are to be counted.
    pub(crate) fn is_uncounted(&self) -> bool {
        self.is_uncounted
    }

    /// Sets the numbers of live links.
    pub(crate) fn set_live(&mut self, live: LiveCounts) {
        (self.live, self.is_uncounted) = (live, false);
    }

    /// A link of a source was stored, and was and is live or not.
    pub(crate) fn note_live(&mut self, source: &TenantName, was: bool, is: bool) {
        let count = self.live.0.entry(source.clone()).or_default();
        *count = (*count + u64::from(is)).saturating_sub(u64::from(was));
    }

    /// The numbers of live links at the last comparison and now, if it is time to compare them.
    pub(crate) fn compare_live(&mut self, now: Timestamp) -> Option<(LiveCounts, LiveCounts)> {
        let (before, _) = self.compared.take_if(|(_, at)| now.since(*at) >= COMPARE_INTERVAL)?;
        self.compared = Some((self.live.clone(), now));
        Some((before, self.live.clone()))
    }

    /// What may still be done for a source; `None` where there is no limit.
    pub(crate) fn allowance(&self, limits: &resource::Limits, source: &TenantName, counter: Counter, now: Timestamp) -> Option<Allowance> {
        let max = limits.max(counter, self.live.of(source))?;
        Some(Allowance { used: self.window(source, counter, now).map(|(_, count)| count).sum(), max })
    }

    /// When the window will have room again: as soon as so many of the oldest uses have left it that another one fits.
    pub(crate) fn capacity_at(&self, limits: &resource::Limits, source: &TenantName, counter: Counter, now: Timestamp) -> Timestamp {
        let Some(Allowance { mut used, max }) = self.allowance(limits, source, counter, now) else { return now };
        for (minute, count) in self.window(source, counter, now) {
            used = used.saturating_sub(count);
            if used < max {
                return Timestamp((minute + 1) * MINUTE).plus(WINDOW);
            }
        }
        // No use leaves room where none is allowed.
        now.plus(WINDOW)
    }

    /// Reserves one use.
    pub(crate) fn reserve(&mut self, source: &TenantName, counter: Counter, now: Timestamp) {
        let uses = self.uses.entry((source.clone(), counter)).or_default();
        *uses.entry(minute(now)).or_default() += 1;
        *uses = uses.split_off(&window_from(now));
    }

    /// Takes back a reservation that was not stored.
    pub(crate) fn release_reservation(&mut self, source: &TenantName, counter: Counter, now: Timestamp) {
        if let Some(count) = self.uses.get_mut(&(source.clone(), counter)).and_then(|uses| uses.get_mut(&minute(now))) {
            *count = count.saturating_sub(1);
        }
    }

    /// Uses by minute, the oldest first.
    fn window(&self, source: &TenantName, counter: Counter, now: Timestamp) -> impl Iterator<Item = (i64, u64)> {
        let uses = self.uses.get(&(source.clone(), counter)).into_iter();
        uses.flat_map(move |uses| uses.range(window_from(now)..)).map(|(minute, count)| (*minute, *count))
    }
}

#[cfg(test)]
mod tests {
    use xtsync_domain::link::Verb;

    use super::*;

    const DELETE: Counter = Counter::Verb(Verb::Delete);

    #[test]
    fn live_links_are_counted_by_what_each_commit_changes() {
        let at = |seconds| Timestamp(0).plus(Duration::from_secs(seconds));
        let (emea, us) = (TenantName::new("emea").unwrap(), TenantName::new("us").unwrap());
        let live = LiveCounts([(emea.clone(), 2)].into());
        let mut limits = Limits { compared: Some((live.clone(), at(0))), live, ..Limits::default() };
        for (source, was, is) in [(&emea, true, true), (&emea, true, false), (&us, false, true), (&us, false, false)] {
            limits.note_live(source, was, is);
        }
        assert!(limits.compare_live(at(14)).is_none());
        let (before, now) = limits.compare_live(at(15)).unwrap();
        let numbers = |counts: &LiveCounts| (counts.of(&emea).source, counts.of(&us).source, counts.of(&us).target);
        assert_eq!((numbers(&before), numbers(&now)), ((2, 0, 2), (1, 1, 2)));
        assert!(limits.compare_live(at(29)).is_none() && limits.compare_live(at(30)).is_some());
    }

    #[test]
    fn a_window_has_capacity_when_enough_of_its_oldest_uses_have_left_it() {
        let at = |minutes: i64| Timestamp(minutes * MINUTE);
        let (emea, us) = (TenantName::new("emea").unwrap(), TenantName::new("us").unwrap());
        let mut limits = Limits::default();
        for (minutes, uses) in [(0, 3), (10, 7), (20, 2)] {
            (0..uses).for_each(|_| limits.reserve(&emea, DELETE, at(minutes)));
        }
        let unwritten = resource::Limits::default();
        let used = |now| limits.allowance(&unwritten, &emea, DELETE, now).unwrap();
        assert_eq!((used(at(20)), limits.capacity_at(&unwritten, &emea, DELETE, at(20))), (Allowance { used: 12, max: 10 }, at(61)));
        assert_eq!((used(at(60)).used, used(at(61)).used), (12, 9));
        let create = Counter::Verb(Verb::Create);
        assert_eq!(limits.allowance(&unwritten, &emea, create, at(20)), None);
        for (source, counter) in [(&us, DELETE), (&emea, Counter::LeaverDelete)] {
            assert_eq!(limits.allowance(&unwritten, source, counter, at(20)).unwrap().used, 0, "{source} {counter:?}");
        }
        let none = resource::Limits { create: Some(resource::Limit::Number(0)), ..unwritten };
        assert_eq!(limits.capacity_at(&none, &emea, create, at(20)), at(80), "what is never allowed is asked for now and then");
    }
}
