//! Consumers with stored offsets.

#![allow(clippy::unwrap_used, reason = "in a check a panic is the report")]

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::yield_now;
use tokio::time::timeout;
use xtsync_bus::{Bus, Event, Record, Topic, WantedTopics, partition_of};
use xtsync_harness::{Dir, unique};
use xtsync_runtime::clock::SystemClock;
use xtsync_service::consumer::{Consumer, OwnedTopic, lag, positions};
use xtsync_store::{Migrations, Options, Store, load_offsets, lock_offsets, store_offsets};

use xtsync_kit::builders::{TEST_TIMEOUT, assigned, part, publish, text};
use xtsync_kit::bus_fixture::{BusFixture, PARTITIONS, new_topic};
use xtsync_kit::faulty_bus::FaultyBus;

async fn store(dir: &Dir) -> Store {
    let url = dir.path().display().to_string();
    let migrations = Migrations { sqlite: &[], postgres: &[] };
    Store::open(Options { url, service: "test", migrations, clock: Arc::new(SystemClock) }).await.unwrap()
}

/// A consumer that is alone in its group.
fn consumer(store: &Store, bus: &Bus) -> Consumer {
    Consumer::new(store, bus, unique("g").leak())
}

fn wanted(topics: &[&Topic]) -> WantedTopics {
    topics.iter().map(|topic| (Topic::clone(topic), Vec::new())).collect()
}

/// The next records, after any other events.
async fn next(consumer: &mut Consumer, wanted: &WantedTopics) -> Vec<Record> {
    let records = async {
        loop {
            consumer.set_topics(wanted).await.unwrap();
            if let Some(event) = consumer.next().await.unwrap() {
                let records = consumer.handle(event).await.unwrap();
                if !records.is_empty() {
                    return records;
                }
            }
        }
    };
    timeout(TEST_TIMEOUT, records).await.expect("records come")
}

async fn take(consumer: &mut Consumer, wanted: &WantedTopics, store: &Store, count: usize) -> Vec<Record> {
    let mut all = Vec::new();
    while all.len() < count {
        let records = next(consumer, wanted).await;
        let next = positions(&records);
        let mut tx = store.begin().await.unwrap();
        store_offsets(&mut tx, &next);
        tx.commit().await.unwrap();
        consumer.commit(next).await;
        all.extend(records);
    }
    all
}

async fn a_consumer_resumes_at_the_stored_offset(fixture: &BusFixture) {
    let (dir, topic) = (Dir::new().unwrap(), fixture.topic().await);
    let (store, wanted) = (store(&dir).await, wanted(&[&topic]));
    publish(&fixture.bus, &topic, 10).await;
    assert_eq!(lag(&store, &fixture.bus, std::slice::from_ref(&topic)).await.unwrap(), 10);
    take(&mut consumer(&store, &fixture.bus), &wanted, &store, 10).await;
    assert_eq!(lag(&store, &fixture.bus, std::slice::from_ref(&topic)).await.unwrap(), 0);
    publish(&fixture.bus, &topic, 1).await;
    // Another group, without any commit.
    let after = take(&mut consumer(&store, &fixture.bus), &wanted, &store, 1).await;
    assert_eq!((after.len(), text(&after[0]).1.as_str()), (1, "0"));
}

async fn a_recreated_log_sets_the_stored_offset_back(fixture: &BusFixture) {
    let (dir, topic) = (Dir::new().unwrap(), fixture.topic().await);
    let (store, wanted) = (store(&dir).await, wanted(&[&topic]));
    publish(&fixture.bus, &topic, 7).await;
    let mut tx = store.begin().await.unwrap();
    let far = (0..PARTITIONS).map(|index| (part(&topic, index), 1000)).collect();
    store_offsets(&mut tx, &far);
    tx.commit().await.unwrap();
    assert_eq!(lag(&store, &fixture.bus, std::slice::from_ref(&topic)).await.unwrap(), 7, "what the new log holds has no effect yet");
    take(&mut consumer(&store, &fixture.bus), &wanted, &store, 7).await;
    let ends = fixture.bus.ends(&topic).await.unwrap();
    let stored: Vec<_> = load_offsets(&store, &topic).await.unwrap().into_values().collect();
    assert_eq!(stored, ends.iter().map(|ends| ends.high).collect::<Vec<_>>());
}

