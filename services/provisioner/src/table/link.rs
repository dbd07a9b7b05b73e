//! Links. `state` is what the topic `links` holds, so that row and record are one encoding; the other columns are copies for SQL.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use xtsync_contract::convert::LinkRecord;
use xtsync_contract::events;
use xtsync_domain::link::{Link, Stage};
use xtsync_domain::{TargetId, TenantName};
use xtsync_store::{Param, Row, Store, Transaction, params};

use super::counted::Counted;
use super::{Key, unpublished};
use crate::error::{Error, Result};

/// A link as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) link: Link,
    /// Grows with every change that is to be published.
    pub(crate) version: u64,
    /// The trace of the newest decision.
    pub(crate) traceparent: Option<String>,
    /// What the user was counted for.
    pub(crate) counted: Counted,
    /// How often the row was stored before.
    pub(crate) row_version: u64,
    /// The version that the row has: where the link's is another one, it is to be published. 0 where there is no row.
    pub(crate) stored_version: u64,
}

/// The columns of [`Stored`], as [`Stored::read`] takes them.
macro_rules! columns {
    () => {
        "link.state, link.link_version, link.traceparent, link.counted, link.row_version"
    };
}
pub(crate) use columns;

pub(super) fn record(key: &Key, state: &[u8]) -> Result<LinkRecord> {
    let unreadable = |reason: String| Error::Unreadable(key.to_string(), reason);
    let wire = events::Link::decode(state).map_err(|error| unreadable(error.to_string()))?;
    LinkRecord::try_from(wire).map_err(|error| unreadable(error.to_string()))
}

impl Stored {
    pub(crate) fn key(&self) -> Key {
        Key { target: self.link.target.clone(), source: self.link.source().clone(), user: self.link.user().clone() }
    }

    pub(crate) fn read(key: &Key, row: &Row) -> Result<Self> {
        let record = record(key, &row.bytes("state")?)?;
        let (version, traceparent) = (row.uint("link_version")?, row.opt_text("traceparent")?);
        let counted = Counted::parse(row.opt_text("counted")?.as_deref());
        Ok(Self { link: record.link, version, traceparent, counted, row_version: row.uint("row_version")?, stored_version: version })
    }

    /// This, as it is once it was stored.
    pub(crate) fn saved(self) -> Self {
        Self { row_version: self.row_version + 1, stored_version: self.version, ..self }
    }

    /// As it is to be written.
    pub(crate) fn encode(&self, store_id: &str) -> Encoded {
        let (key, link) = (self.key(), &self.link);
        let record = LinkRecord { link: link.clone(), version: self.version, store_id: store_id.to_owned() };
        let rest = params![
            events::Link::from(record).encode_to_vec(),
            link.shadow.id().map(|id| id.0.clone()),
            link.anchor.clone(),
            is_live(link),
            self.version,
            self.traceparent.clone(),
            self.counted.stored(),
            self.row_version + 1,
        ];
        let news = (self.version != self.stored_version).then_some(self.version);
        Encoded { params: [key.params(), rest].concat(), key, row_version: self.row_version, news }
    }
}

/// A link as it is to be written, at whatever attempt.
#[derive(Debug, Clone)]
pub(crate) struct Encoded {
    pub(crate) key: Key,
    /// The row version that it was made from: 0 without a row.
    pub(crate) row_version: u64,
    /// The version to publish, where that is another one than the row has.
    pub(super) news: Option<u64>,
    /// Key, state, target id, anchor, live, version, trace, counted, row_version.
    params: Vec<Param>,
}

/// The links of `v`.
macro_rules! joined {
    () => {
        " FROM v JOIN link ON link.target = v.target AND link.source = v.source AND link.user_id = v.user_id"
    };
}

/// Row after row in one order, so that no two transactions wait for each other. A file has one writer, and needs no lock.
macro_rules! in_order {
    () => {
        r#" ORDER BY v.target COLLATE "C", v.source COLLATE "C", v.user_id COLLATE "C" FOR UPDATE OF link"#
    };
}

/// Whether a link has an object in the directory: what deletions are a share of.
pub(crate) fn is_live(link: &Link) -> bool {
    link.shadow.account().is_some_and(|account| match account.stage {
        Stage::Unverified | Stage::Live | Stage::Restoring { .. } => true,
        Stage::Deprovisioning { .. } | Stage::SoftDeleted { .. } => false,
    })
}

