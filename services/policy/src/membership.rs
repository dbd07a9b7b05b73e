//! Policy's membership in its consumer group: the assigned partitions, the live stream over them, and the replays beside it.
//!
//! After any failure the whole membership is dropped, and a new one joins at the committed offsets. Decisions are published before
//! the commit, so uncommitted work is repeated, and repeating it is safe.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::{error, info};
use xtsync_bus::{self as bus, Bus, Ends, Error, Event, Partition, Position, Record, Subscription, Topic, Urgency};
use xtsync_contract::topic::{self, POLICY_GROUP};
use xtsync_domain::address::Home;
use xtsync_domain::decide::CompiledRules;
use xtsync_domain::{Configuration, TenantName};
use xtsync_runtime::clock::Clock;
use xtsync_service::{dead_letter, publish};

use crate::ROLE;
use crate::evaluate::{self, Batch, Unusable, Verdict, evaluate};
use crate::metrics::Metrics;
use crate::partition::{Assigned, Pass};
use crate::replay::Replay;

/// The dependencies of the membership.
pub(crate) struct Context {
    pub(crate) bus: Bus,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
}

/// Membership of the group.
pub(crate) struct Membership {
    subscription: Box<dyn Subscription>,
    topics: Vec<Topic>,
    rules: CompiledRules,
    homes: BTreeMap<TenantName, Home>,
    partitions: BTreeMap<Partition, Assigned>,
    replay: Option<Replay>,
}

/// The next work.
#[derive(Debug)]
pub(crate) enum Next {
    /// From the group.
    Event(Event),
    /// More records to be decided again; perhaps none, if only gaps are left.
    Replay(Vec<Record>),
}

impl Membership {
    /// Joins the group.
    pub(crate) async fn join(
        context: &Context,
        configuration: Arc<Configuration>,
        homes: BTreeMap<TenantName, Home>,
        topics: Vec<Topic>,
    ) -> Result<Self, Error> {
        let subscription = context.bus.subscribe(POLICY_GROUP, &topics).await?;
        let rules = CompiledRules::compile(configuration);
        Ok(Self { subscription, topics, rules, homes, partitions: BTreeMap::new(), replay: None })
    }

