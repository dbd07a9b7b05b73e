//! Behaviour of the embedded bus only: its file, its lock, its own compaction.

use std::sync::Arc;
use std::time::Duration;

use xtsync_bus::{BATCH_MAX, Bus, Embedded, Error, Partition, Position, TOMBSTONE_RETENTION, Table, Topic, Urgency};
use xtsync_contract::topic;
use xtsync_domain::Timestamp;
use xtsync_runtime::clock::{Clock, ManualClock, SystemClock};

use crate::builders::{after, assigned, end, everything, join, part, publish, put, take, text};
use crate::bus_fixture::{PARTITIONS, log_in, new_tenant, new_topic, today};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn published_records_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let topic = new_topic();
    for restarts in 1..=3 {
        let bus: Bus = Embedded::open(&log_in(&folder), Arc::new(SystemClock)).await.unwrap();
        publish(&bus, &topic, 1000).await;
        assert_eq!(everything(&bus, &topic).await.len(), restarts * 1000);
    }
}

/// A copy of the files of a running log is what the next process finds after a kill at that moment.
#[tokio::test]
async fn published_records_survive_a_kill() {
    let (alive, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let topic = new_topic();
    let bus: Bus = Embedded::open(&log_in(&alive), Arc::new(SystemClock)).await.unwrap();
    let mut member = join(&bus, "g", &topic).await;
    publish(&bus, &topic, 1000).await;
    let last = take(&mut *member, 1000).await.pop().unwrap();
    member.commit(vec![after(&last, "seen")]).await.unwrap();
    for file in std::fs::read_dir(alive.path()).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), killed.path().join(file.file_name())).unwrap();
    }
    let bus: Bus = Embedded::open(&log_in(&killed), Arc::new(SystemClock)).await.unwrap();
    assert_eq!(everything(&bus, &topic).await.len(), 1000);
    let mut member = bus.subscribe("g", &[topic]).await.unwrap();
    let known = assigned(&mut *member, PARTITIONS as usize).await.into_iter().find(|one| one.partition == last.at.partition);
    assert_eq!(known.and_then(|one| one.committed), Some(after(&last, "seen").1));
}

#[tokio::test]
async fn a_second_process_is_refused_with_the_file_named() {
    let folder = tempfile::tempdir().unwrap();
    let first = Embedded::open(&log_in(&folder), Arc::new(SystemClock)).await.unwrap();
    let refused = Embedded::open(&log_in(&folder), Arc::new(SystemClock)).await.unwrap_err().to_string();
    assert!(refused.contains("bus.sqlite.lock: another process has this log open"), "{refused}");
    drop(first);
    Embedded::open(&log_in(&folder), Arc::new(SystemClock)).await.unwrap();
}

#[tokio::test]
async fn a_group_has_one_member_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let bus: Bus = Embedded::open(&log_in(&folder), Arc::new(SystemClock)).await.unwrap();
    let topic = new_topic();
    let member = bus.subscribe("g", std::slice::from_ref(&topic)).await.unwrap();
    assert!(matches!(bus.subscribe("g", std::slice::from_ref(&topic)).await, Err(Error::Refused(_))));
    bus.subscribe("another", std::slice::from_ref(&topic)).await.unwrap();
    drop(member);
    bus.subscribe("g", std::slice::from_ref(&topic)).await.unwrap();
}

/// A log with a manual clock.
async fn timed() -> (tempfile::TempDir, Arc<Embedded>, Arc<ManualClock>) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(today()));
    let log = Embedded::open(&log_in(&folder), clock.clone()).await.unwrap();
    (folder, log, clock)
}

async fn left(log: &Arc<Embedded>, topic: &Topic) -> Vec<String> {
    let bus: Bus = log.clone();
    let mut left: Vec<_> = everything(&bus, topic).await.iter().map(|record| format!("{}={}", text(record).0, text(record).1)).collect();
    left.sort();
    left
}

#[tokio::test]
async fn compaction_and_retention_follow_the_topics_durations() {
    let tenant = new_tenant();
    let day = 24 * HOUR;
    //  topic                                 after        left of a=1, a=2, b=1, b ended
    for (topic, age, want) in [
        (topic::DECISIONS.of(&tenant), HOUR, &["a=2", "b=-"][..]),
        (topic::DECISIONS.of(&tenant), TOMBSTONE_RETENTION, &["a=2"]),
        (topic::USER_DELTAS.of(&tenant), 6 * day, &["a=1", "a=2", "b=-", "b=1"]),
        (topic::USER_DELTAS.of(&tenant), 7 * day, &["a=2"]),
        (topic::OUTCOMES.of(&tenant), 29 * day, &["a=1", "a=2", "b=-", "b=1"]),
        (topic::OUTCOMES.of(&tenant), 30 * day, &[]),
    ] {
        let (_folder, log, clock) = timed().await;
        let bus: Bus = log.clone();
        let records = vec![put(&topic, "a", 1), put(&topic, "a", 2), put(&topic, "b", 1), end(&topic, "b")];
        bus.publish(records, Urgency::Live).await.unwrap();
        clock.advance(age);
        log.compact(clock.now()).await.unwrap();
        assert_eq!(left(&log, &topic).await, want, "{topic} after {age:?}");
    }
}

