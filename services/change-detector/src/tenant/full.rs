//! A full read, one page or one chunk at a time, between incremental cycles.
//!
//! It reads groups and users with cursors of its own. What it says of users is staged; once it came to its end, and one more cycle has
//! told what changed meanwhile, it is compared with the directory's own count. A full read that agrees replaces what is known of users and
//! removes those whom it has not seen; one that is doubted only adds what it has seen. A row that differs by then was lost by the
//! delta query, since the cycles told everything else.
//!
//! A tenant's first full read has no cycles beside it: it publishes page by page.

use std::time::Duration;

use tracing::{info, warn};
use xtsync_contract::topic;
use xtsync_directory::{self as directory, Cursor, GroupChange, Next, Page, UserChange};
use xtsync_domain::{Timestamp, UserId};
use xtsync_runtime::turn;

use super::rounds::{ENDLESS_PAUSE, NEVER_ENDS, is_refusal};
use super::trouble::Trouble;
use super::{Tenant, paging};
use crate::error::Error;
use crate::full::{Full, FullPhase, Reason};
use crate::reading::{self, Phase, Reading};
use crate::takeover::{self, Mode};
use crate::{round, staging, sweep};

/// The first pause after trouble with a full read beside cycles, and after a second void cursor of one.
const AGAIN: Duration = Duration::from_secs(5);

/// How often the store is asked whether an operator asks for a full read; a nudge asks at once.
const RESYNC_LOOK: Duration = Duration::from_secs(5);

impl Tenant {
    /// Begins to read everything, beside the cycles.
    pub(super) fn begin_full(&mut self, reason: Reason, now: Timestamp) {
        info!(tenant = %self.name, reason = reason.name(), "everything is read");
        self.reading.begin_full(reason, now);
        if let Some(full) = &mut self.reading.full {
            full.adopts |= matches!(reason, Reason::Refused | Reason::Endless | Reason::Resync);
        }
        (self.full_paging, self.sighting) = (paging::Paging::default(), None);
        (self.found_lost, self.is_counting) = (0, true);
    }

    /// Begins a full read that an operator asks for, and tries at once what was put off.
    pub(super) async fn obey_resync(&mut self, now: Timestamp) -> Result<(), Error> {
        if !self.is_nudged && now < self.resync_due {
            return Ok(());
        }
        self.resync_due = now.plus(RESYNC_LOOK);
        if !reading::is_resync_asked(&self.store, &self.name).await? {
            return Ok(());
        }
        self.begin_full(Reason::Resync, now);
        (self.trouble, self.full_trouble, self.void) = (None, None, None);
        let mut tx = self.begin().await?;
        reading::note_resync(&mut tx, &self.name).await?;
        reading::save(&mut tx, &self.name, &self.reading);
        Ok(tx.commit().await?)
    }

    /// Whether it is time to read everything for comparison.
    fn is_comparison_due(&self, now: Timestamp) -> bool {
        !self.reading.first() && turn::next(self.name.as_str(), self.pace.compare, self.reading.began).is_some_and(|due| now >= due)
    }

    /// Reads a page or does a chunk of the full read under way, or begins one that is due. True when there is more to do at once.
    pub(super) async fn full_step(&mut self, now: Timestamp) -> Result<bool, Error> {
        if self.reading.full.is_none() && !self.begin_due(now) {
            return Ok(false);
        }
        if !Trouble::is_over(self.full_trouble.as_ref(), now) || !Trouble::is_over(self.void.as_ref(), now) {
            return Ok(false);
        }
        match self.full_chunk(now).await {
            Err(Error::Directory(error)) => self.full_failed(error, now),
            done => done,
        }
    }

    fn begin_due(&mut self, now: Timestamp) -> bool {
        let reason = match (self.reading.first(), self.reading.groups.is_some() && self.reading.users.is_some()) {
            (true, _) if self.reading.phase == Phase::Idle => Reason::Initial,
            (true, _) => return false,
            (false, false) => Reason::Void,
            (false, true) if self.again.is_due(now) => Reason::Doubt,
            (false, true) if self.untold.is_read_due(now) => Reason::Untold,
            (false, true) if self.is_comparison_due(now) => Reason::Comparison,
            (false, true) => return false,
        };
        self.begin_full(reason, now);
        true
    }

    async fn full_chunk(&mut self, now: Timestamp) -> Result<bool, Error> {
        let Some(full) = self.reading.full.clone() else { return Ok(false) };
        if full.phase.reads() && !self.reading.is_incremental() {
            // There is no cycle to ask for: this is what was asked for.
            self.is_nudged = false;
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
            FullPhase::Follow(round) => match self.reading.round >= round {
                true => self.judge(full, now).await,
                false => Ok(false),
            },
            FullPhase::Merge | FullPhase::Replace => self.take_over(full, now).await,
            FullPhase::Remove => self.remove().await,
            FullPhase::Project => {
                if self.reading.phase == Phase::Idle && !self.is_pending {
                    (self.reading.phase, self.weighed, self.weighing) = (Phase::Cutting, None, None);
                    return Ok(true);
                }
                Ok(false)
            }
            FullPhase::Clear => self.clear().await,
        }
    }

