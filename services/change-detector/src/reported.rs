//! Groups, members and users that cycles have reported beside a full read or a listing under way, in the store.
//!
//! A page of either may be older than what a cycle has reported since it began, and a deletion leaves no row in the mirror that would say so.
//! A user that no cycle has reported and that a comparison finds changed is one that the delta query has lost.

use std::collections::HashSet;

use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_store::{Transaction, params};

use crate::chunk::CHUNK;
use crate::error::Error;

/// Notes what a cycle has reported: members of groups, and groups themselves with an empty member.
pub(crate) async fn add<'a>(
    tx: &mut Transaction,
    tenant: &TenantName,
    at: Timestamp,
    keys: impl Iterator<Item = (&'a GroupId, &'a str)>,
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO reported (tenant, group_id, child_id, at) VALUES {rows} \
        ON CONFLICT (tenant, group_id, child_id) DO UPDATE SET at = excluded.at";
    tx.insert(SQL, keys.map(|(group, child)| params![tenant.as_str(), group.as_str(), child, at]).collect()).await?;
    Ok(())
}

/// Notes users that a cycle has reported, or some membership of theirs.
pub(crate) async fn add_users<'a>(
    tx: &mut Transaction,
    tenant: &TenantName,
    at: Timestamp,
    users: impl Iterator<Item = &'a str>,
) -> Result<(), Error> {
    let no_group = GroupId::from("");
    add(tx, tenant, at, users.map(|user| (&no_group, user))).await
}

/// Which of these users cycles have reported since then.
pub(crate) async fn users(tx: &mut Transaction, tenant: &TenantName, since: Timestamp, users: &[UserId]) -> Result<HashSet<UserId>, Error> {
    let no_group = GroupId::from("");
    let keys: Vec<(&GroupId, &str)> = users.iter().map(|user| (&no_group, user.as_str())).collect();
    Ok(among(tx, tenant, since, &keys).await?.into_iter().map(|(_, user)| UserId(user)).collect())
}

/// Which of these groups cycles have reported since then.
pub(crate) async fn groups(
    tx: &mut Transaction,
    tenant: &TenantName,
    since: Timestamp,
    groups: impl Iterator<Item = &GroupId>,
) -> Result<HashSet<GroupId>, Error> {
    let keys: Vec<(&GroupId, &str)> = groups.map(|group| (group, "")).collect();
    Ok(among(tx, tenant, since, &keys).await?.into_iter().map(|(group, _)| group).collect())
}

/// Which of these members cycles have reported since then.
pub(crate) async fn members(
    tx: &mut Transaction,
    tenant: &TenantName,
    since: Timestamp,
    members: impl Iterator<Item = &(GroupId, String)>,
) -> Result<HashSet<(GroupId, String)>, Error> {
    let keys: Vec<(&GroupId, &str)> = members.map(|(group, child)| (group, child.as_str())).collect();
    among(tx, tenant, since, &keys).await
}

async fn among(
    tx: &mut Transaction,
    tenant: &TenantName,
    since: Timestamp,
    keys: &[(&GroupId, &str)],
) -> Result<HashSet<(GroupId, String)>, Error> {
    const SQL: &str = "SELECT group_id, child_id, at FROM reported WHERE (tenant, group_id, child_id) IN (VALUES {rows})";
    let mut found = HashSet::new();
    for some in keys.chunks(CHUNK) {
        let rows = some.iter().map(|(group, child)| params![tenant.as_str(), group.as_str(), *child]);
        for row in tx.fetch_rows(SQL, rows.collect()).await? {
            if row.int("at")? >= since.0 {
                found.insert((row.text("group_id")?.into(), row.text("child_id")?));
            }
        }
    }
    Ok(found)
}

/// Deletes a chunk of what was reported before then. Returns the number of rows.
pub(crate) async fn clear(tx: &mut Transaction, tenant: &TenantName, before: Timestamp) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM reported WHERE tenant = $1 AND (group_id, child_id) IN \
        (SELECT group_id, child_id FROM reported WHERE tenant = $1 AND at < $2 ORDER BY group_id, child_id LIMIT $3)";
    Ok(tx.execute(SQL, params![tenant.as_str(), before, CHUNK as u64]).await?)
}