/// Lag counts from the committed positions, and the next member may not commit for long: nothing comes for it.
async fn positions_that_were_not_committed_are_committed_on_revocation(fixture: &BusFixture) {
    let (dir, group) = (Dir::new().unwrap(), unique("g").leak());
    let (left, kept) = (fixture.topic().await, fixture.topic().await);
    let store = store(&dir).await;
    let faulty_bus = FaultyBus::new(fixture.bus.clone());
    let mut consumer = Consumer::new(&store, &(faulty_bus.clone() as Bus), group);
    publish(&fixture.bus, &left, 10).await;
    faulty_bus.faults().failing_commits = u32::MAX;
    let records = take(&mut consumer, &wanted(&[&left, &kept]), &store, 10).await;
    faulty_bus.faults().failing_commits = 0;
    assert!(faulty_bus.faults().commits.is_empty());

    let kept = wanted(&[&kept]);
    let release = async {
        while faulty_bus.faults().released.len() < PARTITIONS as usize {
            consumer.set_topics(&kept).await.unwrap();
            if let Some(event) = consumer.next().await.unwrap() {
                consumer.handle(event).await.unwrap();
            }
        }
    };
    timeout(TEST_TIMEOUT, release).await.expect("the topic is released");
    drop(consumer);
    let mut member = fixture.bus.subscribe(group, std::slice::from_ref(&left)).await.unwrap();
    let assigned = assigned(&mut *member, PARTITIONS as usize).await;
    let committed = assigned.into_iter().filter_map(|assigned| Some((assigned.partition, assigned.committed?.next)));
    assert_eq!(committed.collect::<BTreeMap<_, _>>(), positions(&records));
}

