//! Which links are to be published: those whose newest version is not on the bus. A row exists until that is published.

use xtsync_domain::{TenantName, Timestamp, key};
use xtsync_store::{self as store, Param, Row, Store, Transaction, params};

use super::Key;
use super::link::{self, Encoded, Stored};
use crate::error::Result;

/// A link to be published.
#[derive(Debug)]
pub(crate) struct Unpublished {
    pub(crate) key: Key,
    pub(crate) version: u64,
    /// None ends its key.
    pub(crate) state: Option<Vec<u8>>,
    /// How often a former owner had published it late when this was read.
    late: i64,
    pub(crate) traceparent: Option<String>,
}

/// Notes that the newest version of links is to be published; each key once.
const PUT: &str = "INSERT INTO unpublished (target, source, user_id, version, late) VALUES {rows}
    ON CONFLICT (target, source, user_id) DO UPDATE SET version = excluded.version";

impl Unpublished {
    fn read(row: &Row) -> Result<Self> {
        let (version, state, traceparent, late) =
            (row.uint("link_version")?, row.bytes("state")?, row.opt_text("traceparent")?, row.int("late")?);
        Ok(Self { key: Key::read(row)?, version, state: Some(state), late, traceparent })
    }

    /// Says that its key ends, if its link is over since before that moment.
    pub(crate) fn tombstone_if_expired(&mut self, before: Timestamp) {
        // The version holds the time of the last change: most rows need not be read. An unreadable row is not known to have ended.
        let may_be_expired = i64::try_from(self.version).is_ok_and(|changed| changed < before.0);
        let is_expired =
            |state: &Vec<u8>| may_be_expired && link::record(&self.key, state).is_ok_and(|record| record.link.is_expired(before));
        self.state = self.state.take().filter(|state| !is_expired(state));
    }
}

fn rows<'a>(links: impl Iterator<Item = &'a Encoded>) -> Vec<Vec<Param>> {
    links.filter_map(|link| Some(row(&link.key, link.news?))).collect()
}

fn row(key: &Key, version: u64) -> Vec<Param> {
    [key.params(), params![version, 0_u64]].concat()
}

/// Notes those of these links that have a new version, with the commit.
pub(super) fn defer<'a>(tx: &mut Transaction, links: impl Iterator<Item = &'a Encoded>) {
    tx.defer(PUT, rows(links));
}

/// Notes those of these links that have a new version, at once.
pub(super) async fn put<'a>(tx: &mut Transaction, links: impl Iterator<Item = &'a Encoded>) -> Result<()> {
    tx.insert(PUT, rows(links)).await?;
    Ok(())
}

/// Links of a target that are to be published, the oldest change first.
pub(crate) async fn oldest(store: &Store, target: &TenantName, limit: u32) -> Result<Vec<Unpublished>> {
    const SQL: &str = "SELECT link.target, link.source, link.user_id, link_version, state, traceparent, late
        FROM (SELECT * FROM unpublished WHERE target = $1 ORDER BY version LIMIT $2) AS oldest
        JOIN link ON link.target = oldest.target AND link.source = oldest.source AND link.user_id = oldest.user_id
        ORDER BY link_version";
    let rows = store.fetch(SQL, params![target.as_str(), limit]).await?;
    rows.iter().map(Unpublished::read).collect()
}

/// Links of a target after one, by the key of its record, of which the newest is published.
pub(crate) async fn published_after(store: &Store, target: &TenantName, after: &str, limit: usize) -> Result<Vec<Unpublished>> {
    const SQL: &str = "SELECT link.target, link.source, link.user_id, link_version, state, traceparent, 0 AS late
        FROM link WHERE target = $1 AND (source, user_id) > ($2, $3) AND link_version > 0
        AND NOT EXISTS (SELECT 1 FROM unpublished WHERE unpublished.target = link.target AND unpublished.source = link.source
            AND unpublished.user_id = link.user_id)
        ORDER BY source, user_id LIMIT $4";
    let [source, user] = key::parse(after).unwrap_or_default();
    let rows = store.fetch(SQL, params![target.as_str(), &*source, &*user, limit as u64]).await?;
    rows.iter().map(Unpublished::read).collect()
}

/// Notes what was published; a link that has changed since, or that a former owner published late, is still to be published.
pub(crate) fn published(tx: &mut Transaction, rows: &[Unpublished]) {
    let sql = tx.by_database(
        "DELETE FROM unpublished WHERE (target, source, user_id, version, late) IN (VALUES {rows})",
        // Locked in the order in which all lock them: else two transactions could wait for each other.
        r#"WITH v (target, source, user_id, version, late) AS (VALUES {rows}),
            locked AS (SELECT v.* FROM v JOIN unpublished AS u ON u.target = v.target AND u.source = v.source AND u.user_id = v.user_id
                ORDER BY v.target COLLATE "C", v.source COLLATE "C", v.user_id COLLATE "C" FOR UPDATE OF u)
            DELETE FROM unpublished AS u USING locked WHERE u.target = locked.target AND u.source = locked.source
                AND u.user_id = locked.user_id AND u.version = locked.version AND u.late = locked.late"#,
    );
    let params = |row: &Unpublished| [row.key.params(), params![row.version, row.late]].concat();
    tx.defer(sql, rows.iter().map(params).collect());
}

/// Notes that a former owner published links: where there is a newer state, the older one may now be the last record of its key. What the
/// owner is publishing at the moment may be the earlier record, so that it does not count.
pub(crate) async fn published_late(tx: &mut Transaction, rows: &[Unpublished]) -> Result<(), store::Error> {
    const SQL: &str = "WITH v (target, source, user_id, version) AS (VALUES {rows})
        INSERT INTO unpublished (target, source, user_id, version, late)
        SELECT link.target, link.source, link.user_id, link.link_version, 1 FROM v JOIN link
            ON link.target = v.target AND link.source = v.source AND link.user_id = v.user_id AND link.link_version <> v.version
        WHERE true ORDER BY link.target, link.source, link.user_id ON CONFLICT (target, source, user_id) DO UPDATE SET late = unpublished.late + 1";
    let params = |row: &Unpublished| [row.key.params(), params![row.version]].concat();
    tx.insert(SQL, rows.iter().map(params).collect()).await.map(drop)
}

/// Nothing is published of links that are removed in the same transaction.
pub(super) async fn remove(tx: &mut Transaction, keys: &[&Key]) -> Result<()> {
    const SQL: &str = "DELETE FROM unpublished WHERE (target, source, user_id) IN (VALUES {rows})";
    tx.insert(SQL, keys.iter().map(|key| key.params()).collect()).await?;
    Ok(())
}

/// Has locked links published again as they are.
pub(crate) async fn publish_again(tx: &mut Transaction, links: impl Iterator<Item = &Stored>) -> Result<()> {
    tx.insert(PUT, links.map(|stored| row(&stored.key(), stored.version)).collect()).await?;
    Ok(())
}
