//! The brake of one target: while the tenant as a whole cannot be called, no link's attempts are used up on it.

use std::time::Duration;

use rand::Rng;
use xtsync_domain::Timestamp;
use xtsync_platform::backoff;

/// How long a target that refuses us is left alone: a person must act.
const BLOCKED_FOR: Duration = Duration::from_secs(60);

/// The longest pause that a target may ask for.
const THROTTLED_MAX: Duration = Duration::from_secs(10 * 60);

/// Why a whole target cannot be called now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pressure {
    /// It asks us to wait.
    Throttled(Duration),
    /// It cannot be reached.
    Away,
    /// It refuses our credentials, or a right that every link needs; its stable code.
    Blocked(String),
}

/// The brake of one target.
#[derive(Debug, Default)]
pub(crate) struct Brake {
    until: Option<Timestamp>,
    failures: u32,
    reason: Option<String>,
}

impl Brake {
    /// Stops the target for a while. Calls that were under way together fail together: only the first of them makes the pause longer.
    pub(crate) fn press(&mut self, pressure: &Pressure, now: Timestamp, rng: &mut impl Rng) {
        if self.until.is_none_or(|until| now >= until) {
            self.failures = self.failures.saturating_add(1);
        }
        let (pause, reason) = match pressure {
            Pressure::Throttled(wait) => ((*wait).min(THROTTLED_MAX), "throttled"),
            Pressure::Away => (backoff::delay(self.failures, rng), "away"),
            Pressure::Blocked(code) => (BLOCKED_FOR, code.as_str()),
        };
        self.until = self.until.max(Some(now.plus(pause)));
        self.reason = Some(reason.to_owned());
    }

    /// The target answered. What was asked before it was stopped does not say that it may be asked again.
    pub(crate) fn release(&mut self, now: Timestamp) {
        if self.until(now).is_none() {
            *self = Self::default();
        }
    }

    /// Until when nothing may start.
    pub(crate) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| now < *until)
    }

    /// How many links may be worked on at once: none while it is pressed, one to find out, then all.
    pub(crate) fn slots(&self, now: Timestamp, slots_max: usize) -> usize {
        match (self.until(now), self.failures) {
            (Some(_), _) => 0,
            (None, 0) => slots_max,
            (None, 1..) => slots_max.min(1),
        }
    }

    /// Why the target is stopped; empty when it is not.
    pub(crate) fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_stopped_target_is_asked_by_one_link_before_all_go_on() {
        let now = Timestamp(0);
        let mut brake = Brake::default();
        let mut rng = StdRng::seed_from_u64(7);
        assert_eq!((brake.slots(now, 16), brake.reason()), (16, ""));
        for _ in 0..16 {
            brake.press(&Pressure::Throttled(Duration::from_secs(7)), now, &mut rng);
        }
        assert_eq!((brake.slots(now, 16), brake.reason()), (0, "throttled"));
        assert_eq!(brake.until(now), Some(now.plus(Duration::from_secs(7))));
        assert_eq!((brake.failures, brake.slots(now.plus(Duration::from_secs(7)), 16)), (1, 1));
        brake.release(now);
        assert_eq!(brake.slots(now, 16), 0, "a late answer releases nothing");
        brake.release(now.plus(Duration::from_secs(7)));
        assert_eq!(brake.slots(now, 16), 16);
    }
}
