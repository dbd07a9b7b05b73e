//! How far behind its taker a topic is. What is bulk waits for the taker: a topic keeps its order whatever comes, so what is urgent must
//! never stand behind much of it. A backlog stays where it goes by class: in the stores.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use tracing::debug;
use xtsync_proto::topic::Topic;

use super::{Error, Outgoing};

/// The most records of a bulk publication that go out at once.
pub(super) const PORTION: usize = 250;

/// How long a portion waits at most: who takes a topic may be away for long, and is not the only one who reads it.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// So many records may stand before the taker; then bulk waits.
const BEHIND_MAX: i64 = 500;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whoever can say how far a group has come.
#[async_trait]
pub(super) trait Look: Sync {
    /// How many records of a topic a group has not committed. Of a partition of which it never committed anything, none.
    async fn behind(&self, topic: &Topic, group: &'static str) -> Result<i64, Error>;
}

/// What is known of the topics that have a taker.
#[derive(Debug)]
pub(super) struct Backlog {
    patience: Duration,
    /// How many records stand before each taker at most: what stood there at the last look, and what was published since.
    behind: Mutex<HashMap<Topic, i64>>,
}

impl Backlog {
    /// One that knows nothing yet, where a portion waits for so long at most.
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, behind: Mutex::default() }
    }

    /// Waits until the takers of these records' topics have come near enough, or for so long that they are not waited for.
    pub(super) async fn make_room(&self, look: &impl Look, records: &[Outgoing]) {
        let mut counts: BTreeMap<&Topic, i64> = BTreeMap::new();
        for record in records {
            *counts.entry(&record.topic).or_default() += 1;
        }
        let deadline = Instant::now() + self.patience;
        for (topic, count) in counts {
            let Some(group) = topic.taken_by() else { continue };
            while !self.has_room(topic) && !self.looks_free(look, topic, group).await && Instant::now() < deadline {
                sleep(LOOK_EVERY).await;
            }
            *self.behind().entry(topic.clone()).or_default() += count;
        }
    }

    /// Whether the taker is near the end of a topic, as far as is known.
    fn has_room(&self, topic: &Topic) -> bool {
        self.behind().get(topic).is_some_and(|behind| *behind <= BEHIND_MAX)
    }

    /// Looks whether it is. Where that cannot be learnt nobody waits.
    async fn looks_free(&self, look: &impl Look, topic: &Topic, group: &'static str) -> bool {
        let behind = look.behind(topic, group).await.unwrap_or_else(|error| {
            debug!(%topic, group, %error, "nobody knows how far the topic is taken");
            0
        });
        self.behind().insert(topic.clone(), behind);
        behind <= BEHIND_MAX
    }

    fn behind(&self) -> MutexGuard<'_, HashMap<Topic, i64>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use bytes::Bytes;
    use xtsync_domain::TenantName;

    use super::*;

    /// Answers these, one after the other, and then that it does not know.
    struct Script(Mutex<VecDeque<i64>>);

    #[async_trait]
    impl Look for Script {
        async fn behind(&self, _: &Topic, _: &'static str) -> Result<i64, Error> {
            self.0.lock().unwrap().pop_front().ok_or_else(|| Error::Away("as the test wants it".to_owned()))
        }
    }

    fn records(topic: &Topic, count: usize) -> Vec<Outgoing> {
        vec![Outgoing { topic: topic.clone(), key: Bytes::new(), value: None, headers: Vec::new() }; count]
    }

    #[tokio::test]
    async fn a_portion_waits_until_the_taker_is_near_and_looks_only_where_he_may_not_be() {
        let backlog = Backlog::new(Duration::from_secs(3_600));
        let decisions = Topic::Decisions(TenantName::new("hub").unwrap());
        let room = async |answers: &[i64], topic: &Topic, count| {
            let look = Script(Mutex::new(answers.iter().copied().collect()));
            backlog.make_room(&look, &records(topic, count)).await;
            let left = look.0.lock().unwrap().len();
            answers.len() - left
        };
        assert_eq!(room(&[0, 7], &decisions, 500).await, 1, "at first nothing is known");
        assert_eq!(room(&[7], &decisions, 1).await, 0, "so many may stand there");
        assert_eq!(room(&[900, 501, 500, 7], &decisions, 100).await, 3, "it waits until so many stand there");
        assert_eq!(room(&[], &decisions, 1).await, 0, "where it cannot be learnt nobody waits");
        assert_eq!(room(&[7], &decisions, 1).await, 0);
        let outcomes = Topic::Outcomes(TenantName::new("hub").unwrap());
        assert_eq!(room(&[9_999], &outcomes, 5_000).await, 0, "nobody is waited for");
    }

    #[tokio::test]
    async fn who_is_away_is_not_waited_for_long() {
        let backlog = Backlog::new(Duration::ZERO);
        let decisions = Topic::Decisions(TenantName::new("hub").unwrap());
        backlog.make_room(&Script(Mutex::new([9_999].into())), &records(&decisions, 1)).await;
    }
}