    /// Waits for the next work: a live event first, and records to replay only if no live event waits. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Next, Error> {
        match &mut self.replay {
            None => self.subscription.next().await.map(Next::Event),
            Some(replay) => tokio::select! {
                biased;
                event = self.subscription.next() => event.map(Next::Event),
                records = replay.next() => records.map(Next::Replay),
            },
        }
    }

    /// Completes the work.
    pub(crate) async fn handle(&mut self, next: Next, context: &Context) -> Result<(), Error> {
        match next {
            Next::Event(Event::Assigned(assigned)) => self.assigned(assigned, context).await,
            Next::Event(Event::Records(records)) => self.live(&records, context).await,
            Next::Event(Event::Revoked(partitions)) => self.revoked(&partitions, context).await,
            Next::Event(Event::Lost(partitions)) => self.drop_partitions(&partitions, context).await,
            Next::Replay(records) => self.replayed(&records, context).await,
        }
    }

    /// Moves to a new revision of the configuration.
    pub(crate) async fn reconcile(
        &mut self,
        configuration: Arc<Configuration>,
        homes: BTreeMap<TenantName, Home>,
        topics: Vec<Topic>,
        context: &Context,
    ) -> Result<(), Error> {
        (self.rules, self.homes) = (CompiledRules::compile(configuration), homes);
        if topics != self.topics {
            self.subscription.resubscribe(&topics).await?;
            // Partitions of topics no longer read are not committed, even before they are revoked.
            self.partitions.retain(|partition, _| topics.contains(&partition.topic));
            self.topics = topics;
        }
        self.decide_anew(context).await
    }

    /// Applies the newest facts about the sources, and returns whether they changed.
    pub(crate) async fn update_homes(&mut self, homes: BTreeMap<TenantName, Home>, context: &Context) -> Result<bool, Error> {
        let domains = |homes: &BTreeMap<TenantName, Home>, source| homes.get(source).and_then(|home| home.domains.clone());
        if homes.keys().all(|source| domains(&homes, source) == domains(&self.homes, source)) {
            return Ok(false);
        }
        self.homes = homes;
        self.decide_anew(context).await?;
        Ok(true)
    }

    async fn decide_anew(&mut self, context: &Context) -> Result<(), Error> {
        for assigned in self.partitions.values_mut() {
            assigned.reconcile(&self.rules, home(&self.homes, &assigned.source));
        }
        self.reconcile_replay(context).await?;
        self.commit(self.partitions.keys().cloned().collect()).await
    }

    /// The configuration it works with.
    pub(crate) fn configuration(&self) -> &Configuration {
        self.rules.configuration()
    }

    /// Partitions that a newer writer's record has stopped, with the field it wrote.
    pub(crate) fn stopped(&self) -> impl Iterator<Item = (&Partition, &'static str)> {
        self.partitions.iter().filter_map(|(partition, assigned)| Some((partition, assigned.stopped?)))
    }

    /// How many records of each source are not evaluated yet, live and to be replayed.
    pub(crate) async fn lag(&mut self, bus: &Bus) -> Result<BTreeMap<TenantName, u64>, Error> {
        let mut lag = BTreeMap::new();
        let ends = ends(bus, self.partitions.keys()).await?;
        for (partition, assigned) in &self.partitions {
            let replay = assigned.replays_from().map_or(0, |from| assigned.next - from);
            let behind = ends[partition].high - assigned.next + replay;
            *lag.entry(assigned.source.clone()).or_default() += u64::try_from(behind).unwrap_or(0);
        }
        Ok(lag)
    }

    async fn assigned(&mut self, assigned: Vec<bus::Assigned>, context: &Context) -> Result<(), Error> {
        let ends = ends(&context.bus, assigned.iter().map(|assigned| &assigned.partition)).await?;
        for bus::Assigned { partition, committed } in assigned {
            let Some(source) = topic::tenant(&topic::USER_DELTAS, &partition.topic) else { continue };
            let assigned = Assigned::new(source.clone(), committed, ends[&partition], &self.rules, home(&self.homes, &source));
            info!(%partition, next = assigned.next, replay = ?assigned.replays_from(), "partition is ours");
            self.subscription.start(&partition, Some(assigned.next)).await?;
            self.partitions.insert(partition, assigned);
        }
        self.reconcile_replay(context).await
    }

    async fn live(&mut self, records: &[Record], context: &Context) -> Result<(), Error> {
        let (batch, read) = self.evaluate(records, Pass::Live, context).await?;
        publish(batch, context).await?;
        for (partition, next) in &read {
            if let Some(assigned) = self.partitions.get_mut(partition) {
                assigned.next = *next;
            }
        }
        self.commit(read.into_keys().collect()).await
    }

    async fn replayed(&mut self, records: &[Record], context: &Context) -> Result<(), Error> {
        let (batch, _) = self.evaluate(records, Pass::Replay, context).await?;
        publish(batch, context).await?;
        let Some(replay) = &self.replay else { return Ok(()) };
        let mut moved = Vec::new();
        for (partition, assigned) in &mut self.partitions {
            if let (Some(_), Some(offset)) = (&assigned.progress.replay, replay.position(partition)) {
                assigned.replayed_to(offset);
                moved.push(partition.clone());
            }
        }
        self.reconcile_replay(context).await?;
        self.commit(moved).await
    }

    async fn revoked(&mut self, partitions: &[Partition], context: &Context) -> Result<(), Error> {
        // Batches are completed, so no work is pending. The replays may have advanced since the last commit.
        self.commit(partitions.to_vec()).await?;
        self.subscription.released(partitions);
        self.drop_partitions(partitions, context).await
    }

    async fn drop_partitions(&mut self, partitions: &[Partition], context: &Context) -> Result<(), Error> {
        self.partitions.retain(|partition, _| !partitions.contains(partition));
        self.reconcile_replay(context).await
    }

    /// Decides records. Returns the decisions, and for each partition the offset after the last decided record.
    async fn evaluate(&mut self, records: &[Record], pass: Pass, context: &Context) -> Result<(Batch, BTreeMap<Partition, i64>), Error> {
        let (mut batch, mut read) = (Batch::default(), BTreeMap::new());
        let now = context.clock.now();
        for record in records {
            let Position { partition, offset } = &record.at;
            let Some(assigned) = self.partitions.get_mut(partition).filter(|assigned| assigned.takes(*offset, pass)) else { continue };
            if let Err(unusable) = evaluate(record, assigned, &self.rules, pass, now, &mut batch) {
                match (unusable.verdict(), pass) {
                    (Verdict::DeadLetter(reason), Pass::Live) => dead_letter_record(record, reason, &unusable, context).await?,
                    // The live pass dead-lettered it.
                    (Verdict::DeadLetter(_), Pass::Replay) => {}
                    (Verdict::Stop(field), _) => {
                        error!(%partition, offset, field, "partition stops: a newer version wrote to it");
                        assigned.stopped = Some(field);
                        continue;
                    }
                }
            }
            read.insert(partition.clone(), offset + 1);
        }
        Ok((batch, read))
    }

    /// Called after any change of the partitions: publishes which replays are complete, and starts reading the remaining ones.
    async fn reconcile_replay(&mut self, context: &Context) -> Result<(), Error> {
        let now = context.clock.now();
        let done = |assigned: &Assigned| assigned.needs_marker && assigned.progress.replay.is_none() && assigned.stopped.is_none();
        let mut markers = Vec::new();
        for (partition, assigned) in self.partitions.iter().filter(|(_, assigned)| done(assigned)) {
            for synchronization in self.rules.configuration().synchronizations_from(&assigned.source) {
                let target = &synchronization.spec.to;
                markers.push(evaluate::marker(&assigned.source, partition.index, self.rules.configuration().revision(), target, now));
            }
        }
        if !markers.is_empty() {
            context.bus.publish(markers, Urgency::Bulk).await?;
        }
        for assigned in self.partitions.values_mut().filter(|assigned| done(assigned)) {
            assigned.needs_marker = false;
        }
        let replays = self.partitions.iter().filter_map(|(partition, assigned)| Some((partition, assigned.replays_from()?)));
        let from: Vec<_> = replays.map(|(partition, offset)| Position { partition: partition.clone(), offset }).collect();
        self.replay = Replay::of(&context.bus, self.replay.take(), &from, self.decisions()).await?;
        Ok(())
    }

    /// The topics that get the decisions of the replay.
    fn decisions(&self) -> Vec<Topic> {
        let replayed = self.partitions.values().filter(|assigned| assigned.replays_from().is_some());
        let synchronizations = replayed.flat_map(|assigned| {
            let of_source = self.rules.configuration().synchronizations_from(&assigned.source);
            of_source.filter(|synchronization| assigned.progress.replays(&synchronization.name))
        });
        let targets: BTreeSet<_> = synchronizations.map(|synchronization| &synchronization.spec.to).collect();
        targets.into_iter().cloned().map(|tenant| topic::DECISIONS.of(tenant)).collect()
    }

    async fn commit(&mut self, partitions: Vec<Partition>) -> Result<(), Error> {
        let position = |partition: Partition| self.partitions.get(&partition).map(|assigned| (partition.clone(), assigned.committed()));
        let positions: Vec<_> = partitions.into_iter().filter_map(position).collect();
        if positions.is_empty() { Ok(()) } else { self.subscription.commit(positions).await }
    }
}

