//! Durations that a directory names: whatever it says, they are bounded, so that no sum with a moment overflows and nothing waits for ever.

use std::time::Duration;

/// What this many seconds are between two bounds; `None` for what is no number, or a negative one.
///
/// Fractions count, since some gateways send them; infinity is the upper bound.
pub(super) fn seconds(asked: f64, min: Duration, max: Duration) -> Option<Duration> {
    if asked > max.as_secs_f64() {
        return Some(max);
    }
    Duration::try_from_secs_f64(asked).ok().map(|asked| asked.clamp(min, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_lie_between_the_bounds() {
        let (min, max) = (Duration::from_secs(1), Duration::from_secs(60));
        for (asked, want) in [
            (7.5, Some(7_500)),
            (0.0, Some(1_000)),
            (1e-300, Some(1_000)),
            (61.0, Some(60_000)),
            (9_223_372_036_854_775_807.0, Some(60_000)),
            (f64::MAX, Some(60_000)),
            (f64::INFINITY, Some(60_000)),
            (-1.0, None),
            (f64::NEG_INFINITY, None),
            (f64::NAN, None),
        ] {
            assert_eq!(seconds(asked, min, max), want.map(Duration::from_millis), "{asked}");
        }
    }
}