/// The owner of a topic takes the next records in while a commit is on its way, and what was stored meanwhile needs one more.
async fn the_positions_of_an_owned_topic_are_committed_beside_the_work(fixture: &BusFixture) {
    let (dir, topic) = (Dir::new().unwrap(), fixture.topic().await);
    let (store, faulty_bus) = (store(&dir).await, FaultyBus::new(fixture.bus.clone()));
    publish(&fixture.bus, &topic, 10).await;
    let bus: Bus = faulty_bus.clone();
    let owned = OwnedTopic::open(&store, &bus, &topic, unique("g").leak()).await.unwrap();
    let permits = faulty_bus.hold(&[]);
    let partition = part(&topic, 0);
    for offset in 1..=4 {
        owned.commit(BTreeMap::from([(partition.clone(), offset)]));
        if offset == 1 {
            timeout(TEST_TIMEOUT, faulty_bus.waits.notified()).await.expect("it is on its way");
        }
    }
    permits.add_permits(1);
    timeout(TEST_TIMEOUT, faulty_bus.waits.notified()).await.expect("the next is on its way");
    permits.add_permits(1);
    let committed = || faulty_bus.faults().commits.iter().map(|(_, committed)| committed.next).collect::<Vec<_>>();
    let both = async {
        while committed().len() < 2 {
            yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, both).await.expect("both are committed");
    assert_eq!(committed(), [1, 4]);
}

#[tokio::test]
async fn a_log_recreated_under_a_consumer_sets_the_stored_offset_back_first() {
    let (fixture, dir, topic) = (BusFixture::embedded().await, Dir::new().unwrap(), new_topic());
    let (store, wanted) = (store(&dir).await, wanted(&[&topic]));
    let mut consumer = consumer(&store, &fixture.bus);
    publish(&fixture.bus, &topic, 50).await;
    let records = take(&mut consumer, &wanted, &store, 50).await;
    let index = partition_of(b"k0", PARTITIONS);
    let first = records.iter().find(|record| record.at.partition.index == index).unwrap().clone();
    assert_eq!(consumer.handle(Event::Records(vec![first.clone()])).await.unwrap(), [first]);
    let mut tx = store.begin().await.unwrap();
    let partition = part(&topic, index);
    assert_eq!(lock_offsets(&mut tx, [partition.clone()].into()).await.unwrap(), BTreeMap::from([(partition, 0)]));
}

/// How a topic gets another number of partitions (docs/partitions.md): it is made anew, and its consumers start before its writers.
#[tokio::test]
async fn a_topic_made_anew_with_another_number_of_partitions_is_read_from_its_start() {
    let (grouped, owned, topic) = (Dir::new().unwrap(), Dir::new().unwrap(), new_topic());
    let (grouped, owned) = (store(&grouped).await, store(&owned).await);
    for partitions in [6, 1, 3, 6] {
        let fixture = BusFixture::embedded().await;
        let topic = fixture.create(topic.clone().with_partitions(partitions)).await;
        let (mut consumer, wanted) = (consumer(&grouped, &fixture.bus), wanted(&[&topic]));
        consumer.set_topics(&wanted).await.unwrap();
        let assigned = consumer.next().await.unwrap().unwrap();
        assert_eq!(consumer.handle(assigned).await.unwrap(), []);
        let mut reader = OwnedTopic::open(&owned, &fixture.bus, &topic, unique("g").leak()).await.unwrap();

        publish(&fixture.bus, &topic, 40).await;
        take(&mut consumer, &wanted, &grouped, 40).await;
        let mut read = 0;
        while read < 40 {
            let records = reader.read(TEST_TIMEOUT).await.unwrap();
            let mut tx = owned.begin().await.unwrap();
            store_offsets(&mut tx, &positions(&records));
            tx.commit().await.unwrap();
            read += records.len();
        }
        for store in [&grouped, &owned] {
            assert_eq!(lag(store, &fixture.bus, std::slice::from_ref(&topic)).await.unwrap(), 0, "of {partitions}");
        }
    }
}

#[tokio::test]
async fn a_missing_topic_is_waited_for_while_the_others_are_consumed() {
    let (fixture, dir) = (BusFixture::kafka().await, Dir::new().unwrap());
    let (there, missing) = (fixture.topic().await, new_topic());
    let (store, wanted) = (store(&dir).await, wanted(&[&there, &missing]));
    let mut consumer = consumer(&store, &fixture.bus);
    publish(&fixture.bus, &there, 3).await;
    take(&mut consumer, &wanted, &store, 3).await;
    let reported = consumer.missing().unwrap().to_string();
    assert_eq!(reported, format!("topic {missing} is missing: run `xtsync topics create`"));
    fixture.create(missing.clone()).await;
    publish(&fixture.bus, &missing, 4).await;
    assert!(take(&mut consumer, &wanted, &store, 4).await.iter().all(|record| record.at.partition.topic == missing));
    assert!(consumer.missing().is_none());
}

/// Runs each check on each kind of bus.
macro_rules! on_both {
    ($($check:ident),* $(,)?) => {
        mod on_embedded {
            $(#[tokio::test] async fn $check() { super::$check(&super::BusFixture::embedded().await).await; })*
        }
        mod on_kafka {
            $(#[tokio::test] async fn $check() { super::$check(&super::BusFixture::kafka().await).await; })*
        }
    };
}

on_both! {
    a_consumer_resumes_at_the_stored_offset,
    a_recreated_log_sets_the_stored_offset_back,
    positions_that_were_not_committed_are_committed_on_revocation,
    the_positions_of_an_owned_topic_are_committed_beside_the_work,
}
