//! Projects the users that a cycle changed: after the removal guard's check, a chunk at a time, and users that a cycle reported before others.

use std::collections::HashSet;
use std::time::Duration;

use tracing::{debug, info};
use xtsync_domain::{Timestamp, UserId};
use xtsync_store::Transaction;

use super::Tenant;
use crate::chunk::CHUNK;
use crate::error::Error;
use crate::full::FullPhase;
use crate::mirror::{self, LOSS_ALLOWED_MAX, Mirrored};
use crate::reproject::{Groups, Reprojection, reproject};
use crate::sync_state::{self, Phase, SyncState};
use crate::{merge, perform, removal_guard, scope};

/// How often a cursor is stored at least, though nothing changed: a directory forgets old ones after days.
const CURSOR_SAVE_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The result of projecting the users of a cycle.
pub(super) struct Projected {
    /// Users whose projection may have been stale.
    looked_at: usize,
    /// Who of them came out otherwise.
    changed: Vec<UserId>,
}

impl Tenant {
    /// Projects the users that the cycle changed, a chunk at a time, and then closes it. True when there is more to do at once.
    pub(super) async fn finish(&mut self, now: Timestamp) -> Result<bool, Error> {
        if !self.can_project() {
            self.cycle.due = self.facts.due.max(now.plus(self.intervals.cycles));
            return Ok(false);
        }
        let mut sync_state = self.sync_state.clone();
        if now < self.cycle.cursor_due && self.has_nothing_to_project().await? {
            self.end_cycle(&mut sync_state);
            return self.close(sync_state, &Projected { looked_at: 0, changed: Vec::new() }, false, now).await;
        }
        let mut tx = self.begin().await?;
        let Some(projected) = self.project_cycle(&mut tx, &mut sync_state, now).await? else {
            tx.commit().await?;
            self.note_unpublished();
            self.cycle.mentioned.clear();
            self.cycle.losses.clear();
            return match (self.is_blocked(), self.awaits_listings()) {
                (true, _) => Ok(true),
                (false, true) => Ok(false),
                (false, false) => self.check_removals(now).await.map(|()| true),
            };
        };
        let changed = projected.looked_at > 0 || sync_state.full != self.sync_state.full;
        if changed || now >= self.cycle.cursor_due {
            sync_state::save(&mut tx, &self.name, &sync_state);
            self.cycle.cursor_due = now.plus(CURSOR_SAVE_INTERVAL);
        }
        tx.commit().await?;
        if changed {
            self.note_unpublished();
        }
        self.close(sync_state, &projected, changed, now).await
    }

    /// Projects a chunk of the users that the cycle changed, and those it reported; the cycle is over when that was the last chunk. None
    /// where it is not known yet whether groups lose too much: then only the reported users are projected, and stay in their groups where
    /// these lose many.
    pub(super) async fn project_cycle(
        &mut self,
        tx: &mut Transaction,
        sync_state: &mut SyncState,
        now: Timestamp,
    ) -> Result<Option<Projected>, Error> {
        let mut users = mirror::dirty(tx, &self.name, "").await?;
        let looked_at = users.len();
        // So few can be no loss that is too large.
        let is_below_threshold = self.held.scope == 0 && looked_at as u64 <= LOSS_ALLOWED_MAX;
        if self.is_blocked() || self.awaits_listings() || (!is_below_threshold && self.cycle.checked != Some(self.cycle_key())) {
            self.project_ahead(tx, now).await?;
            return Ok(None);
        } else if looked_at == CHUNK {
            users.extend(self.mentioned_and_dirty(tx).await?);
        }
        users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        users.dedup_by(|one, other| one.id == other.id);
        let changed = self.project(tx, users, now).await?;
        if looked_at < CHUNK {
            self.end_cycle(sync_state);
            if let Some(full) = sync_state.full.as_mut().filter(|full| full.phase == FullPhase::Project) {
                full.phase = FullPhase::Clear;
            }
        }
        Ok(Some(Projected { looked_at, changed }))
    }

