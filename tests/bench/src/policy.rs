//! Policy over real Kafka against a baseline loop that consumes one record and produces three of the same bytes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers as _, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::time::sleep;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::Sim;

use crate::fixture::SOURCE;
use crate::report::{Figure, Goal, show};

/// The targets, each with a synchronization of its own.
const TARGETS: [&str; 3] = ["hub", "lab", "annex"];

/// How the baseline loop's producer may linger, in milliseconds: the best counts.
const LINGERS: [&str; 3] = ["0", "5", "50"];

const SOON: Duration = Duration::from_secs(600);

/// Three mappings beside the seventeen of the default set, five of these twenty as expressions.
const MAPPINGS: &str = r#"
    mobilePhone: {source: mobilePhone}, faxNumber: {source: faxNumber},
    mailNickname: {expression: 'Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))'},
    displayName: {expression: 'Join(", ", [surname], [givenName])'}, companyName: {expression: 'Append([userPrincipalName], ".test")'},
    department: {expression: 'IIF([country]="USA", IIF([state]="CA", "True", "False"), "False")'},
    officeLocation: {expression: 'Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney", "QLD", "Australia/Brisbane")'}"#;

/// Lets policy decide about that many `users`, with the default mappings and with expressions among them.
///
/// # Errors
/// If the fleet does not come up.
pub(crate) async fn measure(users: usize) -> Result<Vec<Figure>> {
    let Decided { fleet, bootstrap, deltas, decisions, published, speed: policy } = decided(users, "").await?;
    let watermarks: BaseConsumer = client(&bootstrap).create()?;
    let bytes = record_bytes(&bootstrap, &decisions[0])?;
    show(&format!("policy: {policy:.0} users/s, decisions of {bytes} bytes"));

    let mut baseline: f64 = 0.0;
    for linger in LINGERS {
        let name = format!("raw-{linger}");
        create(&bootstrap, &name, partitions(&watermarks, &decisions[0])?).await?;
        let (bootstrap, deltas) = (bootstrap.clone(), deltas.clone());
        let users = tokio::task::spawn_blocking(move || baseline_loop(&bootstrap, &deltas, &name, linger, bytes, published)).await??;
        show(&format!("baseline loop lingering {linger} ms: {users:.0} users/s"));
        baseline = baseline.max(users);
    }
    drop(fleet);
    let expressions = decided(users, MAPPINGS).await?.speed;
    let note = format!("{published} users, {} synchronizations, default mappings, decisions of {bytes} bytes", TARGETS.len());
    let beside = format!("{published} users, 20 mappings of which five are expressions, against the default set");
    Ok(vec![
        Figure::new("policy_vs_raw", policy, "users/s", note).against(baseline).goal(Goal::RatioAtLeast(0.5)),
        Figure::new("policy_expressions", expressions, "users/s", beside).against(policy).goal(Goal::RatioAtLeast(0.9)),
    ])
}

/// What was decided.
struct Decided {
    /// Its roles are stopped.
    fleet: Fleet,
    bootstrap: String,
    /// The topic of the users.
    deltas: String,
    /// The topics of the decisions.
    decisions: [String; 3],
    published: i64,
    /// Users a second.
    speed: f64,
}

async fn decided(users: usize, mappings: &str) -> Result<Decided> {
    let tenants = TARGETS.iter().fold(Sim::builder().tenant(SOURCE, users), |tenants, target| tenants.tenant(target, 0));
    let sim = TARGETS.iter().fold(tenants, |tenants, target| tenants.allow(SOURCE, target)).seed(7).build()?;
    let pairs = TARGETS.iter().map(|target| (SOURCE.to_owned(), (*target).to_owned())).collect();
    let mut fleet = Fleet::new(sim, Plan { pairs, mappings: mappings.to_owned(), ..Plan::into_one(&[], SOURCE) }).await?;
    fleet.create_topics()?;
    for role in ["control", "change-detector"] {
        fleet.start_replica(role, 0)?;
    }
    fleet.until_control_answers().await?;
    fleet.apply()?;
    let bootstrap = fleet.kafka.bootstrap();
    let deltas = format!("xtsync.v1.user-deltas.{SOURCE}");
    let watermarks: BaseConsumer = client(&bootstrap).create()?;
    let published = until_rest(async || records(&watermarks, &deltas)).await?;

    let decisions = TARGETS.map(|target| format!("xtsync.v1.decisions.{target}"));
    fleet.start_replica("policy", 0)?;
    let speed = speed(published, async || decisions.iter().map(|topic| records(&watermarks, topic)).sum::<Result<i64>>()).await?;
    fleet.stop().await?;
    Ok(Decided { fleet, bootstrap, deltas, decisions, published, speed })
}

