//! An incremental cycle, one page at a time: groups, then users, then the cutting of whom it changed.
//!
//! Whatever a page brings is stored with the place where the cycle goes on; whom a small cycle changes is cut in the same transaction.
//! A cycle in which nothing changed stores nothing but, now and then, its cursors.
//!
//! A large change takes many chunks to weigh and to cut. Meanwhile cycles go on and read users only: whom they mention is cut at once, so
//! that a leaver never waits for a group of a hundred thousand.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::warn;
use xtsync_bus::Topic;
use xtsync_contract::topic;
use xtsync_directory::{self as directory, Cursor, GroupChange, Next, Page, Rejected, UserChange};
use xtsync_domain::Timestamp;
use xtsync_service::dead_letter;

use super::trouble::Trouble;
use super::{Tenant, paging};
use crate::ROLE;
use crate::error::Error;
use crate::full::{FullPhase, Reason};
use crate::mirror::CHUNK;
use crate::reading::{self, Phase, Reading};
use crate::round::{self, GroupPage};

/// The code of a delta that pages without end.
pub(super) const NEVER_ENDS: &str = "delta_never_ends";

/// The first pause after a delta that pages without end.
pub(super) const ENDLESS_PAUSE: Duration = Duration::from_secs(30);

/// After so many endless cycles everything is read anew.
const ENDLESS_MAX: u32 = 3;

/// The first pause before everything is read again, where the cursor of the last reading was void before a cycle came to its end.
const VOID_PAUSE: Duration = Duration::from_secs(5);

/// The pause after a cursor was refused, while everything is read anew.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// A cursor counts as refused for good after so many tries, and not before this has passed: a gateway may be ill for a moment.
const REFUSALS_MAX: u32 = 3;
const REFUSED_FOR: Duration = Duration::from_secs(15);

/// Where it fails at a page instead of refusing it, which an outage does too.
const FAILING_FOR: Duration = Duration::from_secs(10 * 60);

/// The most users remembered of a cycle, to be cut before others; of more nobody goes first.
const FRESH_MAX: usize = 5 * CHUNK;

enum Read {
    Groups(Page<GroupChange>),
    Users(Page<UserChange>),
    /// The first of both.
    Both(Page<GroupChange>, Page<UserChange>),
}

impl Tenant {
    /// Reads one page of the cycle under way, or begins one, or cuts a chunk. True when there is more to do at once.
    pub(super) async fn cycle(&mut self, now: Timestamp) -> Result<bool, Error> {
        let is_due = self.reading.is_incremental() && self.is_cycle_due(now);
        let begins = match (&self.reading.phase, is_due) {
            (Phase::Idle, false) => return Ok(false),
            (Phase::Cutting, false) => return self.finish(now).await,
            (Phase::Idle | Phase::Cutting, true) => {
                self.begin_cycle(now);
                matches!(self.reading.phase, Phase::Groups(_))
            }
            (Phase::Groups(_) | Phase::Users(_), _) => false,
        };
        let (read, asked) = match self.reading.phase.clone() {
            Phase::Idle | Phase::Cutting => return Ok(false),
            Phase::Groups(cursor) if begins => (self.read_both(&cursor).await, cursor),
            Phase::Groups(cursor) => (self.source.groups(Some(&cursor)).await.map(Read::Groups), cursor),
            Phase::Users(cursor) => (self.source.users(&self.reading.selected, Some(&cursor)).await.map(Read::Users), cursor),
        };
        match read {
            Ok(Read::Groups(page)) => self.merge_groups(page, &asked, now).await,
            Ok(Read::Users(page)) => self.merge_users(page, &asked, now).await,
            Ok(Read::Both(groups, users)) => {
                self.merge_groups(groups, &asked, now).await?;
                // While groups have more to say, users are asked again after that.
                match self.reading.phase.clone() {
                    Phase::Users(asked) => self.merge_users(users, &asked, now).await,
                    Phase::Idle | Phase::Groups(_) | Phase::Cutting => Ok(true),
                }
            }
            Err(directory::Error::Resync) => {
                warn!(tenant = %self.name, "the directory asks to read everything again");
                self.voided(now);
                Ok(true)
            }
            Err(error) if is_refusal(&error) => self.refused(error, now),
            Err(error) => Err(error.into()),
        }
    }

    /// The directory declares a cursor void: everything is read, and goes on at the cursors of that.
    fn voided(&mut self, now: Timestamp) {
        let has_adopted = self.reading.full.as_ref().is_some_and(|full| full.adopts && !full.phase.reads());
        let pause = if self.void.is_none() { Duration::ZERO } else { VOID_PAUSE };
        Trouble::note(&mut self.void, NEVER_ENDS, pause, now);
        self.reading.void();
        if self.reading.full.is_none() || has_adopted {
            self.begin_full(Reason::Void, now);
        }
        self.reading.adopt();
    }

