//! Reproducible random draws: the same seed, purpose and numbers give the same draws.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::Span;

/// The random draws for one request, page or token.
#[derive(Debug)]
pub(crate) struct Chance(StdRng);

impl Chance {
    /// The draws for a purpose and its numbers.
    pub(crate) fn of(seed: u64, purpose: &str, numbers: &[u64]) -> Self {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let start = purpose.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, step);
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
        Self(StdRng::seed_from_u64(bytes.fold(start, step)))
    }

    /// A number from 0 to 1, 1 excluded.
    pub(crate) fn number(&mut self) -> f64 {
        self.0.random()
    }

    /// True with the probability `share`.
    pub(crate) fn occurs(&mut self, share: f64) -> bool {
        // One draw in any case: another share must not change the draws after this one.
        self.number() < share
    }

    pub(crate) fn within(&mut self, span: Span) -> Duration {
        span.least + span.most.saturating_sub(span.least).mul_f64(self.number())
    }

    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.0.random_range(0..choices.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        rand::seq::SliceRandom::shuffle(items, &mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_requested_frequency() {
        for share in [0.0, 0.1, 0.5, 1.0] {
            let by_number = (0..2_000).filter(|number| Chance::of(7, "GET /users", &[*number]).occurs(share)).count();
            let by_seed = (0..2_000).filter(|seed| Chance::of(*seed, "GET /users", &[1]).occurs(share)).count();
            for count in [by_number, by_seed] {
                assert!((count as f64 / 2_000.0 - share).abs() < 0.03, "{count} of 2000 at {share}");
            }
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_draws() {
        let draws = |seed, purpose, numbers: &[u64]| {
            let mut chance = Chance::of(seed, purpose, numbers);
            [chance.number(), chance.number()]
        };
        assert_eq!(draws(7, "a", &[1, 2]), draws(7, "a", &[1, 2]));
        for other in [draws(8, "a", &[1, 2]), draws(7, "b", &[1, 2]), draws(7, "a", &[2, 1]), draws(7, "a", &[1])] {
            assert_ne!(draws(7, "a", &[1, 2]), other);
        }
    }
}
