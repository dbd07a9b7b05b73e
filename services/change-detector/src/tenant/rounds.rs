//! A round, one page at a time: groups, then users, then the cutting of whom it changed.
//!
//! Whatever a page brings is stored with the place where the round goes on; whom a small round changes is cut in the same transaction.
//! A round in which nothing changed stores nothing but, now and then, its cursors.

use std::time::Duration;

use tracing::{debug, info, warn};
use xtsync_directory::{self as directory, Cursor, GroupChange, Next, Page, Rejected, UserChange};
use xtsync_domain::{Timestamp, UserId};
use xtsync_platform::dead_letter;
use xtsync_platform::store::Transaction;
use xtsync_proto::topic::Topic;

use super::Tenant;
use super::again::Again;
use super::compare::Comparison;
use crate::ROLE;
use crate::error::Error;
use crate::mirror::{self, CHUNK, HARMLESS};
use crate::pending;
use crate::reading::{self, Phase, Reading};
use crate::removal_guard;
use crate::round::{self, GroupPage};
use crate::sweep::{self, Sight};

/// How often a cursor is stored at least, though nothing changed: a directory forgets old ones.
const CURSOR_STORED_EVERY: Duration = Duration::from_secs(60);

enum Read {
    Groups(Page<GroupChange>),
    Users(Page<UserChange>),
    /// The first of both.
    Both(Page<GroupChange>, Page<UserChange>),
}

/// What a round's cutting came to.
struct Cut {
    /// Users whose cut may have been stale.
    looked_at: usize,
    /// Who of them came out otherwise.
    otherwise: Vec<UserId>,
}

