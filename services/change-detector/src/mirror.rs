//! The mirror's users in the store: loading, saving, and which of them need work.
//!
//! Every function takes an open transaction or reads outside one; none decides anything.

use std::collections::HashMap;

use prost::Message as _;
use xtsync_contract::{convert, events};
use xtsync_domain::delta::{Gone, Origin, State};
use xtsync_domain::link::Class;
use xtsync_domain::{Attributes, TenantName, Timestamp, UserDelta, UserId};
use xtsync_store::republish::BATCH_ROWS;
use xtsync_store::{self as store, Param, Row, Store, Transaction, params};

use crate::chunk::{CHUNK, WINDOW};
use crate::error::{Error, corrupt};

/// The most users published at once: an urgent user waits for no more of others.
pub(crate) const PUBLISH_BATCH_MAX: usize = 100;

/// What [`read`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, body, gone, dirty, full_cycle, first_seen, delta, projection, class, version, \
             CASE WHEN version = published_version THEN 0 ELSE 1 END AS is_unpublished FROM user_ ",
            $rest
        )
    };
}

/// A user of the mirror.
#[derive(Debug, Clone)]
pub(crate) struct Mirrored {
    pub(crate) id: UserId,
    /// What the directory mentioned of what is needed.
    pub(crate) body: Attributes,
    /// Whether and how the user was deleted.
    pub(crate) gone: Option<Gone>,
    /// Whether what was published may be stale.
    pub(crate) dirty: bool,
    /// The newest full read that has seen the user, or during which a cycle reported them.
    pub(crate) full_cycle: u64,
    /// When the oldest change not projected yet was seen.
    pub(crate) first_seen: Timestamp,
    /// What was versioned last.
    pub(crate) delta: Option<UserDelta>,
    /// The revision it was projected for.
    pub(crate) projection: u64,
    pub(crate) class: Class,
    pub(crate) version: u64,
    /// Whether the bus has not heard of that version.
    pub(crate) is_unpublished: bool,
}

impl Mirrored {
    /// A user that the mirror does not know.
    pub(crate) fn unknown(id: UserId) -> Self {
        Self {
            id,
            body: Attributes::default(),
            gone: None,
            dirty: false,
            full_cycle: 0,
            first_seen: Timestamp(0),
            delta: None,
            projection: 0,
            class: Class::Bulk,
            version: 0,
            is_unpublished: false,
        }
    }

    /// Whether the directory was ever read of them.
    pub(crate) fn is_known(&self) -> bool {
        self.full_cycle > 0 || !self.body.is_empty()
    }

    /// Notes that what was published may be stale; the oldest unpublished change keeps its time.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        if !self.dirty {
            self.first_seen = now;
        }
        self.dirty = true;
    }
}

/// The users of these ids that the mirror knows.
pub(crate) async fn load(tx: &mut Transaction, tenant: &TenantName, ids: &[UserId]) -> Result<HashMap<UserId, Mirrored>, Error> {
    const SQL: &str = select!("WHERE (tenant, id) IN (VALUES {rows})");
    let keys = ids.iter().map(|id| params![tenant.as_str(), id.as_str()]).collect();
    let rows = tx.fetch_rows(SQL, keys).await?;
    rows.iter().map(|row| read(row).map(|user| (user.id.clone(), user))).collect()
}

const SAVE: &str = "INSERT INTO user_ (tenant, id, body, gone, dirty, full_cycle, first_seen, delta, projection, class, version, published_version) \
     VALUES {rows} ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body, gone = excluded.gone, dirty = excluded.dirty, \
     full_cycle = excluded.full_cycle, first_seen = excluded.first_seen, delta = excluded.delta, projection = excluded.projection, \
     class = excluded.class, version = excluded.version";

/// Writes users as they are now.
pub(crate) async fn save(tx: &mut Transaction, tenant: &TenantName, users: &[Mirrored]) -> Result<(), Error> {
    tx.insert(SAVE, users.iter().map(|user| write(tenant, user)).collect()).await?;
    Ok(())
}

/// Writes users as they are now, with the commit.
pub(crate) fn save_with_commit(tx: &mut Transaction, tenant: &TenantName, users: &[Mirrored]) {
    tx.defer(SAVE, users.iter().map(|user| write(tenant, user)).collect());
}