/// One link.
pub(crate) async fn read(store: &Store, key: &Key) -> Result<Option<Stored>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM link WHERE target = $1 AND source = $2 AND user_id = $3");
    let row = store.fetch_one_opt(SQL, key.params()).await?;
    row.map(|row| Stored::read(key, &row)).transpose()
}

/// The existing links of these, locked until the end of the transaction.
pub(crate) async fn lock(tx: &mut Transaction, keys: &BTreeSet<Key>) -> Result<BTreeMap<Key, Stored>> {
    let sql = tx.by_database(
        concat!("WITH v (target, source, user_id) AS (VALUES {rows}) SELECT v.target, v.source, v.user_id, ", columns!(), joined!()),
        concat!(
            "WITH v (target, source, user_id) AS (VALUES {rows}) SELECT v.target, v.source, v.user_id, ",
            columns!(),
            joined!(),
            in_order!()
        ),
    );
    read_rows(&tx.fetch_rows(sql, keys.iter().map(Key::params).collect()).await?)
}

/// The existing links of these, as they are now: [`replace`] stores them only if they still are.
pub(crate) async fn read_all(store: &Store, keys: &BTreeSet<Key>) -> Result<BTreeMap<Key, Stored>> {
    const SQL: &str =
        concat!("WITH v (target, source, user_id) AS (VALUES {rows}) SELECT v.target, v.source, v.user_id, ", columns!(), joined!());
    read_rows(&store.fetch_rows(SQL, keys.iter().map(Key::params).collect()).await?)
}

/// The row versions of these links.
pub(crate) async fn row_versions(store: &Store, keys: &BTreeSet<&Key>) -> Result<BTreeMap<Key, u64>> {
    const SQL: &str =
        concat!("WITH v (target, source, user_id) AS (VALUES {rows}) SELECT v.target, v.source, v.user_id, link.row_version", joined!());
    let found = store.fetch_rows(SQL, keys.iter().map(|key| key.params()).collect()).await?;
    found.iter().map(|row| Ok((Key::read(row)?, row.uint("row_version")?))).collect()
}

fn read_rows<C: FromIterator<(Key, Stored)>>(rows: &[Row]) -> Result<C> {
    rows.iter().map(read_row).collect()
}

fn read_row(row: &Row) -> Result<(Key, Stored)> {
    let key = Key::read(row)?;
    let stored = Stored::read(&key, row)?;
    Ok((key, stored))
}

/// The links that own objects.
const OWNERS: &str = concat!(
    "WITH v (target, target_id) AS (VALUES {rows}) SELECT link.target, link.source, link.user_id, link.target_id, ",
    columns!(),
    " FROM v JOIN link ON link.target = v.target AND link.target_id = v.target_id"
);

fn objects<'a>(target: &TenantName, ids: impl IntoIterator<Item = &'a TargetId>) -> Vec<Vec<Param>> {
    ids.into_iter().map(|id| params![target.as_str(), id.as_str()]).collect()
}

/// Releases these objects of a target until their links are stored again in the same transaction; returns the links.
pub(crate) async fn disown(tx: &mut Transaction, target: &TenantName, ids: &BTreeSet<TargetId>) -> Result<Vec<(Key, Stored)>> {
    const DISOWN: &str = "UPDATE link SET target_id = NULL WHERE (target, target_id) IN (VALUES {rows})";
    let rows = objects(target, ids);
    let owners = read_rows(&tx.fetch_rows(OWNERS, rows.clone()).await?)?;
    tx.insert(DISOWN, rows).await?;
    Ok(owners)
}

/// Stores links.
const SAVE: &str = "INSERT INTO link (target, source, user_id, state, target_id, anchor, live, link_version, traceparent,
            counted, row_version)
        VALUES {rows}
        ON CONFLICT (target, source, user_id) DO UPDATE SET state = excluded.state, target_id = excluded.target_id,
            anchor = excluded.anchor, live = excluded.live, link_version = excluded.link_version, traceparent = excluded.traceparent,
            counted = excluded.counted, row_version = excluded.row_version";

/// Stores a locked link at once, so that what it has given up can be another's in the same transaction.
pub(crate) async fn save_now(tx: &mut Transaction, stored: &Stored, store_id: &str) -> Result<()> {
    let link = stored.encode(store_id);
    tx.insert(SAVE, vec![link.params.clone()]).await?;
    unpublished::put(tx, std::iter::once(&link)).await
}

