//! Outages of Kafka, and the recovery after them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;
use xtsync_bus::{Bus, Error, Event, KafkaOptions, Subscription, Table, Topic, Urgency};
use xtsync_harness::{Kafka as Broker, KafkaOptions as BrokerOptions, unique, wait_for};

use crate::builders::{TEST_TIMEOUT, after, join, put, text};
use crate::bus_fixture::{BusFixture, new_topic};

const RECORDS: usize = 300;

/// Publishes numbered records one by one and retries each until it is durable.
async fn persist(bus: Bus, topic: Topic) {
    for n in 0..RECORDS {
        let record = put(&topic, &format!("k{n}"), n);
        let durable = wait_for(TEST_TIMEOUT, "durability", async || Ok(Some(bus.publish(vec![record.clone()], Urgency::Live).await?)));
        durable.await.unwrap();
    }
}

/// Reads records, commits each batch and answers rebalances, until all records have come.
async fn follow(member: &mut dyn Subscription) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    while rows.len() < RECORDS {
        match timeout(TEST_TIMEOUT, member.next()).await.expect("an event comes in time") {
            Ok(Event::Records(records)) => {
                rows.extend(records.iter().map(text));
                // While the broker is down, commits fail and uncommitted records are delivered again.
                drop(member.commit(records.iter().rev().take(1).map(|record| after(record, "")).collect()).await);
            }
            Ok(Event::Assigned(assigned)) => {
                for assigned in assigned {
                    member.start(&[(assigned.partition, assigned.committed.map(|committed| committed.next))]).await.unwrap();
                }
            }
            Ok(Event::Revoked(partitions)) => member.released(&partitions),
            Ok(Event::Lost(_)) | Err(Error::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    rows
}

async fn fold(table: &mut Table) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    while rows.len() < RECORDS {
        let records = timeout(TEST_TIMEOUT, table.next()).await.expect("an event comes in time").unwrap();
        rows.extend(records.iter().map(text));
    }
    rows
}

#[tokio::test]
async fn the_ends_are_known_again_as_soon_as_a_restarted_broker_answers() {
    let mut broker = Broker::start(BrokerOptions::default()).await.unwrap();
    let fixture = BusFixture::on(KafkaOptions::new(broker.bootstrap())).await;
    let topic = fixture.topic().await;
    for _ in 0..3 {
        fixture.bus.ends(&topic).await.unwrap();
        broker.restart().await.unwrap();
        let answer = async || match fixture.bus.ends(&topic).await {
            Ok(ends) => Ok(Some(ends)),
            Err(error) => {
                assert!(!error.to_string().contains("epoch"), "the leader of before was asked: {error}");
                Ok(None)
            }
        };
        wait_for(TEST_TIMEOUT, "the ends", answer).await.unwrap();
    }
}

#[tokio::test]
async fn a_broker_restart_loses_nothing() {
    let mut broker = Broker::start(BrokerOptions::default()).await.unwrap();
    let fixture = BusFixture::on(KafkaOptions { publish_limit: Duration::from_secs(20), ..KafkaOptions::new(broker.bootstrap()) }).await;
    let topic = fixture.topic().await;
    let mut member = join(&fixture.bus, &unique("g"), &topic).await;
    let mut table = Table::open(&fixture.bus, vec![topic.clone()]).await.unwrap();
    let disturb = async {
        let bus = fixture.bus.clone();
        let half = async || Ok(bus.ends(&topic).await?.iter().map(|ends| ends.high).sum::<i64>() > 50).map(|half| half.then_some(()));
        wait_for(TEST_TIMEOUT, "some records", half).await.unwrap();
        broker.kill();
        broker.resume().await.unwrap();
    };
    let (followed, folded, (), ()) =
        tokio::join!(follow(&mut *member), fold(&mut table), persist(fixture.bus.clone(), topic.clone()), disturb);
    let want: BTreeMap<_, _> = (0..RECORDS).map(|n| (format!("k{n}"), n.to_string())).collect();
    assert_eq!((followed, folded), (want.clone(), want));
}

#[tokio::test]
async fn a_bus_that_starts_later_is_unavailable_until_then() {
    let mut broker = Broker::start(BrokerOptions::default()).await.unwrap();
    broker.stop().await.unwrap();
    let options = KafkaOptions { publish_limit: Duration::from_secs(1), ..KafkaOptions::new(broker.bootstrap()) };
    let fixture = BusFixture::on(options).await;
    let topic = new_topic();
    let unavailable = fixture.bus.publish(vec![put(&topic, "k", 1)], Urgency::Live).await.unwrap_err();
    assert!(matches!(unavailable, Error::Unavailable(_)), "{unavailable}");
    broker.resume().await.unwrap();
    let topic = fixture.topic().await;
    fixture.bus.publish(vec![put(&topic, "k", 1)], Urgency::Live).await.unwrap();
}
