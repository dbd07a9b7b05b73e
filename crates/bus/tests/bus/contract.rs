//! The behaviour of every bus.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use xtsync_bus::{Committed, Ends, Error, Event, Outgoing, Position, RECORD_BYTES_MAX, Urgency, partition_of};
use xtsync_contract::topic;
use xtsync_harness::{unique, wait_for};
use xtsync_runtime::clock::{Clock, SystemClock};

use crate::builders::{TEST_TIMEOUT, after, assigned, end, everything, join, next, part, publish, put, take, text};
use crate::bus_fixture::{ALONE, BusFixture, PARTITIONS, new_tenant, new_topic};

/// The group of a test whose name must not change.
const GROUP_WITHOUT_MEMBERS: &str = "readers-by-lease";

pub(crate) async fn records_of_a_key_keep_their_order(fixture: &BusFixture) {
    let topic = fixture.topic().await;
    for batch in 0..40 {
        let urgency = if batch % 2 == 0 { Urgency::Live } else { Urgency::Bulk };
        let records = (0..50).map(|n| put(&topic, &format!("k{}", n % 20), format!("{batch:03}-{n:03}"))).collect();
        fixture.bus.publish(records, urgency).await.unwrap();
    }
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in everything(&fixture.bus, &topic).await {
        let (key, value) = text(&record);
        assert_eq!(record.at.partition.index, partition_of(key.as_bytes(), PARTITIONS), "{key}");
        by_key.entry(key).or_default().push(value);
    }
    assert_eq!(by_key.values().map(Vec::len).sum::<usize>(), 2000);
    assert!(by_key.values().all(|values| values.is_sorted()), "{by_key:?}");
}

pub(crate) async fn uncommitted_records_are_delivered_again(fixture: &BusFixture) {
    let (topic, group) = (fixture.topic().await, unique("g"));
    publish(&fixture.bus, &topic, 100).await;
    let mut member = join(&fixture.bus, &group, &topic).await;
    let first = take(&mut *member, 100).await;
    // Half of one partition is committed; then the member ends with all records in flight.
    let part: Vec<_> = first.iter().filter(|record| record.at.partition == first[0].at.partition).collect();
    let half = part[part.len() / 2];
    member.commit(vec![after(half, "")]).await.unwrap();
    drop(member);

    let mut member = join(&fixture.bus, &group, &topic).await;
    let left: BTreeSet<_> =
        first.iter().filter(|record| record.at.partition != half.at.partition || record.at.offset > half.at.offset).map(text).collect();
    let again: BTreeSet<_> = take(&mut *member, left.len()).await.iter().map(text).collect();
    assert_eq!(again, left);
}

pub(crate) async fn a_commit_is_read_back_with_its_metadata(fixture: &BusFixture) {
    let (topic, group) = (fixture.topic().await, unique("g"));
    publish(&fixture.bus, &topic, 20).await;
    let mut member = join(&fixture.bus, &group, &topic).await;
    let committed = |next, metadata: &str| Committed { next, metadata: metadata.to_owned() };
    member.commit(vec![(part(&topic, 0), committed(0, "first")), (part(&topic, 1), committed(1, "é {\"revision\":7}"))]).await.unwrap();
    member.commit(vec![(part(&topic, 0), committed(0, "second"))]).await.unwrap();
    drop(member);

    let mut member = fixture.bus.subscribe(&group, std::slice::from_ref(&topic)).await.unwrap();
    for assigned in assigned(&mut *member, PARTITIONS as usize).await {
        let want = match assigned.partition.index {
            0 => Some(committed(0, "second")),
            1 => Some(committed(1, "é {\"revision\":7}")),
            _ => None,
        };
        assert_eq!(assigned.committed, want, "{}", assigned.partition);
    }
}

pub(crate) async fn positions_are_committed_for_a_group_without_members(fixture: &BusFixture) {
    let (topic, group) = (fixture.topic().await, GROUP_WITHOUT_MEMBERS);
    publish(&fixture.bus, &topic, 20).await;
    for offset in [1, 2] {
        fixture.bus.commit(group, &[Position { partition: part(&topic, 3), offset }]).await.unwrap();
    }
    let mut member = fixture.bus.subscribe(group, std::slice::from_ref(&topic)).await.unwrap();
    for assigned in assigned(&mut *member, PARTITIONS as usize).await {
        let want = (assigned.partition.index == 3).then(|| Committed { next: 2, metadata: String::new() });
        assert_eq!(assigned.committed, want, "{}", assigned.partition);
    }
}

pub(crate) async fn a_partition_starts_at_the_given_offset(fixture: &BusFixture) {
    let topic = fixture.topic().await;
    let records = (0..10).map(|n| put(&topic, "k", n)).collect();
    fixture.bus.publish(records, Urgency::Live).await.unwrap();
    let only = part(&topic, partition_of(b"k", PARTITIONS));
    //  started at  first delivered
    for (start, first) in [(None, 0), (Some(0), 0), (Some(4), 4), (Some(9), 9), (Some(1000), 0)] {
        let mut member = fixture.bus.subscribe(&unique("g"), std::slice::from_ref(&topic)).await.unwrap();
        assigned(&mut *member, PARTITIONS as usize).await;
        member.start(&[(only.clone(), start)]).await.unwrap();
        assert_eq!(take(&mut *member, 1).await[0].at.offset, first, "{start:?}");
    }
}

