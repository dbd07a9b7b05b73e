//! Does pending work, a chunk at a time.

use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_store::Transaction;

use crate::chunk::{CHUNK, Chunk, Key};
use crate::error::Error;
use crate::pending::{self, Work};
use crate::{membership, mirror, removal_guard, sweep};

/// Does the next chunk of what is pending; none where nothing is.
pub(crate) async fn step(tx: &mut Transaction, tenant: &TenantName, now: Timestamp) -> Result<Option<Chunk>, Error> {
    let Some((work, after)) = pending::next(tx, tenant).await? else { return Ok(None) };
    let chunk = match &work {
        Work::Project(group) => project(tx, tenant, group, &after, now).await?,
        Work::Release(group) => removal_guard::release_some(tx, tenant, group, now).await?,
        Work::SweepUsers(full_cycle) => sweep::users(tx, tenant, *full_cycle, &after, now).await?,
        Work::SweepMembers(full_cycle) => sweep::members(tx, tenant, *full_cycle, &after, now).await?,
        Work::SweepGroups(full_cycle) => sweep::groups(tx, tenant, *full_cycle, &after).await?,
        Work::SweepListed(group) => sweep::listed(tx, tenant, group, &after, now).await?,
    };
    pending::advance(tx, tenant, &work, chunk.done.as_ref()).await?;
    Ok(Some(chunk))
}

/// Has some direct members of a group projected anew.
async fn project(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, after: &Key, now: Timestamp) -> Result<Chunk, Error> {
    let users: Vec<UserId> = membership::users_in(tx, tenant, group, &after.0).await?;
    mirror::touch(tx, tenant, &users, now).await?;
    let last = users.last().filter(|_| users.len() == CHUNK);
    Ok(Chunk { done: last.map(|user| (user.0.clone(), String::new())), ..Chunk::default() })
}
