//! Gives users whose projection is stale a new version, a bounded number at a time.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use xtsync_directory::Source;
use xtsync_domain::delta::{Kind, State};
use xtsync_domain::resource::Projection;
use xtsync_domain::{GroupId, TenantName, Timestamp, UserDelta, UserId, version};
use xtsync_store::Transaction;

use crate::closure::{Closure, Memberships};
use crate::error::Error;
use crate::mirror::{self, Mirrored};
use crate::projection::{changes, class, project, project_out_of_scope};
use crate::urgency::{Change, Reading, stamp};
use crate::{membership, removal_guard};

/// What users are projected for.
pub(crate) struct Reprojection<'a> {
    pub(crate) tenant: &'a TenantName,
    pub(crate) source: &'a Arc<dyn Source>,
    pub(crate) closure: &'a Closure,
    /// The revision of the projection.
    pub(crate) revision: u64,
    pub(crate) projection: &'a Projection,
    pub(crate) reading: Reading,
    /// The newest full read.
    pub(crate) full_cycle: u64,
    /// Attributes that no verified full read has read.
    pub(crate) unverified_attributes: &'a BTreeSet<String>,
    /// Whether only users are published who lose access: what the projection adds is still to be read of all users, and the others would
    /// be published twice.
    pub(crate) only_losses: bool,
    pub(crate) groups: Groups<'a>,
    pub(crate) now: Timestamp,
}

/// In which groups users are projected.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Groups<'a> {
    /// As in the mirror, and in those that retain them.
    Current,
    /// As published, but for these losses: of all others it is not known yet whether they are too many.
    Published {
        /// Users and the groups that they leave.
        leaving: &'a HashSet<(UserId, GroupId)>,
    },
}

/// Projects users and stores them with the commit; returns those that got a new version. A user whose projection is unchanged keeps theirs.
pub(crate) async fn reproject(
    tx: &mut Transaction,
    reprojection: &Reprojection<'_>,
    mut users: Vec<Mirrored>,
) -> Result<Vec<UserId>, Error> {
    let mut changed = Vec::new();
    let ids: Vec<_> = users.iter().map(|user| user.id.clone()).collect();
    let groups = membership::groups_of(tx, reprojection.tenant, &ids).await?;
    let retained = removal_guard::retaining(tx, reprojection.tenant, &ids).await?;
    for user in &mut users {
        let mut memberships = reprojection.closure.memberships(groups.get(&user.id).into_iter().flatten());
        for (group, directly) in retained.get(&user.id).into_iter().flatten() {
            if reprojection.projection.groups.contains(group) {
                memberships.add_retained(group, *directly);
            }
        }
        let (state, stays_dirty) = match (published_memberships(user), reprojection.groups) {
            (_, Groups::Current) | (None, Groups::Published { .. }) => (state(reprojection, user, memberships), false),
            (Some(mut before), Groups::Published { leaving }) => {
                leaving.iter().filter(|(id, _)| *id == user.id).for_each(|(_, group)| before.remove(group));
                (state(reprojection, user, before), user.gone.is_none())
            }
        };
        // What no projection names is not kept.
        user.body.keep(|name| reprojection.projection.attributes.contains(name) || reprojection.source.needs(name));
        if apply(reprojection, user, state) {
            changed.push(user.id.clone());
        }
        user.dirty = stays_dirty;
    }
    mirror::save_with_commit(tx, reprojection.tenant, &users);
    Ok(changed)
}

/// What is to be published of a user: nothing of one that is in no scope and was never published.
fn state(reprojection: &Reprojection<'_>, user: &Mirrored, memberships: Memberships) -> Option<State> {
    let is_published = user.delta.is_some();
    match user.gone {
        // For a user the mirror never saw it is unknown whether they were published: a store may be restored to before they came.
        Some(how) => (is_published || !user.is_known()).then_some(State::Gone(how)),
        None => {
            let kind = reprojection.source.kind(&user.body);
            let concerns = reprojection.projection.concerns(kind, &memberships.direct, &memberships.nested);
            let user_state = match (concerns, kind) {
                (true, Kind::Internal) => {
                    project(&user.body, kind, memberships, reprojection.projection, unverified_attributes(reprojection, user))
                }
                (true, Kind::External) | (false, _) => project_out_of_scope(&user.body, kind, memberships),
            };
            (is_published || concerns).then_some(State::Present(user_state))
        }
    }
}

/// The attributes that may not have been read of a user; none where the tenant's first full read has shown the user.
fn unverified_attributes<'a>(reprojection: &Reprojection<'a>, user: &Mirrored) -> &'a BTreeSet<String> {
    const NONE: &BTreeSet<String> = &BTreeSet::new();
    match reprojection.reading {
        Reading::Initial if user.full_cycle == reprojection.full_cycle => NONE,
        Reading::Initial | Reading::Full { .. } | Reading::Cycle => reprojection.unverified_attributes,
    }
}

/// The groups in which a user was published.
fn published_memberships(user: &Mirrored) -> Option<Memberships> {
    match &user.delta.as_ref()?.state {
        State::Present(user) => Some(Memberships { direct: user.groups.clone(), nested: user.nested_groups.clone() }),
        State::Gone(_) => None,
    }
}

/// Gives a user a new version if there is something to publish; true then.
fn apply(reprojection: &Reprojection<'_>, user: &mut Mirrored, state: Option<State>) -> bool {
    let before = user.delta.as_ref().map(|delta| &delta.state);
    let is_current = user.projection == reprojection.revision;
    let loses = |after: &State| user.gone.is_some() || (before.is_some() && class(before, after).loses_access());
    if reprojection.only_losses && !is_current && !state.as_ref().is_some_and(loses) {
        return false;
    }
    user.projection = reprojection.revision;
    let Some(state) = state else { return false };
    let waiting = user.delta.as_ref().filter(|_| user.is_unpublished).map(|delta| (user.class, delta.origin));
    let change = Change { before, after: &state, reading: reprojection.reading, is_reported: user.dirty, is_current, waiting };
    let Some(stamp) = stamp(&change) else { return false };
    let (changed, previous) = changes(before, &state);
    (user.class, user.version) = (stamp.class, version::next(user.version, reprojection.now));
    user.delta = Some(UserDelta {
        tenant: reprojection.tenant.clone(),
        user: user.id.clone(),
        version: user.version,
        projection: reprojection.revision,
        origin: stamp.origin,
        first_seen: if stamp.is_live { user.first_seen } else { reprojection.now },
        changed_at: None,
        state,
        changed,
        before: previous,
    });
    true
}
