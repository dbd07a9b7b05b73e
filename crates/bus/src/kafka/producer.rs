//! The producer: sends records and reports each result to its publication.
//!
//! A thread of this process polls the library's plain producer. The library's own future producer polls ten times a second and spins for
//! the last millisecond: one percent of a core in each idle process.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, ProducerContext};

use super::client::Callbacks;
use super::error;
use super::publication::{self, Publication};
use crate::Error;

/// How long one poll lasts. Deliveries meanwhile are reported at once, and a close takes no longer than this. The library waits for whole
/// milliseconds and spins for the rest, so a value a little above whole milliseconds avoids the spin.
const POLL_TIMEOUT: Duration = Duration::from_micros(1_000_100);

/// A producer that a thread polls until it is dropped.
pub(super) struct PolledProducer {
    producer: Arc<BaseProducer<Callbacks>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PolledProducer {
    /// Creates a producer and the thread that polls it.
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
        // This runs in the background, so it blocks no caller, and no caller is in the producer when it closes.
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl ProducerContext for Callbacks {
    type DeliveryOpaque = Arc<Publication>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, publication: Arc<Publication>) {
        publication.settle(1, publication::acknowledged(delivered));
    }
}
