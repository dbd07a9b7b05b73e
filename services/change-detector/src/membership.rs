//! The mirror's groups and memberships in the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use xtsync_directory::MemberKind;
use xtsync_domain::fact::GroupState;
use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_platform::params;
use xtsync_platform::store::Transaction;

use crate::error::{Error, corrupt};
use crate::last_word::Word;

/// Notes what was said of groups: those that were shown are there, and called so if that was mentioned; one that was gone is back. That a
/// group cannot be read stays: only [`set_state`] lifts it.
pub(crate) async fn show_groups(
    tx: &mut Transaction,
    tenant: &TenantName,
    groups: &BTreeMap<GroupId, Word>,
    generation: u64,
) -> Result<(), Error> {
    const SHOWN: &str = "INSERT INTO group_ (tenant, id, name, state, generation) VALUES {rows} ON CONFLICT (tenant, id) DO UPDATE SET \
        name = COALESCE(excluded.name, group_.name), generation = excluded.generation, \
        state = CASE WHEN group_.state = 1 THEN 0 ELSE group_.state END";
    const GONE: &str = "UPDATE group_ SET state = 1 WHERE state <> 1 AND (tenant, id) IN (VALUES {rows})";
    let shown = groups.iter().filter(|(_, word)| word.is_shown);
    let shown = shown.map(|(id, word)| params![tenant.as_str(), id.as_str(), word.name.as_deref(), 0_i64, generation]);
    tx.insert(SHOWN, shown.collect()).await?;
    let gone = groups.iter().filter(|(_, word)| word.is_gone).map(|(id, _)| params![tenant.as_str(), id.as_str()]);
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
    rows.iter().map(|row| Ok((row.text(0)?.into(), state(row.int(1)?)?))).collect()
}

/// Adds members to groups; each may stand once.
pub(crate) async fn join(
    tx: &mut Transaction,
    tenant: &TenantName,
    members: &[(GroupId, String, MemberKind)],
    generation: u64,
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO member (tenant, group_id, child_id, child_kind, generation) VALUES {rows} \
        ON CONFLICT (tenant, group_id, child_id) DO UPDATE SET child_kind = excluded.child_kind, generation = excluded.generation";
    let row = |(group, id, kind): &(GroupId, String, MemberKind)| {
        let kind = match kind {
            MemberKind::User => 0_i64,
            MemberKind::Group => 1,
        };
        params![tenant.as_str(), group.as_str(), id.as_str(), kind, generation]
    };
    tx.insert(SQL, members.iter().map(row).collect()).await?;
    Ok(())
}

/// Takes members out of groups; true when a group was among them.
pub(crate) async fn leave(tx: &mut Transaction, tenant: &TenantName, members: &[(GroupId, String)]) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM member WHERE (tenant, group_id, child_id) IN (VALUES {rows}) RETURNING child_kind";
    let rows = members.iter().map(|(group, id)| params![tenant.as_str(), group.as_str(), id.as_str()]);
    let mut group_left = false;
    for row in tx.fetch_rows(SQL, rows.collect()).await? {
        group_left |= row.int(0)? == 1;
    }
    Ok(group_left)
}

/// Every nesting of one group in another.
pub(crate) async fn nestings(tx: &mut Transaction, tenant: &TenantName) -> Result<Vec<(GroupId, GroupId)>, Error> {
    let rows = tx.fetch("SELECT group_id, child_id FROM member WHERE tenant = $1 AND child_kind = 1", params![tenant.as_str()]).await?;
    rows.iter().map(|row| Ok((row.text(0)?.into(), row.text(1)?.into()))).collect()
}

/// The groups that users are direct members of.
pub(crate) async fn groups_of(tx: &mut Transaction, tenant: &TenantName, users: &[UserId]) -> Result<HashMap<UserId, Vec<GroupId>>, Error> {
    const SQL: &str = "SELECT child_id, group_id FROM member WHERE (tenant, child_id) IN (VALUES {rows})";
    let rows = tx.fetch_rows(SQL, users.iter().map(|id| params![tenant.as_str(), id.as_str()]).collect()).await?;
    let mut groups: HashMap<UserId, Vec<GroupId>> = HashMap::new();
    for row in &rows {
        groups.entry(row.text(0)?.into()).or_default().push(row.text(1)?.into());
    }
    Ok(groups)
}

/// How many people who are here are in a group; with those in the groups in it, if they count.
pub(crate) async fn people(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, nested: bool) -> Result<u64, Error> {
    const SQL: &str = "WITH RECURSIVE below (id) AS (SELECT CAST($2 AS TEXT) UNION SELECT member.child_id FROM member \
        JOIN below ON member.group_id = below.id WHERE member.tenant = $1 AND member.child_kind = $3) \
        SELECT COUNT(DISTINCT member.child_id) FROM member JOIN below ON member.group_id = below.id \
        JOIN user_ ON user_.tenant = member.tenant AND user_.id = member.child_id AND user_.gone = 0 \
        WHERE member.tenant = $1 AND member.child_kind = 0";
    // No membership has a negative kind, so nothing is below the group where nesting does not count.
    let kind = if nested { 1_i64 } else { -1 };
    let row = tx.fetch_one_opt(SQL, params![tenant.as_str(), group.as_str(), kind]).await?;
    Ok(row.map(|row| row.uint(0)).transpose()?.unwrap_or(0))
}

/// Marks every direct user member of these groups as possibly stale.
pub(crate) async fn touch_members(
    tx: &mut Transaction,
    tenant: &TenantName,
    groups: &BTreeSet<GroupId>,
    now: Timestamp,
) -> Result<(), Error> {
    for group in groups {
        tx.execute(
            "UPDATE user_ SET first_seen = CASE WHEN dirty = 1 THEN first_seen ELSE $3 END, dirty = 1 WHERE tenant = $1 \
             AND id IN (SELECT child_id FROM member WHERE tenant = $1 AND group_id = $2 AND child_kind = 0)",
            params![tenant.as_str(), group.as_str(), now],
        )
        .await?;
    }
    Ok(())
}

/// After a complete reading: takes out memberships it has not seen of groups it has seen, marks whom that concerns, and notes groups
/// it has not seen as gone, which freezes their memberships.
pub(crate) async fn sweep(tx: &mut Transaction, tenant: &TenantName, generation: u64, now: Timestamp) -> Result<(), Error> {
    const TOUCH: &str = "UPDATE user_ SET first_seen = CASE WHEN dirty = 1 THEN first_seen ELSE $3 END, dirty = 1 WHERE tenant = $1 \
        AND id IN (SELECT child_id FROM member WHERE tenant = $1 AND generation < $2 AND child_kind = 0 AND group_id IN \
        (SELECT id FROM group_ WHERE tenant = $1 AND generation = $2 AND state = 0))";
    const DELETE: &str = "DELETE FROM member WHERE tenant = $1 AND generation < $2 AND group_id IN \
        (SELECT id FROM group_ WHERE tenant = $1 AND generation = $2 AND state = 0)";
    const FREEZE: &str = "UPDATE group_ SET state = 1 WHERE tenant = $1 AND generation < $2 AND state = 0";
    tx.execute(TOUCH, params![tenant.as_str(), generation, now]).await?;
    tx.execute(DELETE, params![tenant.as_str(), generation]).await?;
    tx.execute(FREEZE, params![tenant.as_str(), generation]).await?;
    Ok(())
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
