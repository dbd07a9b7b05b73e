//! Users as the full read under way has shown them, in the store. They stand beside the mirror until the full read is known to be complete.
//!
//! A full read shows a user in parts, and an attribute that it never mentions is empty only once it has ended. So the parts are collected
//! here while incremental cycles go on in the mirror, and no user is projected from a part of an answer. What a cycle has reported of a user
//! since the full read began is newer than its pages, whichever comes first.

use std::collections::HashMap;

use prost::Message as _;
use xtsync_contract::{convert, events};
use xtsync_domain::delta::Gone;
use xtsync_domain::{Attributes, TenantName, UserId};
use xtsync_store::{Row, Transaction, params};

use crate::chunk::CHUNK;
use crate::error::{Error, corrupt};
use crate::mirror::{read_gone, write_gone};

/// A user as a full read has shown them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Staged {
    /// What its pages mention, and over it what cycles have reported.
    pub(crate) body: Attributes,
    /// What cycles have reported since the full read began; none where they have not reported the user.
    pub(crate) reported: Option<Attributes>,
    pub(crate) gone: Option<Gone>,
    /// Whether its pages have shown the user; otherwise only cycles have.
    pub(crate) is_shown: bool,
}

impl Staged {
    /// Merges what a page of the full read mentions; what a cycle has reported stays.
    pub(crate) fn show(&mut self, attributes: Attributes) {
        self.is_shown = true;
        self.body.merge(attributes);
        match &self.reported {
            Some(reported) => self.body.merge(reported.clone()),
            None => self.gone = None,
        }
    }

    /// A page of the full read mentions the user as deleted.
    pub(crate) fn show_gone(&mut self, how: Gone) {
        self.is_shown = true;
        if self.reported.is_none() {
            self.gone = Some(how);
        }
    }

    /// Merges what a cycle reports.
    pub(crate) fn report(&mut self, attributes: Attributes) {
        self.reported.get_or_insert_default().merge(attributes.clone());
        self.body.merge(attributes);
        self.gone = None;
    }

    /// A cycle reports the user as deleted.
    pub(crate) fn report_gone(&mut self, how: Gone) {
        self.reported.get_or_insert_default();
        self.gone = Some(how);
    }
}

/// These users as this full read has shown them so far.
pub(crate) async fn load(
    tx: &mut Transaction,
    tenant: &TenantName,
    full_cycle: u64,
    ids: &[UserId],
) -> Result<HashMap<UserId, Staged>, Error> {
    const SQL: &str = "SELECT id, body, gone, reported, shown FROM staged WHERE (tenant, id, full_cycle) IN (VALUES {rows})";
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

/// Stores users as this full read has shown them so far.
pub(crate) async fn save(tx: &mut Transaction, tenant: &TenantName, full_cycle: u64, users: &HashMap<UserId, Staged>) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO staged (tenant, id, full_cycle, body, reported, gone, shown) VALUES {rows} ON CONFLICT (tenant, id) \
         DO UPDATE SET full_cycle = excluded.full_cycle, body = excluded.body, reported = excluded.reported, gone = excluded.gone, \
         shown = excluded.shown";
    let row = |(id, staged): (&UserId, &Staged)| {
        let reported = staged.reported.as_ref().map(write_attributes);
        let (body, gone) = (write_attributes(&staged.body), write_gone(staged.gone));
        params![tenant.as_str(), id.as_str(), full_cycle, body, reported, gone, staged.is_shown]
    };
    // Rows are locked in the order of their keys.
    let mut users: Vec<_> = users.iter().collect();
    users.sort_unstable_by_key(|(id, _)| *id);
    for users in users.chunks(CHUNK) {
        tx.insert(SQL, users.iter().copied().map(row).collect()).await?;
    }
    Ok(())
}

/// The next chunk of staged users.
pub(crate) async fn chunk(tx: &mut Transaction, tenant: &TenantName, full_cycle: u64) -> Result<Vec<(UserId, Staged)>, Error> {
    const SQL: &str = "SELECT id, body, gone, reported, shown FROM staged WHERE tenant = $1 AND full_cycle = $2 ORDER BY id LIMIT $3";
    tx.fetch(SQL, params![tenant.as_str(), full_cycle, CHUNK as u64]).await?.iter().map(read).collect()
}

/// Deletes the rows of users that were taken over.
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
    let reported = row.opt_bytes("reported")?.map(|bytes| read_attributes(&bytes)).transpose()?;
    let (body, gone) = (read_attributes(&row.bytes("body")?)?, read_gone(row.int("gone")?)?);
    Ok((row.text("id")?.into(), Staged { body, reported, gone, is_shown: row.flag("shown")? }))
}

fn read_attributes(bytes: &[u8]) -> Result<Attributes, Error> {
    let body = events::User::decode(bytes).map_err(|_| corrupt("a staged user"))?;
    convert::attributes(body.attributes).map_err(|_| corrupt("a staged user"))
}

fn write_attributes(attributes: &Attributes) -> Vec<u8> {
    events::User { attributes: convert::wire_attributes(attributes.clone()), ..events::User::default() }.encode_to_vec()
}
