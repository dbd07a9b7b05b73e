//! The circuit breaker of one target: who may call it now, after what it answered.
//!
//! A failure concerns as little as it can. One object that fails leaves the others alone: its link tries again by itself. A verb that fails
//! for several objects without a success between opens that verb's circuit; the others go on. Only a refused credential, a target that
//! cannot be reached, and failures that repeat across verbs *and* objects concern the target as a whole.
//!
//! Leavers pass the circuits of verbs, and have a circuit of their own for the target: whatever joiners and movers met, leavers are tried
//! until one of their own calls fails for the target's sake, and again soon after that. After a pause a circuit is half-open: one link
//! finds out. Pure: time, chance and outcomes are passed in.

mod circuit;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::Rng;
use xtsync_domain::Timestamp;
use xtsync_domain::link::Class;

use self::circuit::{Circuit, State};
use crate::table::Key;

/// For so many objects a verb must fail without a success before that is the verb's fault.
const OBJECTS_MIN: usize = 3;

/// So many verbs must be at fault without any success before that is the target's fault.
const VERBS_MIN: usize = 2;

/// How long a link that finds out about a verb keeps others from doing the same.
const PROBE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long others wait meanwhile.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// The longest pause that a target may ask of joiners and movers, and of leavers.
const THROTTLED_MAX: (Duration, Duration) = (Duration::from_secs(10 * 60), Duration::from_secs(30));

/// The first pause after failures and the longest: of leavers, and of the others.
const LEAVERS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
const OTHERS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Why a target is left alone that asks for it.
const THROTTLED: &str = "throttled";

/// So much later each further link that waits for a verb comes back: not all of them at once.
const SPREAD_STEP: Duration = Duration::from_millis(10);
const SPREAD_LIMIT: Duration = Duration::from_secs(10 * 60);

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Users who lose access.
    Leavers,
    /// All others.
    Others,
}

/// Why a whole target cannot be called now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetFailure {
    /// It asks us to wait.
    Throttled(Duration),
    /// It cannot be reached.
    Unavailable,
    /// It refuses our credentials; a stable code.
    Blocked(String),
}

/// How a verb fails for one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VerbFailure {
    /// The target forbids it.
    Forbidden,
    /// The target fails, and may have said for how long.
    Failing(Option<Duration>),
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallResult {
    /// It was answered: done, or refused for what was asked.
    Answered,
    /// It failed, perhaps for this object only.
    Failed(VerbFailure),
    /// The target as a whole cannot be called.
    TargetFailed(TargetFailure),
}

/// Whether a call may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It may.
    Allowed,
    /// The whole target is set aside.
    TargetBlocked,
    /// The verb is: the link waits, and is no news until the verb is tried again.
    Wait {
        /// Such as `invite_forbidden`.
        code: String,
        /// When the verb is tried next.
        until: Timestamp,
        /// By how much later this link may come back, so that not all do at once.
        spread: Duration,
    },
}

/// How many links of a lane may be worked on at once, as far as the breaker is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// As many as the concurrency limit allows.
    Free,
    /// One, to find out.
    Probe,
    /// None.
    Blocked,
}

/// A verb that is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlockedVerb {
    /// Such as `invite_forbidden`.
    pub(crate) code: String,
    /// When it is tried next.
    pub(crate) until: Timestamp,
}

/// The circuit breaker of one target.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    others: Circuit,
    leavers: Circuit,
    verbs: BTreeMap<&'static str, Verb>,
    /// Verbs at fault since the last success of any.
    at_fault: BTreeSet<&'static str>,
}

/// What is known of one verb.
#[derive(Debug, Default)]
struct Verb {
    circuit: Circuit,
    /// Objects for which it failed since it last succeeded, as many as matter.
    failed: BTreeSet<Key>,
    /// Who finds out whether it works again, and until when that is waited for.
    probe: Option<(Key, Timestamp)>,
    /// How many links were postponed since the last attempt.
    waiting: u32,
}

impl Lane {
    /// The lane of a class of work.
    pub(crate) fn of(class: Class) -> Self {
        match class {
            Class::Leaver | Class::Revoke => Self::Leavers,
            Class::Live | Class::Bulk => Self::Others,
        }
    }
}

