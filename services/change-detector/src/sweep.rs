//! What a full read has not shown: counted, and taken as gone a chunk at a time.

use std::collections::HashSet;

use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_store::{Row, Store, Transaction, params};

use crate::chunk::{CHUNK, Chunk, Key, WINDOW};
use crate::error::{Error, corrupt};
use crate::listing::{self, Complete};
use crate::membership;
use crate::mirror::{self, exceeds_threshold};
use crate::pending::{self, Work};

/// How many users a full read has shown, and how many of those who were here it has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SeenCounts {
    pub(crate) seen: u64,
    pub(crate) unseen: u64,
}

impl SeenCounts {
    /// Whether so many are missing that an operator must look at it.
    pub(crate) fn exceeds_threshold(&self) -> bool {
        exceeds_threshold(self.unseen, self.seen)
    }
}

/// The look at what a full read has shown, a window at a time. Kept in memory: a successor begins anew.
#[derive(Debug, Default)]
pub(crate) struct SeenCounter {
    seen_counts: SeenCounts,
    /// The last user of the mirror that was looked at; and, once all were, the last one that is staged and that the mirror does not know.
    after: String,
    is_mirror_done: bool,
    is_done: bool,
}

impl SeenCounter {
    /// What was seen, once all was looked at.
    pub(crate) fn counts(&self) -> Option<SeenCounts> {
        self.is_done.then_some(self.seen_counts)
    }

    /// Looks at a window.
    pub(crate) async fn step(&mut self, store: &Store, tenant: &TenantName, full_cycle: u64) -> Result<(), Error> {
        const KNOWN: &str = "SELECT MAX(part.id) AS last_id, COUNT(part.id) AS found, \
            CAST(COALESCE(SUM(CASE WHEN staged.id IS NOT NULL THEN CASE WHEN staged.gone = 0 THEN 1 ELSE 0 END \
            WHEN part.gone = 0 AND part.full_cycle = $3 THEN 1 ELSE 0 END), 0) AS BIGINT) AS seen, \
            CAST(COALESCE(SUM(CASE WHEN staged.id IS NULL AND part.gone = 0 AND part.full_cycle < $3 THEN 1 ELSE 0 END), 0) AS BIGINT) AS unseen \
            FROM (SELECT id, gone, full_cycle FROM user_ WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $4) AS part \
            LEFT JOIN staged ON staged.tenant = $1 AND staged.id = part.id AND staged.full_cycle = $3";
        const NEW: &str = "SELECT MAX(part.id) AS last_id, COUNT(part.id) AS found, \
            CAST(COALESCE(SUM(CASE WHEN user_.id IS NULL AND part.gone = 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS seen, CAST(0 AS BIGINT) AS unseen \
            FROM (SELECT id, gone FROM staged WHERE tenant = $1 AND id > $2 AND full_cycle = $3 ORDER BY id LIMIT $4) AS part \
            LEFT JOIN user_ ON user_.tenant = $1 AND user_.id = part.id";
        let sql = if self.is_mirror_done { NEW } else { KNOWN };
        let row = store.fetch_one_opt(sql, params![tenant.as_str(), self.after.as_str(), full_cycle, WINDOW as u64]).await?;
        let row = row.ok_or_else(|| corrupt("a count"))?;
        self.seen_counts.seen += row.uint("seen")?;
        self.seen_counts.unseen += row.uint("unseen")?;
        self.after = row.opt_text("last_id")?.unwrap_or_default();
        if row.uint("found")? < WINDOW as u64 {
            (self.is_done, self.is_mirror_done, self.after) = (self.is_mirror_done, true, String::new());
        }
        Ok(())
    }
}

/// Relies on the full read of a generation: what it has not shown is gone.
pub(crate) async fn begin(tx: &mut Transaction, tenant: &TenantName, full_cycle: u64) -> Result<(), Error> {
    pending::add(tx, tenant, [Work::SweepUsers(full_cycle), Work::SweepMembers(full_cycle), Work::SweepGroups(full_cycle)]).await
}

