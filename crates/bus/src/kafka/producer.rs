//! The producer: takes records, and tells each one's fate to whoever waits for it.
//!
//! A thread of ours polls the library's plain producer. The one with futures polls ten times a second, and spins for the last
//! millisecond of each time: a hundredth of a core in every process at rest.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, ProducerContext};
use tokio::sync::oneshot;

use super::client::Callbacks;
use super::error;
use crate::Error;

/// How long one poll lasts: what is delivered meanwhile is told at once, and to close it takes no longer. The library waits whole
/// milliseconds of what is left and spins for the rest, so that a little more than a whole number of them costs nothing.
const POLL_TIMEOUT: Duration = Duration::from_micros(1_000_100);

/// Tells the offset of a record that was delivered.
pub(super) type DeliverySender = Box<oneshot::Sender<Result<i64, KafkaError>>>;

/// A producer that is polled until it is dropped.
pub(super) struct PolledProducer {
    producer: Arc<BaseProducer<Callbacks>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PolledProducer {
    /// Makes one, and the thread that polls it.
    pub(super) fn new(config: &ClientConfig, callbacks: Callbacks) -> Result<Self, Error> {
        let producer: BaseProducer<Callbacks> = config.create_with_context(callbacks).map_err(|error| error::of(&error))?;
        let mut polled = Self { producer: Arc::new(producer), stopped: Arc::default(), thread: None };
        let (producer, stopped) = (Arc::clone(&polled.producer), Arc::clone(&polled.stopped));
        let poll = move || {
            while !stopped.load(Ordering::Relaxed) {
                producer.poll(POLL_TIMEOUT);
            }
        };
        let started = thread::Builder::new().name("kafka-producer".to_owned()).spawn(poll);
        polled.thread = Some(started.map_err(|error| Error::Unavailable(format!("no thread to poll a producer: {error}")))?);
        Ok(polled)
    }
}

impl Deref for PolledProducer {
    type Target = BaseProducer<Callbacks>;

    fn deref(&self) -> &Self::Target {
        &self.producer
    }
}

impl Drop for PolledProducer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Dropped aside, this holds up nobody; and the producer is closed only when nobody is in it.
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl ProducerContext for Callbacks {
    type DeliveryOpaque = DeliverySender;

    fn delivery(&self, delivered: &DeliveryResult<'_>, sender: DeliverySender) {
        let offset = delivered.as_ref().map(|message| message.offset()).map_err(|(error, _)| error.clone());
        // Nobody may wait for it any more.
        sender.send(offset).ok();
    }
}
