//! Records of a log topic, stored with the effect they tell of and published after it: neither is there without the other.
//!
//! One relay at a time publishes a store's outbox, in order; who relays holds a lease. A crash between publishing and forgetting
//! publishes again, which consumers tell by `ce_id`.

use prost::Message as _;
use xtsync_domain::TenantName;
use xtsync_proto::topic::Topic;
use xtsync_proto::v1;

use super::{Error, Row, Store, Transaction};
use crate::bus::{self, Bus, Headers, Outgoing, Urgency};
use crate::params;

/// Records published at once.
const BATCH_MAX: i64 = 500;

/// How relaying can fail.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The store cannot be read or written.
    #[error("reading the outbox")]
    Store(#[from] Error),
    /// The bus did not take the records; they stay.
    #[error("publishing the outbox")]
    Bus(#[from] bus::Error),
}

/// Stores records to be published, in order, if the transaction commits.
///
/// # Errors
/// When the database is away.
pub async fn append(tx: &mut Transaction, records: &[Outgoing]) -> Result<(), Error> {
    let row = |record: &Outgoing| {
        params![record.topic.to_string(), record.key.to_vec(), encode(&record.headers), record.value.as_ref().map(|value| value.to_vec())]
    };
    let rows = records.iter().map(row).collect();
    tx.insert("INSERT INTO outbox (topic, key, headers, value) VALUES {rows}", rows).await.map(drop)
}

/// Publishes the oldest records and forgets them; gives their number. Zero says that nothing is left.
///
/// # Errors
/// See [`RelayError`]; nothing is forgotten then.
pub async fn relay(store: &Store, bus: &Bus) -> Result<usize, RelayError> {
    let rows = store.fetch("SELECT seq, topic, key, headers, value FROM outbox ORDER BY seq LIMIT $1", params![BATCH_MAX]).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let records = rows.iter().map(outgoing).collect::<Result<_, _>>()?;
    bus.publish(records, Urgency::Live).await?;
    let published = rows.iter().map(|row| Ok(params![row.int(0)?])).collect::<Result<_, Error>>()?;
    let mut tx = store.begin().await?;
    tx.insert("DELETE FROM outbox WHERE seq IN (VALUES {rows})", published).await?;
    tx.commit().await?;
    Ok(rows.len())
}

fn outgoing(row: &Row) -> Result<Outgoing, Error> {
    let name = row.text(1)?;
    let topic = topic(&name).ok_or_else(|| Error::Corrupt(format!("the outbox holds a record for '{name}', which is no topic")))?;
    let headers = decode(&row.bytes(3)?).ok_or_else(|| Error::Corrupt("the outbox holds headers that do not decode".to_owned()))?;
    Ok(Outgoing { topic, key: row.bytes(2)?.into(), value: row.opt_bytes(4)?.map(Into::into), headers })
}

/// The topic of a name.
fn topic(name: &str) -> Option<Topic> {
    let of_tenant = || {
        let (_, tenant) = name.rsplit_once('.')?;
        Topic::of_tenant(&TenantName::new(tenant).ok()?).into_iter().find(|topic| topic.to_string() == name)
    };
    Topic::shared().into_iter().find(|topic| topic.to_string() == name).or_else(of_tenant)
}

/// One message after the other, each with its length before it.
fn encode(headers: &Headers) -> Vec<u8> {
    let wire = |(name, value): &(String, bytes::Bytes)| v1::Header { name: name.clone(), value: value.to_vec() };
    headers.iter().flat_map(|header| wire(header).encode_length_delimited_to_vec()).collect()
}

fn decode(mut bytes: &[u8]) -> Option<Headers> {
    let mut headers = Headers::new();
    while !bytes.is_empty() {
        let v1::Header { name, value } = v1::Header::decode_length_delimited(&mut bytes).ok()?;
        headers.push((name, value.into()));
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_found_by_its_name() {
        let tenant = TenantName::new("contoso-emea").unwrap();
        for wanted in Topic::of_tenant(&tenant).into_iter().chain(Topic::shared()) {
            assert_eq!(topic(&wanted.to_string()), Some(wanted));
        }
        assert_eq!(topic("xtsync.v1.unknown.emea"), None);
    }
}
