//! When everything is read again because the last such reading could not be relied on.
//!
//! Kept in memory: whether it is due follows from the mirror, which holds the users that the last full read has not seen.

use std::time::Duration;

use xtsync_domain::Timestamp;

/// How soon a reading is repeated first.
const RETRY_INTERVAL_MIN: Duration = Duration::from_secs(10 * 60);

/// How soon at most often in the long run, and always where most of the users are missing: that is for an operator to look at.
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether everything is to be read again, and when.
#[derive(Debug)]
pub(super) enum RetrySchedule {
    /// The last reading was relied on.
    NotNeeded,
    /// It was not, as the mirror shows; how often is not known.
    Needed,
    /// It was not.
    At {
        /// When it is repeated.
        due: Timestamp,
        /// How long was waited for it.
        pause: Duration,
    },
}

impl RetrySchedule {
    /// Whether it is time.
    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        match self {
            Self::NotNeeded => false,
            Self::Needed => {
                *self = Self::At { due: now.plus(RETRY_INTERVAL_MIN), pause: RETRY_INTERVAL_MIN };
                false
            }
            Self::At { due, .. } => now >= *due,
        }
    }

    /// A reading could not be relied on: it is repeated later each time.
    pub(super) fn put_off(&mut self, exceeds_threshold: bool, now: Timestamp) {
        let pause = match self {
            _ if exceeds_threshold => RETRY_INTERVAL_MAX,
            Self::NotNeeded | Self::Needed => RETRY_INTERVAL_MIN,
            Self::At { pause, .. } => pause.saturating_mul(2).min(RETRY_INTERVAL_MAX),
        };
        *self = Self::At { due: now.plus(pause), pause };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_day_and_is_a_day_where_most_are_missing() {
        let now = Timestamp(0);
        let mut schedule = RetrySchedule::NotNeeded;
        let mut minutes = Vec::new();
        for exceeds_threshold in [false, false, false, false, false, false, false, false, false, true, false] {
            schedule.put_off(exceeds_threshold, now);
            let RetrySchedule::At { pause, .. } = schedule else { panic!("it is put off") };
            minutes.push(pause.as_secs() / 60);
        }
        assert_eq!(minutes, [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440]);
    }

    #[test]
    fn a_needed_full_read_waits_as_after_a_first_failure() {
        let start = Timestamp(0);
        let mut schedule = RetrySchedule::Needed;
        assert!(!schedule.is_due(start));
        assert!(!schedule.is_due(start.plus(RETRY_INTERVAL_MIN).minus(Duration::from_secs(1))));
        assert!(schedule.is_due(start.plus(RETRY_INTERVAL_MIN)));
    }
}
