//! Limits bulk publishing by consumer group lag. A topic keeps its order, so live records must not queue behind a long backlog. While the
//! downstream consumer group lags, bulk records stay at their origin, where they are ordered by class.
//!
//! How many may wait in a topic follows from the speed of its consumer group: what it takes in [`WINDOW`], and once that much again for a
//! caller that finds room. So a fast group is busy until the next check, and behind a slow one a live record waits no longer. A group that has
//! nothing left gets up to twice as much as it took, until it has something left.

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

/// A topic has capacity while its consumer group needs at most this long for what waits there.
const WINDOW: Duration = Duration::from_millis(25);

/// The bounds of that in records: the smaller one counts also while the speed of the group is unknown.
const WINDOW_RECORDS: (u64, u64) = (100, 2_000);

/// How long a topic counts as having no consumer before the next check.
const NO_CONSUMER_RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How far a consumer group is in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lag {
    /// How many records the group has not committed.
    pub(super) records: u64,
    /// The sum of the offsets that it has committed. It grows with the speed of the group.
    pub(super) committed: u64,
}

/// A source of consumer group lag.
#[async_trait]
pub(super) trait LagSource: Sync {
    /// How far a group is; `None` if it never committed anything.
    async fn consumer_lag(&self, topic: &Topic, group: &'static str) -> Result<Option<Lag>, Error>;
}

/// What the last checks of topics found.
#[derive(Debug)]
pub(super) struct Backlog {
    max_wait: Duration,
    /// How long a check without capacity is valid for all callers in this process.
    check_interval: Duration,
    states: Mutex<HashMap<Topic, TopicState>>,
    /// One lock per topic, so that one caller checks at a time.
    check_locks: Mutex<HashMap<Topic, CheckLock>>,
}

type CheckLock = Arc<tokio::sync::Mutex<Checks>>;

/// What is remembered from one check of a topic to the next.
#[derive(Debug, Default)]
struct Checks {
    /// The time of the last check.
    last: Option<Instant>,
    /// The last lag, and when it was measured.
    lag: Option<(Instant, Lag)>,
    /// How many records a second the consumer group takes while some wait.
    speed: f64,
}

#[derive(Debug, Clone, Copy)]
enum TopicState {
    /// The topic has room for that many records.
    Room(u64),
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

    /// How many records these topics have room for: 0 while one has none, unless the maximum wait is over. The wait counts from the first
    /// check, even if the caller cancels and asks again.
    pub(super) async fn capacity(&self, source: &impl LagSource, topics: &[Topic]) -> u64 {
        let checks = topics.iter().filter_map(|topic| Some((topic, topic.kind().consumer_group?)));
        join_all(checks.map(|(topic, group)| self.check(source, topic, group))).await;
        let mut states = self.states();
        let full: Vec<&Topic> = topics.iter().filter(|topic| matches!(states.get(topic), Some(TopicState::Full(_)))).collect();
        let is_awaited = |topic: &&Topic| matches!(states.get(topic), Some(TopicState::Full(since)) if since.elapsed() < self.max_wait);
        if full.iter().any(is_awaited) {
            return 0;
        }
        for topic in full {
            states.insert(topic.clone(), TopicState::Full(Instant::now()));
        }
        let room = |topic| match states.get(topic) {
            Some(TopicState::Room(records)) => *records,
            Some(TopicState::Full(_)) => WINDOW_RECORDS.0,
            Some(TopicState::NoConsumer(_)) | None => WINDOW_RECORDS.1,
        };
        topics.iter().map(room).min().unwrap_or(WINDOW_RECORDS.1)
    }