/// Notes some of the users that were not shown as gone.
pub(crate) async fn users(tx: &mut Transaction, tenant: &TenantName, full_cycle: u64, after: &Key, now: Timestamp) -> Result<Chunk, Error> {
    const SELECT: &str = "SELECT id, CASE WHEN gone = 0 AND full_cycle < $3 THEN 1 ELSE 0 END AS unseen FROM user_ WHERE tenant = $1 AND id > $2 \
        ORDER BY id LIMIT $4";
    const SWEEP: &str = "WITH swept (tenant, id, now) AS (VALUES {rows}) UPDATE user_ SET gone = 2, dirty = 1, \
        first_seen = CASE WHEN dirty = 1 THEN first_seen ELSE swept.now END FROM swept \
        WHERE user_.tenant = swept.tenant AND user_.id = swept.id";
    let rows = tx.fetch(SELECT, params![tenant.as_str(), after.0.as_str(), full_cycle, WINDOW as u64]).await?;
    let (unseen, done) = unseen(&rows, |row| Ok((row.text("id")?, String::new())))?;
    tx.insert(SWEEP, unseen.into_iter().map(|(id, _)| params![tenant.as_str(), id, now]).collect()).await?;
    Ok(Chunk { done, ..Chunk::default() })
}

/// Takes some of the members that were not shown out of groups that were. Members that only a listing shows are left to listings. A deleted
/// user stays a member, as in [`listed`].
pub(crate) async fn members(
    tx: &mut Transaction,
    tenant: &TenantName,
    full_cycle: u64,
    after: &Key,
    now: Timestamp,
) -> Result<Chunk, Error> {
    const SELECT: &str = "SELECT group_id, child_id, CASE WHEN full_cycle < $4 AND unreported = 0 AND NOT EXISTS (SELECT 1 FROM user_ \
        WHERE user_.tenant = $1 AND user_.id = member.child_id AND user_.gone > 0) THEN 1 ELSE 0 END AS unseen FROM member \
        WHERE tenant = $1 AND (group_id, child_id) > ($2, $3) ORDER BY group_id, child_id LIMIT $5";
    const SHOWN: &str = "SELECT id, full_cycle FROM group_ WHERE state = 0 AND (tenant, id) IN (VALUES {rows})";
    let bounds = params![tenant.as_str(), after.0.as_str(), after.1.as_str(), full_cycle, WINDOW as u64];
    let rows = tx.fetch(SELECT, bounds).await?;
    let (unseen, done) = unseen(&rows, |row| Ok((row.text("group_id")?, row.text("child_id")?)))?;
    let mut groups: Vec<&str> = unseen.iter().map(|(group, _)| group.as_str()).collect();
    groups.dedup();
    let mut shown = HashSet::new();
    for row in tx.fetch_rows(SHOWN, groups.into_iter().map(|group| params![tenant.as_str(), group]).collect()).await? {
        if row.uint("full_cycle")? >= full_cycle {
            shown.insert(row.text("id")?);
        }
    }
    let lost: Vec<(GroupId, String)> =
        unseen.into_iter().filter(|(group, _)| shown.contains(group)).map(|(group, child)| (GroupId(group), child)).collect();
    let leaving: Vec<(&GroupId, &str)> = lost.iter().map(|(group, child)| (group, child.as_str())).collect();
    let unnested = membership::leave(tx, tenant, &leaving).await?;
    let users: Vec<UserId> = lost.into_iter().map(|(_, child)| UserId(child)).collect();
    mirror::touch(tx, tenant, &users, now).await?;
    Ok(Chunk { done, unnested, ..Chunk::default() })
}

