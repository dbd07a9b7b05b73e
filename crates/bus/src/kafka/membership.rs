//! Tracks which partitions of a group this member owns, and their phase, by the consumer's rebalance callback.
//!
//! | phase | begins with | ends with |
//! |---|---|---|
//! | paused | its assignment | `start` |
//! | running | `start` | its revocation or loss |
//! | draining | its revocation | `released`, the drain limit, or the next rebalance |
//!
//! A revocation is answered (`incremental_unassign`) after the drain and not in the callback, so the poll never blocks. If the next
//! rebalance comes during a drain, the drain ends first: an answer after a new assignment would discard that assignment.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::topic::Topic;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tracing::{info, warn};

use super::client::Callbacks;
use super::record::{self, Names};
use crate::{Partition, Record};

/// A change of ownership, to report to the subscriber.
#[derive(Debug)]
pub(super) enum Change {
    /// These partitions are assigned.
    Assigned(Vec<Partition>),
    /// These partitions drain.
    Revoked(Vec<Partition>),
    /// These partitions were lost.
    Lost(Vec<Partition>),
}

/// A record with the number of the assignment under which it came.
#[derive(Debug)]
pub(super) struct TaggedRecord {
    term: u64,
    record: Record,
}

/// The consumer's context, with the state of its membership.
pub(super) struct Membership {
    callbacks: Callbacks,
    drain_limit: Duration,
    changes: mpsc::Sender<Change>,
    state: Mutex<State>,
    /// Notifies that a drain began.
    pub(super) draining: Notify,
}

#[derive(Default)]
struct State {
    names: Names,
    owned: HashMap<Partition, Owned>,
    drains: Vec<Drain>,
    /// The number of assignments so far.
    term: u64,
    /// The subscriber is gone: revocations are answered at once.
    closing: bool,
    /// The subscriber did not read changes for so long that some were dropped.
    overrun: bool,
}

struct Owned {
    term: u64,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Paused,
    Running,
    Draining,
}

/// A revocation without an answer yet.
struct Drain {
    all: Vec<Partition>,
    remaining: HashSet<Partition>,
    until: Instant,
}

impl Membership {
    /// A member for topics; it owns no partition yet.
    pub(super) fn new(callbacks: Callbacks, drain_limit: Duration, changes: mpsc::Sender<Change>, topics: &[Topic]) -> Self {
        let state = State { names: record::names(topics), ..State::default() };
        Self { callbacks, drain_limit, changes, state: Mutex::new(state), draining: Notify::new() }
    }

    /// Adds topics.
    pub(super) fn add_topics(&self, topics: &[Topic]) {
        self.state().names.extend(record::names(topics));
    }

    /// Converts a message to a record if its partition is running.
    pub(super) fn accept(&self, message: &BorrowedMessage<'_>) -> Option<TaggedRecord> {
        let state = self.state();
        let record = record::incoming(message, &state.names)?;
        let owned = state.owned.get(&record.at.partition).filter(|owned| owned.phase == Phase::Running)?;
        Some(TaggedRecord { term: owned.term, record })
    }

    /// The records of a batch whose partitions have stayed with this member since they came.
    pub(super) fn filter_owned(&self, batch: Vec<TaggedRecord>) -> Vec<Record> {
        let state = self.state();
        let owned_still = |tagged: &TaggedRecord| {
            let owned = state.owned.get(&tagged.record.at.partition);
            owned.is_some_and(|owned| owned.term == tagged.term && owned.phase == Phase::Running)
        };
        batch.into_iter().filter(owned_still).map(|tagged| tagged.record).collect()
    }

