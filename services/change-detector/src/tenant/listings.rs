//! Which groups of scopes have their members listed, and when. Pure: it reads and stores nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use xtsync_domain::{GroupId, Timestamp};

use super::failure::Failure;
use crate::listing::Listing;

/// How long at least between two listings of a group that is listed again and again, per page: so this is at most a request in ten seconds.
const INTERVAL_PER_PAGE: Duration = Duration::from_secs(10);

/// How many complete cycles at least are between two listings of a group: what they have not reported by then, they do not report.
pub(super) const CYCLES_BETWEEN: u64 = 2;

/// The most pages of one listing: a million members in pages of ten.
const PAGES_MAX: u32 = 100_000;

/// The most times that a listing whose cursor is refused begins anew.
const RESTARTS_MAX: u32 = 3;

/// How long a page of a listing may fail before the listing is given up.
const FAILING_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Which groups are listed, and when.
#[derive(Debug, Default)]
pub(super) struct Listings {
    /// Those under way, as stored.
    under_way: BTreeMap<GroupId, Listing>,
    /// What the listing of a group took so far.
    efforts: BTreeMap<GroupId, Effort>,
    /// When groups are listed next; none where only the next full read asks for it. A group that is not in it is still to be listed.
    due: BTreeMap<GroupId, Option<Due>>,
    /// Whether there is a group with members that the delta query does not report.
    pub(super) is_any_unreported: bool,
}

/// What a listing took so far.
#[derive(Debug, Default)]
struct Effort {
    pages: u32,
    restarts: u32,
    /// Failure with its next page.
    failure: Option<Failure>,
}

/// When a group is listed again.
#[derive(Debug)]
struct Due {
    at: Timestamp,
    /// How many cycles are complete by then.
    cycle: u64,
}

impl Listings {
    /// Takes up the listings of a predecessor.
    pub(super) fn new(under_way: BTreeMap<GroupId, Listing>) -> Self {
        Self { under_way, ..Self::default() }
    }

    /// Whether a listing is under way.
    pub(super) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// When the oldest of those under way began; the end of time where none is.
    pub(super) fn began(&self) -> Timestamp {
        self.under_way.values().map(|listing| listing.began).min().unwrap_or(Timestamp(i64::MAX))
    }

    /// Those under way.
    pub(super) fn under_way(&self) -> impl Iterator<Item = &GroupId> {
        self.under_way.keys()
    }

    /// How far the listing of a group has come; none where it is to begin.
    pub(super) fn progress(&self, group: &GroupId) -> Option<&Listing> {
        self.under_way.get(group)
    }

    /// Has every group listed once more, from its first page.
    pub(super) fn renew(&mut self) {
        self.due.clear();
        self.under_way.clear();
        self.efforts.clear();
    }

