//! A bus with faults that a test injects: outages, failed commits, missing topics and group events. It wraps a real bus.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, Semaphore};
use xtsync_bus::{
    Bus, Committed, CreateOptions, Delivery, Ends, Error, Event, Outgoing, Partition, Position, Reader, Subscription, Topic, Transport,
    Urgency,
};

/// The bus under test.
pub struct FaultyBus {
    inner: Bus,
    faults: Arc<Mutex<Faults>>,
    /// Notified when a publication or a commit waits for a permit.
    pub waits: Notify,
}

/// The faults to inject, and what was observed.
#[derive(Default)]
pub struct Faults {
    /// Whether the bus cannot be reached, for publications and reads.
    pub unavailable: bool,
    /// Publications and commits of a group without members that wait for a permit.
    held: Option<Held>,
    /// The number of commits that fail before one succeeds again.
    pub failing_commits: u32,
    /// Topics that an administrator has not created yet.
    pub missing: Vec<Topic>,
    /// Topics without capacity: their consumer group lags.
    pub full: Vec<Topic>,
    /// Events that a subscription reports before those of the real bus.
    pub events: VecDeque<Event>,
    /// Every commit that succeeded.
    pub commits: Vec<(Partition, Committed)>,
    /// The number of requests for the ends of topics.
    pub end_requests: u32,
    /// Every released partition.
    pub released: Vec<Partition>,
}

/// Which publications wait, and for what.
struct Held {
    /// Those with a record of these; all, if there are none.
    topics: Vec<Topic>,
    permits: Arc<Semaphore>,
}

impl FaultyBus {
    pub fn new(inner: Bus) -> Arc<Self> {
        Arc::new(Self { inner, faults: Arc::default(), waits: Notify::new() })
    }

    /// Has each publication with a record of these topics, or each at all where none is named, wait for a permit, and each commit of a group
    /// without members; returns where to give them.
    pub fn hold(&self, topics: &[Topic]) -> Arc<Semaphore> {
        let permits = Arc::new(Semaphore::new(0));
        self.faults().held = Some(Held { topics: topics.to_vec(), permits: Arc::clone(&permits) });
        permits
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock()
    }

    /// Waits for a permit if one of these topics is held.
    async fn permit<'a>(&self, mut topics: impl Iterator<Item = &'a Topic>) {
        let mut is_held = |held: &&Held| held.topics.is_empty() || topics.any(|topic| held.topics.contains(topic));
        let permits = self.faults().held.as_ref().filter(&mut is_held).map(|held| Arc::clone(&held.permits));
        if let Some(permits) = permits {
            self.waits.notify_one();
            permits.acquire().await.unwrap().forget();
        }
    }

    fn reach(&self) -> Result<(), Error> {
        if self.faults().unavailable { Err(unavailable()) } else { Ok(()) }
    }
}

/// Returns [`Error::Missing`] for the first of these topics that is missing, as Kafka does.
fn find(faults: &Mutex<Faults>, topics: &[Topic]) -> Result<(), Error> {
    match faults.lock().missing.iter().find(|missing| topics.contains(missing)) {
        Some(topic) => Err(Error::Missing(topic.to_string())),
        None => Ok(()),
    }
}

fn unavailable() -> Error {
    Error::Unavailable("injected by the test".to_owned())
}

#[async_trait]
impl Transport for FaultyBus {
    async fn send(&self, records: Vec<Outgoing>, urgency: Urgency) -> Result<Delivery, Error> {
        self.reach()?;
        self.permit(records.iter().map(|record| &record.topic)).await;
        self.inner.send(records, urgency).await
    }

    async fn capacity(&self, topics: &[Topic]) -> u64 {
        if topics.iter().any(|topic| self.faults().full.contains(topic)) { 0 } else { self.inner.capacity(topics).await }
    }

    async fn subscribe(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Subscription>, Error> {
        find(&self.faults, topics)?;
        let inner = self.inner.subscribe(group, topics).await?;
        Ok(Box::new(FaultySubscription { inner, faults: Arc::clone(&self.faults) }))
    }

    async fn reader(&self, from: &[Position]) -> Result<Box<dyn Reader>, Error> {
        self.inner.reader(from).await
    }

    async fn commit(&self, group: &'static str, positions: &[Position]) -> Result<(), Error> {
        self.permit(positions.iter().map(|position| &position.partition.topic)).await;
        self.inner.commit(group, positions).await?;
        let committed =
            |Position { partition, offset }: &Position| (partition.clone(), Committed { next: *offset, metadata: String::new() });
        self.faults().commits.extend(positions.iter().map(committed));
        Ok(())
    }

    async fn ends_of(&self, topics: &[Topic]) -> Result<BTreeMap<Topic, Vec<Ends>>, Error> {
        self.reach()?;
        find(&self.faults, topics)?;
        self.faults().end_requests += 1;
        self.inner.ends_of(topics).await
    }

    async fn create(&self, topics: &[Topic], options: CreateOptions) -> Result<Vec<Topic>, Error> {
        self.inner.create(topics, options).await
    }

    async fn brokers(&self) -> Result<usize, Error> {
        self.inner.brokers().await
    }

    async fn partitions(&self, topics: &[Topic]) -> Result<BTreeMap<Topic, u32>, Error> {
        let missing = self.faults().missing.clone();
        let mut found = self.inner.partitions(topics).await?;
        // The inner bus makes every other topic when it is used.
        for topic in topics {
            found.entry(topic.clone()).or_insert_with(|| topic.initial_partitions());
        }
        found.retain(|topic, _| !missing.contains(topic));
        Ok(found)
    }

    fn creates_topics(&self) -> bool {
        false
    }
}

struct FaultySubscription {
    inner: Box<dyn Subscription>,
    faults: Arc<Mutex<Faults>>,
}

#[async_trait]
impl Subscription for FaultySubscription {
    async fn next(&mut self) -> Result<Event, Error> {
        let event = self.faults.lock().events.pop_front();
        match event {
            Some(event) => Ok(event),
            None => self.inner.next().await,
        }
    }

    async fn start(&mut self, from: &[(Partition, Option<i64>)]) -> Result<(), Error> {
        self.inner.start(from).await
    }

    async fn commit(&mut self, positions: Vec<(Partition, Committed)>) -> Result<(), Error> {
        {
            let mut faults = self.faults.lock();
            if faults.failing_commits > 0 {
                faults.failing_commits -= 1;
                return Err(unavailable());
            }
            faults.commits.extend(positions.clone());
        }
        self.inner.commit(positions).await
    }

    fn released(&mut self, partitions: &[Partition]) {
        self.faults.lock().released.extend(partitions.iter().cloned());
        self.inner.released(partitions);
    }

    async fn resubscribe(&mut self, topics: &[Topic]) -> Result<(), Error> {
        find(&self.faults, topics)?;
        self.inner.resubscribe(topics).await
    }
}
