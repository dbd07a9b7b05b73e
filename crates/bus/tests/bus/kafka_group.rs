//! Groups on Kafka: assignment, rebalances with records in flight, members without a heartbeat.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use xtsync_bus::{Committed, Error, Event, KafkaOptions, Partition, Record, Subscription, Topic};
use xtsync_contract::topic::{self, PROVISIONER_GROUP};
use xtsync_harness::{Kafka as Broker, KafkaOptions as BrokerOptions, unique, wait_for};

use crate::builders::{TEST_TIMEOUT, after, join, next, part, publish, take, text};
use crate::bus_fixture::{BusFixture, PARTITIONS, broker, new_tenant};

/// A bus whose members drain for at most one second.
async fn with_short_drain() -> BusFixture {
    let options = KafkaOptions { drain_limit: Duration::from_secs(1), ..KafkaOptions::new(broker().await.bootstrap()) };
    BusFixture::on(options).await
}

/// The next event other than records.
async fn change(member: &mut dyn Subscription) -> Event {
    loop {
        match next(member).await {
            Event::Records(_) => {}
            change @ (Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_)) => return change,
        }
    }
}

/// The partitions of the next revocation.
async fn revoked(member: &mut dyn Subscription) -> Vec<Partition> {
    match change(member).await {
        Event::Revoked(partitions) => partitions,
        other => panic!("{other:?} instead of a revocation"),
    }
}

/// The partitions of the next assignment, with their committed offsets.
async fn next_assignment(member: &mut dyn Subscription) -> Vec<(Partition, Option<i64>)> {
    match change(member).await {
        Event::Assigned(all) => all.into_iter().map(|one| (one.partition, one.committed.map(|committed| committed.next))).collect(),
        other => panic!("{other:?} instead of an assignment"),
    }
}

fn position(partition: &Partition, next: i64) -> (Partition, Committed) {
    (partition.clone(), Committed { next, metadata: String::new() })
}

async fn subscribe(fixture: &BusFixture, group: &str, topic: &Topic) -> Box<dyn Subscription> {
    fixture.bus.subscribe(group, std::slice::from_ref(topic)).await.unwrap()
}

#[tokio::test]
async fn two_members_share_the_partitions_and_the_remaining_one_gets_all() {
    let fixture = BusFixture::kafka().await;
    let (topic, group) = (fixture.topic().await, unique("g"));
    let mut first = join(&fixture.bus, &group, &topic).await;
    let mut second = subscribe(&fixture, &group, &topic).await;
    let (given, taken) = tokio::join!(
        async {
            let given = revoked(&mut *first).await;
            first.released(&given);
            given
        },
        next_assignment(&mut *second),
    );
    let taken: Vec<_> = taken.into_iter().map(|(partition, _)| partition).collect();
    assert_eq!((given.len(), BTreeSet::from_iter(&given)), (3, BTreeSet::from_iter(&taken)));
    drop(second);
    let back: Vec<_> = next_assignment(&mut *first).await.into_iter().map(|(partition, _)| partition).collect();
    assert_eq!(BTreeSet::from_iter(back), BTreeSet::from_iter(given));
}

#[tokio::test]
async fn a_member_drains_before_another_starts() {
    let fixture = BusFixture::kafka().await;
    let (topic, group) = (fixture.topic().await, unique("g"));
    publish(&fixture.bus, &topic, 700).await;
    let mut first = join(&fixture.bus, &group, &topic).await;
    let in_flight = take(&mut *first, 700).await;
    let mut second = subscribe(&fixture, &group, &topic).await;
    let ((leaving, half), arriving) = tokio::join!(
        async {
            let leaving = revoked(&mut *first).await;
            // Half of the records are processed before the release, so they may be committed.
            let done: Vec<&Record> = in_flight.iter().filter(|record| leaving.contains(&record.at.partition)).collect();
            let half: Vec<_> = leaving.iter().map(|partition| last_of_half(&done, partition)).collect();
            first.commit(half.clone()).await.unwrap();
            first.released(&leaving);
            (leaving, half)
        },
        next_assignment(&mut *second),
    );
    let late = first.commit(vec![position(&leaving[0], 0)]).await.unwrap_err();
    assert!(matches!(late, Error::Fenced { .. }), "{late}");
    for (partition, next) in &arriving {
        assert_eq!(half.iter().find(|(of, _)| of == partition).map(|(_, committed)| committed.next), *next, "{partition}");
        second.start(&[(partition.clone(), *next)]).await.unwrap();
    }
    let left: BTreeSet<_> = in_flight
        .iter()
        .filter(|record| half.iter().any(|(of, committed)| *of == record.at.partition && record.at.offset >= committed.next))
        .map(text)
        .collect();
    let again: BTreeSet<_> = take(&mut *second, left.len()).await.iter().map(text).collect();
    assert_eq!(again, left);
}

/// The position in the middle of a partition's records in flight.
fn last_of_half(in_flight: &[&Record], partition: &Partition) -> (Partition, Committed) {
    let count = in_flight.iter().filter(|record| record.at.partition == *partition).count();
    position(partition, i64::try_from(count / 2).unwrap())
}

