//! What a directory refuses to look-ups, remembered for a while instead of being asked again for each user.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::object::Place;

/// How long it is remembered: rights that are granted meanwhile are noticed after that.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// What look-ups may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Contacts at all.
    Contacts,
    /// All conditions on the objects of a place in one filter.
    Together(Place),
}

/// What was refused, and when.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Vec<(Asked, Instant)>>);

impl Refusals {
    /// Whether it was refused not long ago.
    pub(super) fn contain(&self, asked: Asked, now: Instant) -> bool {
        let mut refused = self.0.lock();
        refused.retain(|(_, at)| now.duration_since(*at) < REMEMBERED);
        refused.iter().any(|(other, _)| *other == asked)
    }

    /// It is refused.
    pub(super) fn note(&self, asked: Asked, now: Instant) {
        let mut refused = self.0.lock();
        refused.retain(|(other, _)| *other != asked);
        refused.push((asked, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_remembered_for_a_while_and_says_nothing_of_others() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let (contacts, users) = (Asked::Contacts, Asked::Together(Place::Users));
        refusals.note(contacts, now);
        refusals.note(contacts, now + REMEMBERED / 2);
        assert!(refusals.contain(contacts, now + REMEMBERED) && !refusals.contain(users, now + REMEMBERED));
        assert!(!refusals.contain(contacts, now + REMEMBERED * 2), "it is asked again");
    }
}