impl VerbFailure {
    fn code(self, verb: &str) -> String {
        match self {
            Self::Forbidden => format!("{verb}_forbidden"),
            Self::Failing(_) => format!("{verb}_failing"),
        }
    }

    fn wait(self) -> Duration {
        match self {
            Self::Forbidden | Self::Failing(None) => Duration::ZERO,
            Self::Failing(Some(wait)) => wait,
        }
    }
}

impl Breaker {
    /// Whether a call may start that needs these verbs, the first now and others soon after.
    pub(crate) fn admit(&mut self, lane: Lane, verbs: &[&'static str], object: &Key, now: Timestamp) -> Admission {
        if self.lane(lane).state(now) == State::Open {
            return Admission::TargetBlocked;
        }
        if lane == Lane::Leavers {
            return Admission::Allowed;
        }
        let waits = verbs.iter().find_map(|name| self.verbs.get_mut(name).and_then(|verb| verb.waits(object, now)));
        if let Some(wait) = waits {
            return wait;
        }
        for name in verbs {
            self.verbs.get_mut(name).into_iter().for_each(|verb| verb.begin_probe(object, now));
        }
        Admission::Allowed
    }

    /// Takes in the result of a call. Returns the code of a verb that works again: links that waited for it are due.
    pub(crate) fn report(
        &mut self,
        lane: Lane,
        verb: &'static str,
        object: &Key,
        call_result: &CallResult,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Option<String> {
        match call_result {
            CallResult::Answered => self.answered(lane, verb, now),
            CallResult::Failed(failure) => {
                self.failed(lane, verb, object, *failure, now, rng);
                None
            }
            CallResult::TargetFailed(failure) => {
                self.target_failed(lane, failure, now, rng);
                None
            }
        }
    }

    /// The job of a link has ended: if it was to probe a verb and did not call it, the next one may.
    pub(crate) fn release_probe(&mut self, object: &Key) {
        self.verbs.values_mut().for_each(|verb| drop(verb.probe.take_if(|(prober, _)| prober == object)));
    }

    /// How many links of a lane may be worked on at once.
    pub(crate) fn passage(&self, lane: Lane, now: Timestamp) -> Passage {
        match self.lane(lane).state(now) {
            State::Closed => Passage::Free,
            State::HalfOpen => Passage::Probe,
            State::Open => Passage::Blocked,
        }
    }

    /// When a lane that is shut is tried next.
    pub(crate) fn open_until(&self, lane: Lane, now: Timestamp) -> Option<Timestamp> {
        self.lane(lane).until(now)
    }

    /// Why the target as a whole is set aside; none where it is not.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.others.reason().or(self.leavers.reason())
    }

    /// The verbs that are set aside.
    pub(crate) fn blocked_verbs(&self) -> Vec<BlockedVerb> {
        let blocked = |verb: &Verb| Some(BlockedVerb { code: verb.circuit.reason()?.to_owned(), until: verb.circuit.next_try()? });
        self.verbs.values().filter_map(blocked).collect()
    }

    /// Lets everything be tried at once: an operator asks for it.
    pub(crate) fn probe_now(&mut self, now: Timestamp) {
        for circuit in [&mut self.others, &mut self.leavers].into_iter().chain(self.verbs.values_mut().map(|verb| &mut verb.circuit)) {
            circuit.half_open(now);
        }
        self.verbs.values_mut().for_each(|verb| verb.probe = None);
    }

    fn answered(&mut self, lane: Lane, name: &'static str, now: Timestamp) -> Option<String> {
        self.at_fault.clear();
        // Where a leaver gets through the others may try too, unless they were asked to wait.
        if lane == Lane::Leavers && self.others.reason() != Some(THROTTLED) {
            self.others.half_open(now);
        }
        self.reached(now);
        let verb = self.verbs.get_mut(name)?;
        verb.failed.clear();
        // What was asked before the circuit opened does not say that it may be asked again.
        let code = verb.circuit.succeeded(now)?;
        *verb = Verb::default();
        Some(code)
    }

    fn failed(&mut self, lane: Lane, name: &'static str, object: &Key, failure: VerbFailure, now: Timestamp, rng: &mut impl Rng) {
        let verb = self.verbs.entry(name).or_default();
        if verb.fail(object, failure.code(name), failure.wait(), now, rng) {
            self.at_fault.insert(name);
        }
        if self.at_fault.len() >= VERBS_MIN {
            let reason = failure.code("everything");
            self.others.open(&reason, pause(self.others.failures(), OTHERS, rng).max(failure.wait()), now);
            if lane == Lane::Leavers {
                self.leavers.open(&reason, pause(self.leavers.failures(), LEAVERS, rng), now);
            }
        } else if failure == VerbFailure::Forbidden {
            self.reached(now);
        }
    }

    /// The target was reached and accepted our credentials: the probe is over.
    fn reached(&mut self, now: Timestamp) {
        self.others.succeeded(now);
        self.leavers.succeeded(now);
    }

    fn target_failed(&mut self, lane: Lane, failure: &TargetFailure, now: Timestamp, rng: &mut impl Rng) {
        let leavers = (lane == Lane::Leavers).then_some(&mut self.leavers);
        for (circuit, throttled_max, pace) in
            [(&mut self.others, THROTTLED_MAX.0, OTHERS)].into_iter().chain(leavers.map(|circuit| (circuit, THROTTLED_MAX.1, LEAVERS)))
        {
            match failure {
                TargetFailure::Throttled(wait) => circuit.hold(THROTTLED, (*wait).min(throttled_max), now),
                TargetFailure::Unavailable => circuit.open("away", pause(circuit.failures(), pace, rng), now),
                TargetFailure::Blocked(code) => circuit.open(code, pause(circuit.failures(), pace, rng), now),
            }
        }
    }

    fn lane(&self, lane: Lane) -> &Circuit {
        match lane {
            Lane::Leavers => &self.leavers,
            Lane::Others => &self.others,
        }
    }
}

impl Verb {
    /// The answer to a link that needs the verb while its circuit is open.
    fn waits(&mut self, object: &Key, now: Timestamp) -> Option<Admission> {
        let until = match (self.circuit.state(now), &self.probe) {
            (State::Closed, _) => return None,
            (State::Open, _) => self.circuit.next_try()?,
            (State::HalfOpen, Some((prober, until))) if prober != object && now < *until => now.plus(PROBE_WAIT),
            (State::HalfOpen, _) => return None,
        };
        self.waiting = self.waiting.saturating_add(1);
        let spread = SPREAD_STEP.saturating_mul(self.waiting).min(SPREAD_LIMIT);
        Some(Admission::Wait { code: self.circuit.reason()?.to_owned(), until, spread })
    }

