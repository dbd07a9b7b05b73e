//! One page of a cycle into the mirror: groups first, then users.
//!
//! Pages of a directory are partial, repeat objects and come in no order; the mirror merges them. A group that vanished takes no user
//! out of it: only a membership that the directory itself ended is ended here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use xtsync_directory::{GroupChange, MemberKind, UserChange};
use xtsync_domain::fact::GroupState;
use xtsync_domain::{GroupId, Timestamp, UserId, Value};
use xtsync_store::Transaction;

use crate::chunk::CHUNK;
use crate::closure::Closure;
use crate::error::Error;
use crate::last_entries::{GroupEntry, LastEntries};
use crate::mirror::{self, Mirrored};
use crate::page::Context;
use crate::pending::{self, Work};
use crate::staging;
use crate::{membership, reported};

/// What the page says of one member: what kind it is, and none where it is no member.
pub(crate) type MemberEntry = (GroupId, String, Option<MemberKind>);

/// What a page of groups changes in the mirror.
pub(crate) struct GroupPage {
    groups: BTreeMap<GroupId, GroupEntry>,
    /// Memberships of users; they may be very many.
    pub(crate) users: Vec<MemberEntry>,
    /// Memberships of groups in groups.
    pub(crate) nestings: Vec<MemberEntry>,
    /// The groups that a cycle has reported since the full read began that the page is of.
    reported: HashSet<GroupId>,
}

impl GroupPage {
    /// The effect of these changes. A group that cannot be read loses no member, and a page of a full read changes nothing of what a cycle
    /// has reported since it began.
    pub(crate) async fn of(tx: &mut Transaction, context: &Context<'_>, changes: Vec<GroupChange>) -> Result<Self, Error> {
        let LastEntries { groups, mut members } = LastEntries::of(changes);
        let mut reported = HashSet::new();
        if let Some(began) = context.of.began() {
            reported = reported::groups(tx, context.tenant, began, groups.keys()).await?;
            let of_members = reported::members(tx, context.tenant, began, members.keys()).await?;
            members.retain(|key, _| !of_members.contains(key));
        }
        let ids: Vec<&GroupId> = groups.keys().collect();
        let states = membership::states(tx, context.tenant, &ids).await?;
        let keys: Vec<(&GroupId, &str)> = members.keys().map(|(group, id)| (group, id.as_str())).collect();
        let nested = membership::nested_among(tx, context.tenant, &keys).await?;
        let is_frozen = |group: &GroupId| states.get(group) == Some(&GroupState::Unreadable);
        let (nestings, users) = members
            .into_iter()
            .filter(|((group, _), kind)| kind.is_some() || !is_frozen(group))
            .map(|(key, kind)| (nested.contains(&key) || kind == Some(MemberKind::Group), (key.0, key.1, kind)))
            .partition::<Vec<_>, _>(|(is_nesting, _)| *is_nesting);
        let entries = |entries: Vec<(bool, MemberEntry)>| entries.into_iter().map(|(_, entry)| entry).collect();
        Ok(Self { groups, users: entries(users), nestings: entries(nestings), reported })
    }
}

impl GroupPage {
    /// Whether it says of a group that it is gone.
    pub(crate) fn has_gone_groups(&self) -> bool {
        self.groups.values().any(|entry| entry.is_gone)
    }
}

/// Notes members that a cycle reports while a full read or a listing reads members.
async fn note_members(tx: &mut Transaction, context: &Context<'_>, entries: &[MemberEntry]) -> Result<(), Error> {
    if context.of.full_beside().is_some() {
        reported::add_users(
            tx,
            context.tenant,
            context.now,
            entries.iter().map(|(_, id, _)| id.as_str()).collect::<BTreeSet<_>>().into_iter(),
        )
        .await?;
    }
    if !context.of.notes_members() {
        return Ok(());
    }
    reported::add(tx, context.tenant, context.now, entries.iter().map(|(group, id, _)| (group, id.as_str()))).await
}

