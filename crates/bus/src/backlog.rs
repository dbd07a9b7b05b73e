//! Limits bulk publishing by consumer group lag. A topic keeps its order, so live records must not queue behind a long backlog. While the
//! downstream consumer group lags, bulk records stay at their origin, where they are ordered by class.

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

/// How long bulk waits at most. The consumer group may be down for long, and other consumers read the topic, too.
pub(super) const BULK_MAX_WAIT: Duration = Duration::from_secs(1);

/// A topic has capacity while its consumer group lags by at most this many records: enough to keep it busy until the next ones arrive.
const CAPACITY_LAG_MAX: u64 = 100;

/// How long a topic counts as having no consumer before the next check.
const NO_CONSUMER_RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A source of consumer group lag.
#[async_trait]
pub(super) trait LagSource: Sync {
    /// The number of records that a group has not committed; `None` if it never committed any.
    async fn consumer_lag(&self, topic: &Topic, group: &'static str) -> Result<Option<u64>, Error>;
}

/// The topics that had no capacity, or no consumer, at the last check.
#[derive(Debug)]
pub(super) struct Backlog {
    max_wait: Duration,
    /// How long a check without capacity is valid for all callers in this process.
    check_interval: Duration,
    states: Mutex<HashMap<Topic, TopicState>>,
    /// One lock per topic, so that one caller checks at a time; it holds the time of the last check.
    check_locks: Mutex<HashMap<Topic, CheckLock>>,
}

type CheckLock = Arc<tokio::sync::Mutex<Option<Instant>>>;

#[derive(Debug, Clone, Copy)]
enum TopicState {
    /// The topic has had no capacity since then, or its lag was unavailable.
    Full(Instant),
    /// The group had never committed at that time.
    NoConsumer(Instant),
}

impl Backlog {
    /// A backlog without any state, where bulk waits at most `max_wait`.
    pub(super) fn new(max_wait: Duration) -> Self {
        Self { max_wait, check_interval: CAPACITY_CHECK_INTERVAL, states: Mutex::default(), check_locks: Mutex::default() }
    }

    /// Whether all of these topics have capacity, or the maximum wait is over. The wait counts from the first check, even if the caller
    /// cancels and asks again.
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

    /// Checks a topic, unless another caller has just done so: one caller checks for all.
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

    /// Returns one prepared answer per check: a lag, no commit, or an error.
    struct Script(Mutex<VecDeque<Result<Option<u64>, Error>>>);

    #[async_trait]
    impl LagSource for Script {
        async fn consumer_lag(&self, _: &Topic, _: &'static str) -> Result<Option<u64>, Error> {
            self.0.lock().pop_front().expect("an unexpected check")
        }
    }

    fn unavailable() -> Result<Option<u64>, Error> {
        Err(Error::Unavailable("injected by the test".to_owned()))
    }

    fn downstream() -> [Topic; 2] {
        ["hub", "lab"].map(|target| TAKEN.of(target))
    }

    /// Whether these topics have capacity, with these answers, all of which must be used.
    async fn check(backlog: &Backlog, topics: &[Topic], answers: impl IntoIterator<Item = Result<Option<u64>, Error>>) -> bool {
        let source = Script(Mutex::new(answers.into_iter().collect()));
        let has_capacity = backlog.has_capacity(&source, topics).await;
        assert_eq!(source.0.lock().len(), 0, "some answers were not used");
        has_capacity
    }

    /// A backlog that checks at each call.
    fn eager(max_wait: Duration) -> Backlog {
        Backlog { check_interval: Duration::ZERO, ..Backlog::new(max_wait) }
    }

    /// Counts the checks; there is never any capacity.
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
    async fn capacity_requires_little_lag_of_every_consumer_group() {
        let (backlog, downstream) = (eager(Duration::from_secs(3_600)), downstream());
        assert!(check(&backlog, &downstream, [Ok(Some(100)), Ok(Some(0))]).await);
        assert!(!check(&backlog, &downstream, [Ok(Some(101)), Ok(Some(0))]).await);
        assert!(!check(&backlog, &downstream, [Ok(Some(0)), Ok(Some(101))]).await);
        assert!(!check(&backlog, &downstream, [unavailable(), Ok(Some(0))]).await, "its lag is unknown");
        assert!(check(&backlog, &downstream, [Ok(Some(0)), Ok(Some(0))]).await);
        assert!(check(&backlog, &[KEPT.topic()], []).await, "it has no consumer group");
    }

    #[tokio::test]
    async fn a_topic_without_consumers_has_capacity_and_is_rechecked_later() {
        let (backlog, downstream) = (eager(Duration::from_secs(3_600)), downstream());
        assert!(check(&backlog, &downstream[..1], [Ok(None)]).await);
        assert!(check(&backlog, &downstream, [Err(Error::Missing("lab".to_owned()))]).await);
        assert!(check(&backlog, &downstream, []).await);
    }

    #[tokio::test]
    async fn unavailable_consumer_groups_are_awaited_for_the_maximum_wait() {
        let (backlog, downstream) = (eager(Duration::from_millis(50)), downstream());
        let full = || [Ok(Some(9_999)), unavailable()];
        for _ in 0..2 {
            assert!(!check(&backlog, &downstream, full()).await);
            let checks = async { while !check(&backlog, &downstream, full()).await {} };
            timeout(Duration::from_secs(60), checks).await.unwrap();
        }
    }
}
