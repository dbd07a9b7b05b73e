//! Reads partitions outside any group: one consumer, assigned to all of them, that commits nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::topic::Topic;
use async_trait::async_trait;
use futures::FutureExt as _;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::Producer as _;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::background_drop::BackgroundDrop;
use super::client::{self, Access, Callbacks};
use super::record::{self, Names};
use super::topics::{self, blocking};
use super::{Cluster, error};
use crate::{BATCH_MAX, Error, Partition, Position, Reader, Record};

/// The library requires a group id even without a group. This client never commits to it.
pub(super) const GROUP: &str = "xtsync-readers";

/// How often an idle reader checks whether it is at the end although it did not get the last record.
const GAP_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long each step of a gap check may take; the second constant limits the number of steps.
const GAP_CHECK_TIMEOUT: Duration = Duration::from_secs(5);
const GAP_STEPS_MAX: usize = 20;

/// A reader of partitions.
pub(super) struct PartitionsReader {
    cluster: Arc<Cluster>,
    consumer: BackgroundDrop<StreamConsumer<Callbacks>>,
    progress: Progress,
    /// Partitions that have not yet reached the end that they had at the last check.
    unconfirmed: Vec<Partition>,
    next_gap_check: Instant,
}

/// The progress of the reads.
struct Progress {
    names: Names,
    positions: HashMap<Partition, i64>,
    /// Indexes of partitions that were read to their end; the library does not report of which topic.
    ended: BTreeSet<u32>,
}

impl PartitionsReader {
    /// Opens partitions, each at an offset.
    pub(super) async fn open(cluster: &Arc<Cluster>, from: &[Position]) -> Result<Self, Error> {
        let topics: BTreeSet<Topic> = from.iter().map(|position| position.partition.topic.clone()).collect();
        let topics: Vec<Topic> = topics.into_iter().collect();
        topics::check(cluster, &topics).await?;
        let config = config(&cluster.access);
        let consumer: StreamConsumer<Callbacks> =
            config.create_with_context(cluster.access.callbacks()).map_err(|error| error::of(&error))?;
        consumer.assign(&record::positions(from)).map_err(|error| error::of(&error))?;
        let positions: HashMap<_, _> = from.iter().map(|position| (position.partition.clone(), position.offset)).collect();
        Ok(Self {
            cluster: Arc::clone(cluster),
            consumer: BackgroundDrop::new(consumer),
            unconfirmed: positions.keys().cloned().collect(),
            progress: Progress { names: record::names(&topics), positions, ended: BTreeSet::new() },
            next_gap_check: Instant::now(),
        })
    }

    /// Finds partitions whose last offsets hold no record, because of compaction or transaction markers: no record will report their end.
    async fn check_gaps(&mut self) -> Result<(), Error> {
        if self.unconfirmed.is_empty() || Instant::now() < self.next_gap_check {
            return Ok(());
        }
        self.next_gap_check = Instant::now() + GAP_CHECK_INTERVAL;
        let mut unconfirmed = Vec::new();
        for partition in &self.unconfirmed {
            let at = Position { partition: partition.clone(), offset: self.progress.positions[partition] };
            let end = end(&self.cluster, partition).await?;
            if at.offset >= end {
                continue;
            }
            if self.progress.ended.contains(&partition.index) && is_gap(&self.cluster, at).await? {
                self.progress.positions.insert(partition.clone(), end);
            } else {
                unconfirmed.push(partition.clone());
            }
        }
        self.unconfirmed = unconfirmed;
        Ok(())
    }
}

#[async_trait]
impl Reader for PartitionsReader {
    async fn read(&mut self, records_max: usize, wait: Duration) -> Result<Vec<Record>, Error> {
        let records_max = records_max.clamp(1, BATCH_MAX);
        match timeout(wait, self.progress.read(&self.consumer, records_max)).await {
            Ok(records) => records,
            Err(_) => self.check_gaps().await.map(|()| Vec::new()),
        }
    }

    fn position(&self, partition: &Partition) -> Option<i64> {
        self.progress.positions.get(partition).copied()
    }
}

impl Progress {
    /// Waits for a message and takes all others that are available. Only the first is awaited, so cancelling it loses nothing.
    async fn read(&mut self, consumer: &StreamConsumer<Callbacks>, records_max: usize) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        while records.is_empty() {
            let mut polled = Some(consumer.recv().await);
            while let Some(one) = polled {
                match self.track(one) {
                    Ok(record) => records.extend(record),
                    // The records before it are returned first; a refusal is reported again by the next read.
                    Err(_) if !records.is_empty() => break,
                    Err(refused) => return Err(refused),
                }
                polled = if records.len() < records_max { consumer.recv().now_or_never() } else { None };
            }
        }
        Ok(records)
    }

    fn track(&mut self, polled: KafkaResult<BorrowedMessage<'_>>) -> Result<Option<Record>, Error> {
        match polled {
            Ok(message) => {
                let record = record::incoming(&message, &self.names);
                if let Some(record) = &record {
                    self.positions.insert(record.at.partition.clone(), record.at.offset + 1);
                }
                return Ok(record);
            }
            Err(KafkaError::PartitionEOF(index)) => drop(self.ended.insert(index.cast_unsigned())),
            Err(error) => match error::of(&error) {
                Error::Refused(reason) => return Err(Error::Refused(reason)),
                // The library reconnects by itself.
                error => debug!(%error, "reading failed and is retried"),
            },
        }
        Ok(None)
    }
}

fn config(access: &Access) -> ClientConfig {
    let mut config = access.config();
    config.set("group.id", GROUP).set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config.set("auto.offset.reset", "earliest").set("allow.auto.create.topics", "false").set("enable.partition.eof", "true");
    client::limit_prefetch(&mut config);
    config
}

async fn end(cluster: &Cluster, partition: &Partition) -> Result<i64, Error> {
    let client = cluster.client();
    let (name, index) = (partition.topic.to_string(), record::index(partition));
    blocking(move || {
        let marks = client.client().fetch_watermarks(&name, index, GAP_CHECK_TIMEOUT);
        marks.map(|(_, high)| high).map_err(|error| error::of_topic(&error, &name))
    })
    .await
}

/// Whether no record follows a position up to the end: a separate consumer then reaches the end first.
async fn is_gap(cluster: &Cluster, at: Position) -> Result<bool, Error> {
    let mut config = config(&cluster.access);
    config.set("fetch.wait.max.ms", "50");
    let callbacks = cluster.access.callbacks();
    blocking(move || {
        let consumer: BaseConsumer<Callbacks> = config.create_with_context(callbacks).map_err(|error| error::of(&error))?;
        consumer.assign(&record::positions(&[at])).map_err(|error| error::of(&error))?;
        let met = std::iter::repeat_with(|| consumer.poll(GAP_CHECK_TIMEOUT)).take(GAP_STEPS_MAX).find(|polled| match polled {
            Some(Ok(_)) | Some(Err(KafkaError::PartitionEOF(_))) | None => true,
            Some(Err(_)) => false,
        });
        Ok(matches!(met, Some(Some(Err(KafkaError::PartitionEOF(_))))))
    })
    .await
}
