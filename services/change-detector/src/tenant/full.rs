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
use xtsync_directory as directory;
use xtsync_domain::{Timestamp, UserId};
use xtsync_runtime::stagger;

use super::Tenant;
use super::failure::{Failure, Failures};
use super::paging::Paging;
use super::retry_schedule::RetrySchedule;
use crate::error::Error;
use crate::full::{Full, FullPhase, Reason};
use crate::sweep::{self, SeenCounter};
use crate::sync_state::{self, Phase, SyncState};
use crate::takeover::{self, Mode};
use crate::{listing, reported, staging};

/// How often the store is asked whether an operator asks for a full read; a trigger asks at once.
const RESYNC_CHECK_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// What a full read has found, beside what is stored of it, and when the next one is due.
#[derive(Debug)]
pub(super) struct FullReading {
    /// Whether everything is to be read again because the last such reading could not be relied on.
    retry: RetrySchedule,
    /// How many users the full read under way, or the one before it, has found that delta queries had lost.
    pub(super) missed_changes: u64,
    /// Whether what it finds is such a loss.
    pub(super) is_counting: bool,
    /// The look at what it has shown.
    pub(super) seen_counter: SeenCounter,
    /// What was seen of its delta.
    pub(super) paging: Paging,
    /// When the store is asked next whether a full read is asked for.
    resync_due: Timestamp,
}

impl FullReading {
    /// After a last full read that could not be relied on, another one follows.
    pub(super) fn new(sync_state: &SyncState) -> Self {
        let is_needed = sync_state.full.is_none() && sync_state.unverified;
        Self {
            retry: if is_needed { RetrySchedule::Needed } else { RetrySchedule::NotNeeded },
            missed_changes: 0,
            is_counting: true,
            seen_counter: SeenCounter::default(),
            paging: Paging::default(),
            resync_due: Timestamp(0),
        }
    }
}

impl Tenant {
    /// Begins to read everything, beside the cycles.
    pub(super) fn begin_full(&mut self, reason: Reason, now: Timestamp) {
        info!(tenant = %self.name, reason = reason.name(), "everything is read");
        self.sync_state.begin_full(reason, now);
        if let Some(full) = &mut self.sync_state.full {
            full.replaces_cursors |= matches!(reason, Reason::Refused | Reason::Endless | Reason::Resync);
        }
        (self.full.paging, self.full.seen_counter) = (Paging::default(), SeenCounter::default());
        (self.full.missed_changes, self.full.is_counting) = (0, true);
    }

