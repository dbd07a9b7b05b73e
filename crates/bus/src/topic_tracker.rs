//! Tracks which of the wanted topics exist.
//!
//! On Kafka an administrator creates a tenant's topics, often only after the tenant was added. Until then only that tenant waits: existing
//! topics are read, and missing ones are reported with the command that creates them and checked again. A topic whose number
//! of partitions has changed is left out, too, and reported first: its readers must start anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::topic::Topic;
use tokio::time::Instant;

use super::{Bus, Error};

/// How often missing topics are checked.
const MISSING_TOPICS_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Wanted topics, each with the topics that must also exist before it can be read.
pub type WantedTopics = BTreeMap<Topic, Vec<Topic>>;

/// Tracks a list of topics as far as they exist.
pub struct TopicTracker {
    bus: Bus,
    wanted: WantedTopics,
    topics: Vec<Topic>,
    missing: Option<Topic>,
    /// A topic whose number of partitions has changed.
    changed: Option<Changed>,
    next_check: Instant,
}

/// A topic whose number of partitions has changed.
struct Changed {
    topic: Topic,
    before: u32,
    found: u32,
}

impl TopicTracker {
    /// A tracker without topics.
    #[must_use]
    pub fn new(bus: &Bus) -> Self {
        Self {
            bus: Bus::clone(bus),
            wanted: WantedTopics::new(),
            topics: Vec::new(),
            missing: None,
            changed: None,
            next_check: Instant::now(),
        }
    }

    /// Sets the wanted topics and checks missing ones at an interval. Returns whether [`TopicTracker::topics`] has changed. Frequent calls
    /// are cheap.
    ///
    /// # Errors
    /// If the bus is unavailable; then nothing has changed.
    pub async fn set_topics(&mut self, wanted: &WantedTopics) -> Result<bool, Error> {
        let is_known = *wanted == self.wanted && (self.is_complete() || Instant::now() < self.next_check);
        if is_known {
            return Ok(false);
        }
        let needed: BTreeSet<&Topic> = wanted.iter().flat_map(|(topic, others)| others.iter().chain([topic])).collect();
        let (missing, changed) = unusable(&self.bus, needed).await?;
        let is_usable = |topic: &Topic| !missing.contains(topic) && !changed.iter().any(|one| one.topic == *topic);
        let can_be_read = |(topic, others): &(&Topic, &Vec<Topic>)| others.iter().chain([*topic]).all(is_usable);
        let topics: Vec<Topic> = wanted.iter().filter(can_be_read).map(|(topic, _)| topic.clone()).collect();
        let has_changed = topics != self.topics;
        self.next_check = Instant::now() + MISSING_TOPICS_CHECK_INTERVAL;
        self.missing = missing.into_iter().next();
        self.changed = changed.into_iter().next();
        (self.wanted, self.topics) = (wanted.clone(), topics);
        Ok(has_changed)
    }

    /// The topics that can be read.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Why a topic cannot be read: its number of partitions has changed, or it is missing, with the command that creates it.
    #[must_use]
    pub fn missing(&self) -> Option<Error> {
        let changed = self.changed.as_ref().map(|Changed { topic, before, found }| Error::Partitions {
            topic: topic.to_string(),
            before: *before,
            found: *found,
        });
        changed.or_else(|| self.missing.as_ref().map(|topic| Error::Missing(topic.to_string())))
    }

    /// Returns when topics that could not be read are due for a check. Never returns when all can be read.
    pub async fn wait(&self) {
        match self.is_complete() {
            false => tokio::time::sleep_until(self.next_check).await,
            true => std::future::pending().await,
        }
    }

    fn is_complete(&self) -> bool {
        self.missing.is_none() && self.changed.is_none()
    }
}

/// Returns the missing topics, and those whose number of partitions has changed. One of these fails a request for several, so each is then
/// checked alone.
async fn unusable(bus: &Bus, topics: BTreeSet<&Topic>) -> Result<(Vec<Topic>, Vec<Changed>), Error> {
    match missing(bus, topics.iter().copied()).await {
        Ok(missing) => return Ok((missing, Vec::new())),
        Err(Error::Partitions { .. }) => {}
        Err(error) => return Err(error),
    }
    let (mut absent, mut changed) = (Vec::new(), Vec::new());
    for topic in topics {
        match missing(bus, [topic]).await {
            Ok(missing) => absent.extend(missing),
            Err(Error::Partitions { before, found, .. }) => changed.push(Changed { topic: topic.clone(), before, found }),
            Err(error) => return Err(error),
        }
    }
    Ok((absent, changed))
}

/// Returns the topics that an administrator must still create. The embedded bus creates topics itself.
///
/// # Errors
/// As [`super::Transport::missing`].
pub async fn missing(bus: &Bus, topics: impl IntoIterator<Item = &Topic>) -> Result<Vec<Topic>, Error> {
    if bus.creates_topics() {
        return Ok(Vec::new());
    }
    bus.missing(&topics.into_iter().cloned().collect::<Vec<_>>()).await
}
