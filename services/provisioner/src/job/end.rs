//! How a job ends, and when its link is looked at again.

use std::time::Duration;

use rand::Rng;
use xtsync_domain::gate::ClosedReason;
use xtsync_domain::link::class::class;
use xtsync_domain::link::{Class, ConditionKind, DELETION_DEFERRED, Hold, Link, Verb};
use xtsync_domain::{Refusal, Timestamp};
use xtsync_runtime::backoff;

/// The longest first wait, and the longest of all, before a conflict is looked at again.
const CONFLICT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60 * 60));

/// The longest first wait, and the longest of all, for what was made to show: a leaver's object is found soon after it does.
const NOT_VISIBLE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// By how much longer than that a refusal may be left alone, as a share, so that many are not asked about at once.
const REFUSED_JITTER: f64 = 0.1;

/// Over how long those that waited for room in a window come back to it.
const LIMITED_SPREAD: Duration = Duration::from_secs(60);

/// How a job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The link is as desired.
    Converged,
    /// Nothing may be done before this moment.
    NotYet(Timestamp),
    /// All is done but the deletion, which is final and waits.
    Deferred {
        /// When that was found.
        since: Timestamp,
        /// The end of the wait.
        due: Timestamp,
    },
    /// Something else stands in the way.
    Hold(Hold),
    /// The gate is closed.
    Closed {
        /// Why.
        why: ClosedReason,
        /// When it may open by itself.
        until: Option<Timestamp>,
    },
    /// Time may help; a stable code.
    Retry(&'static str),
    /// What was made does not show yet.
    NotVisible,
    /// An answer was lost.
    Lost {
        /// Whether it was a creation, which is not repeated before it must have ended.
        created: bool,
    },
    /// The job panicked, at whatever point.
    Panicked,
    /// The whole target is stopped: the link waits with it and loses no attempt.
    Stopped,
    /// The target failed at this object, and certainly changed nothing.
    Failing {
        /// The call that failed.
        verb: &'static str,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// A verb that the link needs is set aside for all.
    Waits {
        /// Such as `invite_forbidden`.
        code: String,
        /// When the verb is tried next.
        until: Timestamp,
        /// By how much later this link may come back.
        spread: Duration,
    },
    /// The target refuses this decision.
    Refused {
        /// What it said.
        refusal: Refusal,
        /// What was to be done.
        verb: Option<Verb>,
        /// How soon it is asked about again.
        pace: Pace,
    },
}

/// How soon a refusal is asked about again: at first, then twice as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// What was asked for is refused: its word on that may change.
    Refused,
    /// A right is missing, for this object or just now.
    Forbidden,
}

impl Pace {
    /// The pause after so many refusals. Deprovisioning is retried at the first pace after any number of refusals.
    fn pause(self, attempts: u32, class: Class, rng: &mut impl Rng) -> Duration {
        let first = match self {
            Self::Refused => HOUR,
            Self::Forbidden => MINUTE,
        };
        let max = match class {
            Class::Leaver | Class::Revoke => first,
            Class::Live | Class::Bulk => DAY,
        };
        let pause = first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(max);
        pause.mul_f64(1.0 + REFUSED_JITTER * rng.random::<f64>())
    }
}

impl End {
    /// Whether the end is void where the link is wanted otherwise by now. Failed calls are recorded as failed all the same.
    pub(super) fn depends_on_decision(&self) -> bool {
        match self {
            Self::Converged | Self::NotYet(_) | Self::Deferred { .. } | Self::Hold(_) | Self::Closed { .. } | Self::Waits { .. } => true,
            Self::Retry(_)
            | Self::NotVisible
            | Self::Lost { .. }
            | Self::Panicked
            | Self::Stopped
            | Self::Failing { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// Notes the end's condition in the link, and says when it is due again; `None` where only a change or an operator helps.
    pub(super) fn set_condition(&self, link: &mut Link, now: Timestamp, call_timeout: Duration, rng: &mut impl Rng) -> Option<Timestamp> {
        let due = match self {
            Self::Converged => None,
            Self::NotYet(due) => Some(*due),
            Self::Deferred { due, .. } => {
                // One that waits still is no news.
                if link.condition.as_ref().is_none_or(|condition| condition.code != DELETION_DEFERRED) {
                    link.set_condition(ConditionKind::Retry, DELETION_DEFERRED, Vec::new(), now);
                }
                Some(*due)
            }
            Self::Stopped => Some(now),
            Self::Hold(hold) => {
                link.hold(hold, now);
                match hold {
                    Hold::Vetoed | Hold::Rejected => None,
                    Hold::Refused => link.condition.as_ref().and_then(|condition| condition.due),
                    Hold::Conflict(conflict) => {
                        let (first, longest) = if conflict.is_passing { NOT_VISIBLE } else { CONFLICT };
                        Some(now.plus(backoff::delay_between(attempts(link), first, longest, rng)))
                    }
                }
            }
            Self::Closed { why, until } => {
                // A gate that is still closed is no news; when a link looks again is its work's affair.
                if !is_held(link, why.code()) {
                    link.set_condition(ConditionKind::Held, why.code(), Vec::new(), now);
                }
                return until.map(|until| until.plus(LIMITED_SPREAD.mul_f64(rng.random())));
            }
            Self::Retry(code) => {
                link.set_condition(ConditionKind::Retry, code, Vec::new(), now);
                Some(now.plus(backoff::delay(attempts(link), rng)))
            }
            Self::NotVisible => {
                link.set_condition(ConditionKind::Retry, "not_visible_yet", Vec::new(), now);
                Some(now.plus(backoff::delay_between(attempts(link), NOT_VISIBLE.0, NOT_VISIBLE.1, rng)))
            }
            Self::Panicked => {
                link.set_condition(ConditionKind::Retry, "panicked", Vec::new(), now);
                Some(now.plus(backoff::delay(attempts(link), rng)))
            }
            Self::Lost { created } => {
                link.set_condition(ConditionKind::Retry, "answer_lost", Vec::new(), now);
                let pause = if *created { call_timeout } else { backoff::delay(attempts(link), rng) };
                Some(now.plus(pause))
            }
            Self::Failing { verb, wait } => {
                link.set_condition(ConditionKind::Retry, &format!("{verb}_failing"), Vec::new(), now);
                Some(now.plus(backoff::delay(attempts(link), rng).max(wait.unwrap_or_default())))
            }
            Self::Waits { code, until, spread } => {
                let due = until.plus(spread.mul_f64(rng.random()));
                // A verb that is still set aside is no news; the status says when it is tried next.
                if is_held(link, code) {
                    return Some(due);
                }
                link.set_condition(ConditionKind::Held, code, Vec::new(), now);
                Some(due)
            }
            Self::Refused { refusal, pace, .. } => {
                link.refused(refusal, now);
                Some(now.plus(pace.pause(attempts(link), class(link), rng)))
            }
        };
        if let Some(condition) = &mut link.condition {
            condition.due = due;
        }
        due
    }
}

fn is_held(link: &Link, code: &str) -> bool {
    link.condition.as_ref().is_some_and(|condition| condition.kind == ConditionKind::Held && condition.code == code)
}

fn attempts(link: &Link) -> u32 {
    link.condition.as_ref().map_or(0, |condition| condition.attempts)
}
