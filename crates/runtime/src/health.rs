//! How a process is: named conditions for readiness; for liveness, that it answers.
//!
//! Ready: every condition is true, there is at least one, and nobody has begun to drain. Live: the runtime still answers a probe; of
//! single tasks that says nothing. A dependency that is away makes a process unready and never dead: a restart would not bring it back.
//! Reasons name systems, tenants and codes, no people and no addresses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tracing::{info, warn};

/// The health of a process; clones speak of the same one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    conditions: BTreeMap<String, Status>,
    draining: bool,
}

#[derive(Debug)]
struct Status {
    holds: bool,
    reason: String,
}

/// What is asked of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Does it answer at all? Whoever can ask has the answer: yes.
    Live,
    /// May it be given work?
    Ready,
}

/// An answer: yes or no, and each part of it on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// Whether all is well.
    pub passes: bool,
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

    /// Takes no new work from now on: not ready any more, still live.
    pub fn drain(&self) {
        self.lock().draining = true;
    }

    /// Whether it may be given work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.probe(Probe::Ready).passes
    }

    /// Answers a probe.
    #[must_use]
    pub fn probe(&self, probe: Probe) -> ProbeResult {
        let state = self.lock();
        match probe {
            Probe::Live => ProbeResult { passes: true, lines: String::new() },
            Probe::Ready => state.ready(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl State {
    fn ready(&self) -> ProbeResult {
        let lines = self.conditions.iter().fold(String::new(), |lines, (name, status)| line(lines, name, status.holds, &status.reason));
        let lines = if self.draining { line(lines, "draining", false, "asked to stop") } else { lines };
        let passes = !self.draining && !self.conditions.is_empty() && self.conditions.values().all(|status| status.holds);
        ProbeResult { passes, lines }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_every_condition_holds_and_it_does_not_drain() {
        let health = Health::new();
        assert!(!health.is_ready(), "nothing is known yet");
        let (bus, store) = (health.condition("bus"), health.condition("store"));
        assert!(!health.is_ready());
        bus.set(true, "");
        store.set(false, "the database is away");
        let answer = health.probe(Probe::Ready);
        assert_eq!((answer.passes, answer.lines.as_str()), (false, "[+]bus ok\n[-]store failed: the database is away\n"));
        assert!(health.probe(Probe::Live).passes, "a dependency never makes it dead");
        store.set(true, "");
        assert!(health.is_ready());
        bus.set(false, "away");
        drop(bus);
        assert!(health.is_ready(), "a condition that is gone asks for nothing");
        health.drain();
        assert!(!health.is_ready() && health.probe(Probe::Live).passes);
    }
}
