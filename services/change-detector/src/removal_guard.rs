//! The members that groups of scopes retain in the store: a group that lost more than half of its users, and more than ten, in one cycle
//! keeps them as published, until most of them are back or an administrator lets them go (`BoundedChange`, I-5).
//!
//! The mirror's memberships are the directory's own; what a group retains stands beside them, and how many per group, since they may be
//! very many.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tracing::info;
use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_store::{Transaction, params};

use crate::error::Error;
use crate::mirror::{self, CHUNK};
use crate::pending::{self, Chunk, Work};

/// The groups that retain members.
pub(crate) async fn groups(tx: &mut Transaction, tenant: &TenantName) -> Result<BTreeSet<GroupId>, Error> {
    let rows = tx.fetch("SELECT group_id FROM removal_guard WHERE tenant = $1 AND releasing = 0", params![tenant.as_str()]).await?;
    rows.iter().map(|row| Ok(row.text("group_id")?.into())).collect()
}

/// How many memberships are retained.
pub(crate) async fn count(tx: &mut Transaction, tenant: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(retained), 0) AS BIGINT) AS users FROM removal_guard WHERE tenant = $1 AND releasing = 0";
    let row = tx.fetch_one_opt(SQL, params![tenant.as_str()]).await?;
    Ok(row.map(|row| row.uint("users")).transpose()?.unwrap_or(0))
}

/// Has groups retain some members, each with whether the membership was direct.
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

/// Some of the users that a group retains, after `after`; a chunk of them if there are so many.
pub(crate) async fn retained_by(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, after: &str) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT user_id FROM retained_member WHERE tenant = $1 AND group_id = $2 AND user_id > $3 ORDER BY user_id LIMIT $4";
    let rows = tx.fetch(SQL, params![tenant.as_str(), group.as_str(), after, CHUNK as u64]).await?;
    rows.iter().map(|row| Ok(row.text("user_id")?.into())).collect()
}

/// Begins to let a group's retained members go.
pub(crate) async fn release(tx: &mut Transaction, tenant: &TenantName, group: &GroupId) -> Result<(), Error> {
    const SQL: &str = "UPDATE removal_guard SET releasing = 1 WHERE tenant = $1 AND group_id = $2";
    tx.execute(SQL, params![tenant.as_str(), group.as_str()]).await?;
    info!(%tenant, %group, "the members that a group retained are let go");
    pending::add(tx, tenant, [Work::Release(group.clone())]).await
}

/// Releases some of them: a user that is not back is projected without the group.
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