/// Takes members out of a group that neither of its last two complete listings has shown, and that no cycle has reported since the first of
/// them began. A deleted user stays a member: no listing shows them, and a restoration is no change of the group.
pub(crate) async fn listed(
    tx: &mut Transaction,
    tenant: &TenantName,
    group: &GroupId,
    after: &Key,
    now: Timestamp,
) -> Result<Chunk, Error> {
    const SELECT: &str = "SELECT child_id, CASE WHEN seen_at < $4 AND NOT EXISTS (SELECT 1 FROM user_ WHERE user_.tenant = $1 \
        AND user_.id = member.child_id AND user_.gone > 0) THEN 1 ELSE 0 END AS unseen, CASE WHEN seen_at >= $4 AND seen_at < $5 \
        AND NOT EXISTS (SELECT 1 FROM user_ WHERE user_.tenant = $1 AND user_.id = member.child_id AND user_.gone > 0) THEN 1 ELSE 0 END \
        AS unshown FROM member WHERE tenant = $1 AND group_id = $2 AND child_id > $3 ORDER BY child_id LIMIT $6";
    let Complete { last, former } = listing::completed(tx, tenant, group).await?;
    let rows = tx.fetch(SELECT, params![tenant.as_str(), group.as_str(), after.0.as_str(), former, last, WINDOW as u64]).await?;
    let (unseen, done) = unseen(&rows, |row| Ok((row.text("child_id")?, String::new())))?;
    let mut is_any_unshown = false;
    for row in &rows {
        is_any_unshown |= row.flag("unshown")?;
    }
    let leaving: Vec<(&GroupId, &str)> = unseen.iter().map(|(child, _)| (group, child.as_str())).collect();
    let unnested = membership::leave(tx, tenant, &leaving).await?;
    let users: Vec<UserId> = unseen.iter().map(|(child, _)| UserId(child.clone())).collect();
    mirror::touch(tx, tenant, &users, now).await?;
    Ok(Chunk { done, unnested, unshown: is_any_unshown.then(|| group.clone()) })
}

/// Marks some of the groups as gone that neither the full read nor a cycle beside it has shown, which freezes their memberships.
pub(crate) async fn groups(tx: &mut Transaction, tenant: &TenantName, full_cycle: u64, after: &Key) -> Result<Chunk, Error> {
    const SELECT: &str = "SELECT id, CASE WHEN full_cycle < $3 AND state = 0 AND NOT EXISTS (SELECT 1 FROM reported JOIN tenant \
        ON tenant.name = reported.tenant WHERE reported.tenant = $1 AND reported.group_id = group_.id AND reported.child_id = '' \
        AND reported.at >= tenant.full_cycle_began) THEN 1 ELSE 0 END AS unseen FROM group_ WHERE tenant = $1 AND id > $2 \
        ORDER BY id LIMIT $4";
    const FREEZE: &str = "UPDATE group_ SET state = 1 WHERE (tenant, id) IN (VALUES {rows})";
    let rows = tx.fetch(SELECT, params![tenant.as_str(), after.0.as_str(), full_cycle, WINDOW as u64]).await?;
    let (unseen, done) = unseen(&rows, |row| Ok((row.text("id")?, String::new())))?;
    tx.insert(FREEZE, unseen.into_iter().map(|(id, _)| params![tenant.as_str(), id]).collect()).await?;
    Ok(Chunk { done, ..Chunk::default() })
}

/// Of the rows that were looked at the first that are concerned, as many as a transaction takes; and the last row that is done with them,
/// if there may be more.
fn unseen(rows: &[Row], key: impl Fn(&Row) -> Result<Key, Error>) -> Result<(Vec<Key>, Option<Key>), Error> {
    let mut unseen = Vec::new();
    for row in rows {
        if row.flag("unseen")? {
            unseen.push(key(row)?);
        }
        if unseen.len() == CHUNK {
            return Ok((unseen, Some(key(row)?)));
        }
    }
    let last = rows.last().filter(|_| rows.len() == WINDOW);
    Ok((unseen, last.map(key).transpose()?))
}
