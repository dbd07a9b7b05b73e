//! What the full read under way says of users, in the store: it stands beside the mirror until it is known to be complete.
//!
//! A full read mentions a user in parts, and what it never mentions is empty only once it came to its end. So its words are collected
//! here, incremental cycles go on in the mirror's own bodies, and no user is ever projected from half of an answer.

use std::collections::HashMap;

use prost::Message as _;
use xtsync_contract::{convert, events};
use xtsync_domain::delta::Gone;
use xtsync_domain::{Attributes, TenantName, UserId};
use xtsync_store::{Row, Transaction, params};

use crate::error::{Error, corrupt};
use crate::mirror::{CHUNK, read_gone, write_gone};

/// What a full read says of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Staged {
    pub(crate) body: Attributes,
    pub(crate) gone: Option<Gone>,
}

/// What this full read has said of these users so far.
pub(crate) async fn load(
    tx: &mut Transaction,
    tenant: &TenantName,
    full_cycle: u64,
    ids: &[UserId],
) -> Result<HashMap<UserId, Staged>, Error> {
    const SQL: &str = "SELECT id, body, gone FROM staged WHERE (tenant, id, full_cycle) IN (VALUES {rows})";
    let mut staged = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        let keys = ids.iter().map(|id| params![tenant.as_str(), id.as_str(), full_cycle]).collect();
        for row in &tx.fetch_rows(SQL, keys).await? {
            let (id, staged_user) = read(row)?;
            staged.insert(id, staged_user);
        }
    }
    Ok(staged)
}

/// Stores what this full read has said of users so far.
pub(crate) async fn save(tx: &mut Transaction, tenant: &TenantName, full_cycle: u64, users: &HashMap<UserId, Staged>) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO staged (tenant, id, full_cycle, body, gone) VALUES {rows} ON CONFLICT (tenant, id) DO UPDATE SET \
         full_cycle = excluded.full_cycle, body = excluded.body, gone = excluded.gone";
    let row = |(id, staged): (&UserId, &Staged)| {
        let body = events::User { attributes: convert::wire_attributes(staged.body.clone()), ..events::User::default() };
        params![tenant.as_str(), id.as_str(), full_cycle, body.encode_to_vec(), write_gone(staged.gone)]
    };
    // Rows are locked in the order of their keys.
    let mut users: Vec<_> = users.iter().collect();
    users.sort_unstable_by_key(|(id, _)| *id);
    for users in users.chunks(CHUNK) {
        tx.insert(SQL, users.iter().copied().map(row).collect()).await?;
    }
    Ok(())
}

/// The next chunk of what this full read has said.
pub(crate) async fn chunk(tx: &mut Transaction, tenant: &TenantName, full_cycle: u64) -> Result<Vec<(UserId, Staged)>, Error> {
    const SQL: &str = "SELECT id, body, gone FROM staged WHERE tenant = $1 AND full_cycle = $2 ORDER BY id LIMIT $3";
    tx.fetch(SQL, params![tenant.as_str(), full_cycle, CHUNK as u64]).await?.iter().map(read).collect()
}

/// Takes away what was taken over.
pub(crate) async fn remove(tx: &mut Transaction, tenant: &TenantName, ids: &[UserId]) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM staged WHERE (tenant, id) IN (VALUES {rows})";
    tx.insert(SQL, ids.iter().map(|id| params![tenant.as_str(), id.as_str()]).collect()).await?;
    Ok(())
}

/// Deletes a chunk of the staged rows, also of full reads that were dropped. Returns the number of rows.
pub(crate) async fn clear(tx: &mut Transaction, tenant: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM staged WHERE tenant = $1 AND id IN (SELECT id FROM staged WHERE tenant = $1 ORDER BY id LIMIT $2)";
    Ok(tx.execute(SQL, params![tenant.as_str(), CHUNK as u64]).await?)
}

fn read(row: &Row) -> Result<(UserId, Staged), Error> {
    let body = events::User::decode(row.bytes(1)?.as_slice()).map_err(|_| corrupt("what a full read said of a user"))?;
    let body = convert::attributes(body.attributes).map_err(|_| corrupt("what a full read said of a user"))?;
    Ok((row.text(0)?.into(), Staged { body, gone: read_gone(row.int(2)?)? }))
}
