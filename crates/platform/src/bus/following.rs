//! The topics one wants to read, as far as they exist.
//!
//! On Kafka an administrator makes a tenant's topics, and often only after the tenant was added. Until then that tenant waits and
//! nobody else does: what exists is read, what is missing can be told with the command that makes it, and is looked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use xtsync_proto::topic::Topic;

use super::{Bus, Error};

/// How often missing topics are looked for.
const LOOK: Duration = Duration::from_secs(2);

/// Topics to be read, each with those that must also be there before it can be.
pub type Wanted = BTreeMap<Topic, Vec<Topic>>;

/// Follows a list of topics as far as they exist.
pub struct Following {
    bus: Bus,
    wanted: Wanted,
    topics: Vec<Topic>,
    missing: Option<Topic>,
    look_again: Instant,
}

impl Following {
    /// Follows nothing yet.
    #[must_use]
    pub fn new(bus: &Bus) -> Self {
        Self { bus: Bus::clone(bus), wanted: Wanted::new(), topics: Vec::new(), missing: None, look_again: Instant::now() }
    }

    /// Turns to these topics, and looks now and then for those that were missing; says whether [`Following::topics`] has changed. To
    /// ask often costs nothing.
    ///
    /// # Errors
    /// When the bus is away, or a topic has another number of partitions than the contract's; then nothing has changed.
    pub async fn turn(&mut self, wanted: &Wanted) -> Result<bool, Error> {
        let is_known = *wanted == self.wanted && (self.missing.is_none() || Instant::now() < self.look_again);
        if is_known {
            return Ok(false);
        }
        let needed: BTreeSet<&Topic> = wanted.iter().flat_map(|(topic, others)| others.iter().chain([topic])).collect();
        let missing = missing(&self.bus, needed).await?;
        let can_be_read = |(topic, others): &(&Topic, &Vec<Topic>)| !others.iter().chain([*topic]).any(|one| missing.contains(one));
        let topics: Vec<Topic> = wanted.iter().filter(can_be_read).map(|(topic, _)| topic.clone()).collect();
        let has_changed = topics != self.topics;
        self.look_again = Instant::now() + LOOK;
        self.missing = missing.into_iter().next();
        (self.wanted, self.topics) = (wanted.clone(), topics);
        Ok(has_changed)
    }

    /// What can be read.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// That a topic is missing, which names the command that makes it.
    #[must_use]
    pub fn missing(&self) -> Option<Error> {
        self.missing.as_ref().map(|topic| Error::Missing(topic.to_string()))
    }

    /// Returns when missing topics are to be looked for again; never where none is missing.
    pub async fn wait(&self) {
        match self.missing {
            Some(_) => tokio::time::sleep_until(self.look_again).await,
            None => std::future::pending().await,
        }
    }
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
