//! Takes the decisions of one target in, as the owner of its lease: no other process does, so there is no consumer group.
//!
//! The store's offset is the truth; it is committed to the bus only for lag tools and for the capacity that bulk publishing asks for. The
//! worker runs in the same process and is woken at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;
use tracing::{error, warn};
use xtsync_bus::{self as bus, Partition, Record};
use xtsync_contract::convert::Invalid;
use xtsync_contract::topic::{self, PROVISIONER_GROUP};
use xtsync_runtime::health::Condition;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;
use xtsync_service::consumer::OwnedTopic;
use xtsync_store::{Epoch, LeaseState, retry_contended};

use crate::decisions::{self, Reading};
use crate::epoch;
use crate::error::{Error, Result};
use crate::owned_target::OwnedTarget;

/// The intake of one target's decisions.
pub(crate) struct Intake {
    owned: Arc<OwnedTarget>,
    /// Whether decisions are taken in.
    condition: Condition,
    open: Mutex<Option<OpenIntake>>,
}

/// Takes decisions in whenever the lease is held, until the shutdown.
pub(crate) async fn run(intake: Arc<Intake>, shutdown: Shutdown) {
    let owned = &intake.owned;
    let mut held = owned.lease.watch();
    let poll = owned.context.config.poll;
    while !shutdown.is_cancelled() {
        if *held.borrow_and_update() == LeaseState::Lost {
            intake.condition.set(true, "");
            shutdown.or(held.changed()).await;
        } else if let Some(Err(error)) = shutdown.or(intake.step(poll)).await {
            warn!(target = %owned.target, error = chain(&error), "taking decisions in is tried again");
            intake.condition.set(false, chain(&error));
            shutdown.or(sleep(poll)).await;
        }
    }
}

impl Intake {
    pub(crate) fn new(owned: Arc<OwnedTarget>) -> Arc<Self> {
        let condition = owned.context.parts.health.condition(format!("decisions/{}", owned.target));
        condition.set(true, "");
        Arc::new(Self { owned, condition, open: Mutex::default() })
    }

    /// Takes in what the bus says next, waiting up to `wait` for it. Nothing without the lease.
    ///
    /// # Errors
    /// When the store or the bus fails, or the lease is lost. The next step begins anew where the store's effect ends, also after one that
    /// was dropped half way.
    pub(crate) async fn step(&self, wait: Duration) -> Result<()> {
        let owned = &*self.owned;
        let mut slot = self.open.lock().await;
        let Some(epoch) = owned.lease.held() else { return Ok(()) };
        epoch::begin(owned, epoch).await?;
        // Put back only when all went well.
        let open = match slot.take().filter(|open| open.epoch == epoch) {
            Some(open) => Ok(open),
            None => OpenIntake::open(owned, epoch).await,
        };
        match open {
            Ok(mut open) => {
                open.step(owned, wait).await?;
                let reason = open.unready_reason();
                self.condition.set(reason.is_none(), reason.unwrap_or_default());
                *slot = Some(open);
                Ok(())
            }
            Err(Error::Bus(missing @ bus::Error::Missing(_))) => {
                self.condition.set(false, missing.to_string());
                sleep(wait).await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// The intake of one epoch.
struct OpenIntake {
    epoch: Epoch,
    topic: OwnedTopic,
    /// Partitions that hold what only a newer version understands: nothing after it is taken.
    stopped: BTreeSet<Partition>,
}

impl OpenIntake {
    async fn open(owned: &OwnedTarget, epoch: Epoch) -> Result<Self> {
        let context = &owned.context;
        let topic = OwnedTopic::open(&context.store, &context.parts.bus, &topic::DECISIONS.of(&owned.target), PROVISIONER_GROUP).await?;
        Ok(Self { epoch, topic, stopped: BTreeSet::new() })
    }

    /// What keeps decisions from being taken in, if anything does.
    fn unready_reason(&self) -> Option<String> {
        self.stopped.first().map(|partition| format!("{partition} holds what only a newer version understands"))
    }

    async fn step(&mut self, owned: &OwnedTarget, wait: Duration) -> Result<()> {
        let (context, epoch) = (&owned.context, self.epoch);
        let mut arrivals = Vec::new();
        let mut next = BTreeMap::new();
        for record in self.topic.read(wait).await? {
            if self.stopped.contains(&record.at.partition) {
                continue;
            }
            match decisions::read(context, &record).await? {
                Reading::Decision(arrival) => arrivals.push(*arrival),
                Reading::Nothing => {}
                Reading::NewerWriter(error) => {
                    self.stop(&record, &error);
                    continue;
                }
            }
            next.insert(record.at.partition, record.at.offset + 1);
        }
        if next.is_empty() {
            return Ok(());
        }
        if retry_contended(|| decisions::store(owned, epoch, &arrivals, &next)).await? {
            owned.wake.notify_one();
        }
        owned.publish.notify_one();
        self.topic.commit(next);
        Ok(())
    }

    fn stop(&mut self, record: &Record, error: &Invalid) {
        let at = &record.at;
        error!(partition = %at.partition, offset = at.offset, %error, "a newer version wrote this decision: the partition stops");
        self.stopped.insert(at.partition.clone());
    }
}