/// A count once it has not grown for a while: users who are in no scope are not published.
async fn until_rest(count: impl AsyncFn() -> Result<i64>) -> Result<i64> {
    const REST: Duration = Duration::from_secs(5);
    let mut before = (0, Instant::now());
    wait_for(SOON, "the deltas of the users in scope", async || {
        let now = count().await?;
        if now != before.0 {
            before = (now, Instant::now());
        }
        Ok((now > 0 && before.1.elapsed() > REST).then_some(now))
    })
    .await
}

/// Users a second between a tenth and nine tenths of all, so that neither the start of a process nor the end of a batch counts.
async fn speed(users: i64, decided: impl AsyncFn() -> Result<i64>) -> Result<f64> {
    let all = users * TARGETS.len() as i64;
    let mut marks = Vec::new();
    for part in [all / 10, all * 9 / 10] {
        loop {
            let count = decided().await?;
            if count >= part {
                marks.push((Instant::now(), count));
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
    let [(began, first), (ended, last)] = marks[..] else { anyhow::bail!("two marks") };
    Ok((last - first) as f64 / TARGETS.len() as f64 / ended.duration_since(began).as_secs_f64())
}

pub(crate) fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

/// How many records a topic has, those that compaction removed included.
pub(crate) fn records(watermarks: &BaseConsumer, topic: &str) -> Result<i64> {
    let mut records = 0;
    for partition in 0..partitions(watermarks, topic)? {
        let (low, high) = watermarks.fetch_watermarks(topic, partition, Duration::from_secs(5))?;
        records += high - low;
    }
    Ok(records)
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<i32> {
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(5))?;
    let topic = metadata.topics().first().context("no such topic")?;
    Ok(topic.partitions().len().try_into()?)
}

/// Creates the topics that the baseline loop writes, with as many partitions as those of the contract have.
async fn create(bootstrap: &str, name: &str, partitions: i32) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create()?;
    let names: Vec<String> = (0..TARGETS.len()).map(|number| format!("{name}-{number}")).collect();
    let topics: Vec<NewTopic<'_>> = names.iter().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1))).collect();
    admin.create_topics(&topics, &AdminOptions::new()).await?;
    Ok(())
}

fn header_bytes(header: Header<'_, &[u8]>) -> usize {
    header.key.len() + header.value.map_or(0, <[u8]>::len)
}

/// The bytes that value and headers of a topic's first records have on average.
fn record_bytes(bootstrap: &str, topic: &str) -> Result<usize> {
    let consumer = reader(bootstrap, topic)?;
    let mut sizes = Vec::new();
    while sizes.len() < 1_000 {
        let record = consumer.poll(Duration::from_secs(10)).context("no record")??;
        let headers = record.headers().map_or(0, |headers| headers.iter().map(header_bytes).sum());
        sizes.push(record.payload_len() + headers);
    }
    Ok(sizes.iter().sum::<usize>() / sizes.len())
}

/// Reads a whole topic, in no group.
///
/// # Errors
/// If the broker does not answer.
pub(crate) fn reader(bootstrap: &str, topic: &str) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = client(bootstrap).set("group.id", "bench").set("enable.auto.commit", "false").create()?;
    let mut all = TopicPartitionList::new();
    for partition in 0..partitions(&consumer, topic)? {
        all.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    Ok(consumer)
}

/// Consumes one, produces three, as fast as librdkafka does; returns users a second from the first record to the last acknowledgement.
fn baseline_loop(bootstrap: &str, deltas: &str, name: &str, linger: &str, bytes: usize, users: i64) -> Result<f64> {
    let consumer = reader(bootstrap, deltas)?;
    let mut config = client(bootstrap);
    config.set("acks", "all").set("linger.ms", linger).set("batch.size", "1000000").set("queue.buffering.max.messages", "1000000");
    let producer: BaseProducer = config.create()?;
    let topics: Vec<String> = (0..TARGETS.len()).map(|number| format!("{name}-{number}")).collect();
    let value = vec![b'x'; bytes];
    let (mut began, mut done) = (None, 0);
    while done < users {
        let record = consumer.poll(Duration::from_secs(10)).context("no record")??;
        began.get_or_insert_with(Instant::now);
        let key = record.key().context("a record without key")?;
        for topic in &topics {
            let mut sending = BaseRecord::to(topic).key(key).payload(&value);
            while let Err((error, back)) = producer.send(sending) {
                ensure!(matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)), "{error}");
                producer.poll(Duration::from_millis(1));
                sending = back;
            }
        }
        producer.poll(Duration::ZERO);
        done += 1;
    }
    producer.flush(Duration::from_secs(60))?;
    let began = began.context("nothing was read")?;
    Ok(users as f64 / began.elapsed().as_secs_f64())
}
