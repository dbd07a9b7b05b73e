//! The topics one wants to read, as far as they exist.
//!
//! On Kafka an administrator makes a tenant's topics, and often only after the tenant was added. Until then that tenant waits and
//! nobody else does: what exists is read, what is missing can be told with the command that makes it, and is looked for again. A topic
//! of another number of partitions than the contract's is left out in the same way, and told first: it must be made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::topic::Topic;
use tokio::time::Instant;

use super::{Bus, Error};

/// How often missing topics are looked for.
const MISSING_TOPICS_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Topics to be read, each with those that must also be there before it can be.
pub type WantedTopics = BTreeMap<Topic, Vec<Topic>>;

/// Follows a list of topics as far as they exist.
pub struct TopicTracker {
    bus: Bus,
    wanted: WantedTopics,
    topics: Vec<Topic>,
    missing: Option<Topic>,
    /// A topic of another number of partitions than the contract's, and that number.
    wrong: Option<(Topic, u32)>,
    next_check: Instant,
}

impl TopicTracker {
    /// Follows nothing yet.
    #[must_use]
    pub fn new(bus: &Bus) -> Self {
        Self {
            bus: Bus::clone(bus),
            wanted: WantedTopics::new(),
            topics: Vec::new(),
            missing: None,
            wrong: None,
            next_check: Instant::now(),
        }
    }

    /// Turns to these topics, and looks now and then for those that were missing; says whether [`TopicTracker::topics`] has changed. To
    /// ask often costs nothing.
    ///
    /// # Errors
    /// When the bus is away; then nothing has changed.
    pub async fn set_topics(&mut self, wanted: &WantedTopics) -> Result<bool, Error> {
        let is_known = *wanted == self.wanted && (self.is_complete() || Instant::now() < self.next_check);
        if is_known {
            return Ok(false);
        }
        let needed: BTreeSet<&Topic> = wanted.iter().flat_map(|(topic, others)| others.iter().chain([topic])).collect();
        let (missing, wrong) = unusable(&self.bus, needed).await?;
        let is_usable = |topic: &Topic| !missing.contains(topic) && !wrong.iter().any(|(one, _)| one == topic);
        let can_be_read = |(topic, others): &(&Topic, &Vec<Topic>)| others.iter().chain([*topic]).all(is_usable);
        let topics: Vec<Topic> = wanted.iter().filter(can_be_read).map(|(topic, _)| topic.clone()).collect();
        let has_changed = topics != self.topics;
        self.next_check = Instant::now() + MISSING_TOPICS_CHECK_INTERVAL;
        self.missing = missing.into_iter().next();
        self.wrong = wrong.into_iter().next();
        (self.wanted, self.topics) = (wanted.clone(), topics);
        Ok(has_changed)
    }

    /// What can be read.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// What keeps a topic from being read: that it has a wrong number of partitions, or is missing, which names the command that makes it.
    #[must_use]
    pub fn missing(&self) -> Option<Error> {
        let wrong = self.wrong.as_ref().map(|(topic, found)| Error::Partitions {
            topic: topic.to_string(),
            expected: topic.partitions(),
            found: *found,
        });
        wrong.or_else(|| self.missing.as_ref().map(|topic| Error::Missing(topic.to_string())))
    }

    /// Returns when topics that could not be read are to be looked for again; never where all can.
    pub async fn wait(&self) {
        match self.is_complete() {
            false => tokio::time::sleep_until(self.next_check).await,
            true => std::future::pending().await,
        }
    }

    fn is_complete(&self) -> bool {
        self.missing.is_none() && self.wrong.is_none()
    }
}

/// Which of these topics are missing, and which have a wrong number of partitions, with that. One wrong topic fails a question about several,
/// so then each is asked about alone.
async fn unusable(bus: &Bus, topics: BTreeSet<&Topic>) -> Result<(Vec<Topic>, Vec<(Topic, u32)>), Error> {
    match missing(bus, topics.iter().copied()).await {
        Ok(missing) => return Ok((missing, Vec::new())),
        Err(Error::Partitions { .. }) => {}
        Err(error) => return Err(error),
    }
    let (mut absent, mut wrong) = (Vec::new(), Vec::new());
    for topic in topics {
        match missing(bus, [topic]).await {
            Ok(missing) => absent.extend(missing),
            Err(Error::Partitions { found, .. }) => wrong.push((topic.clone(), found)),
            Err(error) => return Err(error),
        }
    }
    Ok((absent, wrong))
}

/// Which of these topics an administrator has still to make. On the embedded bus topics come into being by themselves.
///
/// # Errors
/// As [`super::Transport::missing`].
pub async fn missing(bus: &Bus, topics: impl IntoIterator<Item = &Topic>) -> Result<Vec<Topic>, Error> {
    if bus.creates_topics() {
        return Ok(Vec::new());
    }
    bus.missing(&topics.into_iter().cloned().collect::<Vec<_>>()).await
}
