//! Membership in a group, as services use it.

use std::sync::Arc;
use std::time::Duration;

use crate::topic::Topic;
use async_trait::async_trait;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, info_span};

use super::background_drop::BackgroundDrop;
use super::membership::{Change, Membership, TaggedRecord};
use super::pump::{self, BATCHES_MAX, Consumer};
use super::topics::{self, PendingRequest, blocking};
use super::{Cluster, client, error, record};
use crate::{Assigned, Committed, Error, Event, Partition, Subscription};

/// Changes that wait for the subscriber. A subscriber that misses so many rebalances counts as dead.
const CHANGES_MAX: usize = 64;

/// How long the cluster may take to answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause before a step is tried again for which the client was not ready.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// A member of a group.
pub(super) struct Member {
    cluster: Arc<Cluster>,
    consumer: Arc<Consumer>,
    changes: mpsc::Receiver<Change>,
    batches: mpsc::Receiver<Vec<TaggedRecord>>,
    /// Assigned partitions whose committed positions are not known yet.
    assigned: Vec<Partition>,
    /// The pending request for these positions.
    pending: PendingRequest<Vec<Assigned>>,
    pump: Option<AbortOnDropHandle<Error>>,
}

impl Member {
    /// Joins a group.
    pub(super) async fn join(cluster: &Arc<Cluster>, group: &str, topics: &[Topic]) -> Result<Self, Error> {
        topics::check(cluster, topics).await?;
        let (change_sender, changes) = mpsc::channel(CHANGES_MAX);
        let (sender, batches) = mpsc::channel(BATCHES_MAX);
        let membership = Membership::new(cluster.access.callbacks(), cluster.options.drain_limit, change_sender, topics);
        let consumer: StreamConsumer<Membership> =
            config(cluster, group).create_with_context(membership).map_err(|error| error::of(&error))?;
        subscribe(&consumer, topics)?;
        let consumer = Arc::new(BackgroundDrop::new(consumer));
        let pump = AbortOnDropHandle::new(tokio::spawn(pump::run(Arc::clone(&consumer), sender).instrument(info_span!("member", group))));
        Ok(Self {
            cluster: Arc::clone(cluster),
            consumer,
            changes,
            batches,
            assigned: Vec::new(),
            pending: PendingRequest::none(),
            pump: Some(pump),
        })
    }

    fn membership(&self) -> &Membership {
        self.consumer.context()
    }

    /// Returns the committed positions of newly assigned partitions. A slow broker gets one request, even if the caller cancels and calls
    /// again.
    async fn committed(&mut self) -> Result<Vec<Assigned>, Error> {
        let (consumer, partitions) = (&self.consumer, &self.assigned);
        let request = || {
            let (consumer, partitions) = (Arc::clone(consumer), partitions.clone());
            move || {
                let committed =
                    consumer.committed_offsets(record::list(&partitions), REQUEST_TIMEOUT).map_err(|error| error::of(&error))?;
                partitions.into_iter().map(|partition| assigned(&committed, partition)).collect()
            }
        };
        self.pending.answer(request).await
    }

    /// The reason why the pump has ended.
    async fn ended(&mut self) -> Error {
        let unavailable = || Error::Unavailable("the member has left its group".to_owned());
        match self.pump.take() {
            Some(pump) => pump.await.unwrap_or_else(|_| unavailable()),
            None => unavailable(),
        }
    }

    fn check_owned(&self, positions: &[(Partition, Committed)]) -> Result<(), Error> {
        match self.membership().first_not_owned(positions.iter().map(|(partition, _)| partition)) {
            Some(partition) => Err(Error::fenced(partition)),
            None => Ok(()),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.membership().close(&**self.consumer);
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if !self.assigned.is_empty() {
                let assigned = self.committed().await?;
                self.assigned.clear();
                return Ok(Event::Assigned(assigned));
            }
            tokio::select! {
                // Changes go first, so that records of revoked partitions are no longer delivered.
                biased;
                Some(change) = self.changes.recv() => match change {
                    Change::Assigned(partitions) => self.assigned = partitions,
                    Change::Revoked(partitions) => return Ok(Event::Revoked(partitions)),
                    Change::Lost(partitions) => return Ok(Event::Lost(partitions)),
                },
                batch = self.batches.recv() => match batch {
                    Some(batch) => {
                        let records = self.membership().filter_owned(batch);
                        if !records.is_empty() {
                            return Ok(Event::Records(records));
                        }
                    }
                    None => return Err(self.ended().await),
                },
            }
        }
    }

