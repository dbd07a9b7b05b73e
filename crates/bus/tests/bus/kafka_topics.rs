//! Topics on Kafka that differ from the contract, and foreign records.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer as _};
use tokio::time::timeout;
use xtsync_bus::{Error, Position, Table, Topic, TopicTracker, Urgency, partition_of};
use xtsync_contract::topic;
use xtsync_harness::{unique, wait_for};

use crate::builders::{TEST_TIMEOUT, everything, part, publish, put};
use crate::bus_fixture::{ALONE, BusFixture, PARTITIONS, broker, new_tenant, new_topic};

async fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", broker().await.bootstrap()).create().unwrap()
}

#[tokio::test]
async fn every_operation_reports_a_missing_topic() {
    let fixture = BusFixture::kafka().await;
    let topic = new_topic();
    let at = Position { partition: part(&topic, 0), offset: 0 };
    for (doing, refused) in [
        ("publish", fixture.bus.publish(vec![put(&topic, "k", 1)], Urgency::Live).await.err()),
        ("subscribe", fixture.bus.subscribe("g", std::slice::from_ref(&topic)).await.err()),
        ("reader", fixture.bus.reader(&[at]).await.err()),
        ("ends", fixture.bus.ends(&topic).await.err()),
        ("table", Table::open(&fixture.bus, vec![topic.clone()]).await.err()),
    ] {
        let reported = refused.unwrap_or_else(|| panic!("{doing} did not notice"));
        assert!(matches!(&reported, Error::Missing(name) if *name == topic.to_string()), "{doing}: {reported}");
    }
    assert_eq!(fixture.bus.missing(std::slice::from_ref(&topic)).await.unwrap(), [topic]);
}

/// Adds partitions to a topic under its readers, as an administrator can.
async fn grow(topic: &str, partitions: usize) {
    let grown = NewPartitions::new(topic, partitions);
    admin().await.create_partitions(&[grown], &AdminOptions::new()).await.unwrap();
}

#[tokio::test]
async fn a_number_of_partitions_that_changes_under_a_process_is_an_error_to_it_alone() {
    let fixture = BusFixture::kafka().await;
    let topic = fixture.topic().await;
    let name = topic.to_string();
    grow(&name, 9).await;
    let changed = wait_for(TEST_TIMEOUT, "the change", async || Ok(fixture.bus.ends(&topic).await.err())).await.unwrap();
    assert!(matches!(changed, Error::Partitions { before: PARTITIONS, found: 9, .. }), "{changed}");
    assert!(matches!(fixture.bus.subscribe("g", std::slice::from_ref(&topic)).await.err(), Some(Error::Partitions { .. })));
    let another = BusFixture::kafka().await;
    assert_eq!(another.bus.ends(&topic).await.unwrap().len(), 9);
}

#[tokio::test]
async fn a_topic_whose_number_of_partitions_changes_is_reported_and_blocks_no_other() {
    let fixture = BusFixture::kafka().await;
    let (good, changed) = (fixture.topic().await, fixture.topic().await);
    let name = changed.to_string();
    grow(&name, 9).await;
    wait_for(TEST_TIMEOUT, "the change", async || Ok(fixture.bus.partitions(std::slice::from_ref(&changed)).await.err())).await.unwrap();
    let mut following = TopicTracker::new(&fixture.bus);
    let wanted = [(good.clone(), Vec::new()), (changed.clone(), Vec::new())].into();
    assert!(following.set_topics(&wanted).await.unwrap());
    assert_eq!(following.topics(), [good]);
    let reported = following.missing().unwrap();
    assert!(matches!(&reported, Error::Partitions { topic, before: PARTITIONS, found: 9 } if *topic == name), "{reported}");
}

#[tokio::test]
async fn topics_are_created_with_the_configuration_of_the_contract() {
    let (fixture, tenant) = (BusFixture::kafka().await, new_tenant());
    let topics = [topic::USER_DELTAS.of(&tenant), topic::OUTCOMES.of(tenant)];
    fixture.bus.create(&topics, ALONE).await.unwrap();
    let names = topics.each_ref().map(Topic::to_string);
    let asked = names.each_ref().map(|name| ResourceSpecifier::Topic(name));
    let described = admin().await.describe_configs(&asked, &AdminOptions::new()).await.unwrap();
    let config: Vec<_> = described.into_iter().map(Result::unwrap).collect();
    for (topic, setting, want) in [
        (0, "cleanup.policy", "compact"),
        (0, "min.compaction.lag.ms", "604800000"),
        (0, "delete.retention.ms", "86400000"),
        (0, "min.insync.replicas", "1"),
        (1, "cleanup.policy", "delete"),
        (1, "retention.ms", "2592000000"),
    ] {
        assert_eq!(config[topic].get(setting).and_then(|entry| entry.value.as_deref()), Some(want), "{setting}");
    }
}

#[tokio::test]
async fn a_reader_reaches_the_end_if_the_last_offset_has_no_record() {
    let (fixture, other) = (BusFixture::kafka().await, BusFixture::kafka().await.topic().await);
    let topic = fixture.topic().await;
    publish(&fixture.bus, &topic, 20).await;
    publish(&fixture.bus, &other, 20).await;
    // A foreign transaction leaves a marker at the end of one partition.
    let name = topic.to_string();
    tokio::task::spawn_blocking(move || commit_a_transaction(&name)).await.unwrap();
    let only = part(&topic, partition_of(b"k", PARTITIONS));
    let end = wait_for(TEST_TIMEOUT, "the transaction's marker", async || {
        Ok(Some(fixture.bus.ends(&topic).await?[only.index as usize].high).filter(|end| *end == 2))
    });
    let end = end.await.unwrap();
    assert_eq!(everything(&fixture.bus, &topic).await.len(), 21);

    let mut table = Table::open(&fixture.bus, vec![topic, other]).await.unwrap();
    let mut seen = 0;
    while !table.caught_up() {
        seen += timeout(TEST_TIMEOUT, table.next()).await.expect("the table catches up").unwrap().len();
    }
    assert_eq!(seen, 41);
    let mut reader = fixture.bus.reader(&[Position { partition: only.clone(), offset: end - 1 }]).await.unwrap();
    let reached = async {
        while reader.position(&only) != Some(end) {
            assert_eq!(reader.read(1, Duration::from_millis(100)).await.unwrap(), []);
        }
    };
    timeout(TEST_TIMEOUT, reached).await.expect("the reader passes the marker");
}

/// Commits a transaction with a separate client; blocks.
fn commit_a_transaction(topic: &str) {
    let broker = tokio::runtime::Handle::current().block_on(broker());
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap()).set("transactional.id", unique("x")).set("partitioner", "murmur2_random");
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(TEST_TIMEOUT).unwrap();
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::to(topic).key("k").payload("v")).unwrap();
    producer.commit_transaction(TEST_TIMEOUT).unwrap();
}

#[tokio::test]
async fn a_foreign_record_without_a_key_has_an_empty_one() {
    let fixture = BusFixture::kafka().await;
    let topic = fixture.topic().await;
    let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", broker().await.bootstrap()).create().unwrap();
    producer.send(FutureRecord::<(), str>::to(&topic.to_string()).payload("v"), TEST_TIMEOUT).await.unwrap();
    let records = everything(&fixture.bus, &topic).await;
    assert_eq!((&records[0].key[..], records[0].value.as_deref(), records[0].headers.len()), (&b""[..], Some(&b"v"[..]), 0));
}
