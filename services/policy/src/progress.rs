//! The progress of one partition, stored as metadata of the committed offset.
//!
//! Policy has no store: this metadata is all that a successor needs. A replica that cannot read it decides all users anew, which is safe.

use std::fmt;

use xtsync_domain::address::{Home, HomeDomains};
use xtsync_domain::decide::RULES_VERSION;

/// The progress of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The revision that what stands before the live position is decided with, or is being.
    pub(crate) revision: u64,
    /// The version of the rules, likewise.
    pub(crate) rules: u32,
    /// The digest of the home tenant's domains, likewise; `None` where they are not known.
    pub(crate) domains: Option<u64>,
    /// The version of that knowledge. It grows with each change of the domains and with nothing else, so that a decision that is made
    /// again has the version it had.
    pub(crate) facts: u64,
    /// Where the replay with them goes on; `None` when there is nothing to replay.
    pub(crate) replay: Option<i64>,
}

impl Progress {
    /// A partition without any decision yet: the live stream reads all of it.
    pub(crate) fn fresh(revision: u64, home: &Home) -> Self {
        Self { revision, rules: RULES_VERSION, domains: digest(home), facts: home.facts, replay: None }
    }

    /// A partition with unknown progress.
    pub(crate) fn unknown() -> Self {
        Self { revision: 0, rules: 0, domains: None, facts: 0, replay: None }
    }

    /// Moves to a revision and to the present facts of the home tenant. If the inputs of decisions changed (`basis` is newer, or the rules
    /// or the domains differ), all users are decided anew from `low` on. Otherwise a running replay continues.
    ///
    /// Other domains are a change also where they are older: what another replica decided with the newer ones is decided anew once they
    /// are known here.
    pub(crate) fn toward(self, revision: u64, basis: u64, home: &Home, low: i64) -> Self {
        let domains = digest(home);
        let facts = if domains == self.domains { self.facts } else { home.facts.max(self.facts.saturating_add(1)) };
        let changed = self.rules != RULES_VERSION || basis > self.revision || domains != self.domains;
        Self { revision, rules: RULES_VERSION, domains, facts, replay: if changed { Some(low) } else { self.replay } }
    }

    /// Parses the metadata; `None` if the format is unknown or of a newer version.
    pub(crate) fn parse(note: &str) -> Option<Self> {
        let mut parts = note.strip_prefix("v2;")?.split(';');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let (revision, rules) = (part("revision")?.parse().ok()?, part("rules")?.parse().ok()?);
        let (domains, facts, replay) = (part("domains")?, part("facts")?.parse().ok()?, part("replay")?);
        let domains = match domains {
            "unknown" => None,
            digest => Some(u64::from_str_radix(digest, 16).ok()?),
        };
        let replay = match replay {
            "done" => None,
            offset => Some(offset.parse().ok()?),
        };
        parts.next().is_none().then_some(Self { revision, rules, domains, facts, replay })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v2;revision={};rules={};domains=", self.revision, self.rules)?;
        match self.domains {
            Some(digest) => write!(f, "{digest:x}")?,
            None => f.write_str("unknown")?,
        }
        write!(f, ";facts={};replay=", self.facts)?;
        match self.replay {
            Some(offset) => write!(f, "{offset}"),
            None => f.write_str("done"),
        }
    }
}

fn digest(home: &Home) -> Option<u64> {
    home.domains.as_ref().map(HomeDomains::digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(domain: &str, facts: u64) -> Home {
        Home { domains: Some(HomeDomains::new([domain])), facts }
    }

    #[test]
    fn progress_reads_back_and_unknown_text_does_not() {
        for progress in [
            Progress::fresh(7, &home("x.example", 3)),
            Progress { revision: 9, replay: Some(40), ..Progress::unknown() },
            Progress::unknown(),
        ] {
            assert_eq!(Progress::parse(&progress.to_string()), Some(progress));
        }
        for note in [
            "",
            "v1;revision=1;rules=1;replay=done",
            "v3;revision=1;rules=1;domains=a;facts=1;replay=done",
            "v2;revision=1;rules=1",
            "v2;revision=x;rules=1;domains=a;facts=1;replay=1",
            "v2;revision=1;rules=1;domains=x;facts=1;replay=1",
            "v2;revision=1;rules=1;domains=a;facts=1;replay=1;x=1",
        ] {
            assert_eq!(Progress::parse(note), None, "{note}");
        }
    }

    #[test]
    fn all_users_are_decided_anew_only_when_the_inputs_have_changed() {
        let known = home("x.example", 3);
        let done = |revision, rules, replay| Progress { revision, rules, replay, ..Progress::fresh(revision, &known) };
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
            assert_eq!(before.toward(8, basis, &known, 2), done(8, rules, replay), "{before:?} {basis}");
        }
    }

    #[test]
    fn other_domains_cause_a_replay_with_a_greater_version() {
        let before = Progress::fresh(8, &home("x.example", 30));
        for (home, facts, replay) in [
            (home("x.example", 30), 30, None),
            (home("x.example", 40), 30, None),
            (home("y.example", 40), 40, Some(2)),
            (home("y.example", 20), 31, Some(2)),
            (Home { domains: None, facts: 30 }, 31, Some(2)),
        ] {
            let after = before.toward(8, 8, &home, 2);
            assert_eq!((after.facts, after.replay), (facts, replay), "{home:?}");
        }
    }
}
