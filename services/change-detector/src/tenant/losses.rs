//! The users that a cycle reports as leaving groups. They leave at once, also while the removal guard checks what a large change takes out
//! of groups, as long as the cycle reports so few that they are no loss that is too large (`BoundedChange`, I-5).
//!
//! Kept in memory: a successor has them wait for the check.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use xtsync_domain::{GroupId, UserId};

use crate::chunk::CHUNK;
use crate::closure::Closure;
use crate::merge::{GroupPage, MemberEntry};
use crate::mirror::LOSS_ALLOWED_MAX;
use crate::reproject::Reprojection;
use crate::scope::{Scopes, Stale};

/// The most users remembered; more of them wait for the check.
const USERS_MAX: usize = 5 * CHUNK;

/// Losses of groups that cycles report.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Users who left groups, with the groups of scopes that this concerns, and may not be projected without these yet.
    users: BTreeMap<UserId, BTreeSet<GroupId>>,
    /// How many members the cycle under way takes out of groups.
    reported: u64,
    /// Whether it also takes groups out of groups, so that it is not known how many users these lose.
    is_unknown: bool,
    /// How many users each group has lost ahead of the check in the cycle under way.
    ahead: BTreeMap<GroupId, u64>,
}

/// The members that a page takes out of groups.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Each with the groups of scopes that this concerns.
    users: Vec<(UserId, Vec<GroupId>)>,
    /// Whether a group is among them that retains members.
    is_guarded: bool,
    /// Whether groups were taken out of groups.
    is_unknown: bool,
}

impl Left {
    /// What a page takes out of groups; `guarded` groups retain members.
    pub(super) fn of(closure: &Closure, page: &GroupPage, guarded: &BTreeSet<GroupId>) -> Self {
        let is_left = |entry: &&MemberEntry| entry.2.is_none() && closure.concerns(&entry.0);
        let is_guarded = page.users.iter().filter(is_left).any(|(group, _, _)| closure.above(group).any(|group| guarded.contains(group)));
        let of_user = |(group, user, _): &MemberEntry| (UserId(user.clone()), closure.above(group).cloned().collect());
        let users = page.users.iter().filter(is_left).map(of_user).collect();
        Self { users, is_guarded, is_unknown: page.nestings.iter().any(|entry| is_left(&entry)) }
    }
}

impl Losses {
    /// Counts anew.
    pub(super) fn begin_cycle(&mut self) {
        (self.reported, self.is_unknown, self.ahead) = (0, false, BTreeMap::new());
    }

    /// Forgets the users: they are projected, or wait for the check.
    pub(super) fn clear(&mut self) {
        self.users.clear();
    }

    /// The users.
    pub(super) fn users(&self) -> impl Iterator<Item = &UserId> {
        self.users.keys()
    }

    /// Whether a user is among them.
    pub(super) fn contains(&self, user: &UserId) -> bool {
        self.users.contains_key(user)
    }

    /// Notes the members that a page takes out of groups. True while they are so few, and of no group that retains members, that a check
    /// that was made need not be made again.
    pub(super) fn note(&mut self, left: Left) -> bool {
        self.reported += left.users.len() as u64;
        let room = USERS_MAX.saturating_sub(self.users.len());
        for (user, groups) in left.users.into_iter().take(room) {
            self.users.entry(user).or_default().extend(groups);
        }
        self.is_unknown |= left.is_unknown;
        !self.is_unknown && !left.is_guarded && self.reported <= LOSS_ALLOWED_MAX
    }

    /// The losses of these users that may be published ahead of the check: of groups that cycles reported them as leaving, that retain no
    /// members, and that lose few.
    pub(super) fn leave(
        &mut self,
        stale: &[Stale],
        reprojection: &Reprojection<'_>,
        scopes: &Scopes,
        guarded: &BTreeSet<GroupId>,
    ) -> HashSet<(UserId, GroupId)> {
        let mut by_group: BTreeMap<&GroupId, Vec<&UserId>> = BTreeMap::new();
        for user in stale.iter().filter(|_| !self.is_unknown) {
            let is_reported = |group: &GroupId| self.users.get(&user.id).is_some_and(|groups| groups.contains(group));
            let lost = user.lost(reprojection, scopes).filter(|(group, _)| is_reported(group) && !guarded.contains(*group));
            lost.for_each(|(group, _)| by_group.entry(group).or_default().push(&user.id));
        }
        let mut leaving = HashSet::new();
        for (group, users) in by_group {
            let is_allowed = scopes.get(group).is_some_and(|scope| scope.allows_loss);
            let ahead = self.ahead.entry(group.clone()).or_default();
            if is_allowed || *ahead + users.len() as u64 <= LOSS_ALLOWED_MAX {
                *ahead += users.len() as u64;
                leaving.extend(users.into_iter().map(|user| (user.clone(), group.clone())));
            }
        }
        leaving
    }
}
