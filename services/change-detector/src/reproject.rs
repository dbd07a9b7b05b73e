//! Gives users whose projection is stale a new version, a bounded number at a time.

use std::sync::Arc;

use xtsync_directory::Source;
use xtsync_domain::delta::{Kind, Origin, State};
use xtsync_domain::link::Class;
use xtsync_domain::resource::Projection;
use xtsync_domain::{TenantName, Timestamp, UserDelta, UserId, version};
use xtsync_store::Transaction;

use crate::closure::{Closure, Memberships};
use crate::error::Error;
use crate::membership;
use crate::mirror::{self, Mirrored};
use crate::projection::{changes, class, disabled_state, project, project_out_of_scope};
use crate::removal_guard;

/// What users are projected for.
pub(crate) struct Reprojection<'a> {
    pub(crate) tenant: &'a TenantName,
    pub(crate) source: &'a Arc<dyn Source>,
    pub(crate) closure: &'a Closure,
    /// The revision of the projection.
    pub(crate) revision: u64,
    pub(crate) projection: &'a Projection,
    /// Whether the tenant's first cycle is under way.
    pub(crate) is_initial: bool,
    /// Whether the result of a full read is being applied, perhaps because more is read of all users.
    pub(crate) is_full_cycle: bool,
    /// Whether users stay in the groups in which they were published: it is not known yet whether what groups lose is too much.
    pub(crate) retains_groups: bool,
    pub(crate) now: Timestamp,
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
        if let Some(before) = published_memberships(user).filter(|_| reprojection.retains_groups) {
            memberships = before;
        }
        let state = state(reprojection, user, memberships);
        // What no projection names is not kept.
        user.body.keep(|name| reprojection.projection.attributes.contains(name) || reprojection.source.needs(name));
        let version = user.version;
        let stays_dirty = reprojection.retains_groups && user.gone.is_none();
        match state {
            Some(state) => stamp(reprojection, user, state),
            None => (user.dirty, user.projection) = (false, reprojection.revision),
        }
        user.dirty |= stays_dirty;
        if user.version != version {
            changed.push(user.id.clone());
        }
    }
    mirror::save_with_commit(tx, reprojection.tenant, &users);
    Ok(changed)
}

/// Publishes for those of these users that are disabled at home, by the mirror, that they may not sign in, and nothing else; returns their
/// ids. For use while what the projection adds is not read: they stay dirty and keep their former projection, so that the
/// rest follows when everything is read.
pub(crate) fn disable_all(tx: &mut Transaction, reprojection: &Reprojection<'_>, users: Vec<Mirrored>) -> Vec<UserId> {
    let mut disabled = Vec::new();
    for mut user in users {
        let Some(state) = user.delta.as_ref().and_then(|delta| disabled_state(&user.body, &delta.state)) else { continue };
        stamp(&Reprojection { revision: user.projection, ..*reprojection }, &mut user, state);
        user.dirty = true;
        disabled.push(user);
    }
    mirror::save_with_commit(tx, reprojection.tenant, &disabled);
    disabled.into_iter().map(|user| user.id).collect()
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
                (true, Kind::Internal) => project(&user.body, kind, memberships, reprojection.projection),
                (true, Kind::External) | (false, _) => project_out_of_scope(&user.body, kind, memberships),
            };
            (is_published || concerns).then_some(State::Present(user_state))
        }
    }
}

/// The groups in which a user was published.
fn published_memberships(user: &Mirrored) -> Option<Memberships> {
    match &user.delta.as_ref()?.state {
        State::Present(user) => Some(Memberships { direct: user.groups.clone(), nested: user.nested_groups.clone() }),
        State::Gone(_) => None,
    }
}

fn stamp(reprojection: &Reprojection<'_>, user: &mut Mirrored, state: State) {
    let before = user.delta.as_ref().map(|delta| &delta.state);
    let same = before == Some(&state);
    // A user who came and went while everything is read was not published. Later they may have been published by a store that is restored
    // to before they came.
    let never_published = before.is_none() && user.gone.is_some() && reprojection.is_full_cycle;
    // What a wider projection adds to all users is backlog; a user who loses access is not.
    let loses = class(before, &state, false).loses_access();
    let widened = reprojection.is_full_cycle && user.projection != reprojection.revision && !loses;
    // Nor is a user who leaves during the first publication of all users.
    let initial = reprojection.is_initial && !(loses && before.is_some());
    let live = user.dirty && !same && !initial && !widened;
    user.dirty = false;
    if never_published || (same && user.projection == reprojection.revision) {
        user.projection = reprojection.revision;
        return;
    }
    let waiting = user.is_unpublished.then_some((user.class, user.delta.as_ref().map(|delta| delta.origin)));
    let fresh = class(before, &state, !live);
    let (changed, previous) = changes(before, &state);
    let origin = match (live, initial, waiting) {
        (true, _, _) | (false, _, Some((_, Some(Origin::Live)))) => Origin::Live,
        (false, true, _) => Origin::Initial,
        (false, false, _) => Origin::Replay,
    };
    user.class =
        waiting.map_or(fresh, |(waiting, _)| waiting.min(fresh)).min(if origin == Origin::Live { Class::Live } else { Class::Bulk });
    user.version = version::next(user.version, reprojection.now);
    user.projection = reprojection.revision;
    user.delta = Some(UserDelta {
        tenant: reprojection.tenant.clone(),
        user: user.id.clone(),
        version: user.version,
        projection: reprojection.revision,
        origin,
        first_seen: if live { user.first_seen } else { reprojection.now },
        changed_at: None,
        state,
        changed,
        before: previous,
    });
}
