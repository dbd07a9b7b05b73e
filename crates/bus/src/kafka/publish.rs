//! Publishes records through one idempotent producer.
//!
//! There is one producer, because order within a key must hold across live and bulk. It does not linger: under load, batches fill while
//! earlier requests are under way. The queue takes few bulk records at a time, so live records wait behind at most two chunks.
//! Batches are compressed with lz4: most are small, and it has little setup cost.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use super::background_drop::BackgroundDrop;
use super::client::{Access, Callbacks};
use super::producer::PolledProducer;
use super::publication::Publication;
use super::{error, record};
use crate::{Delivery, Error, Outgoing, Urgency};

/// The most records that enter the producer's queue at once.
const CHUNK_RECORDS: usize = 2_000;

/// The most records of bulk publications in the producer's queue: one chunk on its way, and the next.
const BULK_RECORDS_MAX: usize = 2 * CHUNK_RECORDS;

/// How long to wait while the queue is full.
const QUEUE_FULL_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// A producer that is closed in the background.
pub(super) type Producer = BackgroundDrop<PolledProducer>;

/// Publishes records.
pub(super) struct Publisher {
    config: ClientConfig,
    callbacks: Callbacks,
    producer: Mutex<Arc<Producer>>,
    /// A permit for each bulk record that may enter the queue.
    bulk: Arc<Semaphore>,
}

impl Publisher {
    /// A publisher whose publications fail after a time limit.
    pub(super) fn new(access: &Access, limit: Duration) -> Result<Self, Error> {
        let mut config = access.config();
        config.set("enable.idempotence", "true").set("acks", "all").set("partitioner", "murmur2_random");
        config.set("compression.type", "lz4").set("linger.ms", "0");
        // The most that keeps the order. Each request carries one partition, so fewer would have partitions wait for each other. Where the
        // broker refuses a new partition's first batch ("not leader") and accepts the second, librdkafka 2.12 reports the first as
        // delivered, but without an offset (confluent-kafka-go#921): that counts as an error (`Publication`).
        config.set("max.in.flight.requests.per.connection", "5");
        // The broker's default: a little over the limit of a record, for its framing.
        config.set("message.max.bytes", "1048588").set("queue.buffering.max.kbytes", "65536");
        config.set("delivery.timeout.ms", limit.as_millis().to_string()).set("request.timeout.ms", "10000");
        // A missing topic is reported soon; the default of 30 s serves clusters that create topics automatically.
        config.set("topic.metadata.propagation.max.ms", "3000");
        let producer = Arc::new(producer(&config, access.callbacks())?);
        Ok(Self { config, callbacks: access.callbacks(), producer: Mutex::new(producer), bulk: Arc::new(Semaphore::new(BULK_RECORDS_MAX)) })
    }

    /// See [`crate::Transport::send`]. What is more than a chunk is sent chunk by chunk.
    pub(super) async fn send(self: &Arc<Self>, records: &[Outgoing], urgency: Urgency) -> Result<Delivery, Error> {
        records.iter().try_for_each(Outgoing::check_size)?;
        let mut delivery: Delivery = Box::pin(ready(Ok(())));
        for portion in records.chunks(CHUNK_RECORDS) {
            delivery.await?;
            let permit = match urgency {
                Urgency::Live => None,
                Urgency::Bulk => Arc::clone(&self.bulk).acquire_many_owned(portion.len() as u32).await.ok(),
            };
            delivery = self.send_chunk(portion, permit).await;
        }
        Ok(delivery)
    }

    /// Puts records into the producer's queue. The delivery waits for all of them, even after one has failed: records of a later attempt
    /// then come after those of this one.
    async fn send_chunk(self: &Arc<Self>, records: &[Outgoing], permit: Option<OwnedSemaphorePermit>) -> Delivery {
        let producer = self.producer();
        let publication = Publication::new(records.len(), permit);
        for (at, record) in records.iter().enumerate() {
            let topic = record.topic.to_string();
            if let Err(error) = enqueue(&producer, record, &topic, &publication).await {
                publication.settle(records.len() - at, Err(error::of_record(&error, &topic)));
                break;
            }
        }
        let publisher = Arc::clone(self);
        Box::pin(async move {
            let delivered = publication.delivered().await;
            if delivered.is_err() {
                publisher.replace_if_broken(&producer);
            }
            delivered
        })
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
async fn enqueue(producer: &Producer, record: &Outgoing, topic: &str, publication: &Arc<Publication>) -> Result<(), KafkaError> {
    let mut sending = record::outgoing(record, topic, Arc::clone(publication));
    loop {
        match producer.send(sending) {
            Ok(()) => return Ok(()),
            // Queued records leave within the delivery timeout, delivered or not, so this loop ends.
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                sending = back;
                tokio::time::sleep(QUEUE_FULL_RETRY_INTERVAL).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}