    /// A full read met trouble. Where cycles go on beside it, it waits alone.
    fn full_failed(&mut self, error: directory::Error, now: Timestamp) -> Result<bool, Error> {
        let resumes =
            self.reading.full.as_ref().is_some_and(|full| matches!(full.phase, FullPhase::Groups(Some(_)) | FullPhase::Users(Some(_))));
        let reason = self.reading.full.as_ref().map_or(Reason::Void, |full| full.reason);
        // Without a cursor there is nothing to be void or refused: then it is trouble like any other.
        match error {
            directory::Error::Resync if resumes => {
                warn!(tenant = %self.name, "the directory asks to read everything again, while everything is read");
                let pause = if self.full_trouble.is_none() { Duration::ZERO } else { AGAIN };
                Trouble::note(&mut self.full_trouble, NEVER_ENDS, pause, now);
                self.metrics.failed(&self.name, "resync");
                self.begin_full(reason, now);
                Ok(true)
            }
            error if resumes && is_refusal(&error) => {
                let error = Error::Directory(error);
                Trouble::note(&mut self.full_trouble, error.code(), AGAIN, now);
                if self.full_trouble.as_ref().is_some_and(|trouble| trouble.count % 3 == 0) {
                    warn!(tenant = %self.name, code = error.code(), "a cursor of a full read is refused: it begins anew");
                    self.begin_full(reason, now);
                }
                self.metrics.failed(&self.name, error.code());
                Ok(true)
            }
            error if self.reading.is_incremental() => {
                let error = Error::Directory(error);
                warn!(tenant = %self.name, code = error.code(), "the full read waits");
                self.metrics.failed(&self.name, error.code());
                Trouble::note(&mut self.full_trouble, error.code(), error.wait().unwrap_or(AGAIN), now);
                Ok(true)
            }
            error => Err(error.into()),
        }
    }

    /// A delta of a full read pages without end: it begins anew, later each time.
    fn full_endless(&mut self, what: &'static str, now: Timestamp) -> bool {
        warn!(tenant = %self.name, what, code = NEVER_ENDS, "a full read pages without end");
        self.metrics.failed(&self.name, NEVER_ENDS);
        Trouble::note(&mut self.full_trouble, NEVER_ENDS, ENDLESS_PAUSE, now);
        let reason = self.reading.full.as_ref().map_or(Reason::Void, |full| full.reason);
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
        let reading = Reading { full: Some(full), ..self.reading.clone() };
        if !page.changes.is_empty() {
            self.merge_group_page(page.changes, true, &reading, now).await?;
        }
        self.reading = reading;
        Ok(if is_endless { self.full_endless("groups", now) } else { true })
    }

    async fn stage_users(&mut self, mut full: Full, asked: Option<&Cursor>, page: Page<UserChange>, now: Timestamp) -> Result<bool, Error> {
        self.report(topic::USER_DELTAS.of(&self.name), "users", &page.rejected, now).await?;
        let is_endless = self.full_paging.is_endless(asked, &page.next, &paging::users(&page.changes));
        full.rejected |= page.rejected.iter().any(|rejected| rejected.is_whole);
        let mut reading = self.reading.clone();
        let has_cycles = reading.is_incremental();
        match page.next {
            Next::Page(cursor) => full.phase = FullPhase::Users(Some(cursor)),
            Next::Complete(cursor) => {
                full.users = Some(cursor);
                (self.full_trouble, self.trouble) = (None, self.trouble.take().filter(|_| !full.adopts));
                // Without cycles beside it there is nothing to wait for.
                full.phase = FullPhase::Follow(reading.round + u64::from(has_cycles));
            }
        }
        reading.full = Some(full);
        reading.adopt();
        let mut tx = self.begin().await?;
        if !page.changes.is_empty() {
            self.metrics.read(&self.name, "user", page.changes.len());
            let selected = reading.full.as_ref().map_or(&self.reading.selected, |full| &full.selected);
            let context = round::Context { selected, ..self.context(now) };
            round::stage(&mut tx, &context, page.changes, self.reading.first()).await?;
            if self.reading.first() {
                self.cut_dirty(&mut tx, now).await?;
            }
        }
        reading::save(&mut tx, &self.name, &reading);
        tx.commit().await?;
        if self.reading.first() {
            self.owe();
        }
        self.reading = reading;
        if is_endless {
            return Ok(self.full_endless("users", now));
        }
        if self.reading.full.as_ref().is_some_and(|full| !full.phase.reads()) {
            self.is_nudged |= has_cycles;
        }
        Ok(true)
    }