    /// Whether the cycle changed nothing, and nothing else waits for its end: the rule at rest, which costs one query.
    async fn has_nothing_to_project(&self) -> Result<bool, Error> {
        let is_alone = !self.is_pending && self.sync_state.full.is_none() && self.held.scope == 0;
        Ok(is_alone && !mirror::is_any_dirty(&self.store, &self.name).await?)
    }

    fn end_cycle(&self, sync_state: &mut SyncState) {
        sync_state.phase = Phase::Idle;
        sync_state.cycle += u64::from(!self.cycle.is_partial);
    }

    /// Whether there is work to do before it can be known what groups lose.
    fn is_blocked(&self) -> bool {
        self.is_pending || self.sync_state.full.as_ref().is_some_and(|full| full.phase.is_taking_over())
    }

    /// The users that the cycle reported and whose projection may be stale.
    async fn mentioned_and_dirty(&self, tx: &mut Transaction) -> Result<Vec<Mirrored>, Error> {
        let ids: Vec<UserId> = self
            .cycle
            .mentioned
            .iter()
            .chain(self.cycle.losses.users().filter(|id| !self.cycle.mentioned.contains(*id)))
            .cloned()
            .collect();
        let mut users = Vec::new();
        for ids in ids.chunks(CHUNK) {
            users.extend(mirror::load(tx, &self.name, ids).await?.into_values().filter(|user| user.dirty));
        }
        Ok(users)
    }

    /// Projects the reported users before others, while it is not known what groups lose: in the groups in which they were published, but
    /// for those that lose few.
    async fn project_ahead(&mut self, tx: &mut Transaction, now: Timestamp) -> Result<(), Error> {
        let users = self.mentioned_and_dirty(tx).await?;
        let users: Vec<Mirrored> =
            users.into_iter().filter(|user| user.delta.is_some() && (user.full_cycle > 0 || user.gone.is_some())).collect();
        let mut losses = std::mem::take(&mut self.cycle.losses);
        let leaving = match self.reprojection(now) {
            Some(reprojection) => {
                let guarded = removal_guard::groups(tx, &self.name).await?;
                let losing = users.iter().filter(|user| losses.contains(&user.id)).cloned().collect();
                let stale = scope::stale(tx, &reprojection, losing).await?;
                losses.leave(&stale, &reprojection, &self.spec.scopes, &guarded)
            }
            None => HashSet::new(),
        };
        self.cycle.losses = losses;
        let Some(reprojection) = self.reprojection(now) else { return Ok(()) };
        let reprojection = Reprojection { groups: Groups::Published { leaving: &leaving }, ..reprojection };
        for users in users.chunks(CHUNK) {
            reproject(tx, &reprojection, users.to_vec()).await?;
        }
        Ok(())
    }

    /// The cycle under way, and the full read.
    fn cycle_key(&self) -> (u64, u64) {
        (self.sync_state.cycle, self.sync_state.full_cycle)
    }

    /// A chunk of the check, once a cycle, before any user is projected: what it takes out of groups may be too much.
    async fn check_removals(&mut self, now: Timestamp) -> Result<(), Error> {
        let mut removal_check = self.cycle.removal_check.take().unwrap_or_default();
        let mut tx = self.begin().await?;
        let is_over = match self.reprojection(now) {
            Some(reprojection) => removal_check.step(&mut tx, &reprojection, &self.spec.scopes).await?,
            None => true,
        };
        let retained = if is_over { Some(removal_guard::count(&mut tx, &self.name).await?) } else { None };
        tx.commit().await?;
        match retained {
            Some(retained) => {
                self.held.scope = retained;
                self.cycle.checked = Some(self.cycle_key());
                // Some may be released.
                self.is_pending = true;
            }
            None => self.cycle.removal_check = Some(removal_check),
        }
        Ok(())
    }

    /// Users may be marked that no cycle has reported: one comes at once.
    pub(super) fn mark_stale(&mut self) {
        if self.sync_state.phase == Phase::Idle {
            self.cycle.due = Timestamp(0);
        }
    }

