//! The mirror's groups and memberships in the store.

use std::collections::{BTreeMap, HashMap, HashSet};

use xtsync_directory::MemberKind;
use xtsync_domain::fact::GroupState;
use xtsync_domain::{GroupId, TenantName, UserId};
use xtsync_store::{Transaction, params};

use crate::chunk::{CHUNK, WINDOW};
use crate::error::{Error, corrupt};
use crate::last_entries::GroupEntry;
use crate::page::{Context, PageOf};

/// Stores the groups of a page: those that are shown exist, with the name if it is mentioned; one that was gone is back. The state of an
/// unreadable group stays: only [`set_state`] changes it. Of `reported` groups only that they were seen is stored.
pub(crate) async fn upsert_groups(
    tx: &mut Transaction,
    context: &Context<'_>,
    groups: &BTreeMap<GroupId, GroupEntry>,
    reported: &HashSet<GroupId>,
) -> Result<(), Error> {
    const SHOWN: &str = "INSERT INTO group_ (tenant, id, name, state, full_cycle) VALUES {rows} ON CONFLICT (tenant, id) DO UPDATE SET \
        name = COALESCE(excluded.name, group_.name), full_cycle = excluded.full_cycle, \
        state = CASE WHEN group_.state = 1 THEN 0 ELSE group_.state END";
    // A cycle tells of some members only: that is no sight of the others.
    const MENTIONED: &str = "INSERT INTO group_ (tenant, id, name, state, full_cycle) VALUES {rows} ON CONFLICT (tenant, id) DO UPDATE SET \
        name = COALESCE(excluded.name, group_.name), state = CASE WHEN group_.state = 1 THEN 0 ELSE group_.state END";
    // A cycle has reported it since the full read began.
    const SEEN: &str = "INSERT INTO group_ (tenant, id, name, state, full_cycle) VALUES {rows} ON CONFLICT (tenant, id) DO UPDATE SET \
        name = COALESCE(group_.name, excluded.name), full_cycle = excluded.full_cycle";
    const GONE: &str = "UPDATE group_ SET state = 1 WHERE state <> 1 AND (tenant, id) IN (VALUES {rows})";
    let tenant = context.tenant;
    let row =
        |(id, entry): (&GroupId, &GroupEntry)| params![tenant.as_str(), id.as_str(), entry.name.as_deref(), 0_i64, context.full_cycle];
    let (seen, shown): (Vec<_>, Vec<_>) = groups.iter().filter(|(_, entry)| entry.is_shown).partition(|(id, _)| reported.contains(*id));
    tx.insert(if matches!(context.of, PageOf::Full { .. }) { SHOWN } else { MENTIONED }, shown.into_iter().map(row).collect()).await?;
    // The page of a listing is no sight of the group by a full read.
    if matches!(context.of, PageOf::Full { .. }) {
        tx.insert(SEEN, seen.into_iter().map(row).collect()).await?;
    }
    let gone = groups.iter().filter(|(id, entry)| entry.is_gone && !reported.contains(*id));
    let gone = gone.map(|(id, _)| params![tenant.as_str(), id.as_str()]);
    tx.insert(GONE, gone.collect()).await?;
    Ok(())
}

/// Notes whether a group can be read; true when that is news.
pub(crate) async fn set_state(tx: &mut Transaction, tenant: &TenantName, id: &GroupId, state: GroupState) -> Result<bool, Error> {
    const SQL: &str = "UPDATE group_ SET state = $3 WHERE tenant = $1 AND id = $2 AND state <> $3";
    Ok(tx.execute(SQL, params![tenant.as_str(), id.as_str(), number(state)]).await? > 0)
}

/// The states of those of these groups that cannot be read.
pub(crate) async fn states(tx: &mut Transaction, tenant: &TenantName, groups: &[&GroupId]) -> Result<HashMap<GroupId, GroupState>, Error> {
    const SQL: &str = "SELECT id, state FROM group_ WHERE state <> 0 AND (tenant, id) IN (VALUES {rows})";
    let rows = tx.fetch_rows(SQL, groups.iter().map(|id| params![tenant.as_str(), id.as_str()]).collect()).await?;
    rows.iter().map(|row| Ok((row.text("id")?.into(), state(row.int("state")?)?))).collect()
}

