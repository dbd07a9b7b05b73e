//! Dead letters: records that can never be used, with their bytes, position and reason.

use std::error::Error as StdError;

use prost::Message as _;
use xtsync_bus::Topic;
use xtsync_contract::convert::wire_time;
use xtsync_contract::event;
use xtsync_contract::internal;
use xtsync_contract::topic;
use xtsync_domain::Timestamp;

use xtsync_bus::{Error, Outgoing, Partition, Position, RECORD_BYTES_MAX, Record, Transport, Urgency};
use xtsync_contract::role::Role;
use xtsync_runtime::telemetry::chain;
use xtsync_runtime::trace;

/// The most bytes of a key in the headers of a dead letter.
pub(crate) const KEY_BYTES_MAX: usize = 1024;

/// Space for the dead letter's own headers in the largest record: two of them contain the key, and each byte that is not UTF-8 takes three.
const HEADERS_BYTES: usize = 8 * KEY_BYTES_MAX;

/// The most characters of an error; longer ones are truncated.
const ERROR_CHARS_MAX: usize = 2000;

/// Dead-letters a record. `reason` is a stable code such as `foreign_type`; `error` names fields and no values. Returns when the dead
/// letter is durable: only then may the caller skip the record.
///
/// # Errors
/// When the bus is unavailable; then the record is not dead-lettered yet.
pub async fn send(
    bus: &dyn Transport,
    role: Role,
    record: &Record,
    reason: &str,
    error: &(dyn StdError + Sync),
    now: Timestamp,
) -> Result<(), Error> {
    let letter = fit_to_limit(letter(role, record, reason, error, now));
    tracing::warn!(
        topic = %record.at.partition.topic, partition = record.at.partition.index, offset = record.at.offset, reason, error = letter.error,
        "record dead-lettered"
    );
    bus.publish(vec![outgoing(&letter, record, role, now)], Urgency::Live).await
}

/// Dead-letters an object that was rejected before it became a record, so the dead letter has only its context. `topic` is its intended
/// topic, `key` its origin, `error` the cause; none contains a value.
///
/// # Errors
/// When the bus is unavailable; then it is not dead-lettered yet.
pub async fn send_context(
    bus: &dyn Transport,
    role: Role,
    topic: &Topic,
    key: &str,
    reason: &str,
    error: &str,
    now: Timestamp,
) -> Result<(), Error> {
    tracing::warn!(%topic, key, reason, error, "rejected object dead-lettered");
    let letter = internal::DeadLetter {
        topic: topic.to_string(),
        offset: -1,
        key: key.as_bytes().to_vec(),
        role: role.to_string(),
        reason: reason.to_owned(),
        error: error.chars().take(ERROR_CHARS_MAX).collect(),
        at: Some(wire_time(now)),
        ..internal::DeadLetter::default()
    };
    let event = event::record::<internal::DeadLetter>(role, topic::DEAD_LETTERS.topic(), key, now.0, now, None, letter.encode_to_vec());
    bus.publish(vec![event], Urgency::Live).await
}

/// Dead-letters a record that is too large to be published, with its context only. Returns when the dead letter is durable.
///
/// # Errors
/// As [`send`].
pub(crate) async fn send_oversized(bus: &dyn Transport, role: Role, record: Outgoing, error: &Error, now: Timestamp) -> Result<(), Error> {
    send(bus, role, &unpublished(record, now), "oversized", error, now).await
}

/// The record as it would be on the bus, without an offset and without its value, which does not fit.
fn unpublished(record: Outgoing, now: Timestamp) -> Record {
    let at = Position { partition: Partition { topic: record.topic, index: 0 }, offset: -1 };
    Record { at, key: record.key, value: None, headers: record.headers, time: now }
}

fn letter(role: Role, record: &Record, reason: &str, error: &dyn StdError, now: Timestamp) -> internal::DeadLetter {
    let header = |(name, value): &(String, bytes::Bytes)| internal::RecordHeader { name: name.clone(), value: value.to_vec() };
    internal::DeadLetter {
        topic: record.at.partition.topic.to_string(),
        partition: record.at.partition.index,
        offset: record.at.offset,
        key: key(record).to_vec(),
        value: record.value.as_ref().map(|value| value.to_vec()),
        headers: record.headers.iter().map(header).collect(),
        role: role.to_string(),
        reason: reason.to_owned(),
        error: chain(error).chars().take(ERROR_CHARS_MAX).collect(),
        trace_id: event::traceparent(&record.headers).and_then(trace::trace_id).unwrap_or_default(),
        at: Some(wire_time(now)),
    }
}

