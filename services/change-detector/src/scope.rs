//! How the groups of scopes count, and what a projection anew changes in them: what the removal guard looks at (`BoundedChange`, I-5).

use std::collections::BTreeMap;

use xtsync_domain::delta::{State, User};
use xtsync_domain::{GroupId, UserId};
use xtsync_store::Transaction;

use crate::closure::Memberships;
use crate::error::Error;
use crate::membership;
use crate::mirror::{self, Mirrored};
use crate::reproject::Reprojection;

/// How the groups of scopes count; one that is not named counts as [`Scope::default`].
pub(crate) type Scopes = BTreeMap<GroupId, Scope>;

/// How a group counts in the scopes it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Whether members of its groups count in all of them.
    pub(crate) nested: bool,
    /// Whether all of them let it lose most of its users at once.
    pub(crate) allows_loss: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self { nested: true, allows_loss: false }
    }
}

impl Scope {
    fn includes(self, group: &GroupId, direct: &[GroupId], nested: &[GroupId]) -> bool {
        direct.contains(group) || (self.nested && nested.contains(group))
    }
}

/// A user whose projection may be stale: as published, and their present groups.
pub(crate) struct Stale {
    pub(crate) id: UserId,
    before: Option<User>,
    after: Memberships,
}

/// The next chunk of present users whose projection may be stale.
pub(crate) async fn next_stale(
    tx: &mut Transaction,
    reprojection: &Reprojection<'_>,
    last: &mut String,
) -> Result<Option<Vec<Stale>>, Error> {
    let users = mirror::dirty(tx, reprojection.tenant, last).await?;
    let Some(end) = users.last() else { return Ok(None) };
    *last = end.id.to_string();
    stale(tx, reprojection, users).await.map(Some)
}

/// Those of these users who are present, with their groups.
pub(crate) async fn stale(tx: &mut Transaction, reprojection: &Reprojection<'_>, users: Vec<Mirrored>) -> Result<Vec<Stale>, Error> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id.clone()).collect();
    let groups = membership::groups_of(tx, reprojection.tenant, &ids).await?;
    let stale = users.into_iter().filter(|user| user.gone.is_none()).map(|user| Stale {
        after: reprojection.closure.memberships(groups.get(&user.id).into_iter().flatten()),
        before: match user.delta.map(|delta| delta.state) {
            Some(State::Present(before)) => Some(before),
            Some(State::Gone(_)) | None => None,
        },
        id: user.id,
    });
    Ok(stale.collect())
}

impl Stale {
    /// The groups that the user left, and whether the membership was direct.
    pub(crate) fn lost<'a>(&'a self, reprojection: &'a Reprojection<'_>, scopes: &'a Scopes) -> impl Iterator<Item = (&'a GroupId, bool)> {
        let direct = self.before.iter().flat_map(|before| &before.groups).map(|group| (group, true));
        let nested = self.before.iter().flat_map(|before| &before.nested_groups).map(|group| (group, false));
        direct.chain(nested).filter(move |(group, is_direct)| {
            let scope = scopes.get(group).copied().unwrap_or_default();
            let was_in = *is_direct || scope.nested;
            was_in && reprojection.projection.groups.contains(*group) && !scope.includes(group, &self.after.direct, &self.after.nested)
        })
    }

    /// The groups that the user joined.
    pub(crate) fn gained<'a>(&'a self, reprojection: &'a Reprojection<'_>, scopes: &'a Scopes) -> impl Iterator<Item = &'a GroupId> {
        reprojection.projection.groups.iter().filter(move |group| {
            let scope = scopes.get(group).copied().unwrap_or_default();
            let was_in = self.before.as_ref().is_some_and(|before| scope.includes(group, &before.groups, &before.nested_groups));
            !was_in && scope.includes(group, &self.after.direct, &self.after.nested)
        })
    }
}