/// Merges memberships, and marks the affected users for a new projection.
pub(crate) async fn members(tx: &mut Transaction, context: &Context<'_>, closure: &Closure, entries: &[MemberEntry]) -> Result<(), Error> {
    let concerned = || entries.iter().filter(|(group, _, _)| closure.concerns(group));
    // A full read and a listing name every member: only what changes is a reason to project.
    let known = match context.of.mentions_all() {
        true => {
            let keys: Vec<(&GroupId, &str)> = concerned().map(|(group, id, _)| (group, id.as_str())).collect();
            Some(membership::known_among(tx, context.tenant, &keys).await?)
        }
        false => None,
    };
    note_members(tx, context, entries).await?;
    merge_members(tx, context, entries).await?;
    let is_changed = |(group, id, kind): &&MemberEntry| {
        known.as_ref().is_none_or(|known| known.contains(&(group.clone(), id.clone())) != kind.is_some())
    };
    let stale: BTreeSet<&String> = concerned().filter(is_changed).map(|(_, id, _)| id).collect();
    let stale: Vec<UserId> = stale.into_iter().map(|id| UserId(id.clone())).collect();
    mirror::touch(tx, context.tenant, &stale, context.now).await
}

/// Merges the rest of a page, after all memberships of users: the groups, and which are in which. Rebuilds the closure if that changes it,
/// and marks the affected members of those groups for a new projection.
pub(crate) async fn nest(
    tx: &mut Transaction,
    context: &Context<'_>,
    closure: &Closure,
    referenced: Option<&BTreeSet<GroupId>>,
    page: GroupPage,
) -> Result<Option<Closure>, Error> {
    membership::upsert_groups(tx, context, &page.groups, &page.reported).await?;
    if context.of.full_beside().is_some_and(|phase| !phase.is_removed()) {
        reported::add(tx, context.tenant, context.now, page.groups.keys().map(|group| (group, ""))).await?;
    }
    note_members(tx, context, &page.nestings).await?;
    merge_members(tx, context, &page.nestings).await?;
    let former_users: Vec<UserId> = page.nestings.iter().map(|(_, id, _)| UserId(id.clone())).collect();
    // What is a group now may have been a user, as far as the mirror knew, and the other way round.
    mirror::touch(tx, context.tenant, &former_users, context.now).await?;
    match referenced {
        Some(referenced) if !page.nestings.is_empty() => renest(tx, context, closure, referenced).await.map(Some),
        Some(_) | None => Ok(None),
    }
}

async fn merge_members(tx: &mut Transaction, context: &Context<'_>, entries: &[MemberEntry]) -> Result<(), Error> {
    for entries in entries.chunks(CHUNK) {
        let joined: Vec<_> = entries.iter().filter_map(|(group, id, kind)| Some((group, id.as_str(), (*kind)?))).collect();
        let left: Vec<_> = entries.iter().filter(|(_, _, kind)| kind.is_none()).map(|(group, id, _)| (group, id.as_str())).collect();
        membership::join(tx, context, &joined).await?;
        membership::leave(tx, context.tenant, &left).await?;
    }
    Ok(())
}

/// Rebuilds the closure after groups were nested or unnested, and marks the affected users for a new projection.
pub(crate) async fn renest(
    tx: &mut Transaction,
    context: &Context<'_>,
    closure: &Closure,
    referenced: &BTreeSet<GroupId>,
) -> Result<Closure, Error> {
    let fresh = Closure::new(referenced, &membership::nestings(tx, context.tenant).await?);
    pending::add(tx, context.tenant, fresh.differing_from(closure).into_iter().map(Work::Project)).await?;
    Ok(fresh)
}

