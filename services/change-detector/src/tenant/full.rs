//! A full read, one page or one chunk at a time, between incremental cycles.
//!
//! It reads groups and users with cursors of its own, and stages the users. Once it has ended, and one more cycle has reported the changes
//! meanwhile, it is compared with the directory's own count. A full read that agrees is verified: it replaces the known users and removes
//! those it has not shown. One that does not agree only adds what it has shown. A row that differs by then was missed by the delta query,
//! since the cycles reported everything else.
//!
//! A tenant's first full read has no cycles beside it: it publishes page by page.

use std::time::Duration;

use tracing::{info, warn};
use xtsync_contract::topic;
use xtsync_directory::{self as directory, Cursor, GroupChange, Next, Page, UserChange};
use xtsync_domain::{Timestamp, UserId};
use xtsync_runtime::stagger;

use super::cycle::{ENDLESS_RETRY_INTERVAL, NEVER_ENDS, is_refusal};
use super::failure::Failure;
use super::{Tenant, paging};
use crate::error::Error;
use crate::full::{Full, FullPhase, Reason};
use crate::merge::PageOf;
use crate::sync_state::{self, Phase, SyncState};
use crate::takeover::{self, Mode};
use crate::{merge, reported, staging, sweep};

/// The first pause after a failure of a full read beside cycles, unless the directory asks for another one, and after a second void
/// cursor of one.
const FULL_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How often the store is asked whether an operator asks for a full read; a trigger asks at once.
const RESYNC_CHECK_INTERVAL: Duration = Duration::from_secs(5);

impl Tenant {
    /// Begins to read everything, beside the cycles.
    pub(super) fn begin_full(&mut self, reason: Reason, now: Timestamp) {
        info!(tenant = %self.name, reason = reason.name(), "everything is read");
        self.sync_state.begin_full(reason, now);
        if let Some(full) = &mut self.sync_state.full {
            full.replaces_cursors |= matches!(reason, Reason::Refused | Reason::Endless | Reason::Resync);
        }
        (self.full_paging, self.seen_counter) = (paging::Paging::default(), None);
        (self.missed_changes, self.is_counting) = (0, true);
    }

    /// Begins a full read that an operator asks for, and tries at once what was put off.
    pub(super) async fn begin_requested_resync(&mut self, now: Timestamp) -> Result<(), Error> {
        if !self.is_triggered && now < self.resync_due {
            return Ok(());
        }
        self.resync_due = now.plus(RESYNC_CHECK_INTERVAL);
        if !sync_state::is_resync_requested(&self.store, &self.name).await? {
            return Ok(());
        }
        self.begin_full(Reason::Resync, now);
        (self.failure, self.full_failure, self.void) = (None, None, None);
        let mut tx = self.begin().await?;
        sync_state::clear_resync_request(&mut tx, &self.name).await?;
        sync_state::save(&mut tx, &self.name, &self.sync_state);
        Ok(tx.commit().await?)
    }

    /// Whether it is time to read everything for comparison.
    fn is_comparison_due(&self, now: Timestamp) -> bool {
        !self.sync_state.is_initial()
            && stagger::next(self.name.as_str(), self.intervals.compare, self.sync_state.began).is_some_and(|due| now >= due)
    }

    /// Reads a page or does a chunk of the full read under way, or begins one that is due. True when there is more to do at once.
    pub(super) async fn full_step(&mut self, now: Timestamp) -> Result<bool, Error> {
        if self.sync_state.full.is_none() && !self.begin_due(now) {
            return Ok(false);
        }
        if !Failure::is_retry_due(self.full_failure.as_ref(), now) || !Failure::is_retry_due(self.void.as_ref(), now) {
            return Ok(false);
        }
        match self.full_chunk(now).await {
            Err(Error::Directory(error)) => self.full_failed(error, now),
            done => done,
        }
    }

    fn begin_due(&mut self, now: Timestamp) -> bool {
        let reason = match (self.sync_state.is_initial(), self.sync_state.groups.is_some() && self.sync_state.users.is_some()) {
            (true, _) if self.sync_state.phase == Phase::Idle => Reason::Initial,
            (true, _) => return false,
            (false, false) => Reason::Void,
            (false, true) if self.full_retry.is_due(now) => Reason::Unverified,
            (false, true) if self.is_comparison_due(now) => Reason::Comparison,
            (false, true) => return false,
        };
        self.begin_full(reason, now);
        true
    }

