//! The task that polls a member's consumer, so that the group hears of it however slow its subscriber is.
//!
//! Batches go into a bounded channel. When that has been full for a while, the partitions are paused and polling goes on without
//! records. They are not paused at once, since pausing throws away what was prefetched.

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

/// Batches that wait for the subscriber. One: what comes while it is busy is gathered into the next, so that the slower it is, the fewer
/// and larger they are.
pub(super) const BATCHES_MAX: usize = 1;

/// How long the channel may be full before the partitions are paused. Well below any session.
const PAUSE_AFTER: Duration = Duration::from_secs(2);

/// A member's consumer, which closes aside.
pub(super) type Consumer = BackgroundDrop<StreamConsumer<Membership>>;

/// What waits to be handed over.
#[derive(Default)]
struct Waiting {
    batch: Vec<TaggedRecord>,
    /// When the partitions are paused, or are paused already.
    pause: Pause,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Pause {
    #[default]
    No,
    At(Instant),
    Yes,
}

/// Polls until the subscriber is gone or the cluster refuses us; gives the reason.
pub(super) async fn run(consumer: Arc<Consumer>, batches: mpsc::Sender<Vec<TaggedRecord>>) -> Error {
    let membership = Arc::clone(consumer.context());
    let mut waiting = Waiting::default();
    loop {
        if membership.is_overrun() {
            return Error::Unavailable("the subscriber did not look for too many rebalances".to_owned());
        }
        // A full batch is enough in hand, but while paused polling gives none and must go on.
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
    /// Takes a message and what has come with it.
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
            // A partition that was started meanwhile.
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

/// Lets pass what the library recovers from by itself.
fn ignore_transient(error: &Error) -> Result<(), Error> {
    match error {
        Error::Refused(reason) => {
            warn!(reason, "the cluster refuses the member");
            Err(Error::Refused(reason.clone()))
        }
        passing => {
            debug!(error = %passing, "consuming waits");
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
