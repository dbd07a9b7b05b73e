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

use super::{Error, ROOM_LOOK};

/// How long bulk waits at most: who takes a topic may be away for long, and is not the only one who reads it.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// There is room while no more records stand before the taker: enough to go on with while the next are on their way.
const NEAR: u64 = 100;

/// How long it is believed that nobody takes a topic.
const NOBODY_FOR: Duration = Duration::from_secs(1);

/// Whoever can say how far a group has come.
#[async_trait]
pub(super) trait Look: Sync {
    /// How many records of a topic a group has not committed, `None` where it never committed any.
    async fn behind(&self, topic: &Topic, group: &'static str) -> Result<Option<u64>, Error>;
}

/// What was seen of the topics that have a taker, where he was not near.
#[derive(Debug)]
pub(super) struct Backlog {
    patience: Duration,
    /// How long a look that found no room holds for everybody who asks in this process.
    pace: Duration,
    seen: Mutex<HashMap<Topic, Seen>>,
    /// Whose turn it is to look at a topic, and when it was looked at last.
    turns: Mutex<HashMap<Topic, Turn>>,
}

type Turn = Arc<tokio::sync::Mutex<Option<Instant>>>;

#[derive(Debug, Clone, Copy)]
enum Seen {
    /// There has been no room since then, or it could not be learnt whether there was.
    Full(Instant),
    /// Nobody had ever taken any then.
    Untaken(Instant),
}

impl Backlog {
    /// One that has seen nothing yet, where bulk waits for so long at most.
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, pace: ROOM_LOOK, seen: Mutex::default(), turns: Mutex::default() }
    }

    /// Whether there is room on all of these topics, or has been none for so long that it is not waited for. Whoever stops waiting for the
    /// answer, and asks again, has waited all the same.
    pub(super) async fn has_room(&self, look: &impl Look, topics: &[Topic]) -> bool {
        let looks = topics.iter().filter_map(|topic| Some((topic, topic.kind().consumer_group?)));
        join_all(looks.map(|(topic, group)| self.look(look, topic, group))).await;
        let mut seen = self.seen();
        let is_full = |topic: &&Topic| matches!(seen.get(topic), Some(Seen::Full(_)));
        let full: Vec<&Topic> = topics.iter().filter(is_full).collect();
        let is_awaited = |topic: &&Topic| matches!(seen.get(topic), Some(Seen::Full(since)) if since.elapsed() < self.patience);
        if full.iter().any(is_awaited) {
            return false;
        }
        for topic in full {
            seen.insert(topic.clone(), Seen::Full(Instant::now()));
        }
        true
    }

    /// Looks at a topic, unless somebody else has just done so: however many wait for room, one of them looks.
    async fn look(&self, look: &impl Look, topic: &Topic, group: &'static str) {
        let turn = self.turn(topic);
        let mut looked = turn.lock().await;
        let is_known = match self.seen().get(topic) {
            Some(Seen::Untaken(since)) => since.elapsed() < NOBODY_FOR,
            Some(Seen::Full(_)) => looked.is_some_and(|at| at.elapsed() < self.pace),
            None => false,
        };
        if is_known {
            return;
        }
        let behind = look.behind(topic, group).await;
        *looked = Some(Instant::now());
        let mut seen = self.seen();
        match behind {
            Ok(Some(behind)) if behind <= NEAR => {
                seen.remove(topic);
            }
            Ok(None) | Err(Error::Missing(_)) => {
                seen.insert(topic.clone(), Seen::Untaken(Instant::now()));
            }
            Ok(Some(_)) | Err(_) => {
                if let Err(error) = behind {
                    debug!(%topic, group, %error, "nobody knows how far the topic is taken");
                }
                if !matches!(seen.get(topic), Some(Seen::Full(_))) {
                    seen.insert(topic.clone(), Seen::Full(Instant::now()));
                }
            }
        }
    }

    fn turn(&self, topic: &Topic) -> Turn {
        self.turns.lock().entry(topic.clone()).or_default().clone()
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<Topic, Seen>> {
        self.seen.lock()
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
    impl Look for Script {
        async fn behind(&self, _: &Topic, _: &'static str) -> Result<Option<u64>, Error> {
            self.0.lock().pop_front().expect("there is no need to look")
        }
    }

    fn away() -> Result<Option<u64>, Error> {
        Err(Error::Away("as the test wants it".to_owned()))
    }

    fn way() -> [Topic; 2] {
        ["hub", "lab"].map(|target| TAKEN.of(target))
    }

    /// Whether there is room on these topics, by these answers, all of which are needed.
    async fn look(backlog: &Backlog, topics: &[Topic], answers: impl IntoIterator<Item = Result<Option<u64>, Error>>) -> bool {
        let look = Script(Mutex::new(answers.into_iter().collect()));
        let has_room = backlog.has_room(&look, topics).await;
        assert_eq!(look.0.lock().len(), 0, "it was looked at too rarely");
        has_room
    }

    /// One that looks whenever it is asked.
    fn eager(patience: Duration) -> Backlog {
        Backlog { pace: Duration::ZERO, ..Backlog::new(patience) }
    }

    /// Counts the looks; there is never any room.
    #[derive(Default)]
    struct Counting(Mutex<u32>);

    #[async_trait]
    impl Look for Counting {
        async fn behind(&self, _: &Topic, _: &'static str) -> Result<Option<u64>, Error> {
            *self.0.lock() += 1;
            Ok(Some(9_999))
        }
    }

    #[tokio::test]
    async fn however_many_wait_for_room_a_topic_is_looked_at_once_a_pace() {
        let long = Duration::from_secs(3_600);
        let (backlog, counting, way) = (Backlog { pace: long, ..Backlog::new(long) }, Counting::default(), way());
        let asks = (0..50).map(|_| backlog.has_room(&counting, &way));
        assert!(join_all(asks).await.iter().all(|has_room| !has_room));
        assert_eq!(*counting.0.lock(), 2, "once a topic");
    }

    #[tokio::test]
    async fn there_is_room_where_every_taker_is_near() {
        let (backlog, way) = (eager(Duration::from_secs(3_600)), way());
        assert!(look(&backlog, &way, [Ok(Some(100)), Ok(Some(0))]).await);
        assert!(!look(&backlog, &way, [Ok(Some(101)), Ok(Some(0))]).await);
        assert!(!look(&backlog, &way, [Ok(Some(0)), Ok(Some(101))]).await);
        assert!(!look(&backlog, &way, [away(), Ok(Some(0))]).await, "it may be full");
        assert!(look(&backlog, &way, [Ok(Some(0)), Ok(Some(0))]).await);
        assert!(look(&backlog, &[KEPT.topic()], []).await, "nobody takes it by name");
    }

    #[tokio::test]
    async fn a_topic_that_nobody_takes_has_room_and_is_left_alone_for_a_while() {
        let (backlog, way) = (eager(Duration::from_secs(3_600)), way());
        assert!(look(&backlog, &way[..1], [Ok(None)]).await);
        assert!(look(&backlog, &way, [Err(Error::Missing("lab".to_owned()))]).await);
        assert!(look(&backlog, &way, []).await);
    }

    #[tokio::test]
    async fn takers_who_are_away_are_not_waited_for_one_after_the_other_nor_anew_by_who_looks_beside() {
        let (backlog, way) = (eager(Duration::from_millis(50)), way());
        let full = || [Ok(Some(9_999)), away()];
        for _ in 0..2 {
            assert!(!look(&backlog, &way, full()).await);
            let looks = async { while !look(&backlog, &way, full()).await {} };
            timeout(Duration::from_secs(60), looks).await.unwrap();
        }
    }
}
