//! The outbox: with its effect or not at all, in order, published once where nothing crashes.

use std::sync::Arc;

use bytes::Bytes;
use xtsync_domain::TenantName;
use xtsync_harness::Dir;
use xtsync_platform::bus::{Bus, Embedded, Outgoing, Table};
use xtsync_platform::clock::SystemClock;
use xtsync_platform::store::outbox;
use xtsync_proto::topic::Topic;

use super::place::{Place, numbers};

fn record(n: usize) -> Outgoing {
    let headers = vec![("ce_id".to_owned(), Bytes::from(n.to_string())), ("raw".to_owned(), Bytes::from_static(b"\0\xff"))];
    let value = n.is_multiple_of(2).then(|| Bytes::from(n.to_string()));
    Outgoing { topic: Topic::Outcomes(TenantName::new("hub").unwrap()), key: Bytes::from_static(b"emea/ana"), value, headers }
}

pub(crate) async fn what_is_in_the_outbox_comes_with_its_effect_in_order_and_once(place: Place) {
    let (store, dir) = (place.open().await, Dir::new().unwrap());
    let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
    let records: Vec<_> = (0..1200).map(record).collect();
    for (commit, chunk) in [(true, &records[..700]), (false, &records[..3]), (true, &records[700..])] {
        let mut tx = store.begin().await.unwrap();
        tx.execute("INSERT INTO thing (id) VALUES ('told') ON CONFLICT DO NOTHING", vec![]).await.unwrap();
        outbox::append(&mut tx, chunk).await.unwrap();
        if commit {
            tx.commit().await.unwrap();
        }
    }
    for expected in [500, 500, 200, 0] {
        assert_eq!(outbox::relay(&store, &bus).await.unwrap(), expected);
    }
    let mut table = Table::open(&bus, vec![records[0].topic.clone()]).await.unwrap();
    let mut found = Vec::new();
    while !table.caught_up() {
        found.extend(table.next().await.unwrap());
    }
    let found: Vec<_> = found.into_iter().map(|record| (record.key, record.value, record.headers)).collect();
    let wanted: Vec<_> = records.into_iter().map(|record| (record.key, record.value, record.headers)).collect();
    assert_eq!(found, wanted);
    assert_eq!(numbers(&store).await.len(), 1);
}
