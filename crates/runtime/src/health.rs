//! The health of a process: named conditions for readiness; for liveness, that the process answers.
//!
//! A process is ready when it has a condition, every condition is true and it does not drain. It is live while the runtime answers a probe;
//! this says nothing about single tasks. An unavailable dependency makes a process not ready, and it stays live, because a restart would
//! not help. Reasons name systems, tenants and codes, and no users or addresses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tracing::{info, warn};

/// The health of a process; clones share its state.
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

/// A probe of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Whether the process answers: always true in an answer.
    Live,
    /// Whether the process may get work.
    Ready,
}

/// The result of a probe, with one line for each condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// Whether the probe passes.
    pub passes: bool,
    /// `[+]bus ok`, `[-]store failed: the database is unavailable`.
    pub lines: String,
}

impl Health {
    /// A health without conditions, which is not ready yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition of readiness; its name is unique in the process. It is false until it is set.
    #[must_use]
    pub fn condition(&self, name: impl Into<String>) -> Condition {
        let name = name.into();
        self.lock().conditions.insert(name.clone(), Status { holds: false, reason: "starting".to_owned() });
        Condition { health: self.clone(), name }
    }

    /// Starts to drain: the process is no longer ready but still live.
    pub fn drain(&self) {
        self.lock().draining = true;
    }

    /// Whether the process may get work.
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
        let lines = if self.draining { line(lines, "draining", false, "shutdown requested") } else { lines };
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
    /// Sets whether the condition is true, and why.
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
        assert!(!health.is_ready(), "it has no condition yet");
        let (bus, store) = (health.condition("bus"), health.condition("store"));
        assert!(!health.is_ready());
        bus.set(true, "");
        store.set(false, "the database is unavailable");
        let answer = health.probe(Probe::Ready);
        assert_eq!((answer.passes, answer.lines.as_str()), (false, "[+]bus ok\n[-]store failed: the database is unavailable\n"));
        assert!(health.probe(Probe::Live).passes, "a dependency never makes it not live");
        store.set(true, "");
        assert!(health.is_ready());
        bus.set(false, "away");
        drop(bus);
        assert!(health.is_ready(), "a removed condition has no effect");
        health.drain();
        assert!(!health.is_ready() && health.probe(Probe::Live).passes);
    }
}