impl Tenant {
    /// Reads one page of the round under way, or begins one. True when there is more to do at once.
    pub(super) async fn read(&mut self, now: Timestamp) -> Result<bool, Error> {
        let begins = self.reading.phase == Phase::Idle;
        if begins {
            let is_again = self.again.is_due(now) || self.untold.is_read_due(now);
            match (is_again, self.comparison_due(now)) {
                (true, _) => self.read_everything(None, now),
                (false, true) => self.read_everything(Comparison::of(&self.reading), now),
                (false, false) => self.reading.begin(now),
            }
            self.rejected &= !self.reading.entire;
        }
        let read = match self.reading.phase.clone() {
            Phase::Idle => return Ok(false),
            Phase::Groups(Some(cursor)) if begins => self.read_both(&cursor).await,
            Phase::Groups(cursor) => self.source.groups(cursor.as_ref()).await.map(Read::Groups),
            Phase::Users(cursor) => self.source.users(&self.reading.selected, cursor.as_ref()).await.map(Read::Users),
            Phase::Cutting => return self.finish(now).await,
        };
        match read {
            Ok(Read::Groups(page)) => self.merge_groups(page, now).await,
            Ok(Read::Users(page)) => self.merge_users(page, now).await,
            Ok(Read::Both(groups, users)) => {
                self.merge_groups(groups, now).await?;
                // While groups have more to say, users are asked again after that.
                if matches!(self.reading.phase, Phase::Users(_)) { self.merge_users(users, now).await } else { Ok(true) }
            }
            // Without a cursor there is nothing to be void: then it is trouble like any other.
            Err(directory::Error::Resync) if self.reading.resumes() => {
                warn!(tenant = %self.name, "the directory asks to read everything again");
                self.read_everything(None, now);
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for the first page of groups and of users at once: mostly neither has a second one, and a change would take twice as long.
    async fn read_both(&self, groups: &Cursor) -> directory::Result<Read> {
        let users = self.source.users(&self.reading.selected, self.reading.users.as_ref());
        let (groups, users) = tokio::try_join!(self.source.groups(Some(groups)), users)?;
        Ok(Read::Both(groups, users))
    }

    /// Begins to read everything.
    pub(super) fn read_everything(&mut self, comparison: Option<Comparison>, now: Timestamp) {
        self.reading.begin_entire(now);
        self.rejected = false;
        if comparison.is_some() {
            self.found_lost = 0;
        }
        self.comparison = comparison;
    }

    /// An object that makes no sense is told and left out; it does not stop the others.
    async fn report(&mut self, topic: Topic, rejected: &[Rejected], now: Timestamp) -> Result<(), Error> {
        let phase = self.reading.phase.name();
        for Rejected { index, reason } in rejected {
            let place = format!("{}/{phase}/{index}", self.name);
            let story = format!("object {index} of a page of {phase} of {}: {reason}", self.name);
            dead_letter::tell(&*self.bus, ROLE, &topic, &place, "rejected_object", &story, now).await?;
            self.metrics.failed(&self.name, "rejected");
        }
        self.rejected |= !rejected.is_empty();
        Ok(())
    }

    async fn merge_groups(&mut self, page: Page<GroupChange>, now: Timestamp) -> Result<bool, Error> {
        self.report(Topic::TenantFacts(self.name.clone()), &page.rejected, now).await?;
        let mut reading = self.reading.clone();
        match page.next {
            Next::Page(cursor) => reading.phase = Phase::Groups(Some(cursor)),
            Next::Complete(cursor) => {
                reading.phase = Phase::Users(reading.users.clone());
                reading.groups = Some(cursor);
            }
        }
        if !page.changes.is_empty() {
            self.metrics.read(&self.name, "group", page.changes.len());
            let mut tx = self.begin().await?;
            let page = GroupPage::of(&mut tx, &self.context(now), page.changes).await?;
            for words in page.users.chunks(CHUNK) {
                round::members(&mut tx, &self.context(now), &self.closure, words).await?;
                // A page that is killed between two chunks is read again, and what is merged already merges once more.
                if words.len() == CHUNK {
                    tx.commit().await?;
                    tx = self.begin().await?;
                }
            }
            let referenced = self.order.users.as_ref().map(|(_, projection)| &projection.groups);
            let closure = round::nest(&mut tx, &self.context(now), &self.closure, referenced, page).await?;
            reading::save(&mut tx, &self.name, &reading);
            tx.commit().await?;
            if let Some(closure) = closure {
                (self.closure, self.is_pending) = (closure, true);
            }
        }
        self.reading = reading;
        Ok(true)
    }

    async fn merge_users(&mut self, page: Page<UserChange>, now: Timestamp) -> Result<bool, Error> {
        self.report(Topic::UserDeltas(self.name.clone()), &page.rejected, now).await?;
        let mut reading = self.reading.clone();
        match page.next {
            Next::Page(cursor) => reading.phase = Phase::Users(Some(cursor)),
            Next::Complete(cursor) => {
                reading.phase = Phase::Cutting;
                reading.users = Some(cursor);
            }
        }
        if !page.changes.is_empty() {
            self.metrics.read(&self.name, "user", page.changes.len());
            let mut tx = self.begin().await?;
            let newcomers = round::users(&mut tx, &self.context(now), page.changes).await?;
            // While everything is read, people are new to us and not to the directory.
            for created in newcomers.into_iter().filter(|_| !self.reading.entire) {
                self.metrics.directory_lag(&self.name, created, now);
            }
            if self.reading.first() {
                self.cut_dirty(&mut tx, now).await?;
            }
            let is_last = reading.phase == Phase::Cutting && self.is_plain();
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

    /// Whether nothing is to be done between the round's last page and its cutting.
    fn is_plain(&self) -> bool {
        !self.reading.entire && self.comparison.is_none() && !self.is_pending && self.cuttable()
    }

    /// Cuts the users that the round changed, a chunk at a time, and then closes it. True when there is more to do at once.
    async fn finish(&mut self, now: Timestamp) -> Result<bool, Error> {
        if !self.cuttable() {
            self.round_due = self.facts_due;
            return Ok(false);
        }
        if self.hears_out().await {
            return Ok(true);
        }
        if self.reading.entire && self.reading.repeats() && self.swept != self.reading.generation {
            self.sweep(now).await?;
            self.swept = self.reading.generation;
        }
        if self.is_pending {
            return Ok(true);
        }
        let mut tx = self.begin().await?;
        let mut reading = self.reading.clone();
        let Some(cut) = self.cut_round(&mut tx, &mut reading, now).await? else {
            drop(tx);
            return self.weigh(now).await.map(|()| true);
        };
        let news = cut.looked_at > 0 || reading.entire != self.reading.entire;
        if news || now >= self.cursor_due {
            reading::save(&mut tx, &self.name, &reading);
            self.cursor_due = now.plus(CURSOR_STORED_EVERY);
        }
        tx.commit().await?;
        if news {
            self.owe();
        }
        self.close(reading, &cut, news, now).await
    }

    /// Cuts a chunk of the users that the round changed; none of them before it is known whether what they lose is too much. The round is
    /// over when that was the last chunk.
    async fn cut_round(&self, tx: &mut Transaction, reading: &mut Reading, now: Timestamp) -> Result<Option<Cut>, Error> {
        let users = mirror::dirty(tx, &self.name, "").await?;
        let looked_at = users.len();
        // So few can be no loss that is too large.
        let is_harmless = self.held.scope == 0 && looked_at as u64 <= HARMLESS;
        if !is_harmless && self.weighed != Some(self.cycle()) {
            return Ok(None);
        }
        let otherwise = self.cut(tx, users, now).await?;
        if looked_at < CHUNK {
            reading.entire = false;
            reading.phase = Phase::Idle;
            reading.round += 1;
        }
        Ok(Some(Cut { looked_at, otherwise }))
    }

    /// The round under way, and the reading of everything.
    fn cycle(&self) -> (u64, u64) {
        (self.reading.round, self.reading.generation)
    }

    /// A chunk of the look, once a round, before anybody is cut: what it takes out of groups may be too much.
    async fn weigh(&mut self, now: Timestamp) -> Result<(), Error> {
        let mut weighing = self.weighing.take().unwrap_or_default();
        let mut tx = self.begin().await?;
        let is_over = match self.knife(now) {
            Some(knife) => weighing.step(&mut tx, &knife, &self.order.scopes).await?,
            None => true,
        };
        let retained = if is_over { Some(removal_guard::count(&mut tx, &self.name).await?) } else { None };
        tx.commit().await?;
        match retained {
            Some(retained) => {
                self.held.scope = retained;
                self.weighed = Some(self.cycle());
                // Some may be let go.
                self.is_pending = true;
            }
            None => self.weighing = Some(weighing),
        }
        Ok(())
    }

    /// Does a chunk of the work that is pending. True while there may be more.
    pub(super) async fn work_off(&mut self, now: Timestamp) -> Result<bool, Error> {
        if !self.is_pending {
            return Ok(false);
        }
        let mut tx = self.begin().await?;
        let chunk = pending::step(&mut tx, &self.name, now).await?;
        let referenced = self.order.users.as_ref().map(|(_, projection)| &projection.groups);
        let closure = match referenced.filter(|_| chunk.as_ref().is_some_and(|chunk| chunk.unnested)) {
            Some(referenced) => Some(round::renest(&mut tx, &self.context(now), &self.closure, referenced).await?),
            None => None,
        };
        tx.commit().await?;
        self.closure = closure.unwrap_or_else(|| std::mem::take(&mut self.closure));
        self.is_pending = chunk.is_some();
        if !self.is_pending {
            // Users may be marked.
            self.round_due = Timestamp(0);
        }
        Ok(self.is_pending)
    }

    /// Takes over what was cut and stored. True when there may be more to do at once.
    async fn close(&mut self, reading: Reading, cut: &Cut, news: bool, now: Timestamp) -> Result<bool, Error> {
        self.count_lost(&cut.otherwise);
        self.weighed = Some(self.cycle());
        self.reading = reading;
        if self.reading.phase == Phase::Idle {
            self.complete(news, now).await?;
        }
        Ok(news)
    }

    async fn complete(&mut self, news: bool, now: Timestamp) -> Result<(), Error> {
        self.metrics.round(&self.name);
        self.end_comparison();
        self.round_due = now.plus(self.pace.rounds);
        if news || now >= self.freshness_due {
            self.fresh = Some((self.reading.round, now));
            self.publish(now).await?;
        } else if !self.owes {
            self.on_bus = self.reading.round;
        }
        debug!(tenant = %self.name, round = self.reading.round, "round complete");
        Ok(())
    }

    /// After a complete reading: whoever was not seen is gone, if the directory's own count says that the reading was complete.
    /// Otherwise it is asked again later, or those who left meanwhile would stay for ever.
    async fn sweep(&mut self, now: Timestamp) -> Result<(), Error> {
        let counted = self.source.user_count().await?;
        let generation = self.reading.generation;
        let sight = sweep::sight(&self.store, &self.name, generation).await?;
        let (Sight { seen, unseen }, collapsed) = (sight, sight.is_collapsed());
        // People come and go while everything is read; a truncated reading is off by more.
        let tolerated = 5.max(counted / 100);
        let doubt = match (collapsed, self.rejected, seen.abs_diff(counted) > tolerated) {
            (true, _, _) => Some("collapsed"),
            (false, true, _) => Some("incomplete"),
            (false, false, true) => Some("count_differs"),
            (false, false, false) => None,
        };
        if let Some(doubt) = doubt {
            warn!(tenant = %self.name, seen, counted, unseen, doubt, "the reading cannot be relied on: nobody is removed");
            self.metrics.failed(&self.name, doubt);
            self.again.put_off(collapsed, now);
            self.held.users = if collapsed { unseen } else { 0 };
            return Ok(());
        }
        let mut tx = self.begin().await?;
        sweep::begin(&mut tx, &self.name, generation).await?;
        tx.commit().await?;
        (self.again, self.is_pending) = (Again::No, true);
        self.held.users = 0;
        info!(tenant = %self.name, seen, unseen, "everything was read again");
        Ok(())
    }
}
