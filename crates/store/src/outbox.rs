//! The outbox: log records stored in one transaction with their effect and published after it, so that neither exists without the other.
//!
//! One replica at a time publishes a topic's records, in order; it holds a lease. A crash between publication and removal publishes a
//! record again; consumers detect the duplicate by `ce_id`.

use xtsync_bus::Topic;

use super::{Error, Store, Transaction};
use crate::params;
use xtsync_bus::{Outgoing, headers};

/// Stores records to publish, in order, with the commit.
pub fn append(tx: &mut Transaction, records: &[Outgoing]) {
    let row = |record: &Outgoing| {
        let value = record.value.as_ref().map(|value| value.to_vec());
        params![record.topic.to_string(), record.key.to_vec(), headers::encode(&record.headers), value]
    };
    let rows = records.iter().map(row).collect();
    tx.defer("INSERT INTO outbox (topic, key, headers, value) VALUES {rows}", rows);
}

/// Returns the oldest records of a topic, with their sequence numbers.
///
/// # Errors
/// When the database is unavailable.
pub async fn oldest(store: &Store, topic: &Topic, limit: u32) -> Result<Vec<(i64, Outgoing)>, Error> {
    const SQL: &str = "SELECT seq, key, headers, value FROM outbox WHERE topic = $1 ORDER BY seq LIMIT $2";
    let broken = || Error::Corrupt(format!("the outbox holds headers for {topic} that do not decode"));
    let rows = store.fetch(SQL, params![topic.to_string(), limit]).await?;
    rows.iter()
        .map(|row| {
            let headers = headers::decode(row.bytes("headers")?.into()).ok_or_else(broken)?;
            let value = row.opt_bytes("value")?.map(Into::into);
            Ok((row.int("seq")?, Outgoing { topic: topic.clone(), key: row.bytes("key")?.into(), value, headers }))
        })
        .collect()
}

/// Removes published records with the commit, by sequence number: a record with a lower number may still become visible.
pub fn remove(tx: &mut Transaction, numbers: &[i64]) {
    const SQL: &str = "DELETE FROM outbox WHERE seq IN (VALUES {rows})";
    tx.defer(SQL, numbers.iter().map(|number| params![*number]).collect());
}
