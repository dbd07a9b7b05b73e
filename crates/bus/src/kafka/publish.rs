//! Publishes records through one idempotent producer.
//!
//! There is one producer, because order within a key must hold across live and bulk. It does not linger: under load, batches fill while
//! earlier requests are under way. Bulk records enter its queue in chunks, one chunk at a time, so live records wait behind at most one.
//! Batches are compressed with lz4: most are small, and it has little setup cost.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;
use tokio::sync::{Semaphore, oneshot};
use tracing::warn;

use super::background_drop::BackgroundDrop;
use super::client::{Access, Callbacks};
use super::producer::PolledProducer;
use super::{error, record};
use crate::{Error, Outgoing, Urgency};

/// The most records of bulk publications in the producer's queue at a time.
const BULK_CHUNK_RECORDS: usize = 2_000;

/// How long to wait while the queue is full.
const QUEUE_FULL_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// A producer that is closed in the background.
pub(super) type Producer = BackgroundDrop<PolledProducer>;

/// Publishes records.
pub(super) struct Publisher {
    config: ClientConfig,
    callbacks: Callbacks,
    producer: Mutex<Arc<Producer>>,
    bulk: Semaphore,
}

impl Publisher {
    /// A publisher whose publications fail after a time limit.
    pub(super) fn new(access: &Access, limit: Duration) -> Result<Self, Error> {
        let mut config = access.config();
        config.set("enable.idempotence", "true").set("acks", "all").set("partitioner", "murmur2_random");
        config.set("compression.type", "lz4").set("linger.ms", "0");
        // With more requests under way, librdkafka 2.12 loses records of new partitions. If the broker refuses the first batch ("not
        // leader") and accepts the second, the library counts the first as acknowledged, which no broker promises (confluent-kafka-go#921).
        config.set("max.in.flight.requests.per.connection", "1");
        // The broker's default: a little over the limit of a record, for its framing.
        config.set("message.max.bytes", "1048588").set("queue.buffering.max.kbytes", "65536");
        config.set("delivery.timeout.ms", limit.as_millis().to_string()).set("request.timeout.ms", "10000");
        // A missing topic is reported soon; the default of 30 s serves clusters that create topics automatically.
        config.set("topic.metadata.propagation.max.ms", "3000");
        let producer = Arc::new(producer(&config, access.callbacks())?);
        Ok(Self { config, callbacks: access.callbacks(), producer: Mutex::new(producer), bulk: Semaphore::new(1) })
    }

    /// See [`crate::Transport::publish`].
    pub(super) async fn publish(&self, records: &[Outgoing], urgency: Urgency) -> Result<(), Error> {
        records.iter().try_for_each(Outgoing::check_size)?;
        for portion in records.chunks(BULK_CHUNK_RECORDS) {
            let _permit = match urgency {
                Urgency::Live => None,
                Urgency::Bulk => self.bulk.acquire().await.ok(),
            };
            self.send(portion).await?;
        }
        Ok(())
    }

    /// Sends records and waits for all of them, even after one has failed: records of a later attempt then come after those of this one.
    async fn send(&self, records: &[Outgoing]) -> Result<(), Error> {
        let producer = self.producer();
        let mut failed = Ok(());
        let mut deliveries = Vec::with_capacity(records.len());
        for record in records {
            let topic = record.topic.to_string();
            match enqueue(&producer, record, &topic).await {
                Ok(delivery) => deliveries.push((topic, delivery)),
                Err(error) => {
                    failed = Err(error::of_record(&error, &topic));
                    break;
                }
            }
        }
        for (topic, delivery) in deliveries {
            let delivered = match delivery.await {
                Ok(Ok(offset)) if offset >= 0 => continue,
                // The library only assumed the acknowledgement, see `new`: the record may be lost.
                Ok(Ok(_)) => Err(Error::Publish { topic, reason: "no broker has acknowledged the record".to_owned() }),
                Ok(Err(error)) => Err(error::of_record(&error, &topic)),
                Err(_) => Err(Error::Unavailable("the producer was closed".to_owned())),
            };
            failed = failed.and(delivered);
        }
        if failed.is_err() {
            self.replace_if_broken(&producer);
        }
        failed
    }

    /// The producer. It also serves requests about topics, because its own thread polls it.
    pub(super) fn producer(&self) -> Arc<Producer> {
        Arc::clone(&self.producer.lock())
    }

    /// Replaces a broken producer. An idempotent producer that lost its sequence reports a fatal error and accepts no more records. Its
    /// publishers receive an error for undelivered records; the new producer starts a new sequence.
    fn replace_if_broken(&self, broken: &Arc<Producer>) {
        let Some((code, reason)) = broken.client().fatal_error() else { return };
        let mut current = self.producer.lock();
        if !Arc::ptr_eq(&current, broken) {
            return;
        }
        warn!(%code, reason, "the producer is broken and replaced");
        match producer(&self.config, self.callbacks.clone()) {
            Ok(new) => *current = Arc::new(new),
            Err(error) => warn!(%error, "a new producer could not be created"),
        }
    }
}

fn producer(config: &ClientConfig, callbacks: Callbacks) -> Result<Producer, Error> {
    PolledProducer::new(config, callbacks).map(BackgroundDrop::new)
}

/// Puts a record into the producer's queue, as soon as the queue has capacity.
async fn enqueue(producer: &Producer, record: &Outgoing, topic: &str) -> Result<oneshot::Receiver<Result<i64, KafkaError>>, KafkaError> {
    let (sender, delivery) = oneshot::channel();
    let mut sending = record::outgoing(record, topic, Box::new(sender));
    loop {
        match producer.send(sending) {
            Ok(()) => return Ok(delivery),
            // Queued records leave within the delivery timeout, delivered or not, so this loop ends.
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                sending = back;
                tokio::time::sleep(QUEUE_FULL_RETRY_INTERVAL).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}