/// Stores links, new ones and locked ones; each key once.
pub(crate) fn save<'a>(tx: &mut Transaction, links: impl Iterator<Item = &'a Stored>, store_id: &str) {
    let links: Vec<Encoded> = links.map(|stored| stored.encode(store_id)).collect();
    unpublished::defer(tx, links.iter());
    tx.defer(SAVE, links.into_iter().map(|link| link.params).collect());
}

/// Stores links with the commit, which fails unless each is as it was read: new, or at its row version. Each key once, in order.
pub(crate) fn replace<'a>(tx: &mut Transaction, links: impl Iterator<Item = &'a Encoded> + Clone) {
    const ADD: &str = "INSERT INTO link (target, source, user_id, state, target_id, anchor, live, link_version, traceparent,
            counted, row_version)
        VALUES {rows} ON CONFLICT (target, source, user_id) DO NOTHING RETURNING 1";
    const CHANGE: &str = "WITH v (target, source, user_id, state, target_id, anchor, live, link_version, traceparent, counted, row_version)
            AS (VALUES {rows})
        UPDATE link SET state = v.state, target_id = v.target_id, anchor = v.anchor, live = v.live, link_version = v.link_version,
            traceparent = v.traceparent, counted = v.counted, row_version = v.row_version
        FROM v WHERE link.target = v.target AND link.source = v.source AND link.user_id = v.user_id
            AND link.row_version = v.row_version - 1 RETURNING 1";
    let (new, known): (Vec<&Encoded>, Vec<&Encoded>) = links.clone().partition(|link| link.row_version == 0);
    for (sql, links) in [(ADD, new), (CHANGE, known)] {
        tx.require(sql, links.into_iter().map(|link| link.params.clone()).collect());
    }
    unpublished::defer(tx, links);
}

/// The links that own objects of a target.
pub(crate) async fn owners(store: &Store, target: &TenantName, ids: &BTreeSet<&TargetId>) -> Result<BTreeMap<TargetId, (Key, Stored)>> {
    let rows = store.fetch_rows(OWNERS, objects(target, ids.iter().copied())).await?;
    rows.iter().map(|row| Ok((TargetId(row.text("target_id")?), read_row(row)?))).collect()
}

/// How many objects of a target are ours and in its directory, by source.
pub(crate) async fn live_counts(store: &Store, target: &TenantName) -> Result<BTreeMap<TenantName, u64>> {
    const SQL: &str = "SELECT source, count(*) AS links FROM link WHERE target = $1 AND live = 1 GROUP BY source";
    let mut counts = BTreeMap::new();
    for row in store.fetch(SQL, params![target.as_str()]).await? {
        let source = TenantName::new(row.text("source")?).map_err(|error| Error::Unreadable("key".to_owned(), error.to_string()))?;
        counts.insert(source, row.uint("links")?);
    }
    Ok(counts)
}

/// The link of a target that bears an anchor.
pub(crate) async fn anchor_owner(store: &Store, target: &TenantName, anchor: &str) -> Result<Option<Key>> {
    const SQL: &str = "SELECT target, source, user_id FROM link WHERE target = $1 AND anchor = $2";
    store.fetch_one_opt(SQL, params![target.as_str(), anchor]).await?.map(|row| Key::read(&row)).transpose()
}

/// Links of a target after one, by source and user, that have an object.
pub(crate) async fn with_object_after(store: &Store, target: &TenantName, after: Option<&Key>, limit: u32) -> Result<BTreeSet<Key>> {
    const SQL: &str = "SELECT target, source, user_id FROM link
        WHERE target = $1 AND (source, user_id) > ($2, $3) AND target_id IS NOT NULL ORDER BY source, user_id LIMIT $4";
    let (source, user) = after.map_or(("", ""), |key| (key.source.as_str(), key.user.as_str()));
    let rows = store.fetch(SQL, params![target.as_str(), source, user, limit]).await?;
    rows.iter().map(Key::read).collect()
}

/// Removes locked links.
pub(crate) async fn remove(tx: &mut Transaction, keys: &[&Key]) -> Result<()> {
    const SQL: &str = "DELETE FROM link WHERE (target, source, user_id) IN (VALUES {rows})";
    tx.insert(SQL, keys.iter().map(|key| key.params()).collect()).await?;
    unpublished::remove(tx, keys).await
}
