//! Tables on every bus.

use std::collections::BTreeMap;

use tokio::time::timeout;
use xtsync_bus::{Table, Urgency};

use crate::builders::{TEST_TIMEOUT, end, publish, put, text};
use crate::bus_fixture::BusFixture;

/// Folds the records of a table until `done`.
async fn fold(table: &mut Table, rows: &mut BTreeMap<String, String>, done: impl Fn(&Table, &BTreeMap<String, String>) -> bool) {
    while !done(table, rows) {
        let records = timeout(TEST_TIMEOUT, table.next()).await.expect("the table returns").unwrap();
        rows.extend(records.iter().map(text));
    }
}

pub(crate) async fn a_table_returns_existing_records_and_then_new_ones(fixture: &BusFixture) {
    let topic = fixture.topic().await;
    publish(&fixture.bus, &topic, 2000).await;
    let mut table = Table::open(&fixture.bus, vec![topic.clone()]).await.unwrap();
    assert!(!table.caught_up());
    let mut rows = BTreeMap::new();
    fold(&mut table, &mut rows, |table, _| table.caught_up()).await;
    let newest: BTreeMap<_, _> = (1993..2000).map(|n| (format!("k{}", n % 7), n.to_string())).collect();
    assert_eq!(rows, newest);

    fixture.bus.publish(vec![put(&topic, "k1", "new"), end(&topic, "k2")], Urgency::Live).await.unwrap();
    fold(&mut table, &mut rows, |_, rows| rows["k1"] == "new" && rows["k2"] == "-").await;
    assert!(table.caught_up());
}

pub(crate) async fn a_table_of_an_empty_topic_has_caught_up(fixture: &BusFixture) {
    let topic = fixture.topic().await;
    let mut table = Table::open(&fixture.bus, vec![topic.clone()]).await.unwrap();
    assert!(table.caught_up());
    publish(&fixture.bus, &topic, 1).await;
    let mut rows = BTreeMap::new();
    fold(&mut table, &mut rows, |_, rows| !rows.is_empty()).await;
    assert_eq!(rows["k0"], "0");
}

pub(crate) async fn a_table_accepts_further_topics(fixture: &BusFixture) {
    let (first, second) = (fixture.topic().await, fixture.topic().await);
    publish(&fixture.bus, &first, 7).await;
    fixture.bus.publish(vec![put(&second, "s", 1)], Urgency::Live).await.unwrap();
    let mut table = Table::open(&fixture.bus, vec![first.clone()]).await.unwrap();
    let mut rows = BTreeMap::new();
    fold(&mut table, &mut rows, |table, _| table.caught_up()).await;
    table.resubscribe(vec![first.clone(), second.clone()]).await.unwrap();
    assert!(!table.caught_up());
    fold(&mut table, &mut rows, |table, _| table.caught_up()).await;
    assert_eq!((rows.len(), rows["s"].as_str()), (8, "1"));
    fixture.bus.publish(vec![put(&first, "k0", "live")], Urgency::Live).await.unwrap();
    fold(&mut table, &mut rows, |_, rows| rows["k0"] == "live").await;
}