/// Merges what a cycle reports of users: attribute by attribute, since it mentions only what changed. It is staged as well, where a full
/// read that is under way may show the users later or has shown them. Returns their ids, and when the users that the mirror did not know
/// were created.
pub(crate) async fn users(
    tx: &mut Transaction,
    context: &Context<'_>,
    changes: Vec<UserChange>,
) -> Result<(BTreeSet<UserId>, Vec<Timestamp>), Error> {
    let mentioned: BTreeSet<UserId> = changes.iter().map(id).cloned().collect();
    let ids: Vec<UserId> = mentioned.iter().cloned().collect();
    let mut known = load(tx, context, &ids).await?;
    let deleted: BTreeSet<UserId> = known.values().filter(|user| user.gone.is_some()).map(|user| user.id.clone()).collect();
    let mut staged = staging::load(tx, context.tenant, context.full_cycle, &ids).await?;
    if context.of.full_beside().is_some_and(|phase| phase.is_reading()) {
        for id in &ids {
            staged.entry(id.clone()).or_default();
        }
    }
    for change in changes {
        if let Some(staged_user) = staged.get_mut(id(&change)) {
            match context.selected(change.clone()) {
                UserChange::Changed { attributes, .. } => staged_user.report(attributes),
                UserChange::Gone { how, .. } => staged_user.report_gone(how),
            }
        }
        merge(&mut known, context, change);
    }
    let restored: Vec<UserId> = deleted.into_iter().filter(|id| known.get(id).is_some_and(|user| user.gone.is_none())).collect();
    membership::retain(tx, context, &restored).await?;
    save(tx, context, known.values().cloned().collect()).await?;
    staging::save(tx, context.tenant, context.full_cycle, &staged).await?;
    if context.of.full_beside().is_some() {
        reported::add_users(tx, context.tenant, context.now, ids.iter().map(UserId::as_str)).await?;
    }
    let newcomers = known.values().filter(|user| user.version == 0).filter_map(created).collect();
    Ok((mentioned, newcomers))
}

/// Stages the users of a page of a full read. In a tenant's first one, users of which nothing older is known are merged at once.
pub(crate) async fn stage(tx: &mut Transaction, context: &Context<'_>, changes: Vec<UserChange>, is_first: bool) -> Result<(), Error> {
    let ids: Vec<UserId> = changes.iter().map(id).collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let mut known = if is_first { load(tx, context, &ids).await? } else { HashMap::new() };
    let mut staged = staging::load(tx, context.tenant, context.full_cycle, &ids).await?;
    let mut direct: HashSet<UserId> = HashSet::new();
    for change in changes {
        let id = id(&change).clone();
        let is_new = known.get(&id).is_none_or(|user| user.full_cycle == 0 || user.full_cycle == context.full_cycle);
        if is_first && is_new {
            merge(&mut known, context, change);
            direct.insert(id);
        } else {
            let staged_user = staged.entry(id).or_default();
            match context.selected(change) {
                UserChange::Changed { attributes, .. } => staged_user.show(attributes),
                UserChange::Gone { how, .. } => staged_user.show_gone(how),
            }
        }
    }
    save(tx, context, known.into_values().filter(|user| direct.contains(&user.id)).collect()).await?;
    staging::save(tx, context.tenant, context.full_cycle, &staged).await
}

async fn load(tx: &mut Transaction, context: &Context<'_>, ids: &[UserId]) -> Result<HashMap<UserId, Mirrored>, Error> {
    let mut known = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        known.extend(mirror::load(tx, context.tenant, ids).await?);
    }
    Ok(known)
}

async fn save(tx: &mut Transaction, context: &Context<'_>, mut users: Vec<Mirrored>) -> Result<(), Error> {
    // Rows are locked in the order of their keys.
    users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    for users in users.chunks(CHUNK) {
        mirror::save(tx, context.tenant, users).await?;
    }
    Ok(())
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
    match context.selected(change) {
        UserChange::Changed { id, attributes } => {
            let user = known.entry(id.clone()).or_insert_with(|| Mirrored::unknown(id));
            user.full_cycle = context.full_cycle;
            user.body.merge(attributes);
            user.gone = None;
            user.touch(context.now);
        }
        // Also a user who was never here, as far as this mirror knows.
        UserChange::Gone { id, how } => {
            let user = known.entry(id.clone()).or_insert_with(|| Mirrored::unknown(id));
            if user.is_known() {
                user.full_cycle = context.full_cycle;
            }
            user.gone = Some(how);
            user.touch(context.now);
        }
    }
}
