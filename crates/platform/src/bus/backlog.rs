//! Whether there is room on a topic for what is bulk. A topic keeps its order whatever comes, so what is urgent must never stand behind
//! much else: while its taker is far behind, a backlog stays where it came from and goes by class.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tracing::debug;
use xtsync_proto::topic::Topic;

use super::Error;

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
    seen: Mutex<HashMap<Topic, Seen>>,
}

#[derive(Debug, Clone, Copy)]
enum Seen {
    /// There has been no room since then.
    Full(Instant),
    /// Nobody had ever taken any then, or it could not be learnt.
    Untaken(Instant),
}

impl Backlog {
    /// One that has seen nothing yet, where bulk waits for so long at most.
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, seen: Mutex::default() }
    }

    /// Whether there is room on all of these topics, or has been none for so long that it is not waited for.
    pub(super) async fn has_room(&self, look: &impl Look, topics: &[Topic]) -> bool {
        for topic in topics {
            if let Some(group) = topic.taken_by()
                && !self.is_near(look, topic, group).await
            {
                return false;
            }
        }
        true
    }

    async fn is_near(&self, look: &impl Look, topic: &Topic, group: &'static str) -> bool {
        let before = self.seen().remove(topic);
        let seen = match before {
            Some(Seen::Untaken(since)) if since.elapsed() < NOBODY_FOR => Some(Seen::Untaken(since)),
            _ => match look.behind(topic, group).await {
                Ok(Some(behind)) if behind <= NEAR => None,
                Ok(Some(_)) => match before {
                    Some(Seen::Full(since)) if since.elapsed() >= self.patience => None,
                    Some(Seen::Full(since)) => Some(Seen::Full(since)),
                    Some(Seen::Untaken(_)) | None => Some(Seen::Full(Instant::now())),
                },
                Ok(None) => Some(Seen::Untaken(Instant::now())),
                Err(error) => {
                    debug!(%topic, group, %error, "nobody knows how far the topic is taken");
                    Some(Seen::Untaken(Instant::now()))
                }
            },
        };
        self.seen().extend(seen.map(|seen| (topic.clone(), seen)));
        !matches!(seen, Some(Seen::Full(_)))
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<Topic, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use xtsync_domain::TenantName;

    use super::*;

    /// Answers that so many records stand before the taker, one after the other, and then that nobody takes any.
    struct Script(Mutex<VecDeque<u64>>);

    #[async_trait]
    impl Look for Script {
        async fn behind(&self, _: &Topic, _: &'static str) -> Result<Option<u64>, Error> {
            Ok(self.0.lock().unwrap().pop_front())
        }
    }

    fn decisions(target: &str) -> Topic {
        Topic::Decisions(TenantName::new(target).unwrap())
    }

    /// Whether there is room on these topics, and how many of these answers that took.
    async fn look(backlog: &Backlog, answers: &[u64], topics: &[Topic]) -> (bool, usize) {
        let look = Script(Mutex::new(answers.iter().copied().collect()));
        let has_room = backlog.has_room(&look, topics).await;
        let left = look.0.lock().unwrap().len();
        (has_room, answers.len() - left)
    }

    #[tokio::test]
    async fn there_is_room_where_every_taker_is_near() {
        let backlog = Backlog::new(Duration::from_secs(3_600));
        let (hub, lab) = (decisions("hub"), decisions("lab"));
        let way = [hub, lab];
        assert_eq!(look(&backlog, &[100, 7], &way[..1]).await, (true, 1));
        assert_eq!(look(&backlog, &[101, 7], &way[..1]).await, (false, 1));
        assert_eq!(look(&backlog, &[101, 7], &way).await, (false, 1));
        assert_eq!(look(&backlog, &[0, 101, 7], &way).await, (false, 2));
        assert_eq!(look(&backlog, &[0, 0, 7], &way).await, (true, 2));
        assert_eq!(look(&backlog, &[9_999], &[Topic::Config]).await, (true, 0), "nobody takes it by name");
    }

    #[tokio::test]
    async fn a_topic_that_nobody_takes_has_room_and_is_left_alone_for_a_while() {
        let backlog = Backlog::new(Duration::from_secs(3_600));
        assert_eq!(look(&backlog, &[], &[decisions("hub")]).await, (true, 0));
        assert_eq!(look(&backlog, &[9_999], &[decisions("hub")]).await, (true, 0));
    }

    #[tokio::test]
    async fn who_is_away_is_not_waited_for_long_each_time() {
        let backlog = Backlog::new(Duration::ZERO);
        for _ in 0..3 {
            assert_eq!(look(&backlog, &[9_999], &[decisions("hub")]).await, (false, 1));
            assert_eq!(look(&backlog, &[9_999], &[decisions("hub")]).await, (true, 1));
        }
    }
}
