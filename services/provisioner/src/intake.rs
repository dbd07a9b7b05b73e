//! Takes decisions in: any replica, any partition.
//!
//! A batch is one transaction: the offsets, locked first, the links' desired states where newer, and their work. So the store's offset
//! is the truth, also against a replica that has lost a partition and does not know, and offsets are committed to the bus only for lag
//! tools. No worker is called from here; the owner of the target is woken.

mod read;
mod take;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::error;
use xtsync_bus::{Event, Partition, Position, Record};
use xtsync_contract::topic::{self, PROVISIONER_GROUP};
use xtsync_domain::TenantName;
use xtsync_service::consumer::Consumer;
use xtsync_store::{Transaction, lock_offsets, retry_contended, store_offsets};

use self::read::{Arrival, Reading, read};
use crate::context::Context;
use crate::error::Result;

/// Makes every intake of a target's decisions wait for the end of the transaction. It locks what an intake locks first.
pub(crate) async fn lock_intake(tx: &mut Transaction, target: &TenantName) -> Result<()> {
    lock_offsets(tx, Partition::all(&topic::DECISIONS.of(target)).collect()).await?;
    Ok(())
}

/// Takes decisions of a target in that may have been taken before: of two about one user the newer stays.
pub(crate) async fn retake(context: &Context, target: &TenantName, records: &[Record]) -> Result<()> {
    let mut decisions = Vec::new();
    for record in records {
        if let Reading::Decision(arrival) = read(context, record).await? {
            decisions.push(*arrival);
        }
    }
    retry_contended(|| async {
        let mut tx = context.store.begin().await?;
        lock_intake(&mut tx, target).await?;
        take::take(&mut tx, context, decisions.clone()).await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// The intake of one replica. If a step fails or is dropped half way, the intake must be dropped with it: the next one goes on after the
/// last offset in the store.
pub(crate) struct Intake {
    context: Arc<Context>,
    consumer: Consumer,
    /// Partitions that hold what only a newer version understands: nothing after it is taken.
    stopped: BTreeSet<Partition>,
}

/// The result of a batch.
#[derive(Default)]
pub(crate) struct Taken {
    /// The targets for which something may be due now.
    pub(crate) woken: BTreeSet<TenantName>,
    next: BTreeMap<Partition, i64>,
}

impl Intake {
    /// One that takes nothing in yet.
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        let consumer = Consumer::new(&context.store, &context.parts.bus, PROVISIONER_GROUP);
        Self { context: Arc::clone(context), consumer, stopped: BTreeSet::new() }
    }

    /// Follows the targets of the configuration.
    pub(crate) async fn follow(&mut self, targets: &BTreeSet<TenantName>) -> Result<()> {
        let wanted = targets.iter().cloned().map(|target| (topic::DECISIONS.of(target), Vec::new())).collect();
        Ok(self.consumer.set_topics(&wanted).await?)
    }

    /// What keeps decisions from being taken in, if anything does.
    pub(crate) fn unready_reason(&self) -> Option<String> {
        let stopped = self.stopped.first().map(|partition| format!("{partition} holds what only a newer version understands"));
        stopped.or_else(|| self.consumer.missing().map(|missing| missing.to_string()))
    }

    /// Waits for what the bus says next. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>> {
        Ok(self.consumer.next().await?)
    }

    /// Takes a batch in; returns the result.
    pub(crate) async fn handle(&mut self, event: Event) -> Result<Taken> {
        if let Event::Assigned(assigned) = &event {
            self.stopped.retain(|partition| !assigned.iter().any(|assigned| assigned.partition == *partition));
        }
        let records = self.consumer.handle(event).await?;
        if records.is_empty() { Ok(Taken::default()) } else { self.take(records).await }
    }

    /// Commits the offsets to the bus.
    pub(crate) async fn commit_offsets(&mut self, taken: Taken) {
        if !taken.next.is_empty() {
            self.consumer.commit(taken.next).await;
        }
    }

    async fn take(&mut self, records: Vec<Record>) -> Result<Taken> {
        let mut decisions = Vec::new();
        let mut next = BTreeMap::new();
        for record in records {
            if self.stopped.contains(&record.at.partition) {
                continue;
            }
            match read(&self.context, &record).await? {
                Reading::Decision(arrival) => decisions.push((record.at.clone(), *arrival)),
                Reading::Nothing => {}
                Reading::NewerWriter(error) => {
                    self.stop(&record, &error);
                    continue;
                }
            }
            next.insert(record.at.partition, record.at.offset + 1);
        }
        let woken = retry_contended(|| store(&self.context, &decisions, &next)).await?;
        Ok(Taken { woken, next })
    }

    fn stop(&mut self, record: &Record, error: &xtsync_contract::convert::Invalid) {
        let at = &record.at;
        error!(partition = %at.partition, offset = at.offset, %error, "a newer version wrote this decision: the partition stops");
        self.stopped.insert(at.partition.clone());
    }
}

/// Stores decisions with the offsets after them; returns the targets that may have due work now.
async fn store(context: &Context, decisions: &[(Position, Arrival)], next: &BTreeMap<Partition, i64>) -> Result<BTreeSet<TenantName>> {
    let mut tx = context.store.begin().await?;
    // A slow replica may come after another one has taken in these records, and newer ones: those are not taken in again.
    let stored = lock_offsets(&mut tx, next.keys().cloned().collect()).await?;
    let is_taken = |at: &Position| stored.get(&at.partition).is_some_and(|next| at.offset < *next);
    let decisions = decisions.iter().filter(|(at, _)| !is_taken(at)).map(|(_, arrival)| arrival.clone()).collect();
    let woken = take::take(&mut tx, context, decisions).await?;
    store_offsets(&mut tx, next);
    tx.commit().await?;
    Ok(woken)
}
