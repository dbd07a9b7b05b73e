//! Where records go that can never be used: with their bytes, where they stood, and why.

use std::error::Error as StdError;

use bytes::Bytes;
use prost::Message as _;
use xtsync_domain::Timestamp;
use xtsync_proto::convert::wire_time;
use xtsync_proto::event::{self, Typed as _};
use xtsync_proto::topic::Topic;
use xtsync_proto::v1;

use crate::bus::{Bus, Error, Headers, Outgoing, RECORD_BYTES_MAX, Record, Urgency};
use crate::telemetry::chain;
use crate::trace;

/// Room for the letter's own headers within the largest record.
const HEADERS_BYTES: usize = 4096;

/// The longest error told; what is longer is cut.
const ERROR_CHARS_MAX: usize = 2000;

/// Publishes a record that cannot be used to the dead letters. `reason` is a stable code such as `foreign_type`; `error` names fields,
/// not values. Returns when the letter is durable: only then may the record be passed over.
///
/// # Errors
/// When the bus is away; then the record is still to be buried.
pub async fn bury(
    bus: &Bus,
    role: &str,
    record: &Record,
    reason: &str,
    error: &(dyn StdError + Sync),
    now: Timestamp,
) -> Result<(), Error> {
    let letter = fitting(letter(role, record, reason, error, now));
    tracing::warn!(
        topic = %record.at.partition.topic, partition = record.at.partition.index, offset = record.at.offset, reason, error = letter.error,
        "record buried"
    );
    let headers =
        |subject: &str| event::headers(v1::DeadLetter::TYPE, role, subject, record.at.offset, now, event::traceparent(&record.headers));
    // The key may be anything; what the headers say is text.
    let headers = headers(&String::from_utf8_lossy(&record.key));
    bus.publish(vec![outgoing(&letter, record.key.clone(), headers)], Urgency::Live).await
}

/// Tells of something that could not be used before it was a record: the letter holds its story alone. `topic` is where it would have
/// come to, `key` says where it stood, `error` what is wrong with it; neither holds a value.
///
/// # Errors
/// When the bus is away; then it is still to be told.
pub async fn tell(bus: &Bus, role: &str, topic: &Topic, key: &str, reason: &str, error: &str, now: Timestamp) -> Result<(), Error> {
    tracing::warn!(%topic, key, reason, error, "what could not be used is told");
    let letter = v1::DeadLetter {
        topic: topic.to_string(),
        offset: -1,
        key: key.as_bytes().to_vec(),
        role: role.to_owned(),
        reason: reason.to_owned(),
        error: error.chars().take(ERROR_CHARS_MAX).collect(),
        at: Some(wire_time(now)),
        ..v1::DeadLetter::default()
    };
    let headers = event::headers(v1::DeadLetter::TYPE, role, key, now.0, now, None);
    bus.publish(vec![outgoing(&letter, Bytes::copy_from_slice(key.as_bytes()), headers)], Urgency::Live).await
}

fn letter(role: &str, record: &Record, reason: &str, error: &dyn StdError, now: Timestamp) -> v1::DeadLetter {
    let header = |(name, value): &(String, bytes::Bytes)| v1::Header { name: name.clone(), value: value.to_vec() };
    v1::DeadLetter {
        topic: record.at.partition.topic.to_string(),
        partition: record.at.partition.index,
        offset: record.at.offset,
        key: record.key.to_vec(),
        value: record.value.as_ref().map(|value| value.to_vec()),
        headers: record.headers.iter().map(header).collect(),
        role: role.to_owned(),
        reason: reason.to_owned(),
        error: chain(error).chars().take(ERROR_CHARS_MAX).collect(),
        trace_id: event::traceparent(&record.headers).and_then(trace::trace_id).unwrap_or_default(),
        at: Some(wire_time(now)),
    }
}

/// A letter that the bus takes: where the record fills it alone, the value stays where it stands, and the letter says so.
fn fitting(mut letter: v1::DeadLetter) -> v1::DeadLetter {
    if letter.encoded_len() + letter.key.len() + HEADERS_BYTES > RECORD_BYTES_MAX {
        let bytes = letter.value.take().map_or(0, |value| value.len());
        letter.error = format!("{}; the value of {bytes} bytes does not fit beside its story and is left out", letter.error);
    }
    letter
}

fn outgoing(letter: &v1::DeadLetter, key: Bytes, headers: Headers) -> Outgoing {
    Outgoing { topic: Topic::DeadLetters, key, value: Some(letter.encode_to_vec().into()), headers }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bus::{Embedded, Partition, Position};
    use crate::clock::ManualClock;
    use crate::store;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn record(value: Vec<u8>) -> Record {
        let partition = Partition { topic: Topic::Config, index: 0 };
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
    async fn a_buried_record_keeps_its_bytes_and_tells_its_story() {
        let dir = xtsync_harness::Dir::new().unwrap();
        let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(ManualClock::at(Timestamp(5)))).await.unwrap();
        let error = store::Error::Away(sqlx::Error::PoolClosed);
        bury(&bus, "policy", &record(vec![1, 2]), "undecodable", &error, Timestamp(9)).await.unwrap();
        let mut table = crate::bus::Table::open(&bus, vec![Topic::DeadLetters]).await.unwrap();
        let found = &table.next().await.unwrap()[0];
        let letter: v1::DeadLetter = event::decode(&found.headers, found.value.as_ref().unwrap()).unwrap();
        assert_eq!((found.key.as_ref(), letter.topic.as_str(), letter.offset), (b"k".as_slice(), "xtsync.v1.config", 7));
        assert_eq!((letter.value, letter.headers[1].value.as_slice()), (Some(vec![1, 2]), b"\xff".as_slice()));
        assert_eq!((letter.role.as_str(), letter.reason.as_str()), ("policy", "undecodable"));
        assert!(letter.error.starts_with("the database is away: "), "{}", letter.error);
        assert_eq!(letter.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_record_as_large_as_they_come_is_still_buried() {
        let error = store::Error::Corrupt("it is broken".to_owned());
        let letter = fitting(letter("policy", &record(vec![0; RECORD_BYTES_MAX]), "undecodable", &error, Timestamp(9)));
        assert_eq!(letter.value, None);
        assert!(letter.error.contains("the value of 1000000 bytes"), "{}", letter.error);
    }
}
