//! Consuming topics whose effect is kept in a store: from the offsets stored there, whatever the group committed.
//!
//! What the group commits is for lag tools only. Topics that an administrator has still to make are waited for while the others are
//! consumed. Where a log was made anew, so that its offsets begin again, the stored one is set back: else what comes would be taken for
//! what was taken long ago.

use std::collections::{BTreeMap, HashMap};

use tracing::debug;
use xtsync_bus::Topic;

use xtsync_bus::{self as bus, Assigned, Bus, Committed, Ends, Event, Partition, Record, Subscription, TopicTracker, WantedTopics};
use xtsync_runtime::telemetry::chain;
use xtsync_store::{self as store, Store, load_offsets, set_offset_back};

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

/// A member of a group that goes on where the store's effect ends. When anything fails, drop it and begin with a new one.
pub struct Consumer {
    store: Store,
    bus: Bus,
    group: &'static str,
    tracker: TopicTracker,
    /// None while there is nothing to read.
    subscription: Option<Box<dyn Subscription>>,
    /// The offset that comes next, of each partition that was started.
    next: HashMap<Partition, i64>,
    /// What was to be committed last, of each partition that is ours.
    consumed: BTreeMap<Partition, i64>,
}

impl Consumer {
    /// One that consumes nothing yet.
    #[must_use]
    pub fn new(store: &Store, bus: &Bus, group: &'static str) -> Self {
        let (store, tracker) = (store.clone(), TopicTracker::new(bus));
        Self { store, bus: Bus::clone(bus), group, tracker, subscription: None, next: HashMap::new(), consumed: BTreeMap::new() }
    }

    /// Turns to these topics, as far as they exist. To ask often costs nothing.
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

    /// That a topic is missing, which names the command that makes it.
    #[must_use]
    pub fn missing(&self) -> Option<bus::Error> {
        self.tracker.missing()
    }

    /// Waits for what the bus says next; `None` says that it is time to [`Consumer::set_topics`] again. Cancelling it loses nothing.
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

    /// Handles that; gives the records to be taken. They must have been taken before the next event is waited for: then nothing is in
    /// hand when partitions leave.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub async fn handle(&mut self, event: Event) -> Result<Vec<Record>, Error> {
        match event {
            Event::Assigned(assigned) => self.start(assigned).await?,
            Event::Records(records) => {
                self.track(&records).await?;
                return Ok(records);
            }
            Event::Revoked(partitions) => {
                // What was taken is told before another member asks for it: a commit on its way would come too late.
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
                debug!(count = partitions.len(), "partitions were taken from us");
            }
        }
        Ok(Vec::new())
    }

    /// Commits positions for others to see. Where we go on is stored with the effect, so a failure is nobody's loss.
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
        let mut known: HashMap<Topic, (BTreeMap<u32, i64>, Vec<Ends>)> = HashMap::new();
        for Assigned { partition, .. } in assigned {
            if !known.contains_key(&partition.topic) {
                // The stored ones first: then the ends are not older than they, and only a log made anew ends before them.
                let stored = load_offsets(&self.store, &partition.topic).await?;
                let ends = self.bus.ends(&partition.topic).await?;
                known.insert(partition.topic.clone(), (stored, ends));
            }
            let (stored, ends) = &known[&partition.topic];
            let (stored, ends) = (stored.get(&partition.index).copied(), ends[partition.index as usize]);
            let next = ends.resume(stored);
            if stored.is_some_and(|stored| stored > ends.high) {
                set_offset_back(&self.store, &partition, next).await?;
            }
            subscription.start(&partition, Some(next)).await?;
            self.next.insert(partition, next);
        }
        Ok(())
    }

    /// Notes how far it has come, and finds out when a log was made anew meanwhile: offsets of one partition only grow.
    async fn track(&mut self, records: &[Record]) -> Result<(), Error> {
        for record in records {
            let at = &record.at;
            let before = self.next.insert(at.partition.clone(), at.offset + 1);
            if before.is_some_and(|next| at.offset < next) {
                set_offset_back(&self.store, &at.partition, at.offset).await?;
            }
        }
        Ok(())
    }
}

/// The offset after the last of these records, by partition.
pub fn positions<'a>(records: impl IntoIterator<Item = &'a Record>) -> BTreeMap<Partition, i64> {
    records.into_iter().map(|record| (record.at.partition.clone(), record.at.offset + 1)).collect()
}

/// How many records of a topic have no effect in the store yet.
///
/// # Errors
/// When the store or the bus fails.
pub async fn lag(store: &Store, bus: &Bus, topic: &Topic) -> Result<u64, Error> {
    let stored = load_offsets(store, topic).await?;
    let ends = bus.ends(topic).await?;
    let lags = (0_u32..).zip(ends).map(|(index, ends)| ends.high - ends.resume(stored.get(&index).copied()));
    Ok(lags.map(|records| u64::try_from(records).unwrap_or(0)).sum())
}