    /// Whether what was read is relied on: the directory's own count says whether it was complete. Otherwise it is read again later, or those
    /// who left meanwhile would stay for ever.
    async fn judge(&mut self, full: Full, now: Timestamp) -> Result<bool, Error> {
        // Nobody can be missing from the first one.
        if !self.reading.repeats() {
            return self.enter(FullPhase::Project, |_| ()).await;
        }
        let generation = self.reading.generation;
        let mut sighting = self.sighting.take().unwrap_or_default();
        let Some(sight) = sighting.step(&self.store, &self.name, generation).await? else {
            self.sighting = Some(sighting);
            return Ok(true);
        };
        let counted = self.source.user_count().await?;
        self.full_trouble = None;
        let (seen, unseen, collapsed) = (sight.seen, sight.unseen, sight.is_collapsed());
        // People come and go while everything is read; a truncated reading is off by more.
        let tolerated = 5.max(counted / 100);
        let doubt = match (collapsed, full.rejected, seen.abs_diff(counted) > tolerated) {
            (true, _, _) => Some("collapsed"),
            (false, true, _) => Some("incomplete"),
            (false, false, true) => Some("count_differs"),
            (false, false, false) => None,
        };
        let missing = if collapsed { unseen } else { 0 };
        match doubt {
            Some(doubt) => {
                warn!(tenant = %self.name, seen, counted, unseen, doubt, "the full read cannot be relied on: nobody is removed");
                self.metrics.failed(&self.name, doubt);
                self.again.put_off(collapsed, now);
            }
            None => self.again = super::again::Again::No,
        }
        self.held.users = missing;
        let phase = if doubt.is_some() { FullPhase::Merge } else { FullPhase::Replace };
        self.enter(phase, |reading| (reading.owed, reading.missing) = (doubt.is_some(), missing)).await
    }

    async fn take_over(&mut self, full: Full, now: Timestamp) -> Result<bool, Error> {
        let is_whole = full.phase == FullPhase::Replace;
        let mode = Mode { is_whole, touches_all: full.reason == Reason::Rebuilt };
        let mut tx = self.begin().await?;
        let is_over = takeover::chunk(&mut tx, &self.context(now), mode).await?;
        tx.commit().await?;
        match (is_over, is_whole) {
            (false, _) => Ok(true),
            (true, true) => self.enter(FullPhase::Remove, |_| ()).await,
            (true, false) => self.enter(FullPhase::Project, |_| ()).await,
        }
    }

    /// Whoever was not seen is removed: noted as work to do, with the phase that follows it.
    async fn remove(&mut self) -> Result<bool, Error> {
        let reading = self.in_phase(FullPhase::Project);
        let mut tx = self.begin().await?;
        sweep::begin(&mut tx, &self.name, self.reading.generation).await?;
        reading::save(&mut tx, &self.name, &reading);
        tx.commit().await?;
        (self.reading, self.is_pending) = (reading, true);
        (self.weighed, self.weighing) = (None, None);
        Ok(true)
    }

    async fn clear(&mut self) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let is_over = staging::clear(&mut tx, &self.name).await? == 0;
        let mut reading = self.reading.clone();
        if is_over {
            reading.full = None;
            reading::save(&mut tx, &self.name, &reading);
        }
        tx.commit().await?;
        if is_over {
            self.end_full();
        }
        self.reading = reading;
        Ok(true)
    }

    fn end_full(&mut self) {
        let Some(full) = &self.reading.full else { return };
        let (reason, lost) = (full.reason.name(), self.found_lost);
        match full.reason.compares() && lost > 0 {
            true => warn!(tenant = %self.name, reason, lost, "everything was read: delta queries had lost changes"),
            false => info!(tenant = %self.name, reason, "everything was read"),
        }
    }

    /// The reading with its full read in that phase.
    fn in_phase(&self, phase: FullPhase) -> Reading {
        let mut reading = self.reading.clone();
        if let Some(full) = &mut reading.full {
            // From here on the mirror holds what was asked for.
            full.widens &= phase != FullPhase::Project;
            full.phase = phase;
        }
        reading
    }

    async fn enter(&mut self, phase: FullPhase, note: impl FnOnce(&mut Reading)) -> Result<bool, Error> {
        let mut reading = self.in_phase(phase);
        note(&mut reading);
        let mut tx = self.begin().await?;
        reading::save(&mut tx, &self.name, &reading);
        tx.commit().await?;
        self.reading = reading;
        (self.weighed, self.weighing) = (None, None);
        Ok(true)
    }

    /// Counts those who came out otherwise though no cycle told of them.
    pub(super) fn count_lost(&mut self, otherwise: &[UserId]) {
        if self.is_counting && self.reading.full.as_ref().is_some_and(|full| full.phase.ends() && full.reason.compares()) {
            let lost = otherwise.iter().filter(|id| !self.told.contains(*id)).count() as u64;
            self.found_lost += lost;
            self.metrics.found_lost(&self.name, lost);
        }
    }
}
