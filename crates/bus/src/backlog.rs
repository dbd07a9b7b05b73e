//! Whether there is room on a topic for what is bulk. A topic keeps its order whatever comes, so what is urgent must never stand behind
//! much else: while its taker is far behind, a backlog stays where it came from and goes by class.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::topic::Topic;
use async_trait::async_trait;
use futures::future::join_all;
use tokio::time::Instant;
use tracing::debug;

use super::{CAPACITY_CHECK_INTERVAL, Error};

/// How long bulk waits at most: who takes a topic may be away for long, and is not the only one who reads it.
pub(super) const BULK_MAX_WAIT: Duration = Duration::from_secs(1);

/// There is room while no more records stand before the taker: enough to go on with while the next are on their way.
const CAPACITY_LAG_MAX: u64 = 100;

/// How long it is believed that nobody takes a topic.
const NO_CONSUMER_RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Whoever can say how far a group has come.
#[async_trait]
pub(super) trait LagSource: Sync {
    /// How many records of a topic a group has not committed, `None` where it never committed any.
    async fn consumer_lag(&self, topic: &Topic, group: &'static str) -> Result<Option<u64>, Error>;
}

/// What was seen of the topics that have a taker, where he was not near.
#[derive(Debug)]
pub(super) struct Backlog {
    max_wait: Duration,
    /// How long a look that found no room holds for everybody who asks in this process.
    check_interval: Duration,
    states: Mutex<HashMap<Topic, TopicState>>,
    /// Whose turn it is to look at a topic, and when it was looked at last.
    check_locks: Mutex<HashMap<Topic, CheckLock>>,
}

type CheckLock = Arc<tokio::sync::Mutex<Option<Instant>>>;

#[derive(Debug, Clone, Copy)]
enum TopicState {
    /// There has been no room since then, or it could not be learnt whether there was.
    Full(Instant),
    /// Nobody had ever taken any then.
    NoConsumer(Instant),
}

impl Backlog {
    /// One that has seen nothing yet, where bulk waits for so long at most.
    pub(super) fn new(max_wait: Duration) -> Self {
        Self { max_wait, check_interval: CAPACITY_CHECK_INTERVAL, states: Mutex::default(), check_locks: Mutex::default() }
    }

    /// Whether there is room on all of these topics, or has been none for so long that it is not waited for. Whoever stops waiting for the
    /// answer, and asks again, has waited all the same.
    pub(super) async fn has_capacity(&self, source: &impl LagSource, topics: &[Topic]) -> bool {
        let checks = topics.iter().filter_map(|topic| Some((topic, topic.kind().consumer_group?)));
        join_all(checks.map(|(topic, group)| self.check(source, topic, group))).await;
        let mut states = self.states();
        let is_full = |topic: &&Topic| matches!(states.get(topic), Some(TopicState::Full(_)));
        let full: Vec<&Topic> = topics.iter().filter(is_full).collect();
        let is_awaited = |topic: &&Topic| matches!(states.get(topic), Some(TopicState::Full(since)) if since.elapsed() < self.max_wait);
        if full.iter().any(is_awaited) {
            return false;
        }
        for topic in full {
            states.insert(topic.clone(), TopicState::Full(Instant::now()));
        }
        true
    }

    /// Looks at a topic, unless somebody else has just done so: however many wait for room, one of them looks.
    async fn check(&self, source: &impl LagSource, topic: &Topic, group: &'static str) {
        let check_lock = self.check_lock(topic);
        let mut last_check = check_lock.lock().await;
        let is_known = match self.states().get(topic) {
            Some(TopicState::NoConsumer(since)) => since.elapsed() < NO_CONSUMER_RECHECK_INTERVAL,
            Some(TopicState::Full(_)) => last_check.is_some_and(|at| at.elapsed() < self.check_interval),
            None => false,
        };
        if is_known {
            return;
        }
        let lag = source.consumer_lag(topic, group).await;
        *last_check = Some(Instant::now());
        let mut states = self.states();
        match lag {
            Ok(Some(lag)) if lag <= CAPACITY_LAG_MAX => {
                states.remove(topic);
            }
            Ok(None) | Err(Error::Missing(_)) => {
                states.insert(topic.clone(), TopicState::NoConsumer(Instant::now()));
            }
            Ok(Some(_)) | Err(_) => {
                if let Err(error) = lag {
                    debug!(%topic, group, %error, "consumer group lag unavailable");
                }
                if !matches!(states.get(topic), Some(TopicState::Full(_))) {
                    states.insert(topic.clone(), TopicState::Full(Instant::now()));
                }
            }
        }
    }