/// Adds members to groups; each member of a group may occur once.
pub(crate) async fn join(tx: &mut Transaction, context: &Context<'_>, members: &[(&GroupId, &str, MemberKind)]) -> Result<(), Error> {
    const REPORTED: &str = "INSERT INTO member (tenant, group_id, child_id, child_kind, full_cycle, seen_at, unreported) VALUES {rows} \
        ON CONFLICT (tenant, group_id, child_id) DO UPDATE SET child_kind = excluded.child_kind, full_cycle = excluded.full_cycle, \
        seen_at = excluded.seen_at, unreported = 0";
    const LISTED: &str = "INSERT INTO member (tenant, group_id, child_id, child_kind, full_cycle, seen_at, unreported) VALUES {rows} \
        ON CONFLICT (tenant, group_id, child_id) DO UPDATE SET child_kind = excluded.child_kind, seen_at = excluded.seen_at";
    let (sql, seen_at, unreported) = match context.of {
        PageOf::Cycle { .. } | PageOf::Full { .. } => (REPORTED, context.now, 0),
        PageOf::Listing { began, cycle } => (LISTED, began, cycle.max(1)),
    };
    let row = |(group, id, kind): &(&GroupId, &str, MemberKind)| {
        let kind = match kind {
            MemberKind::User => 0_i64,
            MemberKind::Group => 1,
        };
        params![context.tenant.as_str(), group.as_str(), *id, kind, context.full_cycle, seen_at, unreported]
    };
    tx.insert(sql, members.iter().map(row).collect()).await?;
    Ok(())
}

/// Notes that users are members of their groups as before: restored users, which a full read or a listing under way may have omitted, since
/// neither a deletion nor a restoration is a change of a group.
pub(crate) async fn retain(tx: &mut Transaction, context: &Context<'_>, users: &[UserId]) -> Result<(), Error> {
    const SQL: &str = "WITH restored (tenant, id, full_cycle, now) AS (VALUES {rows}) UPDATE member \
        SET full_cycle = restored.full_cycle, seen_at = restored.now FROM restored \
        WHERE member.tenant = restored.tenant AND member.child_id = restored.id";
    let row = |id: &UserId| params![context.tenant.as_str(), id.as_str(), context.full_cycle, context.now];
    tx.insert(SQL, users.iter().map(row).collect()).await?;
    Ok(())
}

/// Takes members out of groups; true when a group was among them.
pub(crate) async fn leave(tx: &mut Transaction, tenant: &TenantName, members: &[(&GroupId, &str)]) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM member WHERE (tenant, group_id, child_id) IN (VALUES {rows}) RETURNING child_kind";
    let rows = members.iter().map(|(group, id)| params![tenant.as_str(), group.as_str(), *id]);
    let mut group_left = false;
    for row in tx.fetch_rows(SQL, rows.collect()).await? {
        group_left |= row.int("child_kind")? == 1;
    }
    Ok(group_left)
}

/// Which of these members, as the mirror has them, are groups.
pub(crate) async fn nested_among(
    tx: &mut Transaction,
    tenant: &TenantName,
    members: &[(&GroupId, &str)],
) -> Result<HashSet<(GroupId, String)>, Error> {
    const SQL: &str = "SELECT group_id, child_id FROM member WHERE child_kind = 1 AND (tenant, group_id, child_id) IN (VALUES {rows})";
    let mut nested = HashSet::new();
    for some in members.chunks(CHUNK) {
        let rows = some.iter().map(|(group, id)| params![tenant.as_str(), group.as_str(), *id]);
        for row in tx.fetch_rows(SQL, rows.collect()).await? {
            nested.insert((row.text("group_id")?.into(), row.text("child_id")?));
        }
    }
    Ok(nested)
}

