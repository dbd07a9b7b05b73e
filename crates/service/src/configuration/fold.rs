//! Folds the records of `config` into complete revisions. Pure: records in, revisions out.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use xtsync_contract::topic::COMMIT_KEY;
use xtsync_domain::Configuration;
use xtsync_domain::resource::Resource;

use super::record::{Commit, ParsedRecord, Unusable, read};
use xtsync_bus::{Position, Record};

/// The state after all records so far.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// The newest resource of each key, whether a commit closes it or not.
    resources: BTreeMap<String, Entry>,
    /// Keys whose newest record only a newer version understands, each with its reason.
    newer: BTreeMap<Vec<u8>, String>,
    /// The newest commit.
    commit: Option<Commit>,
    /// The newest complete revision, as of its commit.
    complete: Option<(u64, BTreeMap<String, Entry>)>,
}

#[derive(Debug, Clone)]
struct Entry {
    resource: Arc<Resource>,
    /// The bytes as written, because the digest is of those.
    spec_json: Arc<[u8]>,
}

/// The state of the records so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The newest commit closes all records, or there is none at all.
    Complete,
    /// The records differ from what the newest commit closes.
    Incomplete(String),
    /// A record that only a newer version understands.
    NewerWriter(String),
}

impl Fold {
    /// Adds the next record, in order. An error means that the record is skipped, or blocks later revisions.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), Unusable> {
        self.newer.remove(record.key.as_ref());
        let taken = read(record).map(|read| self.put(read));
        if let Err(unusable) = &taken {
            self.skip(record, unusable);
        }
        if record.key.as_ref() == COMMIT_KEY.as_bytes() && self.state() == State::Complete {
            self.complete = self.commit.as_ref().map(|commit| (commit.revision, self.resources.clone()));
        }
        taken
    }

    /// The newest complete revision.
    pub(super) fn complete(&self) -> Option<Configuration> {
        let (revision, entries) = self.complete.as_ref()?;
        Some(Configuration::new(*revision, entries.values().map(|entry| Resource::clone(&entry.resource))))
    }

    /// The state of the records so far.
    pub(super) fn state(&self) -> State {
        if let Some(reason) = self.newer.values().next() {
            return State::NewerWriter(reason.clone());
        }
        let newest = self.resources.values().map(|entry| entry.resource.revision).max().unwrap_or(0);
        match &self.commit {
            None if newest == 0 => State::Complete,
            None => State::Incomplete(format!("revision {newest} has no commit yet")),
            Some(commit) if newest > commit.revision => State::Incomplete(format!("revision {newest} has no commit yet")),
            Some(commit) if !self.is_closed_by(commit) => {
                State::Incomplete(format!("revision {} is incomplete: waiting for the next one", commit.revision))
            }
            Some(_) => State::Complete,
        }
    }

    fn is_closed_by(&self, commit: &Commit) -> bool {
        let same_number = u32::try_from(self.resources.len()) == Ok(commit.resources);
        same_number && digest(self.resources.iter().map(|(key, entry)| (key.as_str(), &*entry.spec_json))) == commit.digest
    }

    fn put(&mut self, read: ParsedRecord) {
        match read {
            ParsedRecord::Commit(commit) => self.commit = Some(commit),
            ParsedRecord::Resource { key, resource, spec_json } => {
                let entry = Entry { resource: Arc::from(resource), spec_json: spec_json.into() };
                self.resources.insert(key, entry);
            }
            ParsedRecord::Removal { key } => drop(self.resources.remove(&key)),
        }
    }

    /// Handles an unusable record. A newer version's record blocks revisions. Any other is no part of a revision; if it replaced a
    /// resource, a new reader no longer finds that resource, so it is removed here, too, and the digest shows whether it is missing.
    fn skip(&mut self, record: &Record, unusable: &Unusable) {
        if unusable.is_newer() {
            self.newer.insert(record.key.to_vec(), format!("{}: {unusable}", place(&record.at)));
        } else if record.key == COMMIT_KEY {
            self.commit = None;
        } else if let Ok(key) = std::str::from_utf8(&record.key) {
            self.resources.remove(key);
        }
    }
}

/// The digest of a commit: SHA-256 over key and spec of each resource in key order, each after its length.
pub fn digest<'a>(resources: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut hash = Sha256::new();
    for (key, spec_json) in resources {
        for part in [key.as_bytes(), spec_json] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.finalize().to_vec()
}

fn place(at: &Position) -> String {
    format!("record {} of partition {} of {}", at.offset, at.partition.index, at.partition.topic)
}

#[cfg(test)]
mod tests;