    /// Checks a topic, unless another caller has just done so: one caller checks for all.
    async fn check(&self, source: &impl LagSource, topic: &Topic, group: &'static str) {
        let check_lock = self.check_lock(topic);
        let mut checks = check_lock.lock().await;
        let is_known = match self.states().get(topic) {
            Some(TopicState::NoConsumer(since)) => since.elapsed() < NO_CONSUMER_RECHECK_INTERVAL,
            Some(TopicState::Full(_)) => checks.last.is_some_and(|at| at.elapsed() < self.check_interval),
            Some(TopicState::Room(_)) | None => false,
        };
        if is_known {
            return;
        }
        let lag = source.consumer_lag(topic, group).await;
        let now = Instant::now();
        checks.last = Some(now);
        let lag = lag.map(|lag| lag.map(|lag| (lag.records, checks.window(lag, now))));
        let mut states = self.states();
        match lag {
            Ok(Some((records, window))) if records <= window => {
                states.insert(topic.clone(), TopicState::Room(window));
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

impl Checks {
    /// Takes a measurement; returns how many records may wait in the topic.
    fn window(&mut self, lag: Lag, now: Instant) -> u64 {
        if let Some((at, before)) = self.lag.replace((now, lag)) {
            let elapsed = now.duration_since(at).as_secs_f64().max(f64::EPSILON);
            let speed = lag.committed.saturating_sub(before.committed) as f64 / elapsed;
            self.speed = match (before.records, lag.records) {
                // It has nothing left, and may be faster than what was seen of it: twice as fast is tried.
                (_, 0) => self.speed.max(2.0 * speed),
                (0, _) => self.speed.max(speed),
                (_, _) => self.speed.midpoint(speed),
            };
        }
        ((self.speed * WINDOW.as_secs_f64()) as u64).clamp(WINDOW_RECORDS.0, WINDOW_RECORDS.1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tokio::time::timeout;

    use super::*;
    use crate::{Cleanup, TopicKind};

    static KEPT: TopicKind = TopicKind { name: "kept", cleanup: Cleanup::Retain(Duration::ZERO), consumer_group: None };
    static TAKEN: TopicKind = TopicKind { name: "taken", cleanup: Cleanup::Retain(Duration::ZERO), consumer_group: Some("taker") };

    /// What a check is answered: a lag, no commit, or an error.
    type Answer = Result<Option<Lag>, Error>;

    /// Returns one prepared answer per check.
    struct Script(Mutex<VecDeque<Answer>>);

    #[async_trait]
    impl LagSource for Script {
        async fn consumer_lag(&self, _: &Topic, _: &'static str) -> Answer {
            self.0.lock().pop_front().expect("an unexpected check")
        }
    }

    fn unavailable() -> Answer {
        Err(Error::Unavailable("injected by the test".to_owned()))
    }

    /// A group that lags by so many records and has never been seen to take any.
    fn lag(records: u64) -> Answer {
        Ok(Some(Lag { records, committed: 0 }))
    }

    fn downstream() -> [Topic; 2] {
        ["hub", "lab"].map(|target| TAKEN.of(target))
    }

    /// Whether these topics have capacity, with these answers, all of which must be used.
    async fn check(backlog: &Backlog, topics: &[Topic], answers: impl IntoIterator<Item = Answer>) -> bool {
        let source = Script(Mutex::new(answers.into_iter().collect()));
        let has_capacity = backlog.capacity(&source, topics).await > 0;
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
        async fn consumer_lag(&self, _: &Topic, _: &'static str) -> Answer {
            *self.0.lock() += 1;
            lag(9_999)
        }
    }

    #[tokio::test]
    async fn a_topic_is_checked_once_an_interval_for_all_waiters() {
        let long = Duration::from_secs(3_600);
        let (backlog, counting, downstream) = (Backlog { check_interval: long, ..Backlog::new(long) }, Counting::default(), downstream());
        let asks = (0..50).map(|_| backlog.capacity(&counting, &downstream));
        assert!(join_all(asks).await.iter().all(|capacity| *capacity == 0));
        assert_eq!(*counting.0.lock(), 2, "once a topic");
    }

    #[tokio::test]
    async fn capacity_requires_little_lag_of_every_consumer_group() {
        let (backlog, downstream) = (eager(Duration::from_secs(3_600)), downstream());
        assert!(check(&backlog, &downstream, [lag(100), lag(0)]).await);
        assert!(!check(&backlog, &downstream, [lag(101), lag(0)]).await);
        assert!(!check(&backlog, &downstream, [lag(0), lag(101)]).await);
        assert!(!check(&backlog, &downstream, [unavailable(), lag(0)]).await, "its lag is unknown");
        assert!(check(&backlog, &downstream, [lag(0), lag(0)]).await);
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
        let full = || [lag(9_999), unavailable()];
        for _ in 0..2 {
            assert!(!check(&backlog, &downstream, full()).await);
            let checks = async { while !check(&backlog, &downstream, full()).await {} };
            timeout(Duration::from_secs(60), checks).await.unwrap();
        }
    }

    #[test]
    fn as_much_may_wait_as_the_group_takes_until_the_next_check() {
        let (mut checks, mut now) = (Checks::default(), Instant::now());
        let mut window = |records, committed| {
            now += Duration::from_millis(20);
            checks.window(Lag { records, committed }, now)
        };
        assert_eq!(window(0, 0), 100, "its speed is not known");
        assert_eq!(window(0, 400), 1_000, "it took 20,000 a second and has nothing left: twice that is tried");
        assert_eq!(window(500, 400), 1_000, "it had nothing to take");
        assert_eq!(window(700, 400), 500, "it stands still");
        assert_eq!(window(200, 900), 562, "20,000 and 25,000 a second, on average");
        assert_eq!(window(0, 900), 562, "nothing is known of what it would have taken");
        assert_eq!(window(200, 900_000), 2_000, "the most");
        let stalled = (0..30).map(|_| window(200, 900_000)).last();
        assert_eq!(stalled, Some(100), "the fewest");
    }
}
