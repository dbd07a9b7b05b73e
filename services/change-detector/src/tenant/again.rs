//! When everything is read again because the last such reading could not be relied on.
//!
//! Kept in memory: whether it is owed follows from the mirror, in which those stand whom the last reading of everything has not seen.

use std::time::Duration;

use xtsync_domain::Timestamp;

/// How soon a reading is repeated first.
const FIRST: Duration = Duration::from_secs(10 * 60);

/// How soon at most often in the long run, and always where most of the people are missing: that is for a person to look at.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether everything is to be read again, and when.
#[derive(Debug)]
pub(super) enum Again {
    /// The last reading was relied on.
    No,
    /// It was not, as the mirror shows; how often is not known.
    Owed,
    /// It was not.
    At {
        /// When it is repeated.
        due: Timestamp,
        /// How long was waited for it.
        pause: Duration,
    },
}

impl Again {
    /// Whether it is time.
    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        match self {
            Self::No => false,
            Self::Owed => {
                *self = Self::At { due: now.plus(FIRST), pause: FIRST };
                false
            }
            Self::At { due, .. } => now >= *due,
        }
    }

    /// A reading could not be relied on: it is repeated later each time.
    pub(super) fn put_off(&mut self, collapsed: bool, now: Timestamp) {
        let pause = match self {
            _ if collapsed => LONGEST,
            Self::No | Self::Owed => FIRST,
            Self::At { pause, .. } => pause.saturating_mul(2).min(LONGEST),
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
        let mut again = Again::No;
        let mut minutes = Vec::new();
        for collapsed in [false, false, false, false, false, false, false, false, false, true, false] {
            again.put_off(collapsed, now);
            let Again::At { pause, .. } = again else { panic!("it is put off") };
            minutes.push(pause.as_secs() / 60);
        }
        assert_eq!(minutes, [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440]);
    }

    #[test]
    fn what_is_owed_waits_as_a_first_failure_does() {
        let start = Timestamp(0);
        let mut again = Again::Owed;
        assert!(!again.is_due(start));
        assert!(!again.is_due(start.plus(FIRST).minus(Duration::from_secs(1))));
        assert!(again.is_due(start.plus(FIRST)));
    }
}
