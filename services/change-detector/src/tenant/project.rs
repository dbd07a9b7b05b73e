//! What a cycle changed is cut: weighed first, then a chunk at a time, and whoever a cycle told of meanwhile before others.

use std::time::Duration;

use tracing::{debug, info};
use xtsync_domain::{Timestamp, UserId};
use xtsync_platform::store::Transaction;

use super::Tenant;
use crate::cutting::{cut_all, disable_all};
use crate::error::Error;
use crate::full::FullPhase;
use crate::mirror::{self, CHUNK, HARMLESS, Mirrored};
use crate::reading::{self, Phase, Reading};
use crate::{pending, removal_guard, round};

/// How often a cursor is stored at least, though nothing changed: a directory forgets old ones.
const CURSOR_STORED_EVERY: Duration = Duration::from_secs(60);

/// What a cycle's cutting came to.
pub(super) struct Cut {
    /// Users whose cut may have been stale.
    looked_at: usize,
    /// Who of them came out otherwise.
    otherwise: Vec<UserId>,
}

impl Tenant {
    /// Cuts the users that the cycle changed, a chunk at a time, and then closes it. True when there is more to do at once.
    pub(super) async fn finish(&mut self, now: Timestamp) -> Result<bool, Error> {
        if !self.cuttable() {
            self.round_due = self.facts_due;
            return Ok(false);
        }
        let mut tx = self.begin().await?;
        let mut reading = self.reading.clone();
        let Some(cut) = self.cut_round(&mut tx, &mut reading, now).await? else {
            tx.commit().await?;
            self.owe();
            self.told.clear();
            return if self.is_blocked() { Ok(true) } else { self.weigh(now).await.map(|()| true) };
        };
        let news = cut.looked_at > 0 || reading.full != self.reading.full;
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

    /// Cuts a chunk of the users that the cycle changed, and those of whom it told; the cycle is over when that was the last chunk. None
    /// where it is not known yet whether what groups lose is too much: then only those of whom it told are cut, and stay in their groups.
    pub(super) async fn cut_round(&self, tx: &mut Transaction, reading: &mut Reading, now: Timestamp) -> Result<Option<Cut>, Error> {
        let mut users = mirror::dirty(tx, &self.name, "").await?;
        let looked_at = users.len();
        // So few can be no loss that is too large.
        let is_harmless = self.held.scope == 0 && looked_at as u64 <= HARMLESS;
        let mut disabled = Vec::new();
        if self.reading.widens() {
            // What is needed was not read of those who are here: they wait for the full read, but for the loss of sign-in.
            users.extend(self.told_and_dirty(tx).await?);
            let (left, here) = users.into_iter().partition(|user| user.gone.is_some());
            users = left;
            disabled = self.disable(tx, here, now).await?;
            users.extend(mirror::dirty_gone(tx, &self.name).await?);
        } else if self.is_blocked() || (!is_harmless && self.weighed != Some(self.cycle_key())) {
            self.cut_apart(tx, now).await?;
            return Ok(None);
        } else if looked_at == CHUNK {
            users.extend(self.told_and_dirty(tx).await?);
        }
        users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        users.dedup_by(|one, other| one.id == other.id);
        let is_over = looked_at < CHUNK || self.reading.widens();
        let mut otherwise = self.cut(tx, users, now).await?;
        otherwise.append(&mut disabled);
        if is_over {
            reading.phase = Phase::Idle;
            reading.round += u64::from(!self.is_partial);
            if let Some(full) = reading.full.as_mut().filter(|full| full.phase == FullPhase::Project) {
                full.phase = FullPhase::Clear;
            }
        }
        Ok(Some(Cut { looked_at, otherwise }))
    }

    /// Whether there is work to do before it can be known what groups lose.
    fn is_blocked(&self) -> bool {
        self.is_pending || self.reading.full.as_ref().is_some_and(|full| full.phase.takes_over())
    }

    /// The users of whom the cycle told and whose cut may be stale.
    async fn told_and_dirty(&self, tx: &mut Transaction) -> Result<Vec<Mirrored>, Error> {
        let ids: Vec<UserId> = self.told.iter().cloned().collect();
        let mut users = Vec::new();
        for ids in ids.chunks(CHUNK) {
            users.extend(mirror::load(tx, &self.name, ids).await?.into_values().filter(|user| user.dirty));
        }
        Ok(users)
    }

    /// Cuts whom the cycle told of before others, while it is not known what groups lose: in the groups in which they were published.
    async fn cut_apart(&self, tx: &mut Transaction, now: Timestamp) -> Result<(), Error> {
        let Some(mut knife) = self.knife(now) else { return Ok(()) };
        knife.keeps_groups = true;
        let users = self.told_and_dirty(tx).await?;
        let users: Vec<Mirrored> =
            users.into_iter().filter(|user| user.cut.is_some() && (user.generation > 0 || user.gone.is_some())).collect();
        for users in users.chunks(CHUNK) {
            cut_all(tx, &knife, users.to_vec()).await?;
        }
        Ok(())
    }

    /// Takes sign-in from those of these users who are disabled at home, while what the projection adds is not read; gives who they are.
    async fn disable(&self, tx: &mut Transaction, mut users: Vec<Mirrored>, now: Timestamp) -> Result<Vec<UserId>, Error> {
        users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        users.dedup_by(|one, other| one.id == other.id);
        Ok(self.knife(now).map(|knife| disable_all(tx, &knife, users)).unwrap_or_default())
    }

    /// The cycle under way, and the full read.
    fn cycle_key(&self) -> (u64, u64) {
        (self.reading.round, self.reading.generation)
    }

    /// A chunk of the look, once a cycle, before anybody is cut: what it takes out of groups may be too much.
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
                self.weighed = Some(self.cycle_key());
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
        if !self.is_pending && self.reading.phase == Phase::Idle {
            // Users may be marked.
            self.round_due = Timestamp(0);
        }
        Ok(self.is_pending)
    }

