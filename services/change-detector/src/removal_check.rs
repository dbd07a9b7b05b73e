//! The removal guard's check of a cycle, a chunk at a time: before the users of the cycle are projected, it records which members the groups
//! retain that would lose more than half of their users and more than ten, and releases groups that have most of theirs back
//! (`BoundedChange`, I-5).
//!
//! Kept in memory: a successor begins anew, since nothing of the cycle is projected before the check is over.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use tracing::error;
use xtsync_domain::{GroupId, UserId};
use xtsync_store::Transaction;

use crate::chunk::CHUNK;
use crate::error::Error;
use crate::mirror::{self, exceeds_threshold};
use crate::reproject::Reprojection;
use crate::scope::{self, Scopes};
use crate::{membership, removal_guard};

/// How far the look has come.
#[derive(Debug, Default)]
pub(crate) struct RemovalCheck {
    stage: Stage,
    /// The last row of the stage's list that is done; empty at its beginning.
    after: String,
    /// What the cycle changes in each group.
    changes: BTreeMap<GroupId, Change>,
    /// Groups that lose many, whose members are still to be counted.
    losing: VecDeque<Losing>,
    /// Groups that retained members before.
    held: VecDeque<GroupId>,
    /// How many of them a group retains, and how many are back.
    back: (u64, u64),
    /// Groups that are to retain what they lose.
    retaining: BTreeSet<GroupId>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// Sums up what the cycle changes in each group.
    #[default]
    Sum,
    /// Counts who stays in the groups that lose many.
    Count,
    /// Looks whether most of the members that a group retains are back.
    Compare,
    /// Notes what the groups retain.
    Retain,
}

/// What a cycle changes in one group.
#[derive(Debug, Default)]
struct Change {
    lost: u64,
    gained: u64,
}

/// A group that loses many.
#[derive(Debug)]
struct Losing {
    group: GroupId,
    change: Change,
    /// The groups whose members are in it, itself included.
    below: VecDeque<GroupId>,
    /// Members found so far. There need not be more than the change tells of.
    found: HashSet<UserId>,
}

impl Losing {
    fn is_enough(&self) -> bool {
        self.found.len() as u64 >= self.change.lost + self.change.gained
    }
}

impl RemovalCheck {
    /// Does a chunk; true when it is over.
    pub(crate) async fn step(&mut self, tx: &mut Transaction, reprojection: &Reprojection<'_>, scopes: &Scopes) -> Result<bool, Error> {
        match self.stage {
            Stage::Sum => self.sum(tx, reprojection, scopes).await?,
            Stage::Count => self.count(tx, reprojection).await?,
            Stage::Compare => self.compare(tx, reprojection).await?,
            Stage::Retain => return self.retain(tx, reprojection, scopes).await,
        }
        Ok(false)
    }

    fn enter(&mut self, stage: Stage) {
        (self.stage, self.after) = (stage, String::new());
    }

    async fn sum(&mut self, tx: &mut Transaction, reprojection: &Reprojection<'_>, scopes: &Scopes) -> Result<(), Error> {
        if let Some(stale) = scope::next_stale(tx, reprojection, &mut self.after).await? {
            for user in stale {
                user.lost(reprojection, scopes).for_each(|(group, _)| self.changes.entry(group.clone()).or_default().lost += 1);
                user.gained(reprojection, scopes).for_each(|group| self.changes.entry(group.clone()).or_default().gained += 1);
            }
            return Ok(());
        }
        for (group, change) in std::mem::take(&mut self.changes) {
            let scope = scopes.get(&group).copied().unwrap_or_default();
            if exceeds_threshold(change.lost, 0) && !scope.allows_loss {
                let below = if scope.nested { reprojection.closure.below(&group) } else { [group.clone()].into() };
                self.losing.push_back(Losing { group, change, below: below.into(), found: HashSet::new() });
            }
        }
        self.held = removal_guard::groups(tx, reprojection.tenant).await?.into_iter().collect();
        self.enter(Stage::Count);
        Ok(())
    }

    async fn count(&mut self, tx: &mut Transaction, reprojection: &Reprojection<'_>) -> Result<(), Error> {
        let Some(losing) = self.losing.front_mut() else {
            self.enter(Stage::Compare);
            return Ok(());
        };
        if let Some(group) = losing.below.front().filter(|_| !losing.is_enough()) {
            let users = membership::users_in(tx, reprojection.tenant, group, &self.after).await?;
            let last = users.last().map(UserId::to_string);
            losing.found.extend(mirror::existing(tx, reprojection.tenant, &users).await?);
            self.after = last.filter(|_| users.len() == CHUNK).unwrap_or_default();
            if self.after.is_empty() {
                losing.below.pop_front();
            }
            return Ok(());
        }
        self.after.clear();
        let Some(Losing { group, change, found, .. }) = self.losing.pop_front() else { return Ok(()) };
        let stayed = (found.len() as u64).saturating_sub(change.gained);
        if exceeds_threshold(change.lost, stayed) {
            let (tenant, lost) = (reprojection.tenant, change.lost);
            error!(%tenant, %group, lost, stayed, "a group lost most of its members: they are retained");
            self.retaining.insert(group);
        }
        Ok(())
    }

    async fn compare(&mut self, tx: &mut Transaction, reprojection: &Reprojection<'_>) -> Result<(), Error> {
        let Some(group) = self.held.front().cloned() else {
            self.enter(Stage::Retain);
            return Ok(());
        };
        if !self.retaining.contains(&group) {
            let users = removal_guard::retained_by(tx, reprojection.tenant, &group, &self.after).await?;
            let existing = mirror::existing(tx, reprojection.tenant, &users).await?;
            let groups = membership::groups_of(tx, reprojection.tenant, &existing).await?;
            let is_back = |user: &&UserId| {
                let now = reprojection.closure.memberships(groups.get(user).into_iter().flatten());
                now.direct.contains(&group) || now.nested.contains(&group)
            };
            self.back.1 += existing.iter().filter(is_back).count() as u64;
            self.back.0 += existing.len() as u64;
            if let Some(last) = users.last().filter(|_| users.len() == CHUNK) {
                self.after = last.to_string();
                return Ok(());
            }
            let (retained, back) = std::mem::take(&mut self.back);
            if exceeds_threshold(retained - back, back) {
                self.retaining.insert(group);
            } else {
                removal_guard::release(tx, reprojection.tenant, &group).await?;
            }
        }
        self.after.clear();
        self.held.pop_front();
        Ok(())
    }

    async fn retain(&mut self, tx: &mut Transaction, reprojection: &Reprojection<'_>, scopes: &Scopes) -> Result<bool, Error> {
        if self.retaining.is_empty() {
            return Ok(true);
        }
        let Some(stale) = scope::next_stale(tx, reprojection, &mut self.after).await? else { return Ok(true) };
        let mut rows = Vec::new();
        for user in &stale {
            let lost = user.lost(reprojection, scopes).filter(|(group, _)| self.retaining.contains(*group));
            rows.extend(lost.map(|(group, direct)| (&user.id, group, direct)));
        }
        removal_guard::retain(tx, reprojection.tenant, &rows).await?;
        Ok(false)
    }
}
