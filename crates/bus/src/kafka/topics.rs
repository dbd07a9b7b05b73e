//! Checks and creates topics and reads their ends.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::topic::{Cleanup, Topic};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::producer::Producer as _;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::publish::Producer;
use super::{Cluster, error};
use crate::{CreateOptions, Ends, Error, TOMBSTONE_RETENTION};

/// How long the cluster may take to answer a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How many topics are asked for one by one. More are looked for in one list of all that the cluster has. A client keeps each topic that it
/// asked for, and goes through all of them for each one in an answer: thousands would take minutes.
const ONE_BY_ONE_MAX: usize = 10;

/// How long a new topic may take until every broker serves it.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause before a new topic is checked again.
const CREATE_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Runs a blocking request on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.unwrap_or_else(|_| Err(Error::Unavailable("the runtime is shutting down".to_owned())))
}

/// A request that is sent once, even if its caller is cancelled and calls again.
pub(super) struct PendingRequest<T>(Option<JoinHandle<Result<T, Error>>>);

impl<T: Send + 'static> PendingRequest<T> {
    /// No request is pending.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Sends the request if none is pending, and waits for its result. Cancelling it loses nothing.
    pub(super) async fn answer<A, F>(&mut self, ask: A) -> Result<T, Error>
    where
        A: FnOnce() -> F,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let answered = self.0.get_or_insert_with(|| tokio::spawn(blocking(ask()))).await;
        self.0 = None;
        answered.unwrap_or_else(|_| Err(Error::Unavailable("the runtime is shutting down".to_owned())))
    }
}

/// The number of brokers in the cluster.
pub(super) async fn brokers(client: Arc<Producer>) -> Result<usize, Error> {
    blocking(move || {
        let metadata = client.client().fetch_metadata(None, REQUEST_TIMEOUT).map_err(|error| error::of(&error))?;
        Ok(metadata.brokers().len())
    })
    .await
}

/// How many partitions each of these topics has; a missing one is left out.
pub(super) async fn partitions(cluster: &Cluster, topics: &[Topic]) -> Result<BTreeMap<Topic, u32>, Error> {
    let (client, topics) = (cluster.client(), topics.to_vec());
    let found = blocking(move || {
        let all = if topics.len() > ONE_BY_ONE_MAX { Some(metadata(&client, None)?) } else { None };
        let known: HashMap<&str, &MetadataTopic> = all.iter().flat_map(Metadata::topics).map(|topic| (topic.name(), topic)).collect();
        let (mut found, mut asked) = (BTreeMap::new(), 0);
        for topic in topics {
            let name = topic.to_string();
            let partitions = match known.get(name.as_str()) {
                Some(topic) => count(topic)?,
                // What the list of all leaves out may be refused to us, and then the first of these says so.
                None if asked >= ONE_BY_ONE_MAX => None,
                None => {
                    asked += 1;
                    metadata(&client, Some(&name))?.topics().iter().find(|topic| topic.name() == name).map_or(Ok(None), count)?
                }
            };
            found.extend(partitions.map(|partitions| (topic, partitions)));
        }
        Ok(found)
    })
    .await?;
    cluster.partition_counts.check(&found)?;
    Ok(found)
}

/// The metadata of one topic, or of all of them.
fn metadata(client: &Producer, name: Option<&str>) -> Result<Metadata, Error> {
    client.client().fetch_metadata(name, REQUEST_TIMEOUT).map_err(|error| error::of(&error))
}

/// The number of partitions of a topic, if it exists.
fn count(topic: &MetadataTopic) -> Result<Option<u32>, Error> {
    match topic.error().map(RDKafkaErrorCode::from) {
        Some(code) if error::is_missing(code) => Ok(None),
        Some(code) => Err(error::by_code(code)),
        None => Ok(Some(u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX))),
    }
}

/// How many partitions each of these topics has. [`Error::Missing`] for the first that is missing.
pub(super) async fn check(cluster: &Cluster, topics: &[Topic]) -> Result<BTreeMap<Topic, u32>, Error> {
    let found = partitions(cluster, topics).await?;
    match topics.iter().find(|topic| !found.contains_key(*topic)) {
        Some(topic) => Err(Error::Missing(topic.to_string())),
        None => Ok(found),
    }
}

/// The ends of each partition of these topics. [`Error::Missing`] for the first that is missing.
pub(super) async fn ends(cluster: &Cluster, topics: &[Topic]) -> Result<BTreeMap<Topic, Vec<Ends>>, Error> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let partitions = check(cluster, topics).await?;
    cluster.group_offsets.ends(&cluster.access, partitions).await
}

/// The most records of metadata that one request makes: half of what a controller of Apache Kafka takes (`MAX_RECORDS_PER_USER_OP`), which
/// refuses more as a policy violation.
const RECORDS_MAX: usize = 5_000;

