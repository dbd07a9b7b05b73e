//! Decisions on their way to the bus, and what is known once they are published.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;

use xtsync_bus::{Delivery, Error, Partition};

use crate::partition::Pass;

/// How many batches may be on their way: enough that the next one is decided meanwhile.
const PUBLICATIONS_MAX: usize = 3;

/// The decisions of one batch.
#[derive(Debug)]
pub(crate) struct Publication {
    /// The cursor that the batch came by.
    pub(crate) pass: Pass,
    /// The offset after the last record of the batch, by partition.
    pub(crate) read: BTreeMap<Partition, i64>,
}

/// Batches of decisions on their way, the oldest first.
#[derive(Default)]
pub(crate) struct Publications(VecDeque<(Publication, Delivery)>);

impl Publications {
    /// Adds the decisions of a batch that was just sent.
    pub(crate) fn push(&mut self, publication: Publication, delivery: Delivery) {
        self.0.push_back((publication, delivery));
    }

    /// Whether none are on their way.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no more should be sent before the oldest are published.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= PUBLICATIONS_MAX
    }

    /// Whether decisions of a replay are among them.
    pub(crate) fn is_replaying(&self) -> bool {
        self.0.iter().any(|(publication, _)| publication.pass == Pass::Replay)
    }

    /// Waits until the oldest are published; for ever, if there are none. Cancel-safe.
    ///
    /// # Errors
    /// If they could not be published.
    pub(crate) async fn next(&mut self) -> Result<Publication, Error> {
        let Some((_, delivery)) = self.0.front_mut() else { return pending().await };
        let delivered = delivery.await;
        let (publication, _) = self.0.pop_front().expect("it was there before the wait");
        delivered.map(|()| publication)
    }
}