    async fn start(&mut self, from: &[(Partition, Option<i64>)]) -> Result<(), Error> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let from: Arc<[(Partition, Option<i64>)]> = from.into();
        loop {
            let (consumer, from) = (Arc::clone(&self.consumer), Arc::clone(&from));
            let started = blocking(move || start(&consumer, &from)).await;
            // The library first requests the committed offset itself and accepts no other until it has it.
            match started {
                Err(Error::Unavailable(_)) if Instant::now() < deadline => sleep(RETRY_INTERVAL).await,
                started => return started,
            }
        }
    }

    async fn commit(&mut self, positions: Vec<(Partition, Committed)>) -> Result<(), Error> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let Some((first, _)) = positions.first().cloned() else { return Ok(()) };
        loop {
            self.check_owned(&positions)?;
            let (consumer, list) = (Arc::clone(&self.consumer), committing(&positions)?);
            let committed = blocking(move || Ok(consumer.commit(&list, CommitMode::Sync))).await?;
            let code = match committed.as_ref().map_err(KafkaError::rdkafka_error_code) {
                Ok(()) | Err(Some(RDKafkaErrorCode::NoOffset)) => return Ok(()),
                Err(code) => code,
            };
            match code {
                Some(code) if error::is_fenced(code) => return Err(Error::fenced(&first)),
                Some(code) if error::is_rebalancing(code) && Instant::now() < deadline => sleep(RETRY_INTERVAL).await,
                Some(code) if error::is_rebalancing(code) => return Err(Error::fenced(&first)),
                Some(code) => return Err(error::by_code(code)),
                None => return Err(Error::Unavailable("the commit failed".to_owned())),
            }
        }
    }

    fn released(&mut self, partitions: &[Partition]) {
        self.membership().release(&**self.consumer, partitions);
    }

    async fn resubscribe(&mut self, topics: &[Topic]) -> Result<(), Error> {
        topics::check(&self.cluster, topics).await?;
        self.membership().add_topics(topics);
        subscribe(&self.consumer, topics)
    }
}

fn config(cluster: &Cluster, group: &str) -> ClientConfig {
    let session = cluster.options.session_timeout;
    let heartbeat = (session / 6).min(Duration::from_secs(3));
    let mut config = cluster.access.config();
    config.set("group.id", group).set("partition.assignment.strategy", "cooperative-sticky");
    config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config.set("auto.offset.reset", "earliest").set("allow.auto.create.topics", "false");
    config.set("session.timeout.ms", session.as_millis().to_string()).set("heartbeat.interval.ms", heartbeat.as_millis().to_string());
    client::limit_prefetch(&mut config);
    config
}

fn subscribe(consumer: &StreamConsumer<Membership>, topics: &[Topic]) -> Result<(), Error> {
    let names: Vec<String> = topics.iter().map(Topic::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    consumer.subscribe(&names).map_err(|error| error::of(&error))
}

/// Seeks those of the partitions that are paused, and starts them. [`Error::Unavailable`] when the client is not ready for one of them; the
/// others are started.
fn start(consumer: &StreamConsumer<Membership>, from: &[(Partition, Option<i64>)]) -> Result<(), Error> {
    let membership = consumer.context();
    let unavailable = |error: KafkaError| Error::Unavailable(error.to_string());
    let (mut paused, mut list) = (Vec::new(), TopicPartitionList::new());
    for (partition, next) in from.iter().filter(|(partition, _)| membership.is_paused(partition)) {
        let offset = next.map_or(Offset::Beginning, |next| Offset::Offset(next.max(0)));
        list.add_partition_offset(&partition.topic.to_string(), record::index(partition), offset).map_err(unavailable)?;
        paused.push(partition);
    }
    if paused.is_empty() {
        return Ok(());
    }
    // The library keeps the order of the list.
    let sought = consumer.seek_partitions(list, REQUEST_TIMEOUT).map_err(unavailable)?;
    let sought: Vec<KafkaResult<()>> = sought.elements().iter().map(TopicPartitionListElem::error).collect();
    let ready: Vec<&Partition> = paused.iter().zip(&sought).filter(|(_, sought)| sought.is_ok()).map(|(partition, _)| *partition).collect();
    membership.run(consumer, &ready).map_err(unavailable)?;
    sought.into_iter().collect::<KafkaResult<()>>().map_err(unavailable)
}

fn committing(positions: &[(Partition, Committed)]) -> Result<TopicPartitionList, Error> {
    let mut list = TopicPartitionList::new();
    for (partition, committed) in positions {
        let mut element = list.add_partition(&partition.topic.to_string(), record::index(partition));
        element.set_offset(Offset::Offset(committed.next)).map_err(|error| error::of(&error))?;
        element.set_metadata(&committed.metadata);
    }
    Ok(list)
}

fn assigned(committed: &TopicPartitionList, partition: Partition) -> Result<Assigned, Error> {
    let found = committed.find_partition(&partition.topic.to_string(), record::index(&partition));
    let committed = match &found {
        None => None,
        Some(element) => {
            element.error().map_err(|error| error::of(&error))?;
            match element.offset() {
                Offset::Offset(next) => Some(Committed { next, metadata: element.metadata().to_owned() }),
                Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
            }
        }
    };
    Ok(Assigned { partition, committed })
}