    fn check_lock(&self, topic: &Topic) -> CheckLock {
        self.check_locks.lock().entry(topic.clone()).or_default().clone()
    }

    fn states(&self) -> MutexGuard<'_, HashMap<Topic, TopicState>> {
        self.states.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tokio::time::timeout;

    use super::*;
    use crate::{Cleanup, TopicKind};

    static KEPT: TopicKind = TopicKind { name: "kept", partitions: 1, cleanup: Cleanup::Retain(Duration::ZERO), consumer_group: None };
    static TAKEN: TopicKind =
        TopicKind { name: "taken", partitions: 1, cleanup: Cleanup::Retain(Duration::ZERO), consumer_group: Some("taker") };

    /// Answers for each look what stands before the taker: so many records, nothing that he ever took, or that it cannot be learnt.
    struct Script(Mutex<VecDeque<Result<Option<u64>, Error>>>);

    #[async_trait]
    impl LagSource for Script {
        async fn consumer_lag(&self, _: &Topic, _: &'static str) -> Result<Option<u64>, Error> {
            self.0.lock().pop_front().expect("there is no need to look")
        }
    }

    fn unavailable() -> Result<Option<u64>, Error> {
        Err(Error::Unavailable("as the test wants it".to_owned()))
    }

    fn downstream() -> [Topic; 2] {
        ["hub", "lab"].map(|target| TAKEN.of(target))
    }

    /// Whether there is room on these topics, by these answers, all of which are needed.
    async fn check(backlog: &Backlog, topics: &[Topic], answers: impl IntoIterator<Item = Result<Option<u64>, Error>>) -> bool {
        let source = Script(Mutex::new(answers.into_iter().collect()));
        let has_capacity = backlog.has_capacity(&source, topics).await;
        assert_eq!(source.0.lock().len(), 0, "it was looked at too rarely");
        has_capacity
    }

    /// One that looks whenever it is asked.
    fn eager(max_wait: Duration) -> Backlog {
        Backlog { check_interval: Duration::ZERO, ..Backlog::new(max_wait) }
    }

    /// Counts the looks; there is never any room.
    #[derive(Default)]
    struct Counting(Mutex<u32>);

    #[async_trait]
    impl LagSource for Counting {
        async fn consumer_lag(&self, _: &Topic, _: &'static str) -> Result<Option<u64>, Error> {
            *self.0.lock() += 1;
            Ok(Some(9_999))
        }
    }

    #[tokio::test]
    async fn a_topic_is_checked_once_an_interval_for_all_waiters() {
        let long = Duration::from_secs(3_600);
        let (backlog, counting, downstream) = (Backlog { check_interval: long, ..Backlog::new(long) }, Counting::default(), downstream());
        let asks = (0..50).map(|_| backlog.has_capacity(&counting, &downstream));
        assert!(join_all(asks).await.iter().all(|has_capacity| !has_capacity));
        assert_eq!(*counting.0.lock(), 2, "once a topic");
    }

    #[tokio::test]
    async fn capacity_needs_little_lag_of_every_consumer_group() {
        let (backlog, downstream) = (eager(Duration::from_secs(3_600)), downstream());
        assert!(check(&backlog, &downstream, [Ok(Some(100)), Ok(Some(0))]).await);
        assert!(!check(&backlog, &downstream, [Ok(Some(101)), Ok(Some(0))]).await);
        assert!(!check(&backlog, &downstream, [Ok(Some(0)), Ok(Some(101))]).await);
        assert!(!check(&backlog, &downstream, [unavailable(), Ok(Some(0))]).await, "it may be full");
        assert!(check(&backlog, &downstream, [Ok(Some(0)), Ok(Some(0))]).await);
        assert!(check(&backlog, &[KEPT.topic()], []).await, "nobody takes it by name");
    }

    #[tokio::test]
    async fn a_topic_without_consumers_has_capacity_and_is_rechecked_later() {
        let (backlog, downstream) = (eager(Duration::from_secs(3_600)), downstream());
        assert!(check(&backlog, &downstream[..1], [Ok(None)]).await);
        assert!(check(&backlog, &downstream, [Err(Error::Missing("lab".to_owned()))]).await);
        assert!(check(&backlog, &downstream, []).await);
    }

    #[tokio::test]
    async fn unavailable_consumer_groups_are_waited_for_once() {
        let (backlog, downstream) = (eager(Duration::from_millis(50)), downstream());
        let full = || [Ok(Some(9_999)), unavailable()];
        for _ in 0..2 {
            assert!(!check(&backlog, &downstream, full()).await);
            let checks = async { while !check(&backlog, &downstream, full()).await {} };
            timeout(Duration::from_secs(60), checks).await.unwrap();
        }
    }
}
