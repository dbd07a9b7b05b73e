//! Lists the members of groups of scopes, beside the delta query: some directories leave members out there
//! (<https://github.com/microsoftgraph/microsoft-graph-docs/issues/6271>).
//!
//! A group is listed when a scope refers to it first, and after each full read. A group that has no members by the delta query, or members
//! that it does not report, is listed again and again. A page is merged as it is read, so a large group takes many steps; what a cycle
//! reports meanwhile is newer. Members that a complete listing does not show leave the group, with the removal guard's check.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::warn;
use xtsync_directory::{self as directory, GroupChange, MemberChange, MemberPage};
use xtsync_domain::fact::GroupState;
use xtsync_domain::{GroupId, Timestamp};

use super::Tenant;
use super::cycle::is_refusal;
use crate::error::Error;
use crate::full::FullPhase;
use crate::listing::{self, Listing};
use crate::merge::PageOf;
use crate::pending::{self, Work};
use crate::{membership, reported};

/// The code that `status` shows for groups with members that the delta query does not report.
pub(super) const CODE: &str = "members_not_in_delta";

/// How long at least between two listings of a group that is listed again and again, per page: so this is at most a request in ten seconds.
const INTERVAL_PER_PAGE: Duration = Duration::from_secs(10);

/// How many complete cycles a member may be unreported for: the delta query may be behind the listing.
const UNREPORTED_CYCLES: u64 = 2;

/// The most pages of one listing: a million members in pages of ten.
const PAGES_MAX: u32 = 100_000;

/// Which groups are listed, and when.
#[derive(Debug, Default)]
pub(super) struct Listings {
    /// Those under way, as stored.
    under_way: BTreeMap<GroupId, Listing>,
    /// When groups are listed next; none where only the next full read asks for it. A group that is not in it is still to be listed.
    due: BTreeMap<GroupId, Option<Timestamp>>,
    /// When a listing that failed is begun again.
    retry: BTreeMap<GroupId, Timestamp>,
    /// How many pages the listing under way of a group has had.
    pages: BTreeMap<GroupId, u32>,
    /// Whether there is a group with members that the delta query does not report.
    is_any_unreported: bool,
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

    /// Whether members are known that the delta query does not report.
    pub(super) fn is_any_unreported(&self) -> bool {
        self.is_any_unreported
    }

    /// Has every group listed once more.
    pub(super) fn renew(&mut self) {
        self.due.clear();
    }

    /// The group to list next: one whose listing is under way, or that is due.
    fn next<'a>(&self, groups: impl Iterator<Item = &'a GroupId>, now: Timestamp) -> Option<&'a GroupId> {
        let is_retry_due = |group: &GroupId| self.retry.get(group).is_none_or(|retry| now >= *retry);
        let is_due = |group: &GroupId| is_retry_due(group) && self.due.get(group).is_none_or(|due| due.is_some_and(|due| now >= due));
        groups.filter(|group| self.under_way.contains_key(*group) || is_due(group)).min_by_key(|group| !self.under_way.contains_key(*group))
    }

    /// Whether a group is still to be listed.
    fn is_awaited(&self, group: &GroupId) -> bool {
        self.under_way.contains_key(group) || !self.due.contains_key(group)
    }

    /// A listing failed; it begins again after a while.
    fn fail(&mut self, group: &GroupId, wait: Duration, now: Timestamp) {
        self.under_way.remove(group);
        self.pages.remove(group);
        self.retry.insert(group.clone(), now.plus(wait));
    }

    /// A listing has ended; where `repeats`, there is another one.
    fn end(&mut self, group: &GroupId, repeats: bool, interval: Duration, now: Timestamp) {
        let pages = self.pages.remove(group).unwrap_or(1);
        self.under_way.remove(group);
        self.retry.remove(group);
        self.due.insert(group.clone(), repeats.then(|| now.plus(interval.max(INTERVAL_PER_PAGE * pages))));
    }
}

impl Tenant {
    /// Whether groups may be listed: not while their members are read first, or being swept.
    fn can_list(&self) -> bool {
        let is_taking_over = self.sync_state.full.as_ref().is_some_and(|full| full.phase.is_taking_over());
        !self.sync_state.is_initial() && !self.is_pending && !is_taking_over
    }

    /// Lists a page of members of a group that is due. True when there is more to do at once.
    pub(super) async fn list_members(&mut self, now: Timestamp) -> Result<bool, Error> {
        let Some((_, projection)) = self.spec.users.clone().filter(|_| self.can_list()) else { return Ok(false) };
        let is_readable = |group: &&GroupId| self.group_states.get(*group) == Some(&GroupState::Present);
        let Some(group) = self.listings.next(projection.groups.iter().filter(is_readable), now).cloned() else { return Ok(false) };
        let listing = self.listings.under_way.get(&group).cloned().unwrap_or(Listing { began: now, page: None });
        match self.source.members(&group, listing.page.as_ref()).await {
            Ok(page) => self.merge_listing(&group, listing, page, now).await.map(|()| true),
            Err(error) => self.listing_failed(&group, error, now).await.map(|()| false),
        }
    }