    /// The first of these partitions that this member does not own.
    pub(super) fn first_not_owned<'a>(&self, mut partitions: impl Iterator<Item = &'a Partition>) -> Option<&'a Partition> {
        let state = self.state();
        partitions.find(|partition| !state.owned.contains_key(partition))
    }

    /// Whether a partition waits for its start.
    pub(super) fn is_paused(&self, partition: &Partition) -> bool {
        self.state().owned.get(partition).is_some_and(|owned| owned.phase == Phase::Paused)
    }

    /// Starts those of the partitions that are paused.
    pub(super) fn run<C: Consumer<Self>>(&self, consumer: &C, partitions: &[&Partition]) -> KafkaResult<()> {
        let mut state = self.state();
        let mut started = Vec::new();
        for partition in partitions {
            if let Some(owned) = state.owned.get_mut(*partition).filter(|owned| owned.phase == Phase::Paused) {
                owned.phase = Phase::Running;
                started.push(*partition);
            }
        }
        consumer.resume(&record::list(started))
    }

    /// Pauses or resumes fetching of the running partitions.
    pub(super) fn set_paused<C: Consumer<Self>>(&self, consumer: &C, paused: bool) {
        let state = self.state();
        let running = state.owned.iter().filter(|(_, owned)| owned.phase == Phase::Running).map(|(partition, _)| partition);
        let list = record::list(running);
        let done = if paused { consumer.pause(&list) } else { consumer.resume(&list) };
        if let Err(error) = done {
            warn!(%error, paused, "partitions were not paused or resumed");
        }
    }

    /// Marks partitions as drained.
    pub(super) fn release<C: Consumer<Self>>(&self, consumer: &C, partitions: &[Partition]) {
        let mut state = self.state();
        for drain in &mut state.drains {
            drain.remaining.retain(|partition| !partitions.contains(partition));
        }
        state.finish_drains(consumer, |drain| drain.remaining.is_empty());
    }

    /// The time at which the next drain reaches its limit.
    pub(super) fn drain_limit(&self) -> Option<Instant> {
        self.state().drains.iter().map(|drain| drain.until).min()
    }

    /// Ends drains that have reached their limit.
    pub(super) fn end_overdue<C: Consumer<Self>>(&self, consumer: &C, now: Instant) {
        self.state().finish_drains(consumer, |drain| drain.until <= now);
    }

    /// Answers all revocations, open and future, so that the consumer can be closed.
    pub(super) fn close<C: Consumer<Self>>(&self, consumer: &C) {
        let mut state = self.state();
        state.closing = true;
        state.finish_drains(consumer, |_| true);
    }

    /// Whether changes were dropped because the subscriber was too slow.
    pub(super) fn is_overrun(&self) -> bool {
        self.state().overrun
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn notify(&self, state: &mut State, change: Change) {
        state.overrun |= !state.closing && self.changes.try_send(change).is_err();
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let mut state = self.state();
        state.finish_drains(consumer, |_| true);
        // Paused before any record can be polled: this callback runs in the poll.
        let done = consumer.incremental_assign(list).and_then(|()| consumer.pause(list));
        if let Err(error) = done {
            warn!(%error, "an assignment failed");
        }
        let partitions = record::partitions(list, &state.names);
        if partitions.is_empty() {
            return;
        }
        info!(partitions = partitions.len(), "partitions assigned");
        state.term += 1;
        let term = state.term;
        state.owned.extend(partitions.iter().map(|partition| (partition.clone(), Owned { term, phase: Phase::Paused })));
        self.notify(&mut state, Change::Assigned(partitions));
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let lost = consumer.assignment_lost();
        let mut state = self.state();
        state.finish_drains(consumer, |_| true);
        let partitions = record::partitions(list, &state.names);
        info!(partitions = partitions.len(), lost, "partitions revoked");
        if lost || state.closing || partitions.is_empty() {
            state.unassign(consumer, &partitions);
            if lost {
                self.notify(&mut state, Change::Lost(partitions));
            }
            return;
        }
        if let Err(error) = consumer.pause(list) {
            warn!(%error, "revoked partitions were not paused");
        }
        for partition in &partitions {
            state.owned.entry(partition.clone()).and_modify(|owned| owned.phase = Phase::Draining);
        }
        let remaining = partitions.iter().cloned().collect();
        state.drains.push(Drain { all: partitions.clone(), remaining, until: Instant::now() + self.drain_limit });
        self.notify(&mut state, Change::Revoked(partitions));
        self.draining.notify_one();
    }
}

impl State {
    /// Answers the selected revocations.
    fn finish_drains<C: Consumer<Membership>>(&mut self, consumer: &C, which: impl Fn(&Drain) -> bool) {
        let drains: Vec<Drain> = self.drains.extract_if(.., |drain| which(drain)).collect();
        for drain in drains {
            if !drain.remaining.is_empty() && !self.closing {
                warn!(partitions = drain.remaining.len(), "partitions were not drained in time");
            }
            self.unassign(consumer, &drain.all);
        }
    }

    fn unassign<C: Consumer<Membership>>(&mut self, consumer: &C, partitions: &[Partition]) {
        for partition in partitions {
            self.owned.remove(partition);
        }
        if let Err(error) = consumer.incremental_unassign(&record::list(partitions)) {
            warn!(%error, "partitions were not unassigned");
        }
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            // The library also does this after a failed rebalance.
            _ => self.revoke(consumer, list),
        }
    }
}

impl ClientContext for Membership {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = Callbacks::ENABLE_REFRESH_OAUTH_TOKEN;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.callbacks.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.callbacks.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.callbacks.generate_oauth_token(config)
    }
}
