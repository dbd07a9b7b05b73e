//! Publishes records. One that is too large does not hold up the others.

use opentelemetry::KeyValue;
use xtsync_bus::{Error, Outgoing, Transport, Urgency};
use xtsync_contract::role::Role;
use xtsync_domain::Timestamp;
use xtsync_runtime::metrics::meter;

use crate::dead_letter;

/// The description of the counter of oversized records.
const OVERSIZED: &str = "Records that were not published because they were too large, by topic.";

/// Publishes records. An oversized record is dead-lettered instead, so that it does not block the others: that dead letter has no offset
/// and no value. Returns when all are durable.
///
/// # Errors
/// As [`Transport::publish`].
pub async fn records(bus: &dyn Transport, role: Role, records: Vec<Outgoing>, urgency: Urgency, now: Timestamp) -> Result<(), Error> {
    let mut accepted = Vec::with_capacity(records.len());
    for record in records {
        match record.check_size() {
            Ok(()) => accepted.push(record),
            Err(error) => {
                let topic = KeyValue::new("topic", record.topic.to_string());
                meter().u64_counter("xtsync_records_oversized").with_description(OVERSIZED).build().add(1, &[topic]);
                dead_letter::send_oversized(bus, role, record, &error, now).await?;
            }
        }
    }
    if accepted.is_empty() { Ok(()) } else { bus.publish(accepted, urgency).await }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use xtsync_bus::{Bus, Embedded, RECORD_BYTES_MAX, Record, Table, Topic};
    use xtsync_contract::{event, internal, topic};
    use xtsync_runtime::clock::ManualClock;

    use super::*;
    use crate::dead_letter::KEY_BYTES_MAX;

    /// All records of a topic.
    async fn all(bus: &Bus, topic: Topic) -> Vec<Record> {
        let mut table = Table::open(bus, vec![topic]).await.unwrap();
        let mut all = Vec::new();
        while !table.caught_up() {
            all.extend(table.next().await.unwrap());
        }
        all
    }

    #[tokio::test]
    async fn an_oversized_record_is_dead_lettered_and_the_others_are_published() {
        let dir = xtsync_harness::Dir::new().unwrap();
        let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(ManualClock::at(Timestamp(5)))).await.unwrap();
        let record = |key: Vec<u8>, bytes: usize| {
            let value = Some(vec![1; bytes].into());
            Outgoing { topic: topic::CONFIG.topic(), key: key.into(), value, headers: Vec::new() }
        };
        let key_too_long = vec![0xff; RECORD_BYTES_MAX + 1];
        let all_sizes =
            vec![record(b"a".to_vec(), 1), record(b"b".to_vec(), RECORD_BYTES_MAX), record(key_too_long, 0), record(b"c".to_vec(), 1)];
        records(&*bus, Role::POLICY, all_sizes, Urgency::Live, Timestamp(9)).await.unwrap();
        let keys: Vec<_> = all(&bus, topic::CONFIG.topic()).await.into_iter().map(|record| record.key).collect();
        assert_eq!(keys, [&b"a"[..], b"c"]);
        let letters = all(&bus, topic::DEAD_LETTERS.topic()).await;
        let letter = |record: &Record| event::decode::<internal::DeadLetter>(&record.headers, record.value.as_ref().unwrap()).unwrap();
        let mut summaries: Vec<_> =
            letters.iter().map(letter).map(|letter| (letter.key.len(), letter.offset, letter.reason, letter.error)).collect();
        summaries.sort();
        let words = |bytes| format!("publishing to xtsync.v1.config: a record of {bytes} bytes is over 1000000");
        let oversized = |key, bytes: usize| (key, -1, "oversized".to_owned(), words(bytes));
        assert_eq!(summaries, [oversized(1, RECORD_BYTES_MAX + 1), oversized(KEY_BYTES_MAX, RECORD_BYTES_MAX + 1)]);
    }
}