    /// Takes over what was cut and stored. True when there may be more to do at once.
    pub(super) async fn close(&mut self, reading: Reading, cut: &Cut, news: bool, now: Timestamp) -> Result<bool, Error> {
        self.count_lost(&cut.otherwise);
        self.weighed = Some(self.cycle_key());
        self.reading = reading;
        if self.reading.phase == Phase::Idle {
            self.told.clear();
            self.complete(news, now).await?;
        }
        Ok(news)
    }

    async fn complete(&mut self, news: bool, now: Timestamp) -> Result<(), Error> {
        if !self.is_partial {
            self.metrics.round(&self.name);
        }
        self.round_due = now.plus(self.pace.rounds);
        if news || now >= self.freshness_due {
            self.fresh = Some((self.reading.round, now)).filter(|_| !self.is_partial);
            self.publish(now).await?;
        } else if !self.owes {
            self.note_on_bus();
        }
        debug!(tenant = %self.name, round = self.reading.round, "cycle complete");
        Ok(())
    }

    /// Cuts a chunk of those whose cut may be stale, if they may be cut.
    pub(super) async fn cut_dirty(&self, tx: &mut Transaction, now: Timestamp) -> Result<(), Error> {
        if self.cuttable() {
            let users = mirror::dirty(tx, &self.name, "").await?;
            self.cut(tx, users, now).await?;
        }
        Ok(())
    }

    /// Cuts users; gives who of them came out otherwise.
    async fn cut(&self, tx: &mut Transaction, users: Vec<Mirrored>, now: Timestamp) -> Result<Vec<UserId>, Error> {
        match self.knife(now) {
            Some(knife) if !users.is_empty() => cut_all(tx, &knife, users).await,
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// Cuts a chunk of those who were cut for another projection. True when there may be more.
    pub(super) async fn recut(&mut self, now: Timestamp) -> Result<bool, Error> {
        // While a cycle is under way or a full read ends, nobody has weighed yet what groups lose; what is asked for anew is not read yet.
        let is_first = self.reading.first() && !self.reading.repeats();
        let is_ending = self.reading.full.as_ref().is_some_and(|full| full.phase.ends());
        let rests = self.reading.phase == Phase::Idle && !self.is_pending && !is_ending && !self.reading.widens();
        let whole = is_first || (self.reading.is_incremental() && rests);
        let Some(after) = self.recut_after.clone().filter(|_| self.cuttable() && whole) else {
            return Ok(false);
        };
        let Some(knife) = self.knife(now) else {
            return Ok(false);
        };
        let mut tx = self.begin().await?;
        let (users, further) = mirror::cut_otherwise(&mut tx, &self.name, (knife.revision, is_first), &after).await?;
        let count = users.len();
        cut_all(&mut tx, &knife, users).await?;
        tx.commit().await?;
        if count > 0 {
            self.owe();
        }
        self.recut_after = further;
        if self.recut_after.is_none() {
            info!(tenant = %self.name, revision = self.order.revision, "every user is cut for the configuration");
        }
        Ok(count > 0 || self.recut_after.is_some())
    }
}