    /// Does a chunk of the work that is pending. True while there may be more.
    pub(super) async fn do_pending(&mut self, now: Timestamp) -> Result<bool, Error> {
        if !self.is_pending {
            return Ok(false);
        }
        let mut tx = self.begin().await?;
        let chunk = perform::step(&mut tx, &self.name, now).await?;
        let referenced = self.spec.users.as_ref().map(|(_, projection)| &projection.groups);
        let closure = match referenced.filter(|_| chunk.as_ref().is_some_and(|chunk| chunk.unnested)) {
            Some(referenced) => Some(merge::renest(&mut tx, &self.context(now), &self.closure, referenced).await?),
            None => None,
        };
        tx.commit().await?;
        self.closure = closure.unwrap_or_else(|| std::mem::take(&mut self.closure));
        self.is_pending = chunk.is_some();
        if let Some(group) = chunk.and_then(|chunk| chunk.unshown) {
            self.repeat_listing(&group, now);
        }
        if !self.is_pending {
            self.mark_stale();
        }
        Ok(self.is_pending)
    }

    /// Applies what was projected and stored. True when there may be more to do at once.
    pub(super) async fn close(
        &mut self,
        sync_state: SyncState,
        projected: &Projected,
        changed: bool,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.count_missed(&projected.changed).await?;
        self.cycle.checked = Some(self.cycle_key());
        self.sync_state = sync_state;
        if self.sync_state.phase == Phase::Idle {
            self.cycle.mentioned.clear();
            self.cycle.losses.clear();
            self.cycle.checked = None;
            self.complete(changed, now).await?;
        }
        Ok(changed)
    }

    async fn complete(&mut self, changed: bool, now: Timestamp) -> Result<(), Error> {
        if !self.cycle.is_partial {
            self.metrics.cycle_completed(&self.name);
        }
        self.cycle.due = now.plus(self.intervals.cycles);
        if changed || now >= self.publication.freshness_due {
            self.publication.unpublished_cycle = Some((self.sync_state.cycle, now)).filter(|_| !self.cycle.is_partial);
            self.publish(now).await?;
        } else if !self.publication.has_unpublished {
            self.note_published_cycle();
        }
        debug!(tenant = %self.name, cycle = self.sync_state.cycle, "cycle complete");
        Ok(())
    }

    /// Projects a chunk of those whose projection may be stale, if users may be projected.
    pub(super) async fn project_dirty(&self, tx: &mut Transaction, now: Timestamp) -> Result<(), Error> {
        if self.can_project() {
            let users = mirror::dirty(tx, &self.name, "").await?;
            self.project(tx, users, now).await?;
        }
        Ok(())
    }

    /// Projects users; returns those whose projection changed.
    async fn project(&self, tx: &mut Transaction, users: Vec<Mirrored>, now: Timestamp) -> Result<Vec<UserId>, Error> {
        match self.reprojection(now) {
            Some(reprojection) if !users.is_empty() => reproject(tx, &reprojection, users).await,
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// Projects a chunk of those that were projected for another configuration. True when there may be more.
    pub(super) async fn reproject(&mut self, now: Timestamp) -> Result<bool, Error> {
        // While a cycle is under way or a full read ends, group losses are not weighed yet; newly requested attributes are not read yet.
        let is_first = self.sync_state.is_initial() && !self.sync_state.is_repeated_full();
        let is_ending = self.sync_state.full.as_ref().is_some_and(|full| full.phase.is_applying());
        let is_idle = self.sync_state.phase == Phase::Idle && !self.is_pending && !is_ending && !self.sync_state.widens();
        let is_allowed = is_first || (self.sync_state.is_incremental() && is_idle);
        let Some(after) = self.reproject_after.clone().filter(|_| self.can_project() && is_allowed) else {
            return Ok(false);
        };
        let Some(reprojection) = self.reprojection(now) else {
            return Ok(false);
        };
        let mut tx = self.begin().await?;
        let (users, further) = mirror::projected_otherwise(&mut tx, &self.name, (reprojection.revision, is_first), &after).await?;
        let count = users.len();
        reproject(&mut tx, &reprojection, users).await?;
        tx.commit().await?;
        if count > 0 {
            self.note_unpublished();
        }
        self.reproject_after = further;
        if self.reproject_after.is_none() {
            self.taken_up = self.spec.revision;
            info!(tenant = %self.name, revision = self.spec.revision, "every user is projected for the configuration");
        }
        Ok(count > 0 || self.reproject_after.is_some())
    }
}
