//! Proves the broker of the harness with the client that xtsync uses.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use xtsync_harness::{Kafka, KafkaOptions, unique, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_record_comes_back_from_the_shared_broker() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("shared-");
    let client = plain(kafka);
    create(&client, &topic).await.unwrap();
    write(&client, &topic, "hello").await.unwrap();
    assert_eq!(read_all(&client, &topic), ["hello"]);
}

#[tokio::test]
async fn records_survive_a_restart_and_a_kill_on_the_same_port() {
    let mut kafka = Kafka::start(KafkaOptions::default()).await.unwrap();
    let client = plain(&kafka);
    create(&client, "kept").await.unwrap();
    write(&client, "kept", "before the restart").await.unwrap();
    kafka.restart().await.unwrap();
    write(&client, "kept", "before the kill").await.unwrap();
    kafka.kill();
    assert!(fetch_ends(&client, "kept", Duration::from_secs(2)).is_err(), "a killed broker does not answer");
    kafka.resume().await.unwrap();
    assert_eq!(read_all(&client, "kept"), ["before the restart", "before the kill"]);
}

#[tokio::test]
async fn a_frozen_broker_does_not_answer_until_it_is_thawed() {
    let kafka = Kafka::start(KafkaOptions::default()).await.unwrap();
    let client = plain(&kafka);
    create(&client, "cold").await.unwrap();
    kafka.freeze().unwrap();
    assert!(fetch_ends(&client, "cold", Duration::from_secs(2)).is_err(), "a frozen broker does not answer");
    kafka.thaw().unwrap();
    assert_eq!(fetch_ends(&client, "cold", LIMIT).unwrap(), (0, 0));
}

#[tokio::test]
async fn a_secured_broker_requires_the_authority_and_the_password() {
    let kafka = Kafka::start(KafkaOptions { secured: true, ..KafkaOptions::default() }).await.unwrap();
    let credentials = kafka.credentials().unwrap();
    let password = std::fs::read_to_string(&credentials.password_file).unwrap();
    let sasl = |password: &str| {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", kafka.bootstrap()).set("security.protocol", "sasl_ssl");
        client.set("ssl.ca.location", credentials.ca_file.display().to_string());
        client.set("sasl.mechanism", "SCRAM-SHA-512").set("sasl.username", &credentials.user);
        client.set("sasl.password", password);
        client
    };
    create(&sasl(&password), "locked").await.unwrap();
    write(&sasl(&password), "locked", "through the lock").await.unwrap();
    assert_eq!(read_all(&sasl(&password), "locked"), ["through the lock"]);

    let mut stranger = sasl(&password);
    stranger.remove("ssl.ca.location");
    for (case, client) in [("a wrong password", sasl("guess")), ("an unknown authority", stranger), ("no TLS", plain(&kafka))] {
        assert!(fetch_ends(&client, "locked", Duration::from_secs(2)).is_err(), "{case} is let in");
    }
    let mut internal = ClientConfig::new();
    internal.set("bootstrap.servers", kafka.plain_bootstrap());
    assert_eq!(read_all(&internal, "locked"), ["through the lock"]);
}

#[tokio::test]
async fn compact_soon_leaves_the_last_record_of_a_key() {
    let kafka = Kafka::start(KafkaOptions { compact_soon: true, ..KafkaOptions::default() }).await.unwrap();
    let client = plain(&kafka);
    let topic = NewTopic::new("state", 1, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    admin(&client).create_topics(&[topic], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
    let mut written = 0;
    let compacted = wait_for(LIMIT, "compaction", async || {
        written += 1;
        write(&client, "state", &written.to_string()).await?;
        Ok((written > 3 && read_all(&client, "state").len() < 3).then_some(()))
    });
    compacted.await.unwrap();
    assert_eq!(read_all(&client, "state").last(), Some(&written.to_string()));
}

#[tokio::test]
async fn a_property_of_the_test_overrides_the_default() {
    let properties = vec![("auto.create.topics.enable".to_owned(), "true".to_owned())];
    let kafka = Kafka::start(KafkaOptions { properties, ..KafkaOptions::default() }).await.unwrap();
    write(&plain(&kafka), "made-by-chance", "x").await.unwrap();
    let shared = Kafka::shared().await.unwrap();
    assert!(write(plain(shared).set("message.timeout.ms", "2000"), "made-by-chance", "x").await.is_err());
}

fn plain(kafka: &Kafka) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", kafka.bootstrap());
    client
}

fn admin(client: &ClientConfig) -> AdminClient<rdkafka::client::DefaultClientContext> {
    client.create().expect("the configuration is valid")
}

async fn create(client: &ClientConfig, topic: &str) -> anyhow::Result<()> {
    let topic = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    let options = AdminOptions::new().request_timeout(Some(LIMIT));
    for made in admin(client).create_topics(&[topic], &options).await? {
        made.map_err(|(name, error)| anyhow::anyhow!("creating {name}: {error}"))?;
    }
    Ok(())
}

async fn write(client: &ClientConfig, topic: &str, value: &str) -> anyhow::Result<()> {
    let producer: FutureProducer = client.create()?;
    let record = FutureRecord::to(topic).key("key").payload(value);
    producer.send(record, LIMIT).await.map_err(|(error, _)| error)?;
    producer.flush(LIMIT)?;
    Ok(())
}

fn fetch_ends(client: &ClientConfig, topic: &str, limit: Duration) -> anyhow::Result<(i64, i64)> {
    let consumer: BaseConsumer = client.create()?;
    Ok(consumer.fetch_watermarks(topic, 0, limit)?)
}

fn read_all(client: &ClientConfig, topic: &str) -> Vec<String> {
    let mut client = client.clone();
    client.set("group.id", "reader").set("enable.auto.commit", "false").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = client.create().expect("the configuration is valid");
    let mut from_start = TopicPartitionList::new();
    from_start.add_partition_offset(topic, 0, Offset::Beginning).expect("an offset can be set");
    consumer.assign(&from_start).expect("a partition can be assigned");
    let mut values = Vec::new();
    while let Some(Ok(message)) = consumer.poll(LIMIT) {
        values.push(String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned());
    }
    values // An end of the partition is an error to rdkafka, and ends the loop.
}