    async fn full_chunk(&mut self, now: Timestamp) -> Result<bool, Error> {
        let Some(full) = self.sync_state.full.clone() else { return Ok(false) };
        if full.phase.is_reading() && !self.sync_state.is_incremental() {
            // There is no cycle to ask for: this is what was asked for.
            self.is_triggered = false;
        }
        match full.phase.clone() {
            FullPhase::Groups(cursor) => {
                let page = self.source.groups(cursor.as_ref()).await?;
                self.stage_groups(full, cursor.as_ref(), page, now).await
            }
            FullPhase::Users(cursor) => {
                let page = self.source.users(&full.selected, cursor.as_ref()).await?;
                self.stage_users(full, cursor.as_ref(), page, now).await
            }
            FullPhase::AwaitCycle(cycle) => match self.sync_state.cycle >= cycle {
                true => self.verify_full(full, now).await,
                false => Ok(false),
            },
            FullPhase::Merge | FullPhase::Replace => self.take_over(full, now).await,
            FullPhase::Remove => self.remove().await,
            FullPhase::Project => {
                if self.sync_state.phase == Phase::Idle && !self.is_pending && !self.awaits_listings() {
                    (self.sync_state.phase, self.checked_cycle, self.removal_check) = (Phase::Projecting, None, None);
                    return Ok(true);
                }
                Ok(false)
            }
            FullPhase::Clear => self.clear().await,
        }
    }

    /// A full read failed. Where cycles go on beside it, it waits alone.
    fn full_failed(&mut self, error: directory::Error, now: Timestamp) -> Result<bool, Error> {
        let resumes =
            self.sync_state.full.as_ref().is_some_and(|full| matches!(full.phase, FullPhase::Groups(Some(_)) | FullPhase::Users(Some(_))));
        let reason = self.sync_state.full.as_ref().map_or(Reason::Void, |full| full.reason);
        // Without a cursor nothing can be void or refused: then it is a failure like any other.
        match error {
            directory::Error::Resync if resumes => {
                warn!(tenant = %self.name, "the directory asks to read everything again, while everything is read");
                let pause = if self.full_failure.is_none() { Duration::ZERO } else { FULL_RETRY_INTERVAL };
                Failure::record(&mut self.full_failure, NEVER_ENDS, pause, now);
                self.metrics.failed(&self.name, "resync");
                self.begin_full(reason, now);
                Ok(true)
            }
            error if resumes && is_refusal(&error) => {
                let error = Error::Directory(error);
                Failure::record(&mut self.full_failure, error.code(), FULL_RETRY_INTERVAL, now);
                if self.full_failure.as_ref().is_some_and(|failure| failure.count % 3 == 0) {
                    warn!(tenant = %self.name, code = error.code(), "a cursor of a full read is refused: it begins anew");
                    self.begin_full(reason, now);
                }
                self.metrics.failed(&self.name, error.code());
                Ok(true)
            }
            error if self.sync_state.is_incremental() => {
                let error = Error::Directory(error);
                warn!(tenant = %self.name, code = error.code(), "the full read waits");
                self.metrics.failed(&self.name, error.code());
                Failure::record(&mut self.full_failure, error.code(), error.wait().unwrap_or(FULL_RETRY_INTERVAL), now);
                Ok(true)
            }
            error => Err(error.into()),
        }
    }

    /// A delta of a full read pages without end: it begins anew, later each time.
    fn full_endless(&mut self, what: &'static str, now: Timestamp) -> bool {
        warn!(tenant = %self.name, what, code = NEVER_ENDS, "a full read pages without end");
        self.metrics.failed(&self.name, NEVER_ENDS);
        Failure::record(&mut self.full_failure, NEVER_ENDS, ENDLESS_RETRY_INTERVAL, now);
        let reason = self.sync_state.full.as_ref().map_or(Reason::Void, |full| full.reason);
        self.begin_full(reason, now);
        true
    }