/// Which of these memberships the mirror has.
pub(crate) async fn known_among(
    tx: &mut Transaction,
    tenant: &TenantName,
    members: &[(&GroupId, &str)],
) -> Result<HashSet<(GroupId, String)>, Error> {
    const SQL: &str = "SELECT group_id, child_id FROM member WHERE (tenant, group_id, child_id) IN (VALUES {rows})";
    let mut known = HashSet::new();
    for some in members.chunks(CHUNK) {
        let rows = some.iter().map(|(group, id)| params![tenant.as_str(), group.as_str(), *id]);
        for row in tx.fetch_rows(SQL, rows.collect()).await? {
            known.insert((row.text("group_id")?.into(), row.text("child_id")?));
        }
    }
    Ok(known)
}

/// Every nesting of one group in another.
pub(crate) async fn nestings(tx: &mut Transaction, tenant: &TenantName) -> Result<Vec<(GroupId, GroupId)>, Error> {
    const SQL: &str = "SELECT group_id, child_id FROM member WHERE tenant = $1 AND child_kind = 1 AND (group_id, child_id) > ($2, $3) \
        ORDER BY group_id, child_id LIMIT $4";
    let mut nestings: Vec<(GroupId, GroupId)> = Vec::new();
    loop {
        let (group, child) = nestings.last().map_or(("", ""), |(group, child)| (group.as_str(), child.as_str()));
        let rows = tx.fetch(SQL, params![tenant.as_str(), group, child, WINDOW as u64]).await?;
        for row in &rows {
            nestings.push((row.text("group_id")?.into(), row.text("child_id")?.into()));
        }
        if rows.len() < WINDOW {
            return Ok(nestings);
        }
    }
}

/// The groups that users are direct members of.
pub(crate) async fn groups_of(tx: &mut Transaction, tenant: &TenantName, users: &[UserId]) -> Result<HashMap<UserId, Vec<GroupId>>, Error> {
    const SQL: &str = "SELECT child_id, group_id FROM member WHERE (tenant, child_id) IN (VALUES {rows})";
    let rows = tx.fetch_rows(SQL, users.iter().map(|id| params![tenant.as_str(), id.as_str()]).collect()).await?;
    let mut groups: HashMap<UserId, Vec<GroupId>> = HashMap::new();
    for row in &rows {
        groups.entry(row.text("child_id")?.into()).or_default().push(row.text("group_id")?.into());
    }
    Ok(groups)
}

/// Whether the mirror has any direct member of a group.
pub(crate) async fn has_members(tx: &mut Transaction, tenant: &TenantName, group: &GroupId) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM member WHERE tenant = $1 AND group_id = $2 LIMIT 1";
    Ok(tx.fetch_one_opt(SQL, params![tenant.as_str(), group.as_str()]).await?.is_some())
}

/// The groups of which only a listing has shown some member, each with how many cycles were complete when the first of these was shown.
pub(crate) async fn unreported(tx: &mut Transaction, tenant: &TenantName) -> Result<BTreeMap<GroupId, u64>, Error> {
    const SQL: &str = "SELECT group_id, MIN(unreported) AS since FROM member WHERE tenant = $1 AND unreported > 0 GROUP BY group_id";
    let rows = tx.fetch(SQL, params![tenant.as_str()]).await?;
    rows.iter().map(|row| Ok((row.text("group_id")?.into(), row.uint("since")?))).collect()
}

/// Some direct members of a group that are users, after `after`; a chunk of them if there are so many.
pub(crate) async fn users_in(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, after: &str) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT child_id FROM member WHERE tenant = $1 AND group_id = $2 AND child_kind = 0 AND child_id > $3 \
        ORDER BY child_id LIMIT $4";
    let rows = tx.fetch(SQL, params![tenant.as_str(), group.as_str(), after, CHUNK as u64]).await?;
    rows.iter().map(|row| Ok(row.text("child_id")?.into())).collect()
}

fn number(state: GroupState) -> i64 {
    match state {
        GroupState::Present => 0,
        GroupState::Gone => 1,
        GroupState::Unreadable => 2,
    }
}

fn state(number: i64) -> Result<GroupState, Error> {
    match number {
        0 => Ok(GroupState::Present),
        1 => Ok(GroupState::Gone),
        2 => Ok(GroupState::Unreadable),
        _ => Err(corrupt("a group's state")),
    }
}
