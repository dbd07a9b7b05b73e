//! Short helpers for bus tests: records, readers and group members.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use xtsync_bus::{Assigned, Bus, Committed, Event, Outgoing, Partition, Position, Record, Subscription, Topic, Urgency};

/// The time limit of each wait; longer than any operation takes.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A record without headers.
pub fn put(topic: &Topic, key: &str, value: impl ToString) -> Outgoing {
    let value = Some(Bytes::from(value.to_string()));
    Outgoing { topic: topic.clone(), key: Bytes::copy_from_slice(key.as_bytes()), value, headers: Vec::new() }
}

/// A tombstone.
pub fn end(topic: &Topic, key: &str) -> Outgoing {
    Outgoing { value: None, ..put(topic, key, "") }
}

/// Publishes `count` records, values 0 to `count`, over seven keys.
pub async fn publish(bus: &Bus, topic: &Topic, count: usize) {
    let records = (0..count).map(|n| put(topic, &format!("k{}", n % 7), n)).collect();
    bus.publish(records, Urgency::Bulk).await.unwrap();
}

/// Key and value as text; `-` is a tombstone.
pub fn text(record: &Record) -> (String, String) {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&record.key), record.value.as_ref().map_or("-".to_owned(), text))
}

/// The partition with this index.
pub fn part(topic: &Topic, index: u32) -> Partition {
    Partition { topic: topic.clone(), index }
}

/// Reads all records of a topic from the start to its current end.
pub async fn everything(bus: &Bus, topic: &Topic) -> Vec<Record> {
    let ends = bus.ends(topic).await.unwrap();
    let low: Vec<Position> = (0..).zip(&ends).map(|(index, ends)| Position { partition: part(topic, index), offset: ends.low }).collect();
    let mut reader = bus.reader(&low).await.unwrap();
    let mut records = Vec::new();
    let read = async {
        while (0..).zip(&ends).any(|(index, ends)| reader.position(&part(topic, index)).unwrap() < ends.high) {
            records.extend(reader.read(usize::MAX, Duration::from_millis(200)).await.unwrap());
        }
    };
    timeout(TEST_TIMEOUT, read).await.expect("the end is reached");
    records
}

/// Returns the next event, within the time limit.
pub async fn next(member: &mut dyn Subscription) -> Event {
    timeout(TEST_TIMEOUT, member.next()).await.expect("an event comes").unwrap()
}

/// Waits until `count` partitions are assigned.
pub async fn assigned(member: &mut dyn Subscription, count: usize) -> Vec<Assigned> {
    let mut all = Vec::new();
    while all.len() < count {
        match next(member).await {
            Event::Assigned(assigned) => all.extend(assigned),
            other => panic!("{other:?} instead of an assignment"),
        }
    }
    all
}

/// Joins a group without other members, and starts each partition at its committed position.
pub async fn join(bus: &Bus, group: &str, topic: &Topic) -> Box<dyn Subscription> {
    let mut member = bus.subscribe(group, std::slice::from_ref(topic)).await.unwrap();
    let count = bus.ends(topic).await.unwrap().len();
    for assigned in assigned(&mut *member, count).await {
        member.start(&[(assigned.partition, assigned.committed.map(|committed| committed.next))]).await.unwrap();
    }
    member
}

/// Receives `count` records.
pub async fn take(member: &mut dyn Subscription, count: usize) -> Vec<Record> {
    let mut all = Vec::new();
    while all.len() < count {
        match next(member).await {
            Event::Records(records) => all.extend(records),
            other => panic!("{other:?} instead of records"),
        }
    }
    all
}

/// The position after a record.
pub fn after(record: &Record, metadata: &str) -> (Partition, Committed) {
    (record.at.partition.clone(), Committed { next: record.at.offset + 1, metadata: metadata.to_owned() })
}