    /// A listing failed. One that the directory refuses holds nothing up; otherwise what a full read takes out of the group
    /// waits for it.
    async fn listing_failed(&mut self, group: &GroupId, error: directory::Error, now: Timestamp) -> Result<(), Error> {
        let (is_refused, error) = (is_refusal(&error), Error::Directory(error));
        warn!(tenant = %self.name, %group, code = error.code(), "the members of a group cannot be listed");
        self.metrics.failed(&self.name, error.code());
        let wait = error.wait().unwrap_or(self.intervals.facts);
        if is_refused {
            return self.give_up_listing(group, wait.max(self.intervals.facts * 10), now).await;
        }
        self.delete_listing(group).await?;
        self.listings.fail(group, wait, now);
        Ok(())
    }

    async fn merge_listing(&mut self, group: &GroupId, listing: Listing, page: MemberPage, now: Timestamp) -> Result<(), Error> {
        let pages = self.listings.pages.entry(group.clone()).or_default();
        *pages += 1;
        if *pages > PAGES_MAX || (page.next.is_some() && page.next == listing.page) {
            warn!(tenant = %self.name, %group, "the listing of a group's members pages without end");
            return self.give_up_listing(group, self.intervals.facts * 10, now).await;
        }
        if !page.members.is_empty() {
            let members = page.members.into_iter().map(MemberChange::Joined).collect();
            let changes = vec![GroupChange::Changed { id: group.clone(), name: None, members }];
            let of = PageOf::Listing { began: listing.began, cycle: self.sync_state.cycle };
            self.merge_group_page(changes, of, &self.sync_state.clone(), now).await?;
            self.mark_stale();
        }
        let listing = Listing { page: page.next, ..listing };
        let mut tx = self.begin().await?;
        if listing.page.is_some() {
            listing::save(&mut tx, &self.name, group, &listing).await?;
            tx.commit().await?;
            self.listings.under_way.insert(group.clone(), listing);
            return Ok(());
        }
        listing::delete(&mut tx, &self.name, group).await?;
        let began = u64::try_from(listing.began.0).unwrap_or_default();
        pending::add(&mut tx, &self.name, [Work::SweepListed(group.clone(), began)]).await?;
        let has_members = membership::has_members(&mut tx, &self.name, group).await?;
        let is_unreported = membership::unreported(&mut tx, &self.name).await?.contains_key(group);
        tx.commit().await?;
        self.listings.end(group, !has_members || is_unreported, self.intervals.facts, now);
        (self.is_pending, self.checked_cycle, self.removal_check) = (true, None, None);
        Ok(())
    }

    /// Gives up a listing; the group is listed again after a while. Members that it has shown stay.
    async fn give_up_listing(&mut self, group: &GroupId, wait: Duration, now: Timestamp) -> Result<(), Error> {
        self.delete_listing(group).await?;
        self.listings.pages.remove(group);
        self.listings.end(group, true, wait, now);
        Ok(())
    }

    async fn delete_listing(&self, group: &GroupId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        listing::delete(&mut tx, &self.name, group).await?;
        Ok(tx.commit().await?)
    }

    /// Notes which groups have members that the delta query does not report, though some cycles are complete since they were listed.
    pub(super) async fn note_unreported(&mut self) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let unreported = membership::unreported(&mut tx, &self.name).await?;
        if !self.listings.is_under_way() && self.sync_state.full.is_none() && reported::clear(&mut tx, &self.name).await? > 0 {
            tx.commit().await?;
        }
        let certain: Vec<GroupId> =
            unreported.into_iter().filter(|(_, cycle)| self.sync_state.cycle > cycle + UNREPORTED_CYCLES).map(|(group, _)| group).collect();
        for group in certain.iter().filter(|_| !self.listings.is_any_unreported) {
            warn!(tenant = %self.name, %group, code = CODE, "a group of some scope has members that delta queries do not report");
            self.metrics.failed(&self.name, CODE);
        }
        self.listings.is_any_unreported = !certain.is_empty();
        Ok(())
    }

    /// Whether the members that a full read takes out of groups are still to be compared with the groups' own listings.
    pub(super) fn awaits_listings(&self) -> bool {
        let Some((_, projection)) = &self.spec.users else { return false };
        let is_readable = |group: &&GroupId| self.group_states.get(*group) == Some(&GroupState::Present);
        let is_ending = self.sync_state.full.as_ref().is_some_and(|full| full.phase == FullPhase::Project);
        is_ending
            && !self.sync_state.is_initial()
            && projection.groups.iter().filter(is_readable).any(|group| self.listings.is_awaited(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_listed_at_first_and_again_only_where_the_delta_query_says_too_little() {
        let (all, sales) = (GroupId::from("all"), GroupId::from("sales"));
        let (facts, start) = (Duration::from_secs(20), Timestamp(0));
        let mut listings = Listings::default();
        assert_eq!(listings.next([&all].into_iter(), start), Some(&all));
        listings.under_way.insert(sales.clone(), Listing { began: start, page: None });
        assert_eq!(listings.next([&all, &sales].into_iter(), start), Some(&sales), "one that is under way goes on");
        listings.end(&sales, false, facts, start);
        listings.pages.insert(all.clone(), 3);
        listings.end(&all, true, facts, start);
        for (seconds, want) in [(0, None), (29, None), (30, Some(&all)), (10_000, Some(&all))] {
            let now = start.plus(Duration::from_secs(seconds));
            assert_eq!(listings.next([&all, &sales].into_iter(), now), want, "{seconds}");
        }
        listings.renew();
        assert_eq!(listings.next([&sales].into_iter(), start), Some(&sales), "after a full read");
    }
}