#[tokio::test]
async fn a_member_that_does_not_release_in_time_is_fenced_and_gets_nothing_more() {
    let fixture = with_short_drain().await;
    let (topic, group) = (fixture.topic().await, unique("g"));
    let mut first = join(&fixture.bus, &group, &topic).await;
    let mut second = subscribe(&fixture, &group, &topic).await;
    let leaving = revoked(&mut *first).await;
    // The first member never releases, but the second is assigned.
    let arriving = next_assignment(&mut *second).await;
    assert_eq!(BTreeSet::from_iter(arriving.iter().map(|(partition, _)| partition)), BTreeSet::from_iter(&leaving));
    let late = first.commit(vec![position(&leaving[0], 1)]).await.unwrap_err();
    assert!(matches!(late, Error::Fenced { .. }), "{late}");
    // A late release revokes no partition of the second member.
    first.released(&leaving);
    for (partition, next) in &arriving {
        second.start(&[(partition.clone(), *next)]).await.unwrap();
    }
    publish(&fixture.bus, &topic, 70).await;
    let theirs = take(&mut *second, 1).await;
    assert!(theirs.iter().all(|record| leaving.contains(&record.at.partition)));
    let mine = take(&mut *first, 1).await;
    assert!(mine.iter().all(|record| !leaving.contains(&record.at.partition)));
}

#[tokio::test]
async fn prefetched_records_are_not_delivered_after_a_revocation() {
    let fixture = with_short_drain().await;
    let (topic, group) = (fixture.topic().await, unique("g"));
    let mut first = join(&fixture.bus, &group, &topic).await;
    publish(&fixture.bus, &topic, 5000).await;
    // Batches are waiting by now, and the member reads none until the other has joined and the revocation was reported.
    let mut second = subscribe(&fixture, &group, &topic).await;
    next_assignment(&mut *second).await;
    let Event::Revoked(leaving) = next(&mut *first).await else { panic!("the revocation comes before waiting records") };
    let kept = take(&mut *first, 1).await;
    assert!(kept.iter().all(|record| !leaving.contains(&record.at.partition)));
}

#[tokio::test]
async fn a_member_whose_subscriber_is_busy_stays_in_its_group() {
    let options = KafkaOptions { session_timeout: Duration::from_secs(2), ..KafkaOptions::new(broker().await.bootstrap()) };
    let fixture = BusFixture::on(options).await;
    let topic = fixture.topic().await;
    let mut member = join(&fixture.bus, &unique("g"), &topic).await;
    publish(&fixture.bus, &topic, 10_000).await;
    // Longer than the session timeout and the pause limit.
    sleep(Duration::from_secs(4)).await;
    let records = take(&mut *member, 10_000).await;
    let last: Vec<_> = records.iter().rev().take(1).map(|record| after(record, "")).collect();
    member.commit(last).await.unwrap();
    let every: BTreeSet<_> = records.iter().map(text).collect();
    assert_eq!(every.len(), 10_000);
}

#[tokio::test]
async fn a_member_without_heartbeat_loses_its_partitions() {
    let broker = Broker::start(BrokerOptions::default()).await.unwrap();
    let options = KafkaOptions { session_timeout: Duration::from_secs(2), ..KafkaOptions::new(broker.bootstrap()) };
    let fixture = BusFixture::on(options).await;
    let topic = fixture.topic().await;
    let mut member = join(&fixture.bus, &unique("g"), &topic).await;
    broker.freeze().unwrap();
    let Event::Lost(lost) = change(&mut *member).await else { panic!("not a loss") };
    assert_eq!(lost.len(), PARTITIONS as usize);
    let late = member.commit(vec![position(&part(&topic, 0), 1)]).await.unwrap_err();
    assert!(matches!(late, Error::Fenced { .. }), "{late}");
    broker.thaw().unwrap();
    let back = timeout(TEST_TIMEOUT, next_assignment(&mut *member)).await.expect("it joins again");
    assert_eq!(back.len(), PARTITIONS as usize);
}

#[tokio::test]
async fn a_topic_has_capacity_while_its_consumer_group_lags_little() {
    let fixture =
        BusFixture::on(KafkaOptions { bulk_max_wait: Duration::from_secs(3_600), ..KafkaOptions::new(broker().await.bootstrap()) }).await;
    let decisions = async || fixture.create(topic::DECISIONS.of(new_tenant()).with_partitions(PARTITIONS)).await;
    let (topic, unconsumed) = (decisions().await, decisions().await);
    let downstream = [unconsumed, topic.clone()];
    // A request that fails on a busy machine reports no capacity.
    let wait_for_capacity = async |topics: &[Topic]| {
        wait_for(TEST_TIMEOUT, "capacity", async || Ok((fixture.bus.capacity(topics).await > 0).then_some(()))).await.unwrap()
    };
    publish(&fixture.bus, &downstream[0], 1_000).await;
    wait_for_capacity(&downstream[..1]).await;
    let mut member = join(&fixture.bus, PROVISIONER_GROUP, &topic).await;
    publish(&fixture.bus, &topic, 1_000).await;
    member.commit((0..PARTITIONS).map(|index| position(&part(&topic, index), 0)).collect()).await.unwrap();
    assert_eq!(fixture.bus.capacity(&downstream).await, 0);
    let ends = fixture.bus.ends(&topic).await.unwrap();
    member.commit((0..).zip(ends).map(|(index, ends)| position(&part(&topic, index), ends.high)).collect()).await.unwrap();
    wait_for_capacity(&downstream).await;
    // The group was seen to be fast: now more may wait, but never so many.
    publish(&fixture.bus, &topic, 3_000).await;
    assert_eq!(fixture.bus.capacity(&downstream).await, 0);
}
