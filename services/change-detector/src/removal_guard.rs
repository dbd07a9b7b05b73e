//! The retained members in the store: a scope group that lost more than half of its users, and more than ten, in one cycle keeps them as
//! published, until most of them are back or an administrator allows the removal (`BoundedChange`, I-5).
//!
//! The memberships of the mirror are those of the directory. Retained members are in a table of their own, and their number per group in
//! another, because there may be too many to count.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tracing::info;
use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_store::{Transaction, params};

use crate::chunk::{CHUNK, Chunk};
use crate::error::Error;
use crate::mirror;
use crate::pending::{self, Work};

/// The groups that retain members and do not release them yet.
pub(crate) async fn groups(tx: &mut Transaction, tenant: &TenantName) -> Result<BTreeSet<GroupId>, Error> {
    let rows = tx.fetch("SELECT group_id FROM removal_guard WHERE tenant = $1 AND releasing = 0", params![tenant.as_str()]).await?;
    rows.iter().map(|row| Ok(row.text("group_id")?.into())).collect()
}

/// How many memberships these groups retain.
pub(crate) async fn count(tx: &mut Transaction, tenant: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(retained), 0) AS BIGINT) AS users FROM removal_guard WHERE tenant = $1 AND releasing = 0";
    let row = tx.fetch_one_opt(SQL, params![tenant.as_str()]).await?;
    Ok(row.map(|row| row.uint("users")).transpose()?.unwrap_or(0))
}

/// Stores members that groups retain, each with whether the membership was direct.
pub(crate) async fn retain(tx: &mut Transaction, tenant: &TenantName, members: &[(&UserId, &GroupId, bool)]) -> Result<(), Error> {
    const RETAIN: &str = "INSERT INTO retained_member (tenant, user_id, group_id, direct) VALUES {rows} \
        ON CONFLICT (tenant, user_id, group_id) DO NOTHING RETURNING group_id";
    const COUNT: &str = "INSERT INTO removal_guard (tenant, group_id, retained, releasing) VALUES {rows} \
        ON CONFLICT (tenant, group_id) DO UPDATE SET retained = removal_guard.retained + excluded.retained";
    let row = |(user, group, direct): &(&UserId, &GroupId, bool)| params![tenant.as_str(), user.as_str(), group.as_str(), *direct];
    let mut more: BTreeMap<String, u64> = BTreeMap::new();
    for row in tx.fetch_rows(RETAIN, members.iter().map(row).collect()).await? {
        *more.entry(row.text("group_id")?).or_default() += 1;
    }
    tx.insert(COUNT, more.into_iter().map(|(group, count)| params![tenant.as_str(), group, count, 0_i64]).collect()).await?;
    Ok(())
}

/// The groups that retain these users, and whether the memberships were direct.
pub(crate) async fn retaining(
    tx: &mut Transaction,
    tenant: &TenantName,
    users: &[UserId],
) -> Result<HashMap<UserId, Vec<(GroupId, bool)>>, Error> {
    const SQL: &str = "SELECT user_id, group_id, direct FROM retained_member WHERE (tenant, user_id) IN (VALUES {rows})";
    let rows = tx.fetch_rows(SQL, users.iter().map(|id| params![tenant.as_str(), id.as_str()]).collect()).await?;
    let mut retained: HashMap<UserId, Vec<(GroupId, bool)>> = HashMap::new();
    for row in &rows {
        retained.entry(row.text("user_id")?.into()).or_default().push((row.text("group_id")?.into(), row.flag("direct")?));
    }
    Ok(retained)
}

/// A chunk of the users that a group retains, in the order of their ids, after `after`.
pub(crate) async fn retained_by(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, after: &str) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT user_id FROM retained_member WHERE tenant = $1 AND group_id = $2 AND user_id > $3 ORDER BY user_id LIMIT $4";
    let rows = tx.fetch(SQL, params![tenant.as_str(), group.as_str(), after, CHUNK as u64]).await?;
    rows.iter().map(|row| Ok(row.text("user_id")?.into())).collect()
}

/// Begins to release a group's retained members.
pub(crate) async fn release(tx: &mut Transaction, tenant: &TenantName, group: &GroupId) -> Result<(), Error> {
    const SQL: &str = "UPDATE removal_guard SET releasing = 1 WHERE tenant = $1 AND group_id = $2";
    tx.execute(SQL, params![tenant.as_str(), group.as_str()]).await?;
    info!(%tenant, %group, "a group releases its retained members");
    pending::add(tx, tenant, [Work::Release(group.clone())]).await
}

/// Releases a chunk of them: users who are not back are projected without the group.
pub(crate) async fn release_some(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, now: Timestamp) -> Result<Chunk, Error> {
    const RELEASE: &str = "DELETE FROM retained_member WHERE (tenant, user_id, group_id) IN (VALUES {rows})";
    const DONE: &str = "DELETE FROM removal_guard WHERE tenant = $1 AND group_id = $2";
    let users = retained_by(tx, tenant, group, "").await?;
    mirror::touch(tx, tenant, &users, now).await?;
    tx.insert(RELEASE, users.iter().map(|user| params![tenant.as_str(), user.as_str(), group.as_str()]).collect()).await?;
    let done = (users.len() == CHUNK).then(|| (String::new(), String::new()));
    if done.is_none() {
        tx.execute(DONE, params![tenant.as_str(), group.as_str()]).await?;
    }
    Ok(Chunk { done, ..Chunk::default() })
}