pub(crate) async fn a_record_round_trips(fixture: &BusFixture) {
    let topic = fixture.topic().await;
    let header = |name: &str, value: &[u8]| (name.to_owned(), Bytes::copy_from_slice(value));
    let sent = [
        put(&topic, "plain", "text"),
        put(&topic, "", "a key may be empty"),
        put(&topic, "a value may be empty", ""),
        end(&topic, "a tombstone is not an empty value"),
        Outgoing {
            headers: vec![header("b", b"2"), header("a", &[0, 255]), header("b", b"")],
            ..put(&topic, "headers", "keep their order")
        },
        Outgoing { value: Some(Bytes::from(vec![0xff; RECORD_BYTES_MAX - 3])), ..put(&topic, "big", "") },
    ];
    let before = SystemClock.now().minus(Duration::from_millis(1));
    fixture.bus.publish(sent.to_vec(), Urgency::Live).await.unwrap();
    let records = everything(&fixture.bus, &topic).await;
    let keys: Vec<_> = records.iter().map(|record| record.key.clone()).collect();
    assert_eq!(records.len(), sent.len(), "{keys:?}");
    for record in records {
        assert!(before <= record.time && record.time <= SystemClock.now(), "{}", record.time);
        let back = Outgoing { topic: topic.clone(), key: record.key, value: record.value, headers: record.headers };
        assert!(sent.contains(&back), "{:?} differs from what was sent", back.key);
    }
}

pub(crate) async fn a_record_over_the_limit_is_refused(fixture: &BusFixture) {
    let topic = fixture.topic().await;
    let big = Outgoing { value: Some(Bytes::from(vec![0; RECORD_BYTES_MAX])), ..put(&topic, "k", "") };
    let refused = fixture.bus.publish(vec![big], Urgency::Live).await.unwrap_err();
    assert!(matches!(refused, Error::Publish { .. }), "{refused}");
}

pub(crate) async fn compaction_keeps_the_newest_record_and_a_tombstone_removes_a_key(fixture: &BusFixture) {
    let topic = fixture.create(topic::DECISIONS.of(new_tenant())).await;
    let records =
        [put(&topic, "a", 1), put(&topic, "a", 2), put(&topic, "b", 1), put(&topic, "a", 3), end(&topic, "b"), put(&topic, "c", 1)];
    fixture.bus.publish(records.to_vec(), Urgency::Live).await.unwrap();
    let compacted = wait_for(TEST_TIMEOUT, "compaction", async || {
        fixture.compact(&topic).await;
        let left: Vec<_> = everything(&fixture.bus, &topic).await.iter().map(text).filter(|(key, _)| key.len() == 1).collect();
        Ok((left.iter().filter(|(key, _)| key == "a").count() == 1 && !left.contains(&("b".into(), "1".into()))).then_some(left))
    });
    let left = compacted.await.unwrap();
    assert!(left.contains(&("a".into(), "3".into())) && left.contains(&("c".into(), "1".into())), "{left:?}");
}

pub(crate) async fn a_reader_replays_from_the_start_and_then_waits_for_more(fixture: &BusFixture) {
    let topic = fixture.topic().await;
    publish(&fixture.bus, &topic, 3000).await;
    let replayed: BTreeSet<_> = everything(&fixture.bus, &topic).await.iter().map(text).collect();
    assert_eq!(replayed.len(), 3000);

    let only = part(&topic, partition_of(b"late", PARTITIONS));
    let ends = fixture.bus.ends(&topic).await.unwrap();
    let Ends { low, high } = ends[only.index as usize];
    assert_eq!((low, ends.iter().map(|ends| ends.high).sum::<i64>()), (0, 3000));
    let mut reader = fixture.bus.reader(&[Position { partition: only.clone(), offset: high }]).await.unwrap();
    assert_eq!(reader.read(10, Duration::from_millis(50)).await.unwrap(), []);
    fixture.bus.publish((0..3).map(|n| put(&topic, "late", n)).collect(), Urgency::Live).await.unwrap();
    let mut late = Vec::new();
    while late.len() < 3 {
        late.extend(reader.read(2, TEST_TIMEOUT).await.unwrap());
        assert_eq!(reader.position(&only), Some(high + i64::try_from(late.len()).unwrap()));
    }
    assert_eq!(late.iter().map(|record| text(record).1).collect::<Vec<_>>(), ["0", "1", "2"]);
    assert_eq!(reader.position(&part(&topic, (only.index + 1) % PARTITIONS)), None);
}

