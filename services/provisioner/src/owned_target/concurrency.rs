//! The concurrency limit of one target: additive increase, multiplicative decrease.
//!
//! A target that throttles is called by half as many links at once, and by one more for each second without; what it refuses it counts too.
//! So is one that warns before it throttles; and for a moment only users who lose access are begun, so that there is room for them. Whether
//! it is called at all is the circuit breaker's decision (`breaker.rs`).

use std::time::Duration;

use xtsync_domain::Timestamp;

/// How long only users who lose access are begun after the target has warned.
const LEAVERS_ONLY_TIMEOUT: Duration = Duration::from_millis(500);

/// The concurrency limit of one target.
#[derive(Debug, Default)]
pub(crate) struct Concurrency {
    reduced: Option<ReducedLimit>,
    leavers_only_until: Option<Timestamp>,
}

/// How many links at once a target is called by after it asked us to wait, and since when.
#[derive(Debug, Clone, Copy)]
struct ReducedLimit {
    slots: usize,
    since: Timestamp,
}

impl Concurrency {
    /// The target throttles: half as many links call it from `until` on.
    pub(crate) fn throttled(&mut self, now: Timestamp, until: Timestamp, slots_max: usize) {
        self.reduced = Some(ReducedLimit { slots: self.slots(now, slots_max).div_ceil(2), since: until });
    }

    /// The target warns: it is about to throttle. What was under way together is warned together.
    pub(crate) fn warned(&mut self, now: Timestamp, slots_max: usize) {
        let until = now.plus(LEAVERS_ONLY_TIMEOUT);
        if !self.is_leavers_only(now) {
            self.throttled(now, until, slots_max);
        }
        self.leavers_only_until = Some(until);
    }

    /// Whether only users who lose access are begun.
    pub(crate) fn is_leavers_only(&self, now: Timestamp) -> bool {
        self.leavers_only_until(now).is_some()
    }

    /// Until when only users who lose access are begun.
    pub(crate) fn leavers_only_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.leavers_only_until.filter(|until| now < *until)
    }

    /// How many links may be worked on at once.
    pub(crate) fn slots(&self, now: Timestamp, slots_max: usize) -> usize {
        let Some(ReducedLimit { slots, since }) = self.reduced else { return slots_max };
        let seconds = usize::try_from(now.since(since).as_secs()).unwrap_or(usize::MAX);
        slots.saturating_add(seconds).min(slots_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(seconds: u64) -> Timestamp {
        Timestamp(0).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn throttling_halves_the_limit_which_then_grows_by_one_each_second() {
        let mut limit = Concurrency::default();
        let mut throttled_at = |seconds| {
            limit.throttled(second(seconds), second(seconds + 1), 16);
            [1, 3, 100].map(|later| limit.slots(second(seconds + later), 16))
        };
        assert_eq!(throttled_at(0), [8, 10, 16]);
        assert_eq!(throttled_at(3), [5, 7, 16], "ten by then");
        for seconds in [5, 7, 9, 11, 13] {
            throttled_at(seconds);
        }
        assert_eq!(throttled_at(15), [2, 4, 16], "it does not come to rest");
    }

    #[test]
    fn a_warning_gives_leavers_a_moment_alone_and_halves_the_limit() {
        let mut limit = Concurrency::default();
        let at = |millis| Timestamp(0).plus(Duration::from_millis(millis));
        limit.warned(at(0), 16);
        limit.warned(at(100), 16);
        assert!(limit.is_leavers_only(at(599)));
        assert!(!limit.is_leavers_only(at(600)));
        assert_eq!(limit.slots(at(600), 16), 8);
        limit.warned(at(700), 16);
        assert_eq!((limit.is_leavers_only(at(700)), limit.slots(at(700), 16)), (true, 4));
    }
}