/// Writes users as they were reported.
pub(crate) async fn save_published(tx: &mut Transaction, tenant: &TenantName, users: &[Mirrored]) -> Result<(), Error> {
    const MARK_PUBLISHED: &str = "UPDATE user_ SET published_version = version WHERE (tenant, id) IN (VALUES {rows})";
    save(tx, tenant, users).await?;
    tx.insert(MARK_PUBLISHED, users.iter().map(|user| params![tenant.as_str(), user.id.as_str()]).collect()).await?;
    Ok(())
}

/// Some users after `after` whose projection may be stale. Of those taken from the topic, only users that were read since or are gone: the
/// state of the others is unknown.
pub(crate) async fn dirty(tx: &mut Transaction, tenant: &TenantName, after: &str) -> Result<Vec<Mirrored>, Error> {
    const SQL: &str = select!("WHERE tenant = $1 AND dirty = 1 AND (full_cycle > 0 OR gone > 0) AND id > $2 ORDER BY id LIMIT $3");
    tx.fetch(SQL, params![tenant.as_str(), after, CHUNK as u64]).await?.iter().map(read).collect()
}

/// Whether there is any user whose projection may be stale, as [`dirty`].
pub(crate) async fn is_any_dirty(store: &Store, tenant: &TenantName) -> Result<bool, Error> {
    const SQL: &str = "SELECT id FROM user_ WHERE tenant = $1 AND dirty = 1 AND (full_cycle > 0 OR gone > 0) LIMIT 1";
    Ok(store.fetch_one_opt(SQL, params![tenant.as_str()]).await?.is_some())
}

/// Some users after `after` that were projected by another projection, and where to go on if there may be more; as [`dirty`], no user
/// whose state is unknown. Without `dirty`, no user whose projection may be stale: an interrupted cycle leaves such users, and they wait
/// for the removal guard.
pub(crate) async fn projected_otherwise(
    tx: &mut Transaction,
    tenant: &TenantName,
    (projection, dirty): (u64, bool),
    after: &str,
) -> Result<(Vec<Mirrored>, Option<String>), Error> {
    const SQL: &str = "SELECT id, CASE WHEN projection <> $2 AND (full_cycle > 0 OR gone > 0) AND dirty <= $5 THEN 1 ELSE 0 END AS is_due \
                       FROM user_ WHERE tenant = $1 AND id > $3 ORDER BY id LIMIT $4";
    let rows = tx.fetch(SQL, params![tenant.as_str(), projection, after, WINDOW as u64, i64::from(dirty)]).await?;
    let mut last = rows.last().filter(|_| rows.len() == WINDOW).map(|row| row.text("id")).transpose()?;
    let mut ids: Vec<UserId> = Vec::new();
    for row in &rows {
        if row.flag("is_due")? {
            ids.push(row.text("id")?.into());
        }
        if ids.len() == CHUNK {
            last = Some(row.text("id")?);
            break;
        }
    }
    Ok((load(tx, tenant, &ids).await?.into_values().collect(), last))
}

/// A record that is due on the bus: the user, its version, and its bytes.
pub(crate) struct Unpublished {
    pub(crate) id: UserId,
    pub(crate) version: u64,
    pub(crate) class: Class,
    /// None ends the key.
    pub(crate) value: Option<Vec<u8>>,
    /// What was published when this was read.
    published: i64,
}