/// Creates the topics that do not exist, and returns when they can be used.
pub(super) async fn create(cluster: &Cluster, topics: &[Topic], options: CreateOptions) -> Result<Vec<Topic>, Error> {
    let existing = partitions(cluster, topics).await?;
    let wanted: Vec<Topic> = topics.iter().filter(|topic| !existing.contains_key(*topic)).cloned().collect();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let admin = cluster.access.admin()?;
    let asked: Vec<TopicSpec> = wanted.iter().map(|topic| TopicSpec::new(topic, options)).collect();
    let limits = AdminOptions::new().request_timeout(Some(CREATE_TIMEOUT)).operation_timeout(Some(CREATE_TIMEOUT));
    let (mut created, mut left) = (Vec::new(), wanted.into_iter());
    for portion in portions(&asked) {
        let topics: Vec<NewTopic<'_>> = portion.iter().map(|asked| asked.topic(options)).collect();
        let answers = admin.create_topics(&topics, &limits).await.map_err(|error| error::of(&error))?;
        let mut new = Vec::new();
        // The answers first: at their end no topic is taken.
        for (answer, topic) in answers.into_iter().zip(left.by_ref()) {
            match answer {
                Ok(_) => new.push(topic),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(Error::Refused(format!("creating topic {name}: {code}"))),
            }
        }
        ready(cluster, &new).await?;
        created.extend(new);
    }
    // The drop joins a thread that wakes ten times a second.
    drop(super::background_drop::BackgroundDrop::new(admin));
    Ok(created)
}

/// Splits topics so that each request stays within the limit; one larger topic goes alone.
fn portions(mut asked: &[TopicSpec]) -> Vec<&[TopicSpec]> {
    let mut portions = Vec::new();
    while !asked.is_empty() {
        let mut records = 0;
        let fits = |topic: &&TopicSpec| {
            records += topic.records();
            records <= RECORDS_MAX
        };
        let (portion, rest) = asked.split_at(asked.iter().take_while(fits).count().max(1));
        portions.push(portion);
        asked = rest;
    }
    portions
}

/// Waits until new topics can be used: brokers know a topic a moment before they lead its partitions.
async fn ready(cluster: &Cluster, topics: &[Topic]) -> Result<(), Error> {
    let deadline = Instant::now() + CREATE_TIMEOUT;
    while let Err(error) = ends(cluster, topics).await {
        if Instant::now() >= deadline {
            return Err(error);
        }
        sleep(CREATE_CHECK_INTERVAL).await;
    }
    Ok(())
}

/// A topic to create, with owned strings for the library to borrow.
struct TopicSpec {
    name: String,
    partitions: u32,
    config: Vec<(&'static str, String)>,
}

impl TopicSpec {
    /// How many records of metadata it is to the controller: itself, its settings and its partitions.
    fn records(&self) -> usize {
        1 + self.config.len() + self.partitions as usize
    }

    fn new(topic: &Topic, options: CreateOptions) -> Self {
        let mut config = vec![("min.insync.replicas", options.min_insync.to_string())];
        match topic.kind().cleanup {
            Cleanup::Compact { lag } => config.extend([
                ("cleanup.policy", "compact".to_owned()),
                ("min.compaction.lag.ms", lag.as_millis().to_string()),
                ("delete.retention.ms", TOMBSTONE_RETENTION.as_millis().to_string()),
            ]),
            Cleanup::Retain(keep) => {
                config.extend([("cleanup.policy", "delete".to_owned()), ("retention.ms", keep.as_millis().to_string())]);
            }
        }
        Self { name: topic.to_string(), partitions: topic.initial_partitions(), config }
    }

    fn topic(&self, options: CreateOptions) -> NewTopic<'_> {
        let replication = TopicReplication::Fixed(i32::from(options.replication));
        let topic = NewTopic::new(&self.name, self.partitions.cast_signed(), replication);
        self.config.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_creates_as_many_topics_as_a_controller_takes() {
        let sizes = |partitions: &[u32]| {
            let spec = |partitions: &u32| TopicSpec { name: String::new(), partitions: *partitions, config: Vec::new() };
            let asked: Vec<_> = partitions.iter().map(spec).collect();
            portions(&asked).iter().map(|portion| portion.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&[1; 2_500]), [2_500]);
        assert_eq!(sizes(&[1; 5_001]), [2_500, 2_500, 1]);
        assert_eq!(sizes(&[100, 4_900, 6_000, 1]), [1, 1, 1, 1]);
    }

    #[tokio::test]
    async fn a_slow_answer_reaches_a_caller_that_is_cancelled_repeatedly() {
        let (answer, slow) = std::sync::mpsc::channel();
        let mut slow = Some(slow);
        let mut question = PendingRequest::none();
        for _ in 0..3 {
            // A second call must not send the request again.
            let ask = || {
                let slow = slow.take().expect("it is asked once");
                move || slow.recv().map_err(|_| Error::Unavailable("no answer".to_owned()))
            };
            tokio::select! {
                biased;
                answered = question.answer(ask) => panic!("{answered:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        answer.send(7).unwrap();
        assert_eq!(question.answer(|| || Ok(8)).await.unwrap(), 7);
        assert_eq!(question.answer(|| || Ok(8)).await.unwrap(), 8);
    }
}