    /// Whether a cycle is due.
    fn is_cycle_due(&self, now: Timestamp) -> bool {
        (self.is_nudged || now >= self.round_due) && Trouble::is_over(self.trouble.as_ref(), now)
    }

    /// Begins a cycle; one of users only where those whom another changed are still being cut.
    fn begin_cycle(&mut self, now: Timestamp) {
        match (&self.reading.phase, self.reading.users.clone()) {
            (Phase::Cutting, Some(users)) => self.reading.phase = Phase::Users(users),
            (Phase::Idle | Phase::Groups(_) | Phase::Users(_) | Phase::Cutting, _) => self.reading.begin(),
        }
        (self.is_nudged, self.is_partial) = (false, false);
        self.round_due = now.plus(self.pace.rounds);
        self.paging = paging::Paging::default();
        self.told.clear();
    }

    /// Asks for the first page of groups and of users at once: mostly neither has a second one, and a change would take twice as long.
    async fn read_both(&self, groups: &Cursor) -> directory::Result<Read> {
        let users = self.source.users(&self.reading.selected, self.reading.users.as_ref());
        let (groups, users) = tokio::try_join!(self.source.groups(Some(groups)), users)?;
        Ok(Read::Both(groups, users))
    }

    /// A cursor that the directory gave is refused. The cycle begins anew where it began; if that goes on, everything is read beside it,
    /// so that a cursor which is bad for good holds nothing up, and an outage costs no cursor.
    fn refused(&mut self, error: directory::Error, now: Timestamp) -> Result<bool, Error> {
        let patience = if matches!(error, directory::Error::Failing { .. }) { FAILING_FOR } else { REFUSED_FOR };
        let error = Error::Directory(error);
        let pause = if self.reading.full.is_some() { REFUSED_PAUSE } else { Duration::ZERO };
        Trouble::note(&mut self.trouble, error.code(), pause, now);
        let is_lasting = self.trouble.as_ref().is_some_and(|it| it.count >= REFUSALS_MAX && now.since(it.since) >= patience);
        if self.reading.phase != Phase::Cutting {
            self.reading.phase = Phase::Idle;
        }
        (self.round_due, self.told) = (now, BTreeSet::new());
        if is_lasting {
            warn!(tenant = %self.name, code = error.code(), "a cursor of the directory's is refused: everything is read anew");
            self.replace_cursors(Reason::Refused, now);
        } else if self.reading.full.is_none() {
            return Err(error);
        }
        self.metrics.failed(&self.name, error.code());
        Ok(true)
    }

    /// A delta pages without end. What it brought is taken; it is asked again later, and read anew if that goes on.
    fn note_endless(&mut self, what: &'static str, now: Timestamp) {
        warn!(tenant = %self.name, what, code = NEVER_ENDS, "a delta pages without end");
        self.metrics.failed(&self.name, NEVER_ENDS);
        (self.is_partial, self.paging) = (true, paging::Paging::default());
        Trouble::note(&mut self.trouble, NEVER_ENDS, ENDLESS_PAUSE, now);
        let is_lasting = self.trouble.as_ref().is_some_and(|trouble| trouble.count >= ENDLESS_MAX);
        if is_lasting {
            self.replace_cursors(Reason::Endless, now);
        }
    }

    /// The cursors at which cycles go on lead nowhere: those of the full read under way take their place, or everything is read anew.
    fn replace_cursors(&mut self, reason: Reason, now: Timestamp) {
        match &mut self.reading.full {
            Some(full) if full.phase.reads() => full.adopts = true,
            // It has read everything, and waits for a cycle that would never be complete.
            Some(full) if !full.adopts && matches!(full.phase, FullPhase::Follow(_)) => {
                full.adopts = true;
                self.reading.adopt();
            }
            // What it has read is taken over first; that needs no cycle.
            Some(full) if !matches!(full.phase, FullPhase::Follow(_)) => {}
            Some(_) | None => self.begin_full(reason, now),
        }
    }

    /// An object that makes no sense is told and left out; it does not stop the others.
    pub(super) async fn report(&mut self, topic: Topic, kind: &str, rejected: &[Rejected], now: Timestamp) -> Result<(), Error> {
        for Rejected { index, reason, .. } in rejected {
            let place = format!("{}/{kind}/{index}", self.name);
            let story = format!("object {index} of a page of {kind} of {}: {reason}", self.name);
            dead_letter::tell(&*self.bus, ROLE, &topic, &place, "rejected_object", &story, now).await?;
            self.metrics.failed(&self.name, "rejected");
        }
        Ok(())
    }

