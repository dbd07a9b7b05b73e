//! The database's clock, extrapolated between two reads.
//!
//! Replicas share the database and not their clocks, so times that two of them compare come from the database's clock: when a call may be
//! under way, when work is due, what counts in a window. Each renewal of leases and each look at them reads it, at least every few seconds.
//! In between, this process adds its own monotonic time, which a step of the machine's clock does not change.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;
use xtsync_domain::Timestamp;

use xtsync_runtime::clock::Clock;

/// PostgreSQL's clock in microseconds, as a part of an SQL text. Unlike `now()` it goes on within a transaction.
macro_rules! postgres_now {
    () => {
        "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}
pub(super) use postgres_now;

/// A reading that took longer than this is too inexact to replace an earlier one.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(1);

/// The database's clock.
#[derive(Debug)]
pub(super) struct Time {
    clock: Arc<dyn Clock>,
    answer: Mutex<Option<(Timestamp, Instant)>>,
}

impl Time {
    /// A clock without a reading yet; until the first one, and for a file, `clock` counts.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, answer: Mutex::default() })
    }

    /// Stores a reading that the process requested at `began`. It is dated to the middle of the round trip.
    pub(super) fn note(&self, answer: Timestamp, began: Instant) {
        self.note_at(answer, began, Instant::now());
    }

    fn note_at(&self, answer: Timestamp, began: Instant, ended: Instant) {
        let took = ended.duration_since(began);
        let mut known = self.answer();
        if known.is_none() || took < ROUND_TRIP_MAX {
            *known = Some((answer, began + took / 2));
        }
    }

    fn at(&self, now: Instant) -> Timestamp {
        let answer = *self.answer();
        match answer {
            Some((at, asked)) if self.is_machine() => at.plus(now.duration_since(asked)),
            Some(_) | None => self.clock.now(),
        }
    }

    fn answer(&self) -> MutexGuard<'_, Option<(Timestamp, Instant)>> {
        self.answer.lock()
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    fn is_machine(&self) -> bool {
        self.clock.is_machine()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xtsync_runtime::clock::{ManualClock, SystemClock};

    /// A machine whose clock is wrong.
    #[derive(Debug)]
    struct Wrong(i64);

    impl Clock for Wrong {
        fn now(&self) -> Timestamp {
            Timestamp(SystemClock.now().0 + self.0)
        }
    }

    #[test]
    fn the_databases_clock_overrides_the_machines() {
        for wrong_by in [60_000_000, -60_000_000] {
            let time = Time::new(Arc::new(Wrong(wrong_by)));
            let began = Instant::now();
            let after = |millis| began + Duration::from_millis(millis);
            time.note_at(Timestamp(1_000_000), began, after(200));
            assert_eq!(time.at(after(200)), Timestamp(1_100_000), "the answer is half a round trip old");
            assert_eq!(time.at(after(3_200)), Timestamp(4_100_000));
            time.note_at(Timestamp(9_000_000), after(3_200), after(5_200));
            assert_eq!(time.at(after(5_200)), Timestamp(6_100_000), "a slow answer is worth less than the former one");
        }
    }

    #[test]
    fn a_manual_clock_overrides_the_databases() {
        let clock = Arc::new(ManualClock::at(Timestamp(5)));
        let time = Time::new(clock.clone());
        time.note(Timestamp(1_000_000), Instant::now());
        clock.advance(Duration::from_secs(1));
        assert_eq!(time.now(), Timestamp(1_000_005));
    }
}
