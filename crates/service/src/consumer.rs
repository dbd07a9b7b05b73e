//! Consumes topics from the offsets in a store, whatever the group has committed to the bus.
//!
//! The group's committed offsets are for lag tools and for the capacity that bulk publishing asks for. Missing topics are waited for while the
//! others are consumed. If a log was recreated, so that its offsets start again, the stored offset is set back: otherwise new records would
//! count as processed.

mod owned;
mod positions;

use std::collections::{BTreeMap, BTreeSet};

use tracing::debug;
use xtsync_bus::{self as bus, Assigned, Bus, Committed, Ends, Event, Partition, Record, Subscription, Topic, TopicTracker, WantedTopics};
use xtsync_runtime::telemetry::chain;
use xtsync_store::{self as store, Store, load_offsets_of};

pub use self::owned::OwnedTopic;
use self::positions::Positions;

/// How consuming can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] bus::Error),
}

/// A group member that resumes at the stored offsets. After any error, drop it and create a new one.
pub struct Consumer {
    store: Store,
    bus: Bus,
    group: &'static str,
    tracker: TopicTracker,
    /// `None` while there is no topic to read.
    subscription: Option<Box<dyn Subscription>>,
    positions: Positions,
    /// The newest position to commit of each owned partition.
    consumed: BTreeMap<Partition, i64>,
}

impl Consumer {
    /// A consumer without topics.
    #[must_use]
    pub fn new(store: &Store, bus: &Bus, group: &'static str) -> Self {
        let (store, tracker, positions) = (store.clone(), TopicTracker::new(bus), Positions::new(store));
        Self { store, bus: Bus::clone(bus), group, tracker, subscription: None, positions, consumed: BTreeMap::new() }
    }

    /// Subscribes to these topics as far as they exist. Frequent calls are cheap.
    ///
    /// # Errors
    /// When the bus fails.
    pub async fn set_topics(&mut self, wanted: &WantedTopics) -> Result<(), Error> {
        if !self.tracker.set_topics(wanted).await? {
            return Ok(());
        }
        let topics = self.tracker.topics();
        match &mut self.subscription {
            _ if topics.is_empty() => self.subscription = None,
            Some(subscription) => subscription.resubscribe(topics).await?,
            none => *none = Some(self.bus.subscribe(self.group, topics).await?),
        }
        Ok(())
    }

    /// The error for a missing topic; it names the command that creates it.
    #[must_use]
    pub fn missing(&self) -> Option<bus::Error> {
        self.tracker.missing()
    }

    /// Waits for the next event of the bus; `None` means that [`Consumer::set_topics`] is due. Cancelling it loses nothing.
    ///
    /// # Errors
    /// When the bus fails.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        let next_event = async {
            match &mut self.subscription {
                Some(subscription) => subscription.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = next_event => Ok(Some(event?)),
            () = self.tracker.wait() => Ok(None),
        }
    }

    /// Handles an event and returns the records to process. The caller must process them before it waits for the next event, so that no
    /// record is in flight when partitions are revoked.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub async fn handle(&mut self, event: Event) -> Result<Vec<Record>, Error> {
        match event {
            Event::Assigned(assigned) => self.start(assigned).await?,
            Event::Records(records) => {
                self.positions.track(&records).await?;
                return Ok(records);
            }
            Event::Revoked(partitions) => {
                // Processed positions are committed before another member reads them: a later commit would be too late.
                let consumed: BTreeMap<_, _> = partitions.iter().filter_map(|partition| self.consumed.remove_entry(partition)).collect();
                if !consumed.is_empty() {
                    self.commit_to_bus(consumed).await;
                }
                if let Some(subscription) = &mut self.subscription {
                    subscription.released(&partitions);
                }
            }
            Event::Lost(partitions) => {
                self.consumed.retain(|partition, _| !partitions.contains(partition));
                debug!(count = partitions.len(), "partitions lost");
            }
        }
        Ok(Vec::new())
    }

    /// Commits positions to the bus, for its consumer lag. A failure loses nothing, because the consumer resumes at the stored offsets.
    pub async fn commit(&mut self, next: BTreeMap<Partition, i64>) {
        self.consumed.extend(next.iter().map(|(partition, next)| (partition.clone(), *next)));
        self.commit_to_bus(next).await;
    }

    async fn commit_to_bus(&mut self, next: BTreeMap<Partition, i64>) {
        let committed = |(partition, next)| (partition, Committed { next, metadata: String::new() });
        let Some(subscription) = &mut self.subscription else { return };
        if let Err(error) = subscription.commit(next.into_iter().map(committed).collect()).await {
            debug!(error = chain(&error), "positions not committed to the bus");
        }
    }

    async fn start(&mut self, assigned: Vec<Assigned>) -> Result<(), Error> {
        let Some(subscription) = &mut self.subscription else { return Ok(()) };
        let topics: BTreeSet<Topic> = assigned.iter().map(|assigned| assigned.partition.topic.clone()).collect();
        let topics: Vec<Topic> = topics.into_iter().collect();
        // The stored offsets are read first, so the ends are at least as new.
        let stored = load_offsets_of(&self.store, &topics).await?;
        let ends = self.bus.ends_of(&topics).await?;
        let (mut from, none) = (Vec::with_capacity(assigned.len()), BTreeMap::new());
        for Assigned { partition, .. } in assigned {
            let stored = stored.get(&partition.topic).unwrap_or(&none);
            let next = self.positions.begin(&partition, stored, &ends[&partition.topic]).await?;
            from.push((partition, Some(next)));
        }
        Ok(subscription.start(&from).await?)
    }
}

/// The offset after the last of these records, for each partition.
pub fn positions<'a>(records: impl IntoIterator<Item = &'a Record>) -> BTreeMap<Partition, i64> {
    records.into_iter().map(|record| (record.at.partition.clone(), record.at.offset + 1)).collect()
}

/// The number of records of these topics whose effect is not stored yet.
///
/// # Errors
/// When the store or the bus fails.
pub async fn lag(store: &Store, bus: &Bus, topics: &[Topic]) -> Result<u64, Error> {
    let stored = load_offsets_of(store, topics).await?;
    let ends = bus.ends_of(topics).await?;
    let next = |topic: &Topic, index: u32| stored.get(topic).and_then(|stored| stored.get(&index)).copied();
    let of_topic = |(topic, ends): (&Topic, &Vec<Ends>)| {
        let lags = (0_u32..).zip(ends).map(|(index, ends)| ends.high - ends.resume(next(topic, index)));
        lags.map(|records| u64::try_from(records).unwrap_or(0)).sum::<u64>()
    };
    Ok(ends.iter().map(of_topic).sum())
}
