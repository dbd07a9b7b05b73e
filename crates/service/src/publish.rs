//! Publishes records, and marks in the store what was published. A record that is too large does not hold up the others.

use std::future::ready;

use opentelemetry::KeyValue;
use xtsync_bus::{Delivery, Error, Outgoing, Transport, Urgency};
use xtsync_contract::role::Role;
use xtsync_domain::Timestamp;
use xtsync_runtime::metrics::meter;
use xtsync_store::{self as store, Fence, Transaction, retry_contended};

use crate::dead_letter;

/// The description of the counter of oversized records.
const OVERSIZED: &str = "Records that were not published because they were too large, by topic.";

/// Publishes records as [`send`] does. Returns when all are durable.
///
/// # Errors
/// As [`Transport::publish`].
pub async fn records(bus: &dyn Transport, role: Role, records: Vec<Outgoing>, urgency: Urgency, now: Timestamp) -> Result<(), Error> {
    send(bus, role, records, urgency, now).await?.await
}

/// Puts records on their way. An oversized record is dead-lettered instead, so that it does not block the others: that dead letter has no
/// offset and no value.
///
/// # Errors
/// As [`Transport::send`].
pub async fn send(bus: &dyn Transport, role: Role, records: Vec<Outgoing>, urgency: Urgency, now: Timestamp) -> Result<Delivery, Error> {
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
    if accepted.is_empty() { Ok(Box::pin(ready(Ok(())))) } else { bus.send(accepted, urgency).await }
}

/// Marks in the store what was published, as the owner of a lease. Call it after each publication, also after a failed one: some of its
/// records may have reached the bus. Both closures write into the transaction and commit it; they run again if it was contended.
///
/// `mark` writes what the bus took, or nothing after a failure. Its commit proves that no other owner has published in between. If the
/// lease is lost, another owner may have published newer records before these, and an older record may be the last of its key for ever.
/// So `mark_late` marks the rows as unpublished, without the lease, and the owner publishes them again.
///
/// # Errors
/// The error of `mark`, [`store::Error::Fenced`] if the lease is lost; or that of `mark_late`, if it fails.
pub async fn mark<Mark, MarkLate>(
    fence: &Fence,
    mark: impl Fn(Transaction) -> Mark,
    mark_late: impl Fn(Transaction) -> MarkLate,
) -> Result<(), store::Error>
where
    Mark: Future<Output = Result<(), store::Error>>,
    MarkLate: Future<Output = Result<(), store::Error>>,
{
    let marked = retry_contended(|| async { mark(fence.begin().await?).await }).await;
    if marked.is_err() && fence.is_lost().await {
        retry_contended(|| async { mark_late(fence.store().begin().await?).await }).await?;
    }
    marked
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;
    use std::time::Duration;

    use xtsync_bus::{Bus, Embedded, RECORD_BYTES_MAX, Record, Table, Topic};
    use xtsync_contract::{event, internal, topic};
    use xtsync_kit::store_fixture::{StoreFixture, numbers};
    use xtsync_runtime::clock::ManualClock;
    use xtsync_store::{lease, params};

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

    const TTL: Duration = Duration::from_secs(10);

    async fn put(mut tx: Transaction, id: &str, result: Result<(), store::Error>) -> Result<(), store::Error> {
        tx.execute("INSERT INTO thing (id) VALUES ($1)", params![id]).await?;
        result?;
        tx.commit().await
    }

    /// Marks as an owner whose lease is lost or not; returns the result and the marks in the store.
    async fn marked(is_lost: bool, failing: impl Fn() -> Result<(), store::Error>) -> (Result<(), store::Error>, Vec<String>) {
        let fixture = StoreFixture::sqlite();
        let store = fixture.open().await;
        let epoch = lease::acquire(&store, "target/hub", "a", TTL).await.unwrap().unwrap();
        if is_lost {
            fixture.pass(&store, TTL).await;
            lease::acquire(&store, "target/hub", "b", TTL).await.unwrap().unwrap();
        }
        let fence = Fence::new(store.clone(), "target/hub", epoch);
        let result = mark(&fence, |tx| put(tx, "published", failing()), |tx| put(tx, "unpublished", Ok(()))).await;
        (result, numbers(&store).await.into_iter().map(|(id, _)| id).collect())
    }

    #[tokio::test]
    async fn the_owner_marks_what_was_published_and_a_former_owner_what_the_next_one_publishes_again() {
        let (result, marks) = marked(false, || Ok(())).await;
        assert!(result.is_ok());
        assert_eq!(marks, ["published"]);
        let (result, marks) = marked(true, || Ok(())).await;
        assert!(matches!(result, Err(store::Error::Fenced(_))));
        assert_eq!(marks, ["unpublished"]);
    }

    #[tokio::test]
    async fn a_failure_to_mark_as_the_owner_marks_nothing_and_as_a_former_owner_marks_late() {
        for (is_lost, wanted) in [(false, &[][..]), (true, &["unpublished"])] {
            let (result, marks) = marked(is_lost, || Err(store::Error::Corrupt("a row".to_owned()))).await;
            assert!(matches!(result, Err(store::Error::Corrupt(_))), "lost: {is_lost}");
            assert_eq!(marks, wanted, "lost: {is_lost}");
        }
    }

    #[tokio::test]
    async fn a_contended_mark_is_retried() {
        let attempts = Cell::new(0);
        let contended_once = || {
            attempts.set(attempts.get() + 1);
            if attempts.get() == 1 { Err(store::Error::Contended(sqlx::Error::RowNotFound)) } else { Ok(()) }
        };
        let (result, marks) = marked(false, contended_once).await;
        assert!(result.is_ok());
        assert_eq!((attempts.get(), marks), (2, vec!["published".to_owned()]));
    }
}
