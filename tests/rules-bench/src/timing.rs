//! How often something can be done in a second.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one round lasts.
const ROUND: Duration = Duration::from_millis(150);

/// The rounds of each; the best counts, since what else runs on the machine only slows.
const ROUNDS: usize = 7;

/// How often in a second each of two can be done. Rounds alternate, so that both see the same machine.
pub(crate) fn both<A, B>(mut one: impl FnMut() -> A, mut other: impl FnMut() -> B) -> (f64, f64) {
    let (mut first, mut second) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        first = first.max(round(&mut one));
        second = second.max(round(&mut other));
    }
    (first, second)
}

/// How often in a second something can be done.
pub(crate) fn alone<A>(mut one: impl FnMut() -> A) -> f64 {
    (0..ROUNDS).map(|_| round(&mut one)).fold(0.0, f64::max)
}

fn round<A>(done: &mut impl FnMut() -> A) -> f64 {
    const STEP: u32 = 64;
    let begin = Instant::now();
    let mut times = 0_u32;
    while begin.elapsed() < ROUND {
        for _ in 0..STEP {
            black_box(done());
        }
        times += STEP;
    }
    f64::from(times) / begin.elapsed().as_secs_f64()
}