/// The facts about a source; the default for a source just added.
fn home<'a>(homes: &'a BTreeMap<TenantName, Home>, source: &TenantName) -> &'a Home {
    const UNKNOWN: &Home = &Home { domains: None, facts: 0 };
    homes.get(source).unwrap_or(UNKNOWN)
}

async fn publish(batch: Batch, context: &Context) -> Result<(), Error> {
    let urgency = batch.urgency();
    publish::records(&*context.bus, ROLE, batch.records, urgency, context.clock.now()).await?;
    context.metrics.add(&batch.tally);
    Ok(())
}

async fn dead_letter_record(record: &Record, reason: &'static str, unusable: &Unusable, context: &Context) -> Result<(), Error> {
    context.metrics.dead_lettered(reason);
    dead_letter::send(&*context.bus, ROLE, record, reason, unusable, context.clock.now()).await
}

/// The log ends of these partitions.
async fn ends(bus: &Bus, partitions: impl Iterator<Item = &Partition>) -> Result<BTreeMap<Partition, Ends>, Error> {
    let topics: BTreeSet<_> = partitions.map(|partition| partition.topic.clone()).collect();
    let mut all = BTreeMap::new();
    for topic in topics {
        let ends = (0..).zip(bus.ends(&topic).await?);
        all.extend(ends.map(|(index, ends)| (Partition { topic: topic.clone(), index }, ends)));
    }
    Ok(all)
}
