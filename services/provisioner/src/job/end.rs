//! How a job ends, and when its link is looked at again.

use std::time::Duration;

use rand::Rng;
use xtsync_domain::Timestamp;
use xtsync_domain::gate::Why;
use xtsync_domain::link::class::class;
use xtsync_domain::link::{Class, Hold, Link, TroubleKind, Verb};
use xtsync_platform::backoff;

/// The longest first wait, and the longest of all, before a conflict is looked at again.
const CONFLICT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60 * 60));

/// The longest first wait, and the longest of all, for what was made to show: a leaver's object is found soon after it does.
const UNSEEN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// How long what the target forbids for one user is left alone.
const FORBIDDEN_FOR: Duration = Duration::from_secs(60);

/// How long a refusal is left alone that keeps somebody in who shall go, and by how much longer it may be.
const REFUSED_FOR: (Duration, Duration) = (Duration::from_secs(60 * 60), Duration::from_secs(5 * 60));

/// Over how long those that waited for room in a window come back to it.
const LIMITED_SPREAD: Duration = Duration::from_secs(60);

/// How a job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The link is as desired.
    Rest,
    /// Nothing may be done before this moment.
    NotYet(Timestamp),
    /// Something else stands in the way.
    Hold(Hold),
    /// The gate is closed.
    Closed {
        /// Why.
        why: Why,
        /// When it may open by itself.
        until: Option<Timestamp>,
    },
    /// Time may help; a stable code.
    Retry(&'static str),
    /// What was made does not show yet.
    Unseen,
    /// An answer was lost.
    Lost {
        /// Whether it was an invitation's, which nobody repeats before it must have ended.
        invited: bool,
    },
    /// The job panicked, at whatever point.
    Panicked,
    /// The whole target is stopped: the link waits with it and loses no attempt.
    Stopped,
    /// The target forbids it for this user.
    Forbidden(String),
    /// The target refuses this decision.
    Refused {
        /// Its code.
        code: String,
        /// What was to be done.
        verb: Option<Verb>,
    },
}

impl End {
    /// Whether the end is void where the link is wanted otherwise by now. Calls that failed are told to have failed all the same.
    pub(super) fn depends_on_decision(&self) -> bool {
        match self {
            Self::Rest | Self::NotYet(_) | Self::Hold(_) | Self::Closed { .. } => true,
            Self::Retry(_)
            | Self::Unseen
            | Self::Lost { .. }
            | Self::Panicked
            | Self::Stopped
            | Self::Forbidden(_)
            | Self::Refused { .. } => false,
        }
    }

    /// Notes the end's trouble in the link, and says when it is due again; `None` where only a change or a person helps.
    pub(super) fn note(&self, link: &mut Link, now: Timestamp, call_timeout: Duration, rng: &mut impl Rng) -> Option<Timestamp> {
        let due = match self {
            Self::Rest => None,
            Self::NotYet(due) => Some(*due),
            Self::Stopped => Some(now),
            Self::Hold(hold) => {
                link.hold(hold, now);
                match hold {
                    Hold::Vetoed | Hold::Rejected => None,
                    Hold::Refused => link.trouble.as_ref().and_then(|trouble| trouble.due),
                    Hold::Conflict(_) => Some(now.plus(backoff::within(attempts(link), CONFLICT.0, CONFLICT.1, rng))),
                }
            }
            Self::Closed { why, until } => {
                // A gate that is still closed is no news; when a link looks again is its work's affair.
                if !is_held(link, why.code()) {
                    link.trouble(TroubleKind::Held, why.code(), Vec::new(), now);
                }
                return until.map(|until| until.plus(LIMITED_SPREAD.mul_f64(rng.random())));
            }
            Self::Retry(code) => {
                link.trouble(TroubleKind::Retry, code, Vec::new(), now);
                Some(now.plus(backoff::delay(attempts(link), rng)))
            }
            Self::Unseen => {
                link.trouble(TroubleKind::Retry, "not_visible_yet", Vec::new(), now);
                Some(now.plus(backoff::within(attempts(link), UNSEEN.0, UNSEEN.1, rng)))
            }
            Self::Panicked => {
                link.trouble(TroubleKind::Retry, "panicked", Vec::new(), now);
                Some(now.plus(backoff::delay(attempts(link), rng)))
            }
            Self::Lost { invited } => {
                link.trouble(TroubleKind::Retry, "answer_lost", Vec::new(), now);
                let pause = if *invited { call_timeout } else { backoff::delay(attempts(link), rng) };
                Some(now.plus(pause))
            }
            Self::Forbidden(code) => {
                link.trouble(TroubleKind::Retry, code, Vec::new(), now);
                Some(now.plus(FORBIDDEN_FOR))
            }
            Self::Refused { code, .. } => {
                link.trouble(TroubleKind::Refused, code, Vec::new(), now);
                (class(link) == Class::Revoke).then(|| now.plus(REFUSED_FOR.0 + REFUSED_FOR.1.mul_f64(rng.random())))
            }
        };
        if let Some(trouble) = &mut link.trouble {
            trouble.due = due;
        }
        due
    }
}

fn is_held(link: &Link, code: &str) -> bool {
    link.trouble.as_ref().is_some_and(|trouble| trouble.kind == TroubleKind::Held && trouble.code == code)
}

fn attempts(link: &Link) -> u32 {
    link.trouble.as_ref().map_or(0, |trouble| trouble.attempts)
}