    async fn merge_groups(&mut self, page: Page<GroupChange>, asked: &Cursor, now: Timestamp) -> Result<bool, Error> {
        self.report(topic::TENANT_FACTS.of(&self.name), "groups", &page.rejected, now).await?;
        let is_endless = self.paging.is_endless(Some(asked), &page.next, &paging::groups(&page.changes));
        let mut reading = self.reading.clone();
        let users = reading.users.clone().map_or(Phase::Idle, Phase::Users);
        match page.next {
            Next::Page(_) if is_endless => reading.phase = users,
            Next::Page(cursor) => reading.phase = Phase::Groups(cursor),
            Next::Complete(cursor) => (reading.phase, reading.groups) = (users, Some(cursor)),
        }
        if !page.changes.is_empty() {
            self.merge_group_page(page.changes, false, &reading, now).await?;
        }
        self.reading = reading;
        if is_endless {
            self.note_endless("groups", now);
        }
        Ok(true)
    }

    /// Merges what a page says of groups, and stores how far the reading is then.
    pub(super) async fn merge_group_page(
        &mut self,
        changes: Vec<GroupChange>,
        is_full: bool,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.metrics.read(&self.name, "group", changes.len());
        let context = round::Context { is_full, ..self.context(now) };
        let mut tx = self.begin().await?;
        let page = GroupPage::of(&mut tx, &context, changes).await?;
        for words in page.users.chunks(CHUNK) {
            round::members(&mut tx, &context, &self.closure, words).await?;
            // A page that is killed between two chunks is read again, and what is merged already merges once more.
            if words.len() == CHUNK {
                tx.commit().await?;
                tx = self.begin().await?;
            }
        }
        let referenced = self.order.users.as_ref().map(|(_, projection)| &projection.groups);
        let closure = round::nest(&mut tx, &context, &self.closure, referenced, page).await?;
        reading::save(&mut tx, &self.name, reading);
        tx.commit().await?;
        // What groups lose is not known any more.
        (self.weighed, self.weighing) = (None, None);
        if let Some(closure) = closure {
            (self.closure, self.is_pending) = (closure, true);
        }
        Ok(())
    }

    async fn merge_users(&mut self, page: Page<UserChange>, asked: &Cursor, now: Timestamp) -> Result<bool, Error> {
        self.report(topic::USER_DELTAS.of(&self.name), "users", &page.rejected, now).await?;
        let is_endless = self.paging.is_endless(Some(asked), &page.next, &paging::users(&page.changes));
        let mut reading = self.reading.clone();
        match page.next {
            Next::Page(_) if is_endless => reading.phase = Phase::Cutting,
            Next::Page(cursor) => reading.phase = Phase::Users(cursor),
            Next::Complete(cursor) => (reading.phase, reading.users) = (Phase::Cutting, Some(cursor)),
        }
        if is_endless {
            self.note_endless("users", now);
            reading.full.clone_from(&self.reading.full);
            (reading.generation, reading.began) = (self.reading.generation, self.reading.began);
        } else if reading.phase == Phase::Cutting && !self.is_partial {
            (self.trouble, self.void) = (None, None);
        }
        if !page.changes.is_empty() {
            self.metrics.read(&self.name, "user", page.changes.len());
            let mut tx = self.begin().await?;
            let (told, newcomers) = round::users(&mut tx, &self.context(now), page.changes).await?;
            newcomers.into_iter().for_each(|created| self.metrics.directory_lag(&self.name, created, now));
            self.told.extend(told.into_iter().take(FRESH_MAX.saturating_sub(self.told.len())));
            let is_last = reading.phase == Phase::Cutting && self.cuttable();
            let cut = if is_last { self.cut_round(&mut tx, &mut reading, now).await? } else { None };
            reading::save(&mut tx, &self.name, &reading);
            tx.commit().await?;
            self.owe();
            if let Some(cut) = cut {
                return self.close(reading, &cut, true, now).await;
            }
        }
        self.reading = reading;
        if self.reading.phase == Phase::Cutting { self.finish(now).await } else { Ok(true) }
    }
}

/// Whether a failure may be the cursor's own.
pub(super) fn is_refusal(error: &directory::Error) -> bool {
    match error {
        directory::Error::Failing { .. }
        | directory::Error::Forbidden { .. }
        | directory::Error::NotFound
        | directory::Error::Refused { .. }
        | directory::Error::Malformed { .. } => true,
        directory::Error::Throttled { .. }
        | directory::Error::Away { .. }
        | directory::Error::Unknown { .. }
        | directory::Error::Unauthorized { .. }
        | directory::Error::Resync => false,
    }
}