#[tokio::test]
async fn offsets_continue_after_all_records_were_removed() {
    let (folder, log, clock) = timed().await;
    let topic = topic::DECISIONS.of(new_tenant());
    let bus: Bus = log.clone();
    bus.publish(vec![put(&topic, "a", 1), end(&topic, "a")], Urgency::Live).await.unwrap();
    assert_eq!(log.compact(clock.now().plus(2 * TOMBSTONE_RETENTION)).await.unwrap(), 2);
    // A table catches up although there is no last record, and a reader reaches the end.
    assert!(Table::open(&bus, vec![topic.clone()]).await.unwrap().caught_up());
    let only = part(&topic, 0);
    let mut reader = bus.reader(&[Position { partition: only.clone(), offset: 0 }]).await.unwrap();
    assert_eq!(reader.read(9, Duration::ZERO).await.unwrap(), []);
    assert_eq!(reader.position(&only), Some(2));
    drop((bus, log, reader));

    let bus: Bus = Embedded::open(&log_in(&folder), clock).await.unwrap();
    bus.publish(vec![put(&topic, "a", 2)], Urgency::Live).await.unwrap();
    assert_eq!(everything(&bus, &topic).await[0].at.offset, 2);
}

#[tokio::test]
async fn a_large_log_is_compacted_in_batches_during_publications() {
    let (_folder, log, clock) = timed().await;
    let (topic, bus) = (topic::DECISIONS.of(new_tenant()), log.clone() as Bus);
    publish(&bus, &topic, 5000).await;
    let (removed, ()) = tokio::join!(log.compact(clock.now()), publish(&bus, &topic, 500));
    let removed = removed.unwrap() + log.compact(clock.now()).await.unwrap();
    assert_eq!((removed, left(&log, &topic).await.len()), (5493, 7));
}

#[tokio::test]
async fn a_record_is_stamped_by_the_publishers_clock() {
    let (_folder, log, clock) = timed().await;
    let (topic, bus) = (new_topic(), log.clone() as Bus);
    clock.set(Timestamp(1_234_567_890_123_456));
    publish(&bus, &topic, 1).await;
    assert_eq!(everything(&bus, &topic).await[0].time, Timestamp(1_234_567_890_123_456));
}

#[tokio::test]
async fn a_batch_and_the_single_records_after_it_reach_a_waiting_reader() {
    let folder = tempfile::tempdir().unwrap();
    let bus: Bus = Embedded::open(&log_in(&folder), Arc::new(SystemClock)).await.unwrap();
    let topic = new_topic();
    let mut member = join(&bus, "g", &topic).await;
    let value = "x".repeat(500);
    let records = |n| (0..n).map(|n| put(&topic, &format!("user-{n}"), &value)).collect::<Vec<_>>();
    bus.publish(records(40 * BATCH_MAX), Urgency::Bulk).await.unwrap();
    take(&mut *member, 40 * BATCH_MAX).await;
    for _ in 0..50 {
        bus.publish(records(1), Urgency::Live).await.unwrap();
        take(&mut *member, 1).await;
    }
}

#[tokio::test]
async fn one_read_returns_the_records_of_many_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let bus: Bus = Embedded::open(&log_in(&folder), Arc::new(SystemClock)).await.unwrap();
    let topics: Vec<Topic> = std::iter::repeat_with(new_topic).take(30).collect();
    for topic in &topics {
        publish(&bus, topic, 3).await;
    }
    let from: Vec<Position> =
        topics.iter().flat_map(|topic| Partition::all(topic, PARTITIONS)).map(|partition| Position { partition, offset: 0 }).collect();
    let mut reader = bus.reader(&from).await.unwrap();
    assert_eq!(reader.read(BATCH_MAX, HOUR).await.unwrap().len(), 90);
    let mut reader = bus.reader(&from).await.unwrap();
    for rest in [80, 10] {
        assert_eq!(reader.read(80, HOUR).await.unwrap().len(), rest);
    }
}
