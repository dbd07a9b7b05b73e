//! One page of a round into the mirror: groups first, then users.
//!
//! Pages of a directory are partial, repeat objects and come in no order; the mirror merges them. A group that vanished takes nobody
//! out of it: only a membership that the directory itself ended is ended here.

use std::collections::{BTreeSet, HashMap};

use xtsync_directory::{GroupChange, MemberKind, UserChange};
use xtsync_domain::fact::GroupState;
use xtsync_domain::{Attributes, GroupId, TenantName, Timestamp, UserId, Value};
use xtsync_platform::store::Transaction;

use crate::closure::Closure;
use crate::error::Error;
use crate::last_word::LastWord;
use crate::membership;
use crate::mirror::{self, CHUNK, Mirrored};

/// Where a page is merged.
pub(crate) struct Context<'a> {
    pub(crate) tenant: &'a TenantName,
    /// The reading of everything that rows are marked with.
    pub(crate) generation: u64,
    pub(crate) now: Timestamp,
}

/// Merges changes of groups. Gives true when groups were nested or unnested, so the closure must be made anew.
pub(crate) async fn groups(
    tx: &mut Transaction,
    context: &Context<'_>,
    closure: &Closure,
    changes: Vec<GroupChange>,
) -> Result<bool, Error> {
    let LastWord { groups, members } = LastWord::of(changes);
    let ids: Vec<&GroupId> = groups.keys().collect();
    let states = membership::states(tx, context.tenant, &ids).await?;
    membership::show_groups(tx, context.tenant, &groups, context.generation).await?;
    let is_frozen = |group: &GroupId| states.get(group) == Some(&GroupState::Unreadable);
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    for ((group, id), kind) in members {
        match kind {
            Some(kind) => joined.push((group, id, kind)),
            None if is_frozen(&group) => {}
            None => left.push((group, id)),
        }
    }
    let joins_group = joined.iter().any(|(_, _, kind)| *kind == MemberKind::Group);
    membership::join(tx, context.tenant, &joined, context.generation).await?;
    let group_left = membership::leave(tx, context.tenant, &left).await?;
    let changed = joined.into_iter().map(|(group, id, _)| (group, id)).chain(left);
    let stale: BTreeSet<UserId> = changed.filter(|(group, _)| closure.concerns(group)).map(|(_, id)| UserId(id)).collect();
    let stale: Vec<UserId> = stale.into_iter().collect();
    for ids in stale.chunks(CHUNK) {
        mirror::touch(tx, context.tenant, ids, context.now).await?;
    }
    Ok(joins_group || group_left)
}

/// Makes the closure anew after groups were nested or unnested, and marks whom that concerns.
pub(crate) async fn renest(
    tx: &mut Transaction,
    context: &Context<'_>,
    closure: &Closure,
    referenced: &BTreeSet<GroupId>,
) -> Result<Closure, Error> {
    let fresh = Closure::new(referenced, &membership::nestings(tx, context.tenant).await?);
    membership::touch_members(tx, context.tenant, &fresh.differing_from(closure), context.now).await?;
    Ok(fresh)
}

/// Merges changes of users. Gives when those were created whom the mirror did not know.
pub(crate) async fn users(tx: &mut Transaction, context: &Context<'_>, changes: Vec<UserChange>) -> Result<Vec<Timestamp>, Error> {
    let ids: BTreeSet<&UserId> = changes.iter().map(id).collect();
    let ids: Vec<UserId> = ids.into_iter().cloned().collect();
    let mut known: HashMap<UserId, Mirrored> = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        known.extend(mirror::load(tx, context.tenant, ids).await?);
    }
    for change in changes {
        merge(&mut known, context, change);
    }
    let users: Vec<Mirrored> = known.into_values().collect();
    mirror::save(tx, context.tenant, &users).await?;
    Ok(users.iter().filter(|user| user.version == 0).filter_map(created).collect())
}

fn created(user: &Mirrored) -> Option<Timestamp> {
    match user.body.get("createdDateTime") {
        Some(Value::Time(created)) => Some(*created),
        _ => None,
    }
}

fn id(change: &UserChange) -> &UserId {
    match change {
        UserChange::Changed { id, .. } | UserChange::Gone { id, .. } => id,
    }
}

fn merge(known: &mut HashMap<UserId, Mirrored>, context: &Context<'_>, change: UserChange) {
    match change {
        UserChange::Changed { id, attributes } => {
            let user = known.entry(id.clone()).or_insert_with(|| Mirrored::unknown(id));
            // What everything is read for: an attribute that was cleared unnoticed is not mentioned, so nothing old is kept.
            if user.generation < context.generation {
                user.body = Attributes::default();
                user.generation = context.generation;
            }
            user.body.0.extend(attributes.0);
            user.gone = None;
            user.touch(context.now);
        }
        // Also somebody who was never here, as far as this mirror knows.
        UserChange::Gone { id, how } => {
            let user = known.entry(id.clone()).or_insert_with(|| Mirrored::unknown(id));
            user.gone = Some(how);
            user.touch(context.now);
        }
    }
}
