//! The four-part version of a desired state.

use std::fmt;

use crate::Timestamp;

/// What a decision was made of. Newer is greater: the user's delta first, then what else was known.
///
/// The delta comes first so that a replay that meets an old record of a user never overtakes what a later record said (`MonotonicVersion`, I-8).
/// The revision comes before the facts so that a replica that knows newer facts but an older configuration does not win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// The version of the user's delta.
    pub delta: u64,
    /// The configuration's revision.
    pub revision: u64,
    /// The newest tenant fact it was decided with.
    pub facts: u64,
    /// The version of the rules that decided.
    pub rules: u32,
}

/// Part by part, as event ids carry it.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.delta, self.revision, self.facts, self.rules)
    }
}

/// The next version after `last`: the clock in microseconds, but never backwards, so that a store restored from a backup does not
/// fall behind what it already said.
#[must_use]
pub fn next(last: u64, now: Timestamp) -> u64 {
    u64::try_from(now.0).unwrap_or(0).max(last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_grows_with_the_clock_and_never_falls_back() {
        for (last, now, want) in [(0, 100, 100), (100, 100, 101), (200, 100, 201), (5, -1, 6)] {
            assert_eq!(next(last, Timestamp(now)), want);
        }
    }

    #[test]
    fn a_later_delta_beats_any_revision() {
        let later = Version { delta: 2, revision: 1, ..Version::default() };
        let replayed = Version { delta: 1, revision: 9, facts: 9, rules: 9 };
        assert!(later > replayed);
    }

    #[test]
    fn a_newer_configuration_beats_newer_facts_and_rules() {
        let newer = Version { delta: 1, revision: 2, ..Version::default() };
        let older = Version { delta: 1, revision: 1, facts: 9, rules: 9 };
        assert!(newer > older);
        assert!(Version { facts: 1, ..newer } > Version { rules: 9, ..newer });
    }
}
