//! A round, one page at a time: groups, then users, then the cutting of whom it changed.
//!
//! Whatever a page brings is stored with the place where the round goes on. A round in which nothing changed stores nothing but, now
//! and then, its cursors.

use std::time::Duration;

use tracing::{debug, info, warn};
use xtsync_directory::{self as directory, GroupChange, Next, Page, Rejected, UserChange};
use xtsync_domain::Timestamp;
use xtsync_platform::dead_letter;
use xtsync_platform::store::Transaction;
use xtsync_proto::topic::Topic;

use super::Tenant;
use super::again::Again;
use super::compare::Comparison;
use crate::ROLE;
use crate::error::Error;
use crate::mirror::{self, CHUNK, Sight};
use crate::reading::{self, Phase};
use crate::{hold, membership, round};

/// How often freshness is said at most while nothing changes.
const FRESHNESS_EVERY: Duration = Duration::from_secs(1);
/// How often a cursor is stored at least, though nothing changed: a directory forgets old ones.
const CURSOR_STORED_EVERY: Duration = Duration::from_secs(60);

enum Either {
    Groups(Page<GroupChange>),
    Users(Page<UserChange>),
}

impl Tenant {
    /// Reads one page of the round under way, or begins one. True when there is more to do at once.
    pub(super) async fn read(&mut self, now: Timestamp) -> Result<bool, Error> {
        if self.reading.phase == Phase::Idle {
            match (self.again.is_due(now), self.comparison_due(now)) {
                (true, _) => self.read_everything(None, now),
                (false, true) => self.read_everything(Comparison::of(&self.reading), now),
                (false, false) => self.reading.begin(now),
            }
            self.rejected &= !self.reading.entire;
        }
        let read = match self.reading.phase.clone() {
            Phase::Idle => return Ok(false),
            Phase::Groups(cursor) => self.source.groups(cursor.as_ref()).await.map(Either::Groups),
            Phase::Users(cursor) => self.source.users(&self.reading.selected, cursor.as_ref()).await.map(Either::Users),
            Phase::Cutting => return self.finish(now).await,
        };
        match read {
            Ok(Either::Groups(page)) => self.merge_groups(page, now).await,
            Ok(Either::Users(page)) => self.merge_users(page, now).await,
            // Without a cursor there is nothing to be void: then it is trouble like any other.
            Err(directory::Error::Resync) if self.reading.resumes() => {
                warn!(tenant = %self.name, "the directory asks to read everything again");
                self.read_everything(None, now);
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
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
            let nested = round::groups(&mut tx, &self.context(now), &self.closure, page.changes).await?;
            let closure = match (&self.order.users, nested) {
                (Some((_, projection)), true) => Some(round::renest(&mut tx, &self.context(now), &self.closure, &projection.groups).await?),
                (Some(_) | None, _) => None,
            };
            reading::save(&mut tx, &self.name, &reading).await?;
            tx.commit().await?;
            self.closure = closure.unwrap_or_else(|| std::mem::take(&mut self.closure));
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
            reading::save(&mut tx, &self.name, &reading).await?;
            tx.commit().await?;
        }
        self.reading = reading;
        if self.reading.phase == Phase::Cutting { self.finish(now).await } else { Ok(true) }
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
        let due = self.reading.entire && self.reading.repeats() && self.swept != self.reading.generation;
        let swept = due && self.sweep(now).await?;
        self.swept = self.reading.generation;
        let mut tx = self.begin().await?;
        self.weigh(&mut tx, now).await?;
        let (cut, otherwise) = self.cut_dirty(&mut tx, now).await?;
        let mut reading = self.reading.clone();
        let complete = cut < CHUNK;
        if complete {
            reading.entire = false;
            reading.phase = Phase::Idle;
            reading.round += 1;
        }
        let news = cut > 0 || swept || reading.entire != self.reading.entire;
        if news || now >= self.cursor_due {
            reading::save(&mut tx, &self.name, &reading).await?;
            self.cursor_due = now.plus(CURSOR_STORED_EVERY);
        }
        tx.commit().await?;
        self.count_lost(&otherwise);
        self.weighed = Some(self.reading.round);
        self.reading = reading;
        if complete {
            self.complete(news, now).await?;
        }
        Ok(news)
    }

    /// Once a round, before anybody is cut: what it takes out of groups may be too much.
    async fn weigh(&mut self, tx: &mut Transaction, now: Timestamp) -> Result<(), Error> {
        if self.weighed != Some(self.reading.round) {
            if let Some(knife) = self.knife(now) {
                hold::weigh(tx, &knife, &self.order.scopes).await?;
            }
            self.held.scope = hold::count(tx, &self.name).await?;
        }
        Ok(())
    }

    async fn complete(&mut self, news: bool, now: Timestamp) -> Result<(), Error> {
        self.metrics.round(&self.name);
        self.end_comparison();
        self.round_due = now.plus(self.pace.rounds);
        if news || now >= self.freshness_due {
            // What this round found is on the bus before it is said to be complete.
            while self.publish(now).await? > 0 {}
            let fact = self.facts.freshness(self.reading.round, now);
            self.say(vec![fact], now).await?;
            self.freshness_due = now.plus(FRESHNESS_EVERY);
        }
        debug!(tenant = %self.name, round = self.reading.round, "round complete");
        Ok(())
    }

    /// After a complete reading: whoever was not seen is gone, if the directory's own count says that the reading was complete.
    /// Otherwise it is asked again later, or those who left meanwhile would stay for ever.
    async fn sweep(&mut self, now: Timestamp) -> Result<bool, Error> {
        let counted = self.source.user_count().await?;
        let mut tx = self.begin().await?;
        let generation = self.reading.generation;
        let sight = mirror::sight(&mut tx, &self.name, generation).await?;
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
            return Ok(false);
        }
        let gone = mirror::sweep(&mut tx, &self.name, generation, now).await?;
        membership::sweep(&mut tx, &self.name, generation, now).await?;
        tx.commit().await?;
        self.again = Again::No;
        self.held.users = 0;
        info!(tenant = %self.name, seen, gone, "everything was read again");
        Ok(true)
    }
}