    /// The group to list next: one whose listing is under way, or that is due when so many cycles are complete.
    pub(super) fn next<'a>(&self, groups: impl Iterator<Item = &'a GroupId>, cycle: u64, now: Timestamp) -> Option<&'a GroupId> {
        let may_try = |group: &GroupId| Failure::is_retry_due(self.failure(group), now);
        let is_due = |group: &GroupId| {
            let due = self.due.get(group);
            due.is_none_or(|due| due.as_ref().is_some_and(|due| now >= due.at && cycle >= due.cycle))
        };
        let is_next = |group: &&GroupId| may_try(group) && (self.under_way.contains_key(*group) || is_due(group));
        groups.filter(is_next).min_by_key(|group| !self.under_way.contains_key(*group))
    }

    fn failure(&self, group: &GroupId) -> Option<&Failure> {
        self.efforts.get(group).and_then(|effort| effort.failure.as_ref())
    }

    /// Whether a group is still to be listed.
    pub(super) fn is_awaited(&self, group: &GroupId) -> bool {
        self.under_way.contains_key(group) || !self.due.contains_key(group)
    }

    /// Notes a page. False where there were too many of them.
    pub(super) fn note_page(&mut self, group: &GroupId) -> bool {
        let effort = self.efforts.entry(group.clone()).or_default();
        (effort.pages, effort.failure) = (effort.pages + 1, None);
        effort.pages <= PAGES_MAX
    }

    /// A listing goes on there.
    pub(super) fn proceed(&mut self, group: GroupId, listing: Listing) {
        self.under_way.insert(group, listing);
    }

    /// A page failed; it is asked for again after a while. False where it has failed for so long that the listing is to be given up.
    pub(super) fn put_off(&mut self, group: &GroupId, code: &'static str, wait: Duration, now: Timestamp) -> bool {
        let failure = &mut self.efforts.entry(group.clone()).or_default().failure;
        Failure::record(failure, code, wait, now);
        failure.as_ref().is_none_or(|failure| now.since(failure.since) < FAILING_TIMEOUT)
    }

    /// A listing is to begin anew. False where it did so too often.
    pub(super) fn restart(&mut self, group: &GroupId) -> bool {
        self.under_way.remove(group);
        let effort = self.efforts.entry(group.clone()).or_default();
        (effort.pages, effort.restarts) = (0, effort.restarts + 1);
        effort.restarts <= RESTARTS_MAX
    }

    /// The group is no longer listed.
    pub(super) fn drop_group(&mut self, group: &GroupId) {
        self.under_way.remove(group);
        self.efforts.remove(group);
        self.due.remove(group);
    }

    /// A listing has ended, when so many cycles were complete; where it `repeats`, there is another one.
    pub(super) fn end(&mut self, group: &GroupId, repeats: bool, (cycle, interval): (u64, Duration), now: Timestamp) {
        let pages = self.efforts.remove(group).map_or(1, |effort| effort.pages.max(1));
        self.under_way.remove(group);
        let at = now.plus(interval.max(INTERVAL_PER_PAGE * pages));
        self.due.insert(group.clone(), repeats.then_some(Due { at, cycle: cycle + CYCLES_BETWEEN }));
    }

    /// Has a group listed once more after a while, which has been listed when so many cycles were complete.
    pub(super) fn repeat(&mut self, group: &GroupId, (cycle, interval): (u64, Duration), now: Timestamp) {
        if let Some(due @ None) = self.due.get_mut(group) {
            *due = Some(Due { at: now.plus(interval), cycle: cycle + CYCLES_BETWEEN });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Duration = Duration::from_secs(20);
    const START: Timestamp = Timestamp(0);

    fn seconds(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_group_is_listed_at_first_and_again_only_where_that_is_asked_for() {
        let (all, sales) = (GroupId::from("all"), GroupId::from("sales"));
        let mut listings = Listings::default();
        assert_eq!(listings.next([&all].into_iter(), 0, START), Some(&all));
        listings.proceed(sales.clone(), Listing { began: START, page: None });
        assert_eq!(listings.next([&all, &sales].into_iter(), 0, START), Some(&sales), "one that is under way goes on");
        listings.end(&sales, false, (0, FACTS), START);
        (0..3).for_each(|_| assert!(listings.note_page(&all)));
        listings.end(&all, true, (0, FACTS), START);
        for (at, cycle, want) in [(0, 2, None), (29, 2, None), (30, 1, None), (30, 2, Some(&all)), (10_000, 2, Some(&all))] {
            assert_eq!(listings.next([&all, &sales].into_iter(), cycle, seconds(at)), want, "{at}");
        }
        listings.repeat(&sales, (7, FACTS), START);
        for (at, cycle, want) in [(19, 9, None), (20, 8, None), (20, 9, Some(&sales))] {
            assert_eq!(listings.next([&sales].into_iter(), cycle, seconds(at)), want, "{at}");
        }
        listings.renew();
        assert_eq!(listings.next([&sales].into_iter(), 0, START), Some(&sales), "after a full read");
    }

    #[test]
    fn a_page_that_fails_is_tried_again_for_an_hour_and_a_refused_cursor_three_times() {
        let all = GroupId::from("all");
        let mut listings = Listings::default();
        listings.proceed(all.clone(), Listing { began: START, page: None });
        let mut at = 0;
        while listings.put_off(&all, "away", FACTS, seconds(at)) {
            assert_eq!(listings.next([&all].into_iter(), 0, seconds(at)), None, "not at once");
            at += 20 * 60;
            assert_eq!(listings.next([&all].into_iter(), 0, seconds(at)), Some(&all), "it goes on");
        }
        assert_eq!(at, 60 * 60);
        assert!(listings.note_page(&all) && listings.put_off(&all, "away", FACTS, seconds(at)), "anew after a page that came");
        let restarts = (0..5).map(|_| listings.restart(&all));
        assert_eq!(restarts.collect::<Vec<_>>(), [true, true, true, false, false]);
    }
}
