//! Lists the members of groups of scopes, beside the delta query: some directories leave members out there
//! (<https://github.com/microsoftgraph/microsoft-graph-docs/issues/6271>).
//!
//! A group is listed when a scope refers to it first, and after each full read. A group that has no members by the delta query, or members
//! that it does not report, is listed again and again. A page is merged as it is read, so a large group takes many steps; what a cycle
//! reports meanwhile is newer.
//!
//! A member that a complete listing does not show may have joined, or been deleted, a moment ago: a directory answers from replicas, of
//! which one is behind another. The group is listed once more, when some cycles are complete, and members that neither listing has
//! shown leave, with the removal guard's check.

use std::time::Duration;

use tracing::warn;
use xtsync_directory::{self as directory, GroupChange, MemberChange, MemberPage};
use xtsync_domain::fact::GroupState;
use xtsync_domain::{GroupId, Timestamp};

use super::Tenant;
use super::background::Request;
use super::cycle::is_refusal;
use super::listings::CYCLES_BETWEEN;
use crate::error::Error;
use crate::full::FullPhase;
use crate::listing::{self, Listing};
use crate::page::PageOf;
use crate::pending::{self, Work};
use crate::{membership, reported};

/// The code that `status` shows for groups with members that the delta query does not report.
pub(super) const CODE: &str = "members_not_in_delta";

impl Tenant {
    /// Whether groups may be listed: not while their members are read first, or being swept.
    fn can_list(&self) -> bool {
        let is_taking_over = self.sync_state.full.as_ref().is_some_and(|full| full.phase.is_taking_over());
        !self.sync_state.is_initial() && !self.is_pending && !is_taking_over
    }

    /// The next page of members of a group that is due.
    pub(super) fn listing_request(&self, now: Timestamp) -> Option<Request> {
        let (_, projection) = self.spec.users.as_ref().filter(|_| self.can_read() && self.can_list())?;
        let groups = projection.groups.iter().filter(|group| self.is_listed(group));
        let group = self.listings.next(groups, self.sync_state.cycle, now)?;
        let listing = self.listings.progress(group).cloned().unwrap_or(Listing { began: now, page: None });
        Some(Request::Members(group.clone(), listing))
    }

    /// Whether a listing is still to go on there.
    pub(super) fn is_listing_wanted(&self, group: &GroupId, listing: &Listing) -> bool {
        self.listings.progress(group) == Some(listing) && self.can_list() && self.is_listed(group)
    }

    /// Takes in a page of members.
    pub(super) async fn note_members(
        &mut self,
        group: &GroupId,
        listing: Listing,
        page: directory::Result<MemberPage>,
        now: Timestamp,
    ) -> Result<(), Error> {
        match page {
            Ok(page) => self.merge_listing(group, listing, page, now).await,
            Err(error) => self.listing_failed(group, &listing, error, now).await,
        }
    }

    /// Whether some scope refers to a group, which is not known to be unreadable.
    fn is_listed(&self, group: &GroupId) -> bool {
        let is_referenced = self.spec.users.as_ref().is_some_and(|(_, projection)| projection.groups.contains(group));
        is_referenced && self.facts.group_states.get(group).is_none_or(|state| *state == GroupState::Present)
    }

    /// Drops the listings under way of groups that no scope refers to any more, or that cannot be read.
    pub(super) async fn drop_listings(&mut self) -> Result<(), Error> {
        let dropped: Vec<GroupId> = self.listings.under_way().filter(|group| !self.is_listed(group)).cloned().collect();
        for group in &dropped {
            self.delete_listing(group).await?;
            self.listings.drop_group(group);
        }
        Ok(())
    }

    /// A page of a listing failed. A listing that the directory refuses holds nothing up; a failure that may pass is waited for, since what
    /// a full read takes out of the group waits for its listing.
    async fn listing_failed(&mut self, group: &GroupId, listing: &Listing, error: directory::Error, now: Timestamp) -> Result<(), Error> {
        let (is_refused, is_void) = (is_refusal(&error), matches!(error, directory::Error::Resync));
        let error = Error::Directory(error);
        warn!(tenant = %self.name, %group, code = error.code(), "the members of a group cannot be listed");
        self.metrics.failed(&self.name, error.code());
        let wait = error.wait().unwrap_or(self.intervals.facts);
        let may_be_cursor = listing.page.is_some() && (is_refused || is_void);
        if may_be_cursor {
            self.delete_listing(group).await?;
        }
        let goes_on = if may_be_cursor { self.listings.restart(group) } else { !is_refused };
        match goes_on && self.listings.put_off(group, error.code(), wait, now) {
            true => Ok(()),
            false => self.give_up_listing(group, wait.max(self.intervals.facts * 10), now).await,
        }
    }

    async fn merge_listing(&mut self, group: &GroupId, listing: Listing, page: MemberPage, now: Timestamp) -> Result<(), Error> {
        if !self.listings.note_page(group) || (page.next.is_some() && page.next == listing.page) {
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
            self.listings.proceed(group.clone(), listing);
            return Ok(());
        }
        listing::complete(&mut tx, &self.name, group, listing.began).await?;
        pending::add(&mut tx, &self.name, [Work::SweepListed(group.clone())]).await?;
        let has_members = membership::has_members(&mut tx, &self.name, group).await?;
        let is_unreported = membership::unreported(&mut tx, &self.name).await?.contains_key(group);
        tx.commit().await?;
        self.listings.end(group, !has_members || is_unreported, (self.sync_state.cycle, self.intervals.facts), now);
        (self.is_pending, self.cycle.checked, self.cycle.removal_check) = (true, None, None);
        Ok(())
    }

    /// Has a group listed once more whose listing has not shown every member.
    pub(super) fn repeat_listing(&mut self, group: &GroupId, now: Timestamp) {
        self.listings.repeat(group, (self.sync_state.cycle, self.intervals.facts), now);
    }

    /// Gives up a listing; the group is listed again after a while. Members that it has shown stay.
    async fn give_up_listing(&mut self, group: &GroupId, wait: Duration, now: Timestamp) -> Result<(), Error> {
        self.delete_listing(group).await?;
        self.listings.end(group, true, (self.sync_state.cycle, wait), now);
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
        // What cycles reported before a full read or a listing under way began says nothing about its pages.
        let full_began = self.sync_state.full.as_ref().map(|_| self.sync_state.began);
        let before = full_began.into_iter().chain([self.listings.began()]).min().unwrap_or_default();
        if reported::clear(&mut tx, &self.name, before).await? > 0 {
            tx.commit().await?;
        }
        let certain: Vec<GroupId> =
            unreported.into_iter().filter(|(_, cycle)| self.sync_state.cycle > cycle + CYCLES_BETWEEN).map(|(group, _)| group).collect();
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
        let is_ending = self.sync_state.full.as_ref().is_some_and(|full| full.phase == FullPhase::Project);
        is_ending
            && !self.sync_state.is_initial()
            && projection.groups.iter().any(|group| self.is_listed(group) && self.listings.is_awaited(group))
    }
}
