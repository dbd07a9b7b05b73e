//! Retry delays: exponential, capped, with full jitter, so that clients that failed together do not retry together.

use std::time::Duration;

use rand::Rng;

/// The upper bound of the first delay.
const FIRST_DELAY_MAX: Duration = Duration::from_millis(500);

/// The upper bound of all delays.
const DELAY_MAX: Duration = Duration::from_secs(5 * 60);

/// A random delay after this many failed attempts: its upper bound is half a second, doubles with each attempt, and is at most five
/// minutes.
pub fn delay(attempts: u32, rng: &mut impl Rng) -> Duration {
    delay_between(attempts, FIRST_DELAY_MAX, DELAY_MAX, rng)
}

/// As [`delay`], with the bounds of the first and of all delays.
pub fn delay_between(attempts: u32, first: Duration, max: Duration, rng: &mut impl Rng) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
    let most = first.saturating_mul(doubled).min(max);
    most.mul_f64(rng.random())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn the_delay_is_random_below_a_doubling_limit() {
        let mut rng = StdRng::seed_from_u64(7);
        for (attempts, most) in [(0, 500), (1, 500), (2, 1000), (5, 8000), (10, 256_000), (11, 300_000), (u32::MAX, 300_000)] {
            let most = Duration::from_millis(most);
            let waits: Vec<_> = (0..200).map(|_| delay(attempts, &mut rng)).collect();
            assert!(waits.iter().all(|wait| *wait <= most), "after {attempts}");
            assert!(waits.iter().any(|wait| *wait < most / 4) && waits.iter().any(|wait| *wait > most / 4 * 3), "after {attempts}");
        }
    }
}
