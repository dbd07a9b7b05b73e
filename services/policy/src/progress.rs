//! How far the users of one partition are decided, as it is noted beside the committed offset.
//!
//! Policy has no store: this note is all that a successor needs. Whoever cannot read it decides everybody anew, which does no harm.

use std::fmt;

use xtsync_domain::decide::RULES_VERSION;

/// How far a partition is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The revision that what stands before the live position is decided with, or is being.
    pub(crate) revision: u64,
    /// The version of the rules, likewise.
    pub(crate) rules: u32,
    /// Where the replay with them goes on; `None` when there is nothing to replay.
    pub(crate) replay: Option<i64>,
}

impl Progress {
    /// A partition of which nothing was ever decided: the live stream will see all of it.
    pub(crate) fn fresh(revision: u64) -> Self {
        Self { revision, rules: RULES_VERSION, replay: None }
    }

    /// A partition of which it is not known what was decided.
    pub(crate) fn unknown() -> Self {
        Self { revision: 0, rules: 0, replay: None }
    }

    /// Turns to a revision. Where what decisions are made of has changed since (`basis` is newer, or the rules are), everybody is decided
    /// anew from `low` on; otherwise a replay under way just goes on.
    pub(crate) fn toward(self, revision: u64, basis: u64, low: i64) -> Self {
        let changed = self.rules != RULES_VERSION || basis > self.revision;
        Self { revision, rules: RULES_VERSION, replay: if changed { Some(low) } else { self.replay } }
    }

    /// Reads a note; `None` where it is not one of ours, or a newer version's.
    pub(crate) fn parse(note: &str) -> Option<Self> {
        let mut parts = note.strip_prefix("v1;")?.split(';');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let (revision, rules, replay) = (part("revision")?.parse().ok()?, part("rules")?.parse().ok()?, part("replay")?);
        let replay = match replay {
            "done" => None,
            offset => Some(offset.parse().ok()?),
        };
        parts.next().is_none().then_some(Self { revision, rules, replay })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1;revision={};rules={};replay=", self.revision, self.rules)?;
        match self.replay {
            Some(offset) => write!(f, "{offset}"),
            None => f.write_str("done"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_and_a_strangers_does_not() {
        for progress in [Progress::fresh(7), Progress { revision: 9, rules: 2, replay: Some(40) }, Progress::unknown()] {
            assert_eq!(Progress::parse(&progress.to_string()), Some(progress));
        }
        for note in [
            "",
            "v2;revision=1;rules=1;replay=done",
            "v1;revision=1;rules=1",
            "v1;revision=x;rules=1;replay=1",
            "v1;revision=1;rules=1;replay=1;x=1",
        ] {
            assert_eq!(Progress::parse(note), None, "{note}");
        }
    }

    #[test]
    fn everybody_is_decided_anew_only_when_what_decisions_are_made_of_has_changed() {
        let done = |revision, rules, replay| Progress { revision, rules, replay };
        let rules = RULES_VERSION;
        for (before, basis, replay) in [
            (done(5, rules, None), 5, None),
            (done(5, rules, None), 3, None),
            (done(5, rules, None), 6, Some(2)),
            (done(5, rules, Some(30)), 5, Some(30)),
            (done(5, rules, Some(30)), 6, Some(2)),
            (done(5, rules + 1, None), 5, Some(2)),
            (Progress::unknown(), 0, Some(2)),
        ] {
            assert_eq!(before.toward(8, basis, 2), done(8, rules, replay), "{before:?} {basis}");
        }
    }
}