    async fn stage_groups(
        &mut self,
        mut full: Full,
        asked: Option<&Cursor>,
        page: Page<GroupChange>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.report(topic::TENANT_FACTS.of(&self.name), "groups", &page.rejected, now).await?;
        let is_endless = self.full_paging.is_endless(asked, &page.next, &paging::groups(&page.changes));
        full.rejected |= page.rejected.iter().any(|rejected| rejected.is_whole);
        match page.next {
            Next::Page(cursor) => full.phase = FullPhase::Groups(Some(cursor)),
            Next::Complete(cursor) => (full.phase, full.groups) = (FullPhase::Users(None), Some(cursor)),
        }
        let sync_state = SyncState { full: Some(full), ..self.sync_state.clone() };
        if !page.changes.is_empty() {
            self.merge_group_page(page.changes, PageOf::Full { began: sync_state.began }, &sync_state, now).await?;
        }
        self.sync_state = sync_state;
        Ok(if is_endless { self.full_endless("groups", now) } else { true })
    }

    async fn stage_users(&mut self, mut full: Full, asked: Option<&Cursor>, page: Page<UserChange>, now: Timestamp) -> Result<bool, Error> {
        self.report(topic::USER_DELTAS.of(&self.name), "users", &page.rejected, now).await?;
        let is_endless = self.full_paging.is_endless(asked, &page.next, &paging::users(&page.changes));
        full.rejected |= page.rejected.iter().any(|rejected| rejected.is_whole);
        let mut sync_state = self.sync_state.clone();
        let has_cycles = sync_state.is_incremental();
        match page.next {
            Next::Page(cursor) => full.phase = FullPhase::Users(Some(cursor)),
            Next::Complete(cursor) => {
                full.users = Some(cursor);
                (self.full_failure, self.failure) = (None, self.failure.take().filter(|_| !full.replaces_cursors));
                // Without cycles beside it there is nothing to wait for.
                full.phase = FullPhase::AwaitCycle(sync_state.cycle + u64::from(has_cycles));
            }
        }
        sync_state.full = Some(full);
        sync_state.switch_cursors();
        let mut tx = self.begin().await?;
        if !page.changes.is_empty() {
            self.metrics.read(&self.name, "user", page.changes.len());
            let selected = sync_state.full.as_ref().map_or(&self.sync_state.selected, |full| &full.selected);
            let context = merge::Context { selected, of: PageOf::Full { began: sync_state.began }, ..self.context(now) };
            merge::stage(&mut tx, &context, page.changes, self.sync_state.is_initial()).await?;
            if self.sync_state.is_initial() {
                self.project_dirty(&mut tx, now).await?;
            }
        }
        sync_state::save(&mut tx, &self.name, &sync_state);
        tx.commit().await?;
        if self.sync_state.is_initial() {
            self.note_unpublished();
        }
        self.sync_state = sync_state;
        if is_endless {
            return Ok(self.full_endless("users", now));
        }
        if self.sync_state.full.as_ref().is_some_and(|full| !full.phase.is_reading()) {
            self.is_triggered |= has_cycles;
        }
        Ok(true)
    }

    /// Whether what was read is relied on: the directory's own count says whether it was complete. Otherwise it is read again later, or those
    /// who left meanwhile would stay for ever.
    async fn verify_full(&mut self, full: Full, now: Timestamp) -> Result<bool, Error> {
        // No user can be missing from the first one.
        if !self.sync_state.is_repeated_full() {
            return self.enter(FullPhase::Project, |_| ()).await;
        }
        let full_cycle = self.sync_state.full_cycle;
        let mut seen_counter = self.seen_counter.take().unwrap_or_default();
        let Some(seen_counts) = seen_counter.step(&self.store, &self.name, full_cycle).await? else {
            self.seen_counter = Some(seen_counter);
            return Ok(true);
        };
        let counted = self.source.user_count().await?;
        self.full_failure = None;
        let (seen, unseen, exceeds_threshold) = (seen_counts.seen, seen_counts.unseen, seen_counts.exceeds_threshold());
        // People come and go while everything is read; a truncated reading is off by more.
        let tolerated = 5.max(counted / 100);
        let reason = match (exceeds_threshold, full.rejected, seen.abs_diff(counted) > tolerated) {
            (true, _, _) => Some("user_loss"),
            (false, true, _) => Some("incomplete"),
            (false, false, true) => Some("count_differs"),
            (false, false, false) => None,
        };
        let missing = if exceeds_threshold { unseen } else { 0 };
        match reason {
            Some(reason) => {
                warn!(tenant = %self.name, seen, counted, unseen, reason, "the full read cannot be relied on: no user is removed");
                self.metrics.failed(&self.name, reason);
                self.full_retry.put_off(exceeds_threshold, now);
            }
            None => self.full_retry = super::retry_schedule::RetrySchedule::NotNeeded,
        }
        self.held.users = missing;
        let phase = if reason.is_some() { FullPhase::Merge } else { FullPhase::Replace };
        self.enter(phase, |sync_state| {
            (sync_state.unverified, sync_state.missing) = (reason.is_some(), missing);
            // One that is verified now reads them of all users, also where it was begun for another reason.
            let adds = reason.is_none() && !sync_state.unverified_attributes.is_empty();
            sync_state.full.iter_mut().for_each(|full| full.widens |= adds && full.reason != Reason::Rebuilt);
        })
        .await
    }

