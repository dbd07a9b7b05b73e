//! The task that polls a member's consumer, so that it stays in its group even when its subscriber is slow.
//!
//! Batches go into a bounded channel. When the channel has been full for a while, the partitions are paused and polling continues without
//! records. They are not paused at once, because a pause discards prefetched records.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use tokio::sync::mpsc::{self, error::SendError};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::background_drop::BackgroundDrop;
use super::error;
use super::membership::{Membership, TaggedRecord};
use crate::{BATCH_MAX, Error};

/// The most batches that wait for the subscriber. It is one: records that come meanwhile are collected in the next batch, so a slower
/// subscriber gets fewer and larger batches.
pub(super) const BATCHES_MAX: usize = 1;

/// How long the channel may be full before the partitions are paused; well below any session timeout.
const PAUSE_AFTER: Duration = Duration::from_secs(2);

/// A member's consumer, which is closed in the background.
pub(super) type Consumer = BackgroundDrop<StreamConsumer<Membership>>;

/// Records that wait for the channel.
#[derive(Default)]
struct Waiting {
    batch: Vec<TaggedRecord>,
    /// When the partitions will be paused, or whether they are.
    pause: Pause,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Pause {
    #[default]
    No,
    At(Instant),
    Yes,
}

/// Polls until the subscriber is gone or the cluster refuses the member; returns the reason.
pub(super) async fn run(consumer: Arc<Consumer>, batches: mpsc::Sender<Vec<TaggedRecord>>) -> Error {
    let membership = Arc::clone(consumer.context());
    let mut waiting = Waiting::default();
    loop {
        if membership.is_overrun() {
            return Error::Unavailable("the subscriber missed too many rebalances".to_owned());
        }
        // A full batch is enough; but while paused, polling returns no records and must continue.
        let polling = waiting.batch.len() < BATCH_MAX || waiting.pause == Pause::Yes;
        tokio::select! {
            biased;
            permit = batches.reserve(), if !waiting.batch.is_empty() => match permit {
                Ok(permit) => {
                    permit.send(std::mem::take(&mut waiting.batch));
                    if std::mem::take(&mut waiting.pause) == Pause::Yes {
                        membership.set_paused(&**consumer, false);
                    }
                }
                Err(SendError(())) => return Error::Unavailable("the subscriber is gone".to_owned()),
            },
            () = sleep_until_some(waiting.pause_at()) => {
                membership.set_paused(&**consumer, true);
                waiting.pause = Pause::Yes;
            }
            () = sleep_until_some(membership.drain_limit()) => membership.end_overdue(&**consumer, Instant::now()),
            () = membership.draining.notified() => {}
            polled = consumer.recv(), if polling => {
                if let Err(refused) = waiting.gather(&consumer, &membership, polled) {
                    return refused;
                }
            }
        }
    }
}

impl Waiting {
    /// Collects a message and all others that are available.
    fn gather(
        &mut self,
        consumer: &StreamConsumer<Membership>,
        membership: &Membership,
        first: KafkaResult<BorrowedMessage<'_>>,
    ) -> Result<(), Error> {
        let mut polled = Some(first);
        while let Some(one) = polled {
            match one {
                Ok(message) => self.batch.extend(membership.accept(&message)),
                Err(error) => ignore_transient(&error::of(&error))?,
            }
            polled = if self.batch.len() < BATCH_MAX { consumer.recv().now_or_never() } else { None };
        }
        if self.pause == Pause::Yes && !self.batch.is_empty() {
            // A partition was started while the others are paused.
            membership.set_paused(consumer, true);
        } else if self.pause == Pause::No && !self.batch.is_empty() {
            self.pause = Pause::At(Instant::now() + PAUSE_AFTER);
        }
        Ok(())
    }

    fn pause_at(&self) -> Option<Instant> {
        match self.pause {
            Pause::At(at) => Some(at),
            Pause::No | Pause::Yes => None,
        }
    }
}

/// Ignores errors from which the library recovers by itself.
fn ignore_transient(error: &Error) -> Result<(), Error> {
    match error {
        Error::Refused(reason) => {
            warn!(reason, "the cluster refuses the member");
            Err(Error::Refused(reason.clone()))
        }
        passing => {
            debug!(error = %passing, "consuming failed and is retried");
            Ok(())
        }
    }
}

async fn sleep_until_some(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
