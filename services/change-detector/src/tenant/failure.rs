//! Failure with a delta that is not over with the next try: counted, and tried again later each time.
//!
//! Kept in memory: a successor finds out for itself.

use std::time::Duration;

use xtsync_domain::Timestamp;

/// The longest pause.
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(10 * 60);

/// The failures of a tenant.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// With the delta of cycles.
    pub(super) cycle: Option<Failure>,
    /// With full reads.
    pub(super) full: Option<Failure>,
    /// That the cursors of cycles were void, and none has come to its end since.
    pub(super) void: Option<Failure>,
    /// Whether the last page of a full read failed, and no cycles went on beside it.
    pub(super) is_page_missing: bool,
}

/// Failure with a delta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What is the matter, by stable code.
    pub(super) code: &'static str,
    /// How often it was met.
    pub(super) count: u32,
    /// When it was met first.
    pub(super) since: Timestamp,
    /// When it is tried again.
    pub(super) next_try: Timestamp,
}

impl Failure {
    /// Records a failure, repeated or first. The pause begins at `first` and doubles; with none, the next try is at once.
    pub(super) fn record(slot: &mut Option<Self>, code: &'static str, first: Duration, now: Timestamp) {
        let (count, since) = slot.as_ref().map_or((1, now), |failure| (failure.count + 1, failure.since));
        let doubled = 2_u32.saturating_pow(count - 1);
        let pause = first.saturating_mul(doubled).min(RETRY_INTERVAL_MAX);
        *slot = Some(Self { code, count, since, next_try: now.plus(pause) });
    }

    /// Whether it did not end with the next try, so that it was put off.
    pub(super) fn is_lasting(&self) -> bool {
        self.next_try > self.since
    }

    /// Whether it is time for the next try.
    pub(super) fn is_retry_due(slot: Option<&Self>, now: Timestamp) -> bool {
        slot.is_none_or(|failure| now >= failure.next_try)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_ten_minutes() {
        let (mut slot, now) = (None, Timestamp(0));
        let mut seconds = Vec::new();
        for _ in 0..7 {
            Failure::record(&mut slot, "delta_never_ends", Duration::from_secs(30), now);
            seconds.push(slot.as_ref().unwrap().next_try.since(now).as_secs());
        }
        assert_eq!(seconds, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(slot.as_ref().map(|failure| failure.count), Some(7));
        assert!(!Failure::is_retry_due(slot.as_ref(), now) && Failure::is_retry_due(slot.as_ref(), now.plus(RETRY_INTERVAL_MAX)));
        assert!(Failure::is_retry_due(None, now));
    }
}
