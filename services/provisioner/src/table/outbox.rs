//! Outcomes that are not on the bus yet, in the order they happened.

use bytes::Bytes;
use xtsync_platform::bus::{Headers, Outgoing};
use xtsync_platform::params;
use xtsync_platform::store::{Store, Transaction};
use xtsync_proto::topic::Topic;

use crate::error::Result;

/// Puts records in; they go out with the transaction.
pub(crate) async fn put(tx: &mut Transaction, records: &[Outgoing]) -> Result<()> {
    const SQL: &str = "INSERT INTO outbox (topic, key, headers, value) VALUES {rows}";
    let row = |record: &Outgoing| {
        let value = record.value.as_ref().map(|value| value.to_vec());
        params![record.topic.to_string(), record.key.to_vec(), write_headers(&record.headers), value]
    };
    tx.insert(SQL, records.iter().map(row).collect()).await?;
    Ok(())
}

/// The oldest records of a topic, with their numbers.
pub(crate) async fn oldest(store: &Store, topic: &Topic, limit: u32) -> Result<Vec<(i64, Outgoing)>> {
    const SQL: &str = "SELECT seq, key, headers, value FROM outbox WHERE topic = $1 ORDER BY seq LIMIT $2";
    let rows = store.fetch(SQL, params![topic.to_string(), limit]).await?;
    rows.iter()
        .map(|row| {
            let headers = read_headers(&row.bytes(2)?);
            let value = row.opt_bytes(3)?.map(Into::into);
            Ok((row.int(0)?, Outgoing { topic: topic.clone(), key: row.bytes(1)?.into(), value, headers }))
        })
        .collect()
}

/// Takes published records out, by number: one with a lower number may still become visible.
pub(crate) async fn remove(tx: &mut Transaction, numbers: &[i64]) -> Result<()> {
    const SQL: &str = "DELETE FROM outbox WHERE seq IN (VALUES {rows})";
    tx.insert(SQL, numbers.iter().map(|number| params![*number]).collect()).await?;
    Ok(())
}

/// Our headers are single lines of text: `name: value`.
fn write_headers(headers: &Headers) -> Vec<u8> {
    headers.iter().flat_map(|(name, value)| [name.as_bytes(), b": ", value, b"\n"].concat()).collect()
}

fn read_headers(bytes: &[u8]) -> Headers {
    let text = String::from_utf8_lossy(bytes);
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), Bytes::copy_from_slice(value.as_bytes())))
    };
    text.lines().filter_map(header).collect()
}
