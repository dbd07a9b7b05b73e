//! Staggered schedules: periodic work runs at a separate time for each name, so that not all tenants are busy at once.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use xtsync_domain::Timestamp;

/// The first time after `last` at which work with this name is due; `None` if it never is.
#[must_use]
pub fn next(name: &str, every: Duration, last: Timestamp) -> Option<Timestamp> {
    let every = i64::try_from(every.as_micros()).ok().filter(|every| *every > 0)?;
    let hash = Sha256::digest(name);
    let offset = i64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])).saturating_mul(1_000_003) % every;
    let passed = (last.0 - offset).rem_euclid(every);
    Some(Timestamp(last.0.saturating_add(every - passed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn each_name_is_due_once_a_day_at_its_own_time() {
        let last = Timestamp(1_000_000_000_000_000);
        let due = next("emea", DAY, last).unwrap();
        assert!(due > last && due <= last.plus(DAY));
        assert_eq!(next("emea", DAY, due.minus(Duration::from_secs(1))), Some(due));
        assert_eq!(next("emea", DAY, due), Some(due.plus(DAY)));
        assert_ne!(next("hub", DAY, last), Some(due));
        assert_eq!(next("emea", Duration::ZERO, last), None);
    }
}
