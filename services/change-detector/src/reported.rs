//! Groups and members that cycles have reported beside the full read under way, in the store.
//!
//! A page of a full read may be older than what a cycle has reported since the full read began, and a deletion leaves no row in the mirror
//! that would say so.

use std::collections::HashSet;

use xtsync_domain::{GroupId, TenantName};
use xtsync_store::{Transaction, params};

use crate::error::Error;
use crate::mirror::CHUNK;

/// Notes what a cycle has reported: members of groups, and groups themselves with an empty member.
pub(crate) async fn add<'a>(
    tx: &mut Transaction,
    tenant: &TenantName,
    full_cycle: u64,
    keys: impl Iterator<Item = (&'a GroupId, &'a str)>,
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO reported (tenant, group_id, child_id, full_cycle) VALUES {rows} \
        ON CONFLICT (tenant, group_id, child_id) DO UPDATE SET full_cycle = excluded.full_cycle";
    tx.insert(SQL, keys.map(|(group, child)| params![tenant.as_str(), group.as_str(), child, full_cycle]).collect()).await?;
    Ok(())
}

/// Which of these groups cycles have reported beside this full read.
pub(crate) async fn groups(
    tx: &mut Transaction,
    tenant: &TenantName,
    full_cycle: u64,
    groups: impl Iterator<Item = &GroupId>,
) -> Result<HashSet<GroupId>, Error> {
    let keys: Vec<(&GroupId, &str)> = groups.map(|group| (group, "")).collect();
    Ok(among(tx, tenant, full_cycle, &keys).await?.into_iter().map(|(group, _)| group).collect())
}

/// Which of these members cycles have reported beside this full read.
pub(crate) async fn members(
    tx: &mut Transaction,
    tenant: &TenantName,
    full_cycle: u64,
    members: impl Iterator<Item = &(GroupId, String)>,
) -> Result<HashSet<(GroupId, String)>, Error> {
    let keys: Vec<(&GroupId, &str)> = members.map(|(group, child)| (group, child.as_str())).collect();
    among(tx, tenant, full_cycle, &keys).await
}

async fn among(
    tx: &mut Transaction,
    tenant: &TenantName,
    full_cycle: u64,
    keys: &[(&GroupId, &str)],
) -> Result<HashSet<(GroupId, String)>, Error> {
    const SQL: &str = "SELECT group_id, child_id FROM reported WHERE (tenant, group_id, child_id, full_cycle) IN (VALUES {rows})";
    let mut found = HashSet::new();
    for some in keys.chunks(CHUNK) {
        let rows = some.iter().map(|(group, child)| params![tenant.as_str(), group.as_str(), *child, full_cycle]);
        for row in tx.fetch_rows(SQL, rows.collect()).await? {
            found.insert((row.text(0)?.into(), row.text(1)?));
        }
    }
    Ok(found)
}

/// Deletes a chunk, also of full reads that were dropped. Returns the number of rows.
pub(crate) async fn clear(tx: &mut Transaction, tenant: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM reported WHERE tenant = $1 AND (group_id, child_id) IN \
        (SELECT group_id, child_id FROM reported WHERE tenant = $1 ORDER BY group_id, child_id LIMIT $2)";
    Ok(tx.execute(SQL, params![tenant.as_str(), CHUNK as u64]).await?)
}
