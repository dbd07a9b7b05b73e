//! The brake of one target: while the tenant as a whole cannot be called, no link's attempts are used up on it.
//!
//! One that throttles is called by fewer links at once, half as many each time, and by one more for each second without: what it refuses
//! it counts too. So is one that warns before it throttles; and for a moment only leavers are begun, so that there is room for them.

use std::time::Duration;

use rand::Rng;
use xtsync_domain::Timestamp;
use xtsync_platform::backoff;

/// How long a target that refuses us is left alone: a person must act.
const BLOCKED_FOR: Duration = Duration::from_secs(60);

/// How long only leavers are begun after the target has warned.
const EASED_FOR: Duration = Duration::from_millis(500);

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
    narrowed: Option<Narrowed>,
    eased_until: Option<Timestamp>,
}

/// How many links at once a target is called by after it asked us to wait, and since when.
#[derive(Debug, Clone, Copy)]
struct Narrowed {
    slots: usize,
    since: Timestamp,
}

impl Brake {
    /// Stops the target for a while. Calls that were under way together fail together: only the first of them makes the pause longer.
    pub(crate) fn press(&mut self, pressure: &Pressure, now: Timestamp, slots_max: usize, rng: &mut impl Rng) {
        let is_first = self.until(now).is_none();
        if is_first {
            self.failures = self.failures.saturating_add(1);
        }
        let (pause, reason) = match pressure {
            Pressure::Throttled(wait) => ((*wait).min(THROTTLED_MAX), "throttled"),
            Pressure::Away => (backoff::delay(self.failures, rng), "away"),
            Pressure::Blocked(code) => (BLOCKED_FOR, code.as_str()),
        };
        if is_first && matches!(pressure, Pressure::Throttled(_)) {
            self.narrow(now, now.plus(pause), slots_max);
        }
        self.until = self.until.max(Some(now.plus(pause)));
        self.reason = Some(reason.to_owned());
    }

    /// The target warns: it is about to throttle. What was under way together is warned together.
    pub(crate) fn ease(&mut self, now: Timestamp, slots_max: usize) {
        let until = now.plus(EASED_FOR);
        // What was under way when it was stopped says nothing new.
        if !self.is_eased(now) && self.until(now).is_none() {
            self.narrow(now, until, slots_max);
        }
        self.eased_until = Some(until);
    }

    /// Whether only leavers are begun.
    pub(crate) fn is_eased(&self, now: Timestamp) -> bool {
        self.eased_until.is_some_and(|until| now < until)
    }

    /// Until when nobody, or nobody but leavers, is begun.
    pub(crate) fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.until(now).or(self.eased_until).filter(|until| now < *until)
    }

    fn narrow(&mut self, now: Timestamp, since: Timestamp, slots_max: usize) {
        self.narrowed = Some(Narrowed { slots: self.width(now, slots_max).div_ceil(2), since });
    }

    /// The target answered. What was asked before it was stopped does not say that it may be asked again.
    pub(crate) fn release(&mut self, now: Timestamp) {
        if self.until(now).is_none() {
            *self = Self { narrowed: self.narrowed, eased_until: self.eased_until, ..Self::default() };
        }
    }

    /// Until when nothing may start.
    pub(crate) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| now < *until)
    }

    /// How many links may be worked on at once: none while it is pressed, one to find out, then as many as it seems to bear.
    pub(crate) fn slots(&self, now: Timestamp, slots_max: usize) -> usize {
        match (self.until(now), self.failures) {
            (Some(_), _) => 0,
            (None, 0) => self.width(now, slots_max),
            (None, 1..) => slots_max.min(1),
        }
    }

    fn width(&self, now: Timestamp, slots_max: usize) -> usize {
        let Some(Narrowed { slots, since }) = self.narrowed else { return slots_max };
        let seconds = usize::try_from(now.since(since).as_secs()).unwrap_or(usize::MAX);
        slots.saturating_add(seconds).min(slots_max)
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
            brake.press(&Pressure::Throttled(Duration::from_secs(7)), now, 16, &mut rng);
        }
        assert_eq!((brake.slots(now, 16), brake.reason()), (0, "throttled"));
        assert_eq!(brake.until(now), Some(now.plus(Duration::from_secs(7))));
        assert_eq!((brake.failures, brake.slots(now.plus(Duration::from_secs(7)), 16)), (1, 1));
        brake.release(now);
        assert_eq!(brake.slots(now, 16), 0, "a late answer releases nothing");
        brake.release(now.plus(Duration::from_secs(7)));
        assert_eq!(brake.slots(now.plus(Duration::from_secs(7)), 16), 8);
    }

    #[test]
    fn a_target_that_throttles_is_called_by_half_as_many_and_by_one_more_each_second() {
        let mut brake = Brake::default();
        let mut rng = StdRng::seed_from_u64(7);
        let second = |seconds| Timestamp(0).plus(Duration::from_secs(seconds));
        let mut throttled_at = |seconds| {
            brake.press(&Pressure::Throttled(Duration::from_secs(1)), second(seconds), 16, &mut rng);
            brake.release(second(seconds + 1));
            [1, 3, 100].map(|later| brake.slots(second(seconds + later), 16))
        };
        assert_eq!(throttled_at(0), [8, 10, 16]);
        assert_eq!(throttled_at(3), [5, 7, 16], "ten by then");
        for seconds in [5, 7, 9, 11, 13] {
            throttled_at(seconds);
        }
        assert_eq!(throttled_at(15), [2, 4, 16], "it does not come to rest");
    }

    #[test]
    fn a_target_that_warns_is_left_to_leavers_for_a_moment_and_then_called_by_half_as_many() {
        let mut brake = Brake::default();
        let at = |millis| Timestamp(0).plus(Duration::from_millis(millis));
        brake.ease(at(0), 16);
        brake.ease(at(100), 16);
        assert!(brake.is_eased(at(599)));
        assert!(!brake.is_eased(at(600)));
        assert_eq!(brake.slots(at(600), 16), 8);
        brake.ease(at(700), 16);
        brake.release(at(700));
        assert_eq!((brake.is_eased(at(700)), brake.slots(at(700), 16)), (true, 4));
    }

    #[test]
    fn a_late_warning_does_not_make_a_stopped_target_wider() {
        let mut brake = Brake::default();
        let second = |seconds| Timestamp(0).plus(Duration::from_secs(seconds));
        brake.press(&Pressure::Throttled(Duration::from_secs(60)), second(0), 16, &mut StdRng::seed_from_u64(7));
        brake.ease(second(1), 16);
        brake.release(second(60));
        assert_eq!(brake.slots(second(60), 16), 8);
    }

    #[test]
    fn a_target_that_was_away_is_called_by_as_many_as_before() {
        let mut brake = Brake::default();
        brake.press(&Pressure::Away, Timestamp(0), 16, &mut StdRng::seed_from_u64(7));
        let later = Timestamp(0).plus(Duration::from_secs(3600));
        brake.release(later);
        assert_eq!(brake.slots(later, 16), 16);
    }
}
