//! Policy's membership in its consumer group: the assigned partitions, the live stream over them, and the replays beside it.
//!
//! A batch is decided while the decisions of the one before are on their way; what is delivered is committed. After any failure the whole
//! membership is dropped, and a new one joins at the committed offsets. Decisions are published before the commit, so uncommitted work is
//! repeated, and repeating it is safe.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
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
use crate::publications::{Publication, Publications};
use crate::replay::Replay;

/// How often what is published is committed at most while more is on its way.
const COMMIT_INTERVAL: Duration = Duration::from_millis(50);

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
    /// Decisions on their way, the oldest first.
    publications: Publications,
    /// Partitions of which more is published than is committed, and when the last commit was.
    uncommitted: BTreeSet<Partition>,
    committed_at: Instant,
}

/// The next work.
#[derive(Debug)]
pub(crate) enum Next {
    /// From the group.
    Event(Event),
    /// More records to be decided again; perhaps none, if only gaps are left.
    Replay(Vec<Record>),
    /// The oldest decisions on their way are published.
    Published(Publication),
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
        Ok(Self {
            subscription,
            topics,
            rules,
            homes,
            partitions: BTreeMap::new(),
            replay: None,
            publications: Publications::default(),
            uncommitted: BTreeSet::new(),
            committed_at: Instant::now(),
        })
    }

    /// Waits for the next work: what is published first, then a live event, and records to replay only if no live event waits and those
    /// before are published. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Next, Error> {
        let Self { subscription, replay, publications, .. } = self;
        let (is_full, is_replaying) = (publications.is_full(), publications.is_replaying());
        let replayed = async {
            match replay {
                Some(replay) if !is_replaying => replay.next().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            published = publications.next() => published.map(Next::Published),
            event = subscription.next(), if !is_full => event.map(Next::Event),
            records = replayed, if !is_full => records.map(Next::Replay),
        }
    }

    /// Completes the work.
    pub(crate) async fn handle(&mut self, next: Next, context: &Context) -> Result<(), Error> {
        match next {
            Next::Published(publication) => self.published(publication, context).await,
            Next::Event(Event::Records(records)) => self.decide(&records, Pass::Live, context).await,
            Next::Replay(records) => self.decide(&records, Pass::Replay, context).await,
            Next::Event(Event::Assigned(assigned)) => self.assigned(assigned, context).await,
            Next::Event(Event::Revoked(partitions)) => self.revoked(&partitions, context).await,
            Next::Event(Event::Lost(partitions)) => self.drop_partitions(&partitions, context).await,
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
        self.publish_all().await?;
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
        self.publish_all().await?;
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
            let behind = ends[&partition.topic][partition.index as usize].high - assigned.next + replay;
            *lag.entry(assigned.source.clone()).or_default() += u64::try_from(behind).unwrap_or(0);
        }
        Ok(lag)
    }

    async fn assigned(&mut self, assigned: Vec<bus::Assigned>, context: &Context) -> Result<(), Error> {
        self.publish_all().await?;
        let ends = ends(&context.bus, assigned.iter().map(|assigned| &assigned.partition)).await?;
        let mut from = Vec::with_capacity(assigned.len());
        for bus::Assigned { partition, committed } in assigned {
            let Some(source) = topic::tenant(&topic::USER_DELTAS, &partition.topic) else { continue };
            let ends = &ends[&partition.topic];
            let (count, ends) = (u32::try_from(ends.len()).unwrap_or(u32::MAX), ends[partition.index as usize]);
            let assigned = Assigned::new(source.clone(), count, committed, ends, &self.rules, home(&self.homes, &source));
            info!(%partition, next = assigned.next, replay = ?assigned.replays_from(), "partition is ours");
            from.push((partition.clone(), Some(assigned.next)));
            self.partitions.insert(partition, assigned);
        }
        self.subscription.start(&from).await?;
        self.reconcile_replay(context).await
    }

    /// Decides records, and puts the decisions on their way.
    async fn decide(&mut self, records: &[Record], pass: Pass, context: &Context) -> Result<(), Error> {
        let (batch, decided) = self.evaluate(records, pass, context).await?;
        let read = match pass {
            Pass::Live => {
                for (partition, next) in &decided {
                    if let Some(assigned) = self.partitions.get_mut(partition) {
                        assigned.decided = *next;
                    }
                }
                decided
            }
            // The reader is also past gaps.
            Pass::Replay => {
                let replayed =
                    self.partitions.iter().filter(|(_, assigned)| assigned.replays_from().is_some()).map(|(partition, _)| partition);
                let position = |partition: &Partition| Some((partition.clone(), self.replay.as_ref()?.position(partition)?));
                replayed.filter_map(position).collect()
            }
        };
        let (urgency, now) = (batch.urgency(), context.clock.now());
        let delivery = publish::send(&*context.bus, ROLE, batch.records, urgency, now).await?;
        context.metrics.add(&batch.tally);
        self.publications.push(Publication { pass, read }, delivery);
        Ok(())
    }

    /// Commits decided records whose decisions are published.
    async fn published(&mut self, publication: Publication, context: &Context) -> Result<(), Error> {
        if self.advance(&publication) {
            // The readers are compared with what is published.
            self.publish_all().await?;
            self.reconcile_replay(context).await?;
        }
        // A commit is a round trip, which bulk need not wait for after each batch.
        let is_due = self.publications.is_empty() || self.committed_at.elapsed() >= COMMIT_INTERVAL;
        if is_due { self.commit_published().await } else { Ok(()) }
    }

    /// Waits until all decisions on their way are published.
    pub(crate) async fn publish_all(&mut self) -> Result<(), Error> {
        while !self.publications.is_empty() {
            let publication = self.publications.next().await?;
            self.advance(&publication);
        }
        self.commit_published().await
    }

    async fn commit_published(&mut self) -> Result<(), Error> {
        let published = std::mem::take(&mut self.uncommitted);
        self.committed_at = Instant::now();
        self.commit(published.into_iter().collect()).await
    }

    /// Moves the cursors past what is published. Returns whether a replay has ended.
    fn advance(&mut self, publication: &Publication) -> bool {
        let mut has_ended = false;
        for (partition, next) in &publication.read {
            let Some(assigned) = self.partitions.get_mut(partition) else { continue };
            self.uncommitted.insert(partition.clone());
            match publication.pass {
                Pass::Live => assigned.next = *next,
                Pass::Replay => {
                    assigned.replayed_to(*next);
                    has_ended |= assigned.progress.replay.is_none();
                }
            }
        }
        has_ended
    }

    async fn revoked(&mut self, partitions: &[Partition], context: &Context) -> Result<(), Error> {
        self.publish_all().await?;
        // The replays may have advanced since the last commit.
        self.commit(partitions.to_vec()).await?;
        self.subscription.released(partitions);
        self.drop_partitions(partitions, context).await
    }

    async fn drop_partitions(&mut self, partitions: &[Partition], context: &Context) -> Result<(), Error> {
        self.partitions.retain(|partition, _| !partitions.contains(partition));
        self.publish_all().await?;
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
                let one_of = (partition.index, assigned.partitions);
                markers.push(evaluate::marker(&assigned.source, one_of, self.rules.configuration().revision(), target, now));
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

async fn dead_letter_record(record: &Record, reason: &'static str, unusable: &Unusable, context: &Context) -> Result<(), Error> {
    context.metrics.dead_lettered(reason);
    dead_letter::send(&*context.bus, ROLE, record, reason, unusable, context.clock.now()).await
}

/// The log ends of the topics of these partitions.
async fn ends(bus: &Bus, partitions: impl Iterator<Item = &Partition>) -> Result<BTreeMap<Topic, Vec<Ends>>, Error> {
    let topics: BTreeSet<_> = partitions.map(|partition| partition.topic.clone()).collect();
    bus.ends_of(&topics.into_iter().collect::<Vec<_>>()).await
}
