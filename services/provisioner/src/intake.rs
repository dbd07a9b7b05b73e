//! Takes decisions in: any replica, any partition.
//!
//! A batch is one transaction: the links' desired states where newer, their work, and the offsets. So the store's offset is the truth,
//! and the bus is told only for others to see. Nobody is called from here; whoever owns the target is woken.

mod read;
mod take;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::{debug, error};
use xtsync_domain::TenantName;
use xtsync_platform::bus::{Assigned, Committed, Event, Partition, Record, Subscription};
use xtsync_platform::store::{load_offsets, store_offset};
use xtsync_proto::topic::Topic;

use self::read::{Reading, read};
use crate::context::Context;
use crate::error::Result;

/// The group under which replicas share the decisions, and lag tools find them.
const GROUP: &str = "xtsync-provisioner";

/// The intake of one replica.
pub(crate) struct Intake {
    context: Arc<Context>,
    subscription: Box<dyn Subscription>,
    topics: BTreeSet<Topic>,
    /// Partitions that hold what only a newer version understands: nothing after it is taken.
    stopped: BTreeSet<Partition>,
}

impl Intake {
    /// Joins the group on the decisions for these targets.
    pub(crate) async fn open(context: Arc<Context>, targets: &BTreeSet<TenantName>) -> Result<Self> {
        let topics = topics(targets);
        let list: Vec<_> = topics.iter().cloned().collect();
        let subscription = context.parts.bus.subscribe(GROUP, &list).await?;
        Ok(Self { context, subscription, topics, stopped: BTreeSet::new() })
    }

    /// Follows the targets of the configuration.
    pub(crate) async fn follow(&mut self, targets: &BTreeSet<TenantName>) -> Result<()> {
        let topics = topics(targets);
        if topics != self.topics {
            let list: Vec<_> = topics.iter().cloned().collect();
            self.subscription.resubscribe(&list).await?;
            self.topics = topics;
        }
        Ok(())
    }

    /// A partition in which a newer version's decision holds everything up.
    pub(crate) fn stopped(&self) -> Option<&Partition> {
        self.stopped.first()
    }

    /// Waits for what the bus says next. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Event> {
        Ok(self.subscription.next().await?)
    }

    /// Handles that; gives the targets for which something may be due now. When it fails or is dropped half way, this intake must be
    /// dropped with it: the next one goes on where the store's effect ends.
    pub(crate) async fn handle(&mut self, event: Event) -> Result<BTreeSet<TenantName>> {
        match event {
            Event::Assigned(partitions) => self.assigned(partitions).await?,
            Event::Records(records) => return self.take(records).await,
            // Each batch was committed before the next event: nothing is in hand.
            Event::Revoked(partitions) => self.subscription.released(&partitions),
            Event::Lost(partitions) => debug!(count = partitions.len(), "partitions were taken from us"),
        }
        Ok(BTreeSet::new())
    }

    /// Goes on where the store's effect ends, whatever the group committed.
    async fn assigned(&mut self, partitions: Vec<Assigned>) -> Result<()> {
        for Assigned { partition, .. } in partitions {
            let offsets = load_offsets(&self.context.store, &partition.topic).await?;
            self.stopped.remove(&partition);
            self.subscription.start(&partition, offsets.get(&partition.index).copied()).await?;
        }
        Ok(())
    }

    async fn take(&mut self, records: Vec<Record>) -> Result<BTreeSet<TenantName>> {
        let mut decisions = Vec::new();
        let mut next = BTreeMap::new();
        for record in records {
            if self.stopped.contains(&record.at.partition) {
                continue;
            }
            match read(&self.context, &record).await? {
                Reading::Decision(arrival) => decisions.push(*arrival),
                Reading::Nothing => {}
                Reading::NewerWriter(error) => {
                    self.stop(&record, &error);
                    continue;
                }
            }
            next.insert(record.at.partition, record.at.offset + 1);
        }
        let mut tx = self.context.store.begin().await?;
        let woken = take::take(&mut tx, &self.context, decisions).await?;
        for (partition, next) in &next {
            store_offset(&mut tx, &partition.topic, partition.index, *next).await?;
        }
        tx.commit().await?;
        let committed = |(partition, next)| (partition, Committed { next, metadata: String::new() });
        self.subscription.commit(next.into_iter().map(committed).collect()).await?;
        Ok(woken)
    }

    fn stop(&mut self, record: &Record, error: &xtsync_proto::convert::Invalid) {
        let at = &record.at;
        error!(partition = %at.partition, offset = at.offset, %error, "a newer version wrote this decision: the partition stops");
        self.stopped.insert(at.partition.clone());
    }
}

fn topics(targets: &BTreeSet<TenantName>) -> BTreeSet<Topic> {
    targets.iter().cloned().map(Topic::Decisions).collect()
}
