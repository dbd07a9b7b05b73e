//! The progress of one partition, stored as metadata of the committed offset.
//!
//! Policy has no store: this metadata is all that a successor needs. A replica that cannot read it decides all users anew, which is safe.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use xtsync_domain::address::{Home, HomeDomains};
use xtsync_domain::decide::RULES_VERSION;

/// The most synchronizations of a source that the metadata tells apart: a broker keeps 4,096 bytes. Where there are more, a change of one
/// has all of them decide anew.
const TOLD_APART_MAX: usize = 128;

/// Stands for all synchronizations of a source that has too many.
const ALL: u32 = 0;

/// The rules of a source: the digest of each synchronization's, by a hash of its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rules(BTreeMap<u32, u64>);

/// The progress of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The revision that what stands before the live position is decided with, or is being.
    pub(crate) revision: u64,
    /// The version of the rules, likewise.
    pub(crate) rules_version: u32,
    /// The rules, likewise.
    pub(crate) rules: Rules,
    /// The digest of the home tenant's domains, likewise; `None` where they are not known.
    pub(crate) domains: Option<u64>,
    /// The version of that knowledge. It grows with each change of the domains and with nothing else, so that a decision that is made
    /// again has the version it had.
    pub(crate) facts: u64,
    /// The replay with them; `None` when there is nothing to replay.
    pub(crate) replay: Option<Replayed>,
}

/// A replay under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Where it goes on.
    pub(crate) next: i64,
    /// The synchronizations that decide again.
    synchronizations: BTreeSet<u32>,
}

impl Rules {
    /// Of the digests of a source's synchronizations, by name.
    pub(crate) fn of(digests: &BTreeMap<String, u64>) -> Self {
        if digests.len() > TOLD_APART_MAX {
            return Self([(ALL, hash(digests))].into());
        }
        Self(digests.iter().map(|(name, digest)| (key(name), *digest)).collect())
    }
}

impl Replayed {
    /// Whether a synchronization decides again.
    pub(crate) fn concerns(&self, synchronization: &str) -> bool {
        self.synchronizations.contains(&ALL) || self.synchronizations.contains(&key(synchronization))
    }
}

impl Progress {
    /// A partition without any decision yet: the live stream reads all of it.
    pub(crate) fn fresh(revision: u64, rules: Rules, home: &Home) -> Self {
        Self { revision, rules_version: RULES_VERSION, rules, domains: digest(home), facts: home.facts, replay: None }
    }

    /// A partition with unknown progress.
    pub(crate) fn unknown() -> Self {
        Self { revision: 0, rules_version: 0, rules: Rules::default(), domains: None, facts: 0, replay: None }
    }

    /// Moves to a revision and to the present facts of the home tenant. Synchronizations whose rules changed decide all users anew, from
    /// `low` on; all of them do where the version of the rules or the domains differ. Otherwise a running replay continues.
    ///
    /// Other domains are a change also where they are older: what another replica decided with the newer ones is decided anew once they
    /// are known here.
    pub(crate) fn toward(self, revision: u64, rules: Rules, home: &Home, low: i64) -> Self {
        let domains = digest(home);
        let facts = if domains == self.domains { self.facts } else { home.facts.max(self.facts.saturating_add(1)) };
        let are_all = self.rules_version != RULES_VERSION || domains != self.domains;
        let is_changed = |(name, digest): &(&u32, &u64)| are_all || self.rules.0.get(*name) != Some(*digest);
        let changed: BTreeSet<u32> = rules.0.iter().filter(is_changed).map(|(name, _)| *name).collect();
        let left = self.replay.map(|Replayed { next, synchronizations }| {
            let synchronizations: BTreeSet<u32> = synchronizations.into_iter().filter(|name| rules.0.contains_key(name)).collect();
            Replayed { next, synchronizations }
        });
        let replay = match left {
            left if changed.is_empty() => left.filter(|left| !left.synchronizations.is_empty()),
            Some(Replayed { synchronizations, .. }) => Some(Replayed { next: low, synchronizations: &changed | &synchronizations }),
            None => Some(Replayed { next: low, synchronizations: changed }),
        };
        Self { revision, rules_version: RULES_VERSION, rules, domains, facts, replay }
    }

    /// Whether a synchronization decides again in the replay under way.
    pub(crate) fn replays(&self, synchronization: &str) -> bool {
        self.replay.as_ref().is_some_and(|replay| replay.concerns(synchronization))
    }

    /// Parses the metadata; `None` if the format is unknown or of a newer version.
    pub(crate) fn parse(note: &str) -> Option<Self> {
        let mut parts = note.strip_prefix("v3;")?.split(';');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let (revision, rules_version) = (part("revision")?.parse().ok()?, part("rules")?.parse().ok()?);
        let (domains, facts, replay) = (part("domains")?, part("facts")?.parse().ok()?, part("replay")?);
        let domains = match domains {
            "unknown" => None,
            digest => Some(u64::from_str_radix(digest, 16).ok()?),
        };
        let (mut rules, mut synchronizations) = (Rules::default(), BTreeSet::new());
        for entry in part("synchronizations")?.split(',').filter(|entry| !entry.is_empty()) {
            let (name, digest) = entry.split_once(':')?;
            let name = u32::from_str_radix(name, 16).ok()?;
            if digest.ends_with(REPLAYED) {
                synchronizations.insert(name);
            }
            rules.0.insert(name, u64::from_str_radix(digest.trim_end_matches(REPLAYED), 16).ok()?);
        }
        let replay = match replay {
            "done" => None,
            offset => Some(Replayed { next: offset.parse().ok()?, synchronizations }),
        };
        parts.next().is_none().then_some(Self { revision, rules_version, rules, domains, facts, replay })
    }
}

/// Marks a synchronization that decides again.
const REPLAYED: char = '*';

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v3;revision={};rules={};domains=", self.revision, self.rules_version)?;
        match self.domains {
            Some(digest) => write!(f, "{digest:x}")?,
            None => f.write_str("unknown")?,
        }
        write!(f, ";facts={};replay=", self.facts)?;
        match &self.replay {
            Some(replay) => write!(f, "{}", replay.next)?,
            None => f.write_str("done")?,
        }
        f.write_str(";synchronizations=")?;
        for (at, (name, digest)) in self.rules.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{name:x}:{digest:x}")?;
            if self.replay.as_ref().is_some_and(|replay| replay.synchronizations.contains(name)) {
                write!(f, "{REPLAYED}")?;
            }
        }
        Ok(())
    }
}

fn digest(home: &Home) -> Option<u64> {
    home.domains.as_ref().map(HomeDomains::digest)
}

fn hash(value: impl std::hash::Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// What stands for a synchronization in the metadata; never [`ALL`].
fn key(synchronization: &str) -> u32 {
    let [_, _, _, _, key @ ..] = hash(synchronization).to_be_bytes();
    u32::from_be_bytes(key).max(ALL + 1)
}

#[cfg(test)]
mod tests;
