//! How a process is: named conditions for readiness, tasks in hand for liveness.
//!
//! Ready: every condition is true, there is at least one, and nobody has begun to drain. Live: no task has been in hand for longer than
//! it may. A dependency that is away makes a process unready and never dead: a restart would not bring it back. Reasons name systems,
//! tenants and codes, no people and no addresses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

/// The health of a process; clones speak of the same one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    conditions: BTreeMap<String, Status>,
    in_hand: BTreeMap<u64, InHand>,
    next: u64,
    draining: bool,
}

#[derive(Debug)]
struct Status {
    holds: bool,
    reason: String,
}

#[derive(Debug)]
struct InHand {
    task: &'static str,
    until: Instant,
}

/// What is asked of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Is any task stuck?
    Live,
    /// May it be given work?
    Ready,
}

/// An answer: yes or no, and each part of it on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether all is well.
    pub well: bool,
    /// `[+]bus ok`, `[-]store failed: the database is away`.
    pub lines: String,
}

impl Health {
    /// One without conditions, which is not ready yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names a condition of readiness; each name is used once in a process. It does not hold until it is said to.
    #[must_use]
    pub fn condition(&self, name: impl Into<String>) -> Condition {
        let name = name.into();
        self.lock().conditions.insert(name.clone(), Status { holds: false, reason: "starting".to_owned() });
        Condition { health: self.clone(), name }
    }

    /// Says that a task is in hand until the guard is dropped, and that it is stuck if that takes longer than `limit`.
    #[must_use]
    pub fn in_hand(&self, task: &'static str, limit: Duration) -> Working {
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        state.in_hand.insert(id, InHand { task, until: Instant::now() + limit });
        Working { health: self.clone(), id }
    }

    /// Takes no new work from now on: not ready any more, still live.
    pub fn drain(&self) {
        self.lock().draining = true;
    }

    /// Whether it may be given work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ask(Question::Ready).well
    }

    /// Answers a probe.
    #[must_use]
    pub fn ask(&self, question: Question) -> Answer {
        let state = self.lock();
        match question {
            Question::Live => state.live(),
            Question::Ready => state.ready(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while holding the health")
    }
}

impl State {
    fn live(&self) -> Answer {
        let now = Instant::now();
        let stuck = self.in_hand.values().filter(|in_hand| in_hand.until < now);
        let lines = stuck.fold(String::new(), |lines, in_hand| line(lines, in_hand.task, false, "in hand for too long"));
        Answer { well: lines.is_empty(), lines }
    }

    fn ready(&self) -> Answer {
        let lines = self.conditions.iter().fold(String::new(), |lines, (name, status)| line(lines, name, status.holds, &status.reason));
        let lines = if self.draining { line(lines, "draining", false, "asked to stop") } else { lines };
        let well = !self.draining && !self.conditions.is_empty() && self.conditions.values().all(|status| status.holds);
        Answer { well, lines }
    }
}

fn line(mut lines: String, name: &str, holds: bool, reason: &str) -> String {
    match (holds, reason) {
        (true, "") => writeln!(lines, "[+]{name} ok"),
        (true, reason) => writeln!(lines, "[+]{name} ok: {reason}"),
        (false, reason) => writeln!(lines, "[-]{name} failed: {reason}"),
    }
    .expect("writing to a string does not fail");
    lines
}

/// One condition of readiness. Dropping it removes the condition.
#[derive(Debug)]
pub struct Condition {
    health: Health,
    name: String,
}

impl Condition {
    /// Says whether it holds, and why.
    pub fn set(&self, holds: bool, reason: impl Into<String>) {
        let reason = reason.into();
        let mut state = self.health.lock();
        let Some(status) = state.conditions.get_mut(&self.name) else { return };
        if status.holds != holds {
            match holds {
                true => info!(condition = %self.name, %reason, "condition holds"),
                false => warn!(condition = %self.name, %reason, "condition does not hold"),
            }
        }
        *status = Status { holds, reason };
    }
}

impl Drop for Condition {
    fn drop(&mut self) {
        self.health.lock().conditions.remove(&self.name);
    }
}

/// A task in hand.
#[derive(Debug)]
pub struct Working {
    health: Health,
    id: u64,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.health.lock().in_hand.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_every_condition_holds_and_nobody_drains() {
        let health = Health::new();
        assert!(!health.is_ready(), "nothing is known yet");
        let (bus, store) = (health.condition("bus"), health.condition("store"));
        assert!(!health.is_ready());
        bus.set(true, "");
        store.set(false, "the database is away");
        let answer = health.ask(Question::Ready);
        assert_eq!((answer.well, answer.lines.as_str()), (false, "[+]bus ok\n[-]store failed: the database is away\n"));
        assert!(health.ask(Question::Live).well, "a dependency never makes it dead");
        store.set(true, "");
        assert!(health.is_ready());
        bus.set(false, "away");
        drop(bus);
        assert!(health.is_ready(), "a condition that is gone asks for nothing");
        health.drain();
        assert!(!health.is_ready() && health.ask(Question::Live).well);
    }

    #[tokio::test]
    async fn a_process_is_dead_only_while_a_task_is_stuck() {
        let health = Health::new();
        let long = health.in_hand("intake", Duration::from_secs(3600));
        assert!(health.ask(Question::Live).well);
        let stuck = health.in_hand("worker", Duration::ZERO);
        while health.ask(Question::Live).well {
            tokio::task::yield_now().await;
        }
        assert_eq!(health.ask(Question::Live).lines, "[-]worker failed: in hand for too long\n");
        drop((stuck, long));
        assert!(health.ask(Question::Live).well);
    }
}
