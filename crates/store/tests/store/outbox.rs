//! The outbox: atomic with its effect, in order, until removal.

use bytes::Bytes;
use xtsync_bus::{Outgoing, Topic};
use xtsync_contract::topic;
use xtsync_domain::TenantName;
use xtsync_store::{Store, outbox};

use xtsync_kit::store_fixture::{StoreFixture, numbers};

fn topic(tenant: &str) -> Topic {
    topic::OUTCOMES.of(TenantName::new(tenant).unwrap())
}

fn record(n: usize) -> Outgoing {
    let headers = vec![("ce_id".to_owned(), Bytes::from(n.to_string())), ("raw".to_owned(), Bytes::from_static(b"\0\xff"))];
    let value = n.is_multiple_of(2).then(|| Bytes::from(n.to_string()));
    Outgoing { topic: topic("hub"), key: Bytes::from_static(b"emea/ana"), value, headers }
}

/// Reads and removes the oldest records of a topic.
async fn take(store: &Store, topic: &Topic) -> Vec<Outgoing> {
    let (numbers, records): (Vec<i64>, Vec<_>) = outbox::oldest(store, topic, 500).await.unwrap().into_iter().unzip();
    let mut tx = store.begin().await.unwrap();
    outbox::remove(&mut tx, &numbers);
    tx.commit().await.unwrap();
    records
}

pub(crate) async fn outbox_records_are_atomic_with_their_effect_and_ordered(fixture: StoreFixture) {
    let store = fixture.open().await;
    let records: Vec<_> = (0..1200).map(record).collect();
    let other = Outgoing { topic: topic("lab"), ..record(0) };
    for (commit, chunk) in [(true, &records[..700]), (false, &records[..3]), (true, std::slice::from_ref(&other)), (true, &records[700..])]
    {
        let mut tx = store.begin().await.unwrap();
        tx.execute("INSERT INTO thing (id) VALUES ('done') ON CONFLICT DO NOTHING", vec![]).await.unwrap();
        outbox::append(&mut tx, chunk);
        if commit {
            tx.commit().await.unwrap();
        }
    }
    let mut found = Vec::new();
    for expected in [500, 500, 200, 0] {
        let taken = take(&store, &topic("hub")).await;
        assert_eq!(taken.len(), expected);
        found.extend(taken);
    }
    assert_eq!(found, records);
    assert_eq!(take(&store, &topic("lab")).await, [other]);
    assert_eq!(numbers(&store).await.len(), 1);
}
