//! Work on more rows than one transaction takes, such as on all members of a group: noted in the store with what calls for it, then done
//! a chunk at a time (`perform.rs`), each chunk with the place where the next one begins.
//!
//! So a statement's limit of time does not depend on the size of a tenant, other work goes on between the chunks, and a successor goes on
//! where a killed process stopped. Projection waits until nothing is pending: before, it is not known what a cycle changes.

use tracing::info;
use xtsync_domain::{GroupId, TenantName};
use xtsync_store::{Row, Transaction, params};

use crate::chunk::Key;
use crate::error::{Error, corrupt};

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

/// The next work to do, and the last row that is done with it; none where nothing is pending.
pub(crate) async fn next(tx: &mut Transaction, tenant: &TenantName) -> Result<Option<(Work, Key)>, Error> {
    const NEXT: &str = "SELECT work, subject, full_cycle, key_1, key_2 FROM pending WHERE tenant = $1 ORDER BY work, subject LIMIT 1";
    let Some(row) = tx.fetch_one_opt(NEXT, params![tenant.as_str()]).await? else { return Ok(None) };
    Ok(Some((Work::of(&row)?, (row.text("key_1")?, row.text("key_2")?))))
}

/// Notes how far a work is done: to this row, or wholly.
pub(crate) async fn advance(tx: &mut Transaction, tenant: &TenantName, work: &Work, done: Option<&Key>) -> Result<(), Error> {
    const ADVANCE: &str = "UPDATE pending SET key_1 = $4, key_2 = $5 WHERE tenant = $1 AND work = $2 AND subject = $3";
    const DONE: &str = "DELETE FROM pending WHERE tenant = $1 AND work = $2 AND subject = $3";
    let (kind, subject, _) = work.columns();
    match done {
        Some((first, second)) => {
            tx.execute(ADVANCE, params![tenant.as_str(), kind, subject, first.as_str(), second.as_str()]).await?;
        }
        None => {
            tx.execute(DONE, params![tenant.as_str(), kind, subject]).await?;
            info!(%tenant, ?work, "pending work is done");
        }
    }
    Ok(())
}