    /// Begins a full read that an operator asks for, and tries at once what was put off.
    pub(super) async fn begin_requested_resync(&mut self, now: Timestamp) -> Result<(), Error> {
        if !self.cycle.is_triggered && now < self.full.resync_due {
            return Ok(());
        }
        self.full.resync_due = now.plus(RESYNC_CHECK_INTERVAL);
        if !sync_state::is_resync_requested(&self.store, &self.name).await? {
            return Ok(());
        }
        self.begin_full(Reason::Resync, now);
        self.failures = Failures::default();
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

    /// Does a chunk of the full read under way, or begins one that is due; its pages are asked for beside that. True when there is more to do
    /// at once.
    pub(super) async fn full_step(&mut self, now: Timestamp) -> Result<bool, Error> {
        if self.sync_state.full.is_none() {
            return Ok(self.begin_due(now));
        }
        let Some(full) = self.sync_state.full.clone().filter(|_| self.may_try_full(now)) else { return Ok(false) };
        match full.phase {
            FullPhase::Groups(_) | FullPhase::Users(_) => {
                // Where there are no cycles, this is what was asked for.
                self.cycle.is_triggered &= self.sync_state.is_incremental();
                Ok(false)
            }
            FullPhase::AwaitCycle(cycle) if self.sync_state.cycle >= cycle => self.count_seen().await,
            FullPhase::AwaitCycle(_) => {
                self.cycle.is_triggered |= self.sync_state.is_incremental();
                Ok(false)
            }
            FullPhase::Merge | FullPhase::Replace => self.take_over(full, now).await,
            FullPhase::Remove => self.remove().await,
            FullPhase::Project => {
                if self.sync_state.phase == Phase::Idle && !self.is_pending && !self.awaits_listings() {
                    (self.sync_state.phase, self.cycle.checked, self.cycle.removal_check) = (Phase::Projecting, None, None);
                    return Ok(true);
                }
                Ok(false)
            }
            FullPhase::Clear => self.clear().await,
        }
    }

    /// Whether no failure puts the full read off.
    pub(super) fn may_try_full(&self, now: Timestamp) -> bool {
        Failure::is_retry_due(self.failures.full.as_ref(), now) && Failure::is_retry_due(self.failures.void.as_ref(), now)
    }

    fn begin_due(&mut self, now: Timestamp) -> bool {
        let reason = match (self.sync_state.is_initial(), self.sync_state.groups.is_some() && self.sync_state.users.is_some()) {
            (true, _) if self.sync_state.phase == Phase::Idle => Reason::Initial,
            (true, _) => return false,
            (false, false) => Reason::Void,
            (false, true) if self.full.retry.is_due(now) => Reason::Unverified,
            (false, true) if self.is_comparison_due(now) => Reason::Comparison,
            (false, true) => return false,
        };
        self.begin_full(reason, now);
        true
    }

    /// Counts what the full read has shown, a window at a time; the directory's own count is asked for then.
    async fn count_seen(&mut self) -> Result<bool, Error> {
        // No user can be missing from the first one.
        if !self.sync_state.is_repeated_full() {
            return self.enter(FullPhase::Project, |_| ()).await;
        }
        if self.full.seen_counter.counts().is_some() {
            return Ok(false);
        }
        self.full.seen_counter.step(&self.store, &self.name, self.sync_state.full_cycle).await.map(|()| true)
    }

    /// Whether what was read is relied on: the directory's own count says whether it was complete. Otherwise it is read again later, or those
    /// who left meanwhile would stay for ever.
    pub(super) async fn note_count(&mut self, counted: directory::Result<u64>, now: Timestamp) -> Result<(), Error> {
        let seen_counter = std::mem::take(&mut self.full.seen_counter);
        let (Some(counts), Some(full)) = (seen_counter.counts(), self.sync_state.full.clone()) else { return Ok(()) };
        let counted = match counted {
            Ok(counted) => counted,
            Err(error) => return self.full_failed(error, now),
        };
        self.failures.full = None;
        let (seen, unseen, exceeds_threshold) = (counts.seen, counts.unseen, counts.exceeds_threshold());
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
                self.full.retry.put_off(exceeds_threshold, now);
            }
            None => self.full.retry = RetrySchedule::NotNeeded,
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
        .map(drop)
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
        // A page of a listing under way has shown members that the sweep takes out.
        listing::abandon(&mut tx, &self.name).await?;
        sync_state::save(&mut tx, &self.name, &sync_state);
        tx.commit().await?;
        (self.sync_state, self.is_pending) = (sync_state, true);
        self.listings.renew();
        (self.cycle.checked, self.cycle.removal_check) = (None, None);
        Ok(true)
    }

    async fn clear(&mut self) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let mut cleared = staging::clear(&mut tx, &self.name).await?;
        cleared += reported::clear(&mut tx, &self.name, self.listings.began()).await?;
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
        let (reason, missed) = (full.reason.name(), self.full.missed_changes);
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
        (self.cycle.checked, self.cycle.removal_check) = (None, None);
        Ok(true)
    }

    /// Counts users whose projection changed though no cycle has reported them since the full read began.
    pub(super) async fn count_missed(&mut self, changed: &[UserId]) -> Result<(), Error> {
        let is_comparison = |full: &Full| full.phase.is_applying() && full.reason.is_comparison();
        if changed.is_empty() || !self.full.is_counting || !self.sync_state.full.as_ref().is_some_and(is_comparison) {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let reported = reported::users(&mut tx, &self.name, self.sync_state.began, changed).await?;
        let missed = changed.iter().filter(|id| !reported.contains(id)).count() as u64;
        self.full.missed_changes += missed;
        self.metrics.missed_changes(&self.name, missed);
        Ok(())
    }
}