/// Some users that the bus has not heard the newest of, the most urgent first.
pub(crate) async fn unpublished(store: &Store, tenant: &TenantName) -> Result<Vec<Unpublished>, Error> {
    const SQL: &str = "SELECT id, version, class, delta, published_version FROM user_ WHERE tenant = $1 AND version <> published_version \
                       ORDER BY class, id LIMIT $2";
    let rows = store.fetch(SQL, params![tenant.as_str(), PUBLISH_BATCH_MAX as u64]).await?;
    let read = |row: &Row| {
        Ok(Unpublished {
            id: row.text("id")?.into(),
            version: row.uint("version")?,
            class: read_class(row.int("class")?)?,
            value: Some(row.bytes("delta")?),
            published: row.int("published_version")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Notes that these users were seen by a full read.
pub(crate) async fn mark_seen(tx: &mut Transaction, tenant: &TenantName, ids: &[UserId], full_cycle: u64) -> Result<(), Error> {
    const SQL: &str = "WITH seen (tenant, id, full_cycle) AS (VALUES {rows}) UPDATE user_ SET full_cycle = seen.full_cycle FROM seen \
                       WHERE user_.tenant = seen.tenant AND user_.id = seen.id";
    tx.insert(SQL, ids.iter().map(|id| params![tenant.as_str(), id.as_str(), full_cycle]).collect()).await?;
    Ok(())
}

/// How many users there are that the bus has not heard the newest of.
pub(crate) async fn unpublished_count(store: &Store, tenant: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT COUNT(*) AS users, MAX(id) AS last FROM (SELECT id FROM user_ WHERE tenant = $1 AND class = $2 AND id > $3 \
                       AND version <> published_version ORDER BY id LIMIT $4) AS part";
    let mut count = 0;
    for class in Class::ALL {
        let mut after = Some(String::new());
        while let Some(last) = after {
            let row = store.fetch_one_opt(SQL, params![tenant.as_str(), class.number(), last, WINDOW as u64]).await?;
            let Some(row) = row else { break };
            count += row.uint("users")?;
            after = row.opt_text("last")?;
        }
    }
    Ok(count)
}

/// Some users after `after` whose newest version is on the bus, to be republished; keys of those deleted before `forget_before` end.
pub(crate) async fn published_after(
    store: &Store,
    tenant: &TenantName,
    after: &str,
    forget_before: Timestamp,
) -> Result<Vec<Unpublished>, Error> {
    const SQL: &str = "SELECT id, version, delta, published_version FROM user_ WHERE tenant = $1 AND id > $2 \
                       AND version = published_version AND delta IS NOT NULL ORDER BY id LIMIT $3";
    let rows = store.fetch(SQL, params![tenant.as_str(), after, BATCH_ROWS as u64]).await?;
    let read = |row: &Row| {
        let delta = UserDelta { origin: Origin::Republish, ..decode_delta(&row.bytes("delta")?)? };
        let is_expired = matches!(delta.state, State::Gone(_)) && delta.first_seen < forget_before;
        let value = (!is_expired).then(|| events::UserDelta::from(&delta).encode_to_vec());
        let (version, published) = (row.uint("version")?, row.int("published_version")?);
        Ok(Unpublished { id: delta.user, version, class: Class::Bulk, value, published })
    };
    rows.iter().map(read).collect()
}

/// Forgets users whose keys were ended, with their memberships, unless they are back.
pub(crate) async fn forget(tx: &mut Transaction, tenant: &TenantName, users: &[(UserId, u64)]) -> Result<(), Error> {
    const MEMBERSHIPS: &str = "DELETE FROM member WHERE (tenant, child_id) IN (VALUES {rows}) AND NOT EXISTS \
        (SELECT 1 FROM user_ WHERE user_.tenant = member.tenant AND user_.id = member.child_id)";
    const SQL: &str = "DELETE FROM user_ WHERE (tenant, id, version) IN (VALUES {rows}) AND version = published_version AND dirty = 0";
    tx.insert(SQL, users.iter().map(|(id, version)| params![tenant.as_str(), id.as_str(), *version]).collect()).await?;
    tx.insert(MEMBERSHIPS, users.iter().map(|(id, _)| params![tenant.as_str(), id.as_str()]).collect()).await?;
    Ok(())
}

/// Records what the bus took. A user who changed meanwhile, or was published late by a former owner, stays due.
pub(crate) fn mark_published(tx: &mut Transaction, tenant: &TenantName, records: &[Unpublished]) {
    const SQL: &str = "WITH sent (tenant, id, version, published) AS (VALUES {rows}) UPDATE user_ SET published_version = sent.version \
                       FROM sent WHERE user_.tenant = sent.tenant AND user_.id = sent.id AND user_.published_version = sent.published";
    let row = |record: &Unpublished| params![tenant.as_str(), record.id.as_str(), record.version, record.published];
    tx.defer(SQL, records.iter().map(row).collect());
}

/// Records what a former owner published: where there is a newer version, the older one may now be the
/// last record of its key. The number becomes one that never was a version, so that a publication under way does not pass for a later one.
pub(crate) async fn mark_published_late(tx: &mut Transaction, tenant: &TenantName, records: &[Unpublished]) -> Result<(), store::Error> {
    const SQL: &str = "WITH sent (tenant, id, version) AS (VALUES {rows}) UPDATE user_ SET published_version = user_.published_version - 1 \
                       FROM sent WHERE user_.tenant = sent.tenant AND user_.id = sent.id AND user_.version <> sent.version";
    let rows = records.iter().map(|record| params![tenant.as_str(), record.id.as_str(), record.version]).collect();
    tx.insert(SQL, rows).await.map(drop)
}

/// Marks users as possibly stale; the oldest unpublished change keeps its time.
pub(crate) async fn touch(tx: &mut Transaction, tenant: &TenantName, ids: &[UserId], now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "WITH stale (tenant, id, now) AS (VALUES {rows}) UPDATE user_ SET dirty = 1, \
        first_seen = CASE WHEN dirty = 1 THEN first_seen ELSE stale.now END FROM stale \
        WHERE user_.tenant = stale.tenant AND user_.id = stale.id";
    tx.insert(SQL, ids.iter().map(|id| params![tenant.as_str(), id.as_str(), now]).collect()).await?;
    Ok(())
}

/// Those of these users who are here.
pub(crate) async fn existing(tx: &mut Transaction, tenant: &TenantName, ids: &[UserId]) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT id FROM user_ WHERE gone = 0 AND (tenant, id) IN (VALUES {rows})";
    let rows = tx.fetch_rows(SQL, ids.iter().map(|id| params![tenant.as_str(), id.as_str()]).collect()).await?;
    rows.iter().map(|row| Ok(row.text("id")?.into())).collect()
}

/// What loss is never too large (`BoundedChange`, I-5).
pub(crate) const LOSS_ALLOWED_MAX: u64 = 10;

/// Whether a loss is more than half, and more than ten (`BoundedChange`, I-5).
pub(crate) fn exceeds_threshold(lost: u64, stayed: u64) -> bool {
    lost > LOSS_ALLOWED_MAX && lost > stayed
}

fn read(row: &Row) -> Result<Mirrored, Error> {
    let body = events::User::decode(row.bytes("body")?.as_slice()).map_err(|_| corrupt("a user's body"))?;
    let delta = row.opt_bytes("delta")?.map(|bytes| decode_delta(&bytes)).transpose()?;
    Ok(Mirrored {
        id: row.text("id")?.into(),
        body: convert::attributes(body.attributes).map_err(|_| corrupt("a user's body"))?,
        gone: read_gone(row.int("gone")?)?,
        dirty: row.flag("dirty")?,
        full_cycle: row.uint("full_cycle")?,
        first_seen: Timestamp(row.int("first_seen")?),
        delta,
        projection: row.uint("projection")?,
        class: read_class(row.int("class")?)?,
        version: row.uint("version")?,
        is_unpublished: row.flag("is_unpublished")?,
    })
}

fn decode_delta(bytes: &[u8]) -> Result<UserDelta, Error> {
    let wire = events::UserDelta::decode(bytes).map_err(|_| corrupt("a user's delta"))?;
    UserDelta::try_from(wire).map_err(|_| corrupt("a user's delta"))
}

fn write(tenant: &TenantName, user: &Mirrored) -> Vec<Param> {
    let body = events::User { attributes: convert::wire_attributes(user.body.clone()), ..events::User::default() };
    params![
        tenant.as_str(),
        user.id.as_str(),
        body.encode_to_vec(),
        write_gone(user.gone),
        user.dirty,
        user.full_cycle,
        user.first_seen,
        user.delta.as_ref().map(|delta| events::UserDelta::from(delta).encode_to_vec()),
        user.projection,
        user.class.number(),
        user.version,
        0_u64,
    ]
}

pub(crate) fn write_gone(gone: Option<Gone>) -> i64 {
    match gone {
        None => 0,
        Some(Gone::SoftDeleted) => 1,
        Some(Gone::Deleted) => 2,
    }
}

pub(crate) fn read_gone(number: i64) -> Result<Option<Gone>, Error> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(Gone::SoftDeleted)),
        2 => Ok(Some(Gone::Deleted)),
        _ => Err(corrupt("how a user went")),
    }
}

fn read_class(number: i64) -> Result<Class, Error> {
    Class::of_number(number).ok_or_else(|| corrupt("a user's class"))
}