    fn begin_probe(&mut self, object: &Key, now: Timestamp) {
        let is_probed_by_other = self.probe.as_ref().is_some_and(|(prober, until)| prober != object && now < *until);
        if self.circuit.state(now) == State::HalfOpen && !is_probed_by_other {
            self.probe = Some((object.clone(), now.plus(PROBE_TIMEOUT)));
        }
    }

    /// Takes in that it failed for an object. Whether it, and not the object, is at fault.
    fn fail(&mut self, object: &Key, code: String, wait: Duration, now: Timestamp, rng: &mut impl Rng) -> bool {
        if self.failed.len() < OBJECTS_MIN {
            self.failed.insert(object.clone());
        }
        let is_at_fault = match self.circuit.state(now) {
            // One object that fails again and again is one.
            State::Closed => self.failed.len() >= OBJECTS_MIN,
            State::HalfOpen | State::Open => true,
        };
        if is_at_fault {
            self.circuit.open(&code, pause(self.circuit.failures(), OTHERS, rng).max(wait), now);
            (self.probe, self.waiting) = (None, 0);
        }
        is_at_fault
    }
}

/// The pause after so many failures: doubled each time, the half of it by chance.
fn pause(failures: u32, (first, max): (Duration, Duration), rng: &mut impl Rng) -> Duration {
    let most = first.saturating_mul(2_u32.saturating_pow(failures)).min(max);
    most.mul_f64(0.5 + 0.5 * rng.random::<f64>())
}

#[cfg(test)]
mod tests;