pub(crate) async fn a_slow_member_loses_nothing(fixture: &BusFixture) {
    let topic = fixture.topic().await;
    let mut member = join(&fixture.bus, &unique("g"), &topic).await;
    // Far more records than all buffers hold, and the member reads none meanwhile.
    publish(&fixture.bus, &topic, 20_000).await;
    let mut next_of: BTreeMap<_, i64> = BTreeMap::new();
    for record in take(&mut *member, 20_000).await {
        let next = next_of.entry(record.at.partition).or_default();
        assert_eq!(record.at.offset, *next);
        *next += 1;
    }
}

pub(crate) async fn the_ends_of_several_topics_are_told_at_once(fixture: &BusFixture) {
    let topics = [fixture.topic().await, fixture.topic().await, fixture.topic().await];
    publish(&fixture.bus, &topics[0], 7).await;
    publish(&fixture.bus, &topics[2], 5).await;
    let ends = fixture.bus.ends_of(&topics).await.unwrap();
    let sums = topics.each_ref().map(|topic| ends[topic].iter().map(|ends| ends.high - ends.low).sum::<i64>());
    assert_eq!((sums, ends.values().map(Vec::len).sum::<usize>()), ([7, 0, 5], 18));
    assert_eq!(fixture.bus.ends_of(&[]).await.unwrap(), BTreeMap::new());
}

pub(crate) async fn a_few_topics_are_found_among_many_missing_ones(fixture: &BusFixture) {
    let mut topics: Vec<_> = std::iter::repeat_with(new_topic).take(12).collect();
    topics.insert(7, fixture.topic().await);
    let missing = fixture.bus.missing(&topics).await.unwrap();
    topics.remove(7);
    assert_eq!(missing, topics);
}

pub(crate) async fn topics_are_created_once_and_missing_ones_are_listed(fixture: &BusFixture) {
    let topics = [new_topic(), new_topic()];
    assert_eq!(fixture.bus.missing(&topics).await.unwrap(), topics);
    assert_eq!(fixture.bus.create(&topics[..1], ALONE).await.unwrap(), topics[..1]);
    assert_eq!(fixture.bus.create(&topics, ALONE).await.unwrap(), topics[1..]);
    assert_eq!(fixture.bus.missing(&topics).await.unwrap(), []);
}

/// A topic keeps the number that it was created with; keys go by it, whatever the publisher believes.
pub(crate) async fn the_number_of_partitions_is_that_of_the_creation(fixture: &BusFixture) {
    let topic = fixture.create(new_topic().with_partitions(3)).await;
    for said in [1, 3, 9] {
        let same = topic.clone().with_partitions(said);
        assert_eq!(fixture.bus.create(std::slice::from_ref(&same), ALONE).await.unwrap(), []);
        assert_eq!(fixture.bus.partitions(&[same.clone(), new_topic()]).await.unwrap(), [(topic.clone(), 3)].into());
        assert_eq!(fixture.bus.ends(&same).await.unwrap().len(), 3);
        publish(&fixture.bus, &same, 7).await;
    }
    for record in everything(&fixture.bus, &topic).await {
        assert_eq!(record.at.partition.index, partition_of(&record.key, 3));
    }
    let mut member = join(&fixture.bus, &unique("g"), &topic).await;
    assert_eq!(take(&mut *member, 21).await.len(), 21);
}

pub(crate) async fn a_member_changes_its_topics_without_leaving(fixture: &BusFixture) {
    let (old, new) = (fixture.topic().await, fixture.topic().await);
    let mut member = join(&fixture.bus, &unique("g"), &old).await;
    member.resubscribe(&[old.clone(), new.clone()]).await.unwrap();
    for assigned in assigned(&mut *member, PARTITIONS as usize).await {
        assert_eq!(assigned.partition.topic, new);
        member.start(&[(assigned.partition, None)]).await.unwrap();
    }
    publish(&fixture.bus, &old, 7).await;
    publish(&fixture.bus, &new, 7).await;
    let in_flight = take(&mut *member, 14).await;
    let done = after(in_flight.iter().find(|record| record.at.partition.topic == old).unwrap(), "");

    member.resubscribe(std::slice::from_ref(&new)).await.unwrap();
    let mut gone = BTreeSet::new();
    while gone.len() < PARTITIONS as usize {
        let Event::Revoked(revoked) = next(&mut *member).await else { panic!("not a revocation") };
        if revoked.contains(&done.0) {
            member.commit(vec![done.clone()]).await.unwrap();
        }
        member.released(&revoked);
        gone.extend(revoked);
    }
    let late = member.commit(vec![done]).await.unwrap_err();
    assert!(matches!(late, Error::Fenced { .. }), "{late}");
    assert!(gone.iter().all(|partition| partition.topic == old), "{gone:?}");
    publish(&fixture.bus, &old, 7).await;
    publish(&fixture.bus, &new, 7).await;
    assert!(take(&mut *member, 7).await.iter().all(|record| record.at.partition.topic == new));
}
