//! Work on more rows than one transaction takes, such as on all members of a group: noted in the store with what calls for it, then done
//! a chunk at a time, each chunk with the place where the next one begins.
//!
//! So a statement's limit of time does not depend on the size of a tenant, other work goes on between the chunks, and a successor goes on
//! where a killed process stopped. Projection waits until nothing is pending: before, it is not known what a cycle changes.

use tracing::info;
use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_store::{Row, Transaction, params};

use crate::error::{Error, corrupt};
use crate::mirror::{self, CHUNK};
use crate::{membership, removal_guard, sweep};

/// How many rows are looked at in one statement at most, where few of them may be concerned.
pub(crate) const WINDOW: usize = 5_000;

/// Work on many rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// The direct members of this group are to be projected anew: it counts for other groups now.
    Project(GroupId),
    /// The members that this group retains are taken out of it.
    Release(GroupId),
    /// Users that the full read of this generation has not shown are gone.
    SweepUsers(u64),
    /// Members that it has not shown, of groups that it has, are in them no more.
    SweepMembers(u64),
    /// Groups that it has not shown are gone.
    SweepGroups(u64),
    /// Members of this group that its last two complete listings have not shown are in it no more.
    SweepListed(GroupId),
}

/// The key of a row; empty before the first.
pub(crate) type Key = (String, String);

/// What a chunk came to.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The last row that is done; none where that was the last one.
    pub(crate) done: Option<Key>,
    /// Whether a group was taken out of a group.
    pub(crate) unnested: bool,
    /// A group with members that its last listing has not shown, and the one before it has.
    pub(crate) unshown: Option<GroupId>,
}

impl Work {
    fn columns(&self) -> (i64, &str, u64) {
        match self {
            Self::Project(group) => (0, group.as_str(), 0),
            Self::Release(group) => (1, group.as_str(), 0),
            Self::SweepUsers(full_cycle) => (2, "", *full_cycle),
            Self::SweepMembers(full_cycle) => (3, "", *full_cycle),
            Self::SweepGroups(full_cycle) => (4, "", *full_cycle),
            Self::SweepListed(group) => (5, group.as_str(), 0),
        }
    }

    fn of(row: &Row) -> Result<Self, Error> {
        let (group, full_cycle) = (|| row.text("subject").map(GroupId), row.uint("full_cycle")?);
        match row.int("work")? {
            0 => Ok(Self::Project(group()?)),
            1 => Ok(Self::Release(group()?)),
            2 => Ok(Self::SweepUsers(full_cycle)),
            3 => Ok(Self::SweepMembers(full_cycle)),
            4 => Ok(Self::SweepGroups(full_cycle)),
            5 => Ok(Self::SweepListed(group()?)),
            _ => Err(corrupt("pending work")),
        }
    }
}

/// Notes work to do. What is noted already begins anew.
pub(crate) async fn add(tx: &mut Transaction, tenant: &TenantName, work: impl IntoIterator<Item = Work>) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO pending (tenant, work, subject, full_cycle, key_1, key_2) VALUES {rows} \
        ON CONFLICT (tenant, work, subject) DO UPDATE SET full_cycle = excluded.full_cycle, key_1 = '', key_2 = ''";
    let row = |work: Work| {
        let (kind, subject, full_cycle) = work.columns();
        params![tenant.as_str(), kind, subject, full_cycle, "", ""]
    };
    tx.insert(SQL, work.into_iter().map(row).collect()).await?;
    Ok(())
}

/// Does the next chunk of what is pending; none where nothing is.
pub(crate) async fn step(tx: &mut Transaction, tenant: &TenantName, now: Timestamp) -> Result<Option<Chunk>, Error> {
    const NEXT: &str = "SELECT work, subject, full_cycle, key_1, key_2 FROM pending WHERE tenant = $1 ORDER BY work, subject LIMIT 1";
    const ADVANCE: &str = "UPDATE pending SET key_1 = $4, key_2 = $5 WHERE tenant = $1 AND work = $2 AND subject = $3";
    const DONE: &str = "DELETE FROM pending WHERE tenant = $1 AND work = $2 AND subject = $3";
    let Some(row) = tx.fetch_one_opt(NEXT, params![tenant.as_str()]).await? else { return Ok(None) };
    let (work, after) = (Work::of(&row)?, (row.text("key_1")?, row.text("key_2")?));
    let chunk = match &work {
        Work::Project(group) => project(tx, tenant, group, &after, now).await?,
        Work::Release(group) => removal_guard::release_some(tx, tenant, group, now).await?,
        Work::SweepUsers(full_cycle) => sweep::users(tx, tenant, *full_cycle, &after, now).await?,
        Work::SweepMembers(full_cycle) => sweep::members(tx, tenant, *full_cycle, &after, now).await?,
        Work::SweepGroups(full_cycle) => sweep::groups(tx, tenant, *full_cycle, &after).await?,
        Work::SweepListed(group) => sweep::listed(tx, tenant, group, &after, now).await?,
    };
    let (kind, subject, _) = work.columns();
    match &chunk.done {
        Some((first, second)) => {
            tx.execute(ADVANCE, params![tenant.as_str(), kind, subject, first.as_str(), second.as_str()]).await?;
        }
        None => {
            tx.execute(DONE, params![tenant.as_str(), kind, subject]).await?;
            info!(%tenant, ?work, "pending work is done");
        }
    }
    Ok(Some(chunk))
}

/// Has some direct members of a group projected anew.
async fn project(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, after: &Key, now: Timestamp) -> Result<Chunk, Error> {
    let users: Vec<UserId> = membership::users_in(tx, tenant, group, &after.0).await?;
    mirror::touch(tx, tenant, &users, now).await?;
    let last = users.last().filter(|_| users.len() == CHUNK);
    Ok(Chunk { done: last.map(|user| (user.0.clone(), String::new())), ..Chunk::default() })
}