    async fn take_over(&mut self, full: Full, now: Timestamp) -> Result<bool, Error> {
        let is_verified = full.phase == FullPhase::Replace;
        let unverified_attributes = &self.sync_state.unverified_attributes;
        let mode = Mode { is_verified, reprojects_all: full.reason == Reason::Rebuilt, unverified_attributes };
        let mut tx = self.begin().await?;
        let is_over = takeover::chunk(&mut tx, &self.context(now), mode).await?;
        tx.commit().await?;
        match (is_over, is_verified) {
            (false, _) => Ok(true),
            (true, true) => self.enter(FullPhase::Remove, |_| ()).await,
            (true, false) => self.enter(FullPhase::Project, |_| ()).await,
        }
    }

    /// Unseen users are removed: recorded as work to do, with the phase that follows it.
    async fn remove(&mut self) -> Result<bool, Error> {
        let mut sync_state = self.in_phase(FullPhase::Project);
        sync_state.unverified_attributes.clear();
        let mut tx = self.begin().await?;
        sweep::begin(&mut tx, &self.name, self.sync_state.full_cycle).await?;
        sync_state::save(&mut tx, &self.name, &sync_state);
        tx.commit().await?;
        (self.sync_state, self.is_pending) = (sync_state, true);
        self.listings.renew();
        (self.checked_cycle, self.removal_check) = (None, None);
        Ok(true)
    }

    async fn clear(&mut self) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let mut cleared = staging::clear(&mut tx, &self.name).await?;
        if !self.listings.is_under_way() {
            cleared += reported::clear(&mut tx, &self.name).await?;
        }
        let is_over = cleared == 0;
        let mut sync_state = self.sync_state.clone();
        if is_over {
            sync_state.full = None;
            sync_state::save(&mut tx, &self.name, &sync_state);
        }
        tx.commit().await?;
        if is_over {
            self.end_full();
        }
        self.sync_state = sync_state;
        Ok(true)
    }

    fn end_full(&mut self) {
        let Some(full) = &self.sync_state.full else { return };
        let (reason, missed) = (full.reason.name(), self.missed_changes);
        match full.reason.is_comparison() && missed > 0 {
            true => warn!(tenant = %self.name, reason, missed, "everything was read: delta queries had lost changes"),
            false => info!(tenant = %self.name, reason, "everything was read"),
        }
    }

    /// The reading with its full read in that phase.
    fn in_phase(&self, phase: FullPhase) -> SyncState {
        let mut sync_state = self.sync_state.clone();
        if let Some(full) = &mut sync_state.full {
            full.phase = phase;
        }
        sync_state
    }

    async fn enter(&mut self, phase: FullPhase, note: impl FnOnce(&mut SyncState)) -> Result<bool, Error> {
        let mut sync_state = self.in_phase(phase);
        note(&mut sync_state);
        let mut tx = self.begin().await?;
        sync_state::save(&mut tx, &self.name, &sync_state);
        tx.commit().await?;
        self.sync_state = sync_state;
        (self.checked_cycle, self.removal_check) = (None, None);
        Ok(true)
    }

    /// Counts users whose projection changed though no cycle reported them.
    pub(super) fn count_missed(&mut self, changed: &[UserId]) {
        if self.is_counting && self.sync_state.full.as_ref().is_some_and(|full| full.phase.is_applying() && full.reason.is_comparison()) {
            let is_reported = |id: &UserId| self.mentioned.contains(id) || self.losses.contains(id);
            let missed = changed.iter().filter(|id| !is_reported(id)).count() as u64;
            self.missed_changes += missed;
            self.metrics.missed_changes(&self.name, missed);
        }
    }
}