/// Reduces a dead letter to the size limit: an oversized value, then oversized headers, are omitted, and the error says so.
fn fit_to_limit(mut letter: internal::DeadLetter) -> internal::DeadLetter {
    let is_too_large = |letter: &internal::DeadLetter| letter.encoded_len() + HEADERS_BYTES > RECORD_BYTES_MAX;
    if is_too_large(&letter) {
        let bytes = letter.value.take().map_or(0, |value| value.len());
        letter.error = format!("{}; the value of {bytes} bytes does not fit beside its context and is left out", letter.error);
    }
    if is_too_large(&letter) {
        letter.headers.clear();
        letter.error = format!("{}; so are its headers", letter.error);
    }
    letter
}

fn outgoing(letter: &internal::DeadLetter, record: &Record, role: Role, now: Timestamp) -> Outgoing {
    // The key may be any bytes; the headers contain text.
    let subject = String::from_utf8_lossy(key(record));
    let traceparent = event::traceparent(&record.headers).filter(|parent| trace::trace_id(parent).is_some());
    let value = letter.encode_to_vec();
    let event =
        event::record::<internal::DeadLetter>(role, topic::DEAD_LETTERS.topic(), &subject, record.at.offset, now, traceparent, value);
    Outgoing { key: letter.key.clone().into(), ..event }
}

/// The key, truncated: a longer key is not one of xtsync.
fn key(record: &Record) -> &[u8] {
    &record.key[..record.key.len().min(KEY_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use xtsync_bus::{Bus, Embedded, Partition, Position, Table};
    use xtsync_runtime::clock::ManualClock;
    use xtsync_store as store;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn record(value: Vec<u8>) -> Record {
        let partition = Partition { topic: topic::CONFIG.topic(), index: 0 };
        let headers =
            vec![("traceparent".to_owned(), Bytes::from_static(PARENT.as_bytes())), ("x".to_owned(), Bytes::from_static(b"\xff"))];
        Record {
            at: Position { partition, offset: 7 },
            key: Bytes::from_static(b"k"),
            value: Some(value.into()),
            headers,
            time: Timestamp(1),
        }
    }

    #[tokio::test]
    async fn a_dead_letter_keeps_the_records_bytes_and_context() {
        let dir = xtsync_harness::Dir::new().unwrap();
        let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(ManualClock::at(Timestamp(5)))).await.unwrap();
        let error = store::Error::Unavailable(sqlx::Error::PoolClosed);
        send(&*bus, Role::POLICY, &record(vec![1, 2]), "undecodable", &error, Timestamp(9)).await.unwrap();
        let mut table = Table::open(&bus, vec![topic::DEAD_LETTERS.topic()]).await.unwrap();
        let found = &table.next().await.unwrap()[0];
        let letter: internal::DeadLetter = event::decode(&found.headers, found.value.as_ref().unwrap()).unwrap();
        assert_eq!((found.key.as_ref(), letter.topic.as_str(), letter.offset), (b"k".as_slice(), "xtsync.v1.config", 7));
        assert_eq!((letter.value, letter.headers[1].value.as_slice()), (Some(vec![1, 2]), b"\xff".as_slice()));
        assert_eq!((letter.role.as_str(), letter.reason.as_str()), ("policy", "undecodable"));
        assert!(letter.error.starts_with("the database is unavailable: "), "{}", letter.error);
        assert_eq!(letter.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_record_of_the_largest_size_is_still_dead_lettered() {
        let error = store::Error::Corrupt("it is broken".to_owned());
        let letter = fit_to_limit(letter(Role::POLICY, &record(vec![0; RECORD_BYTES_MAX]), "undecodable", &error, Timestamp(9)));
        assert_eq!(letter.value, None);
        assert!(letter.error.contains("the value of 1000000 bytes"), "{}", letter.error);
    }

    #[tokio::test]
    async fn a_foreign_record_is_dead_lettered_whatever_part_of_it_is_large() {
        let dir = xtsync_harness::Dir::new().unwrap();
        let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(ManualClock::at(Timestamp(5)))).await.unwrap();
        let large = || Bytes::from(vec![0xff; RECORD_BYTES_MAX]);
        let headers = vec![("traceparent".to_owned(), Bytes::from("x".repeat(RECORD_BYTES_MAX)))];
        for record in [
            Record { key: large(), ..record(vec![]) },
            Record { value: Some(large()), ..record(vec![]) },
            Record { headers, ..record(vec![]) },
        ] {
            send(&*bus, Role::POLICY, &record, "foreign_type", &store::Error::Corrupt("broken".to_owned()), Timestamp(9)).await.unwrap();
        }
    }
}
