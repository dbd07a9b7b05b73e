//! Folds the records of `config` into complete revisions. Pure: records in, revisions out.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use xtsync_domain::Configuration;
use xtsync_domain::resource::Resource;
use xtsync_proto::convert::Invalid;
use xtsync_proto::event::{self, Unreadable};
use xtsync_proto::topic::COMMIT_KEY;
use xtsync_proto::v1;
use xtsync_proto::v1::config_record::Record as Wire;

use crate::bus::{Position, Record};

/// Everything read so far.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// The newest resource of each key, closed by a commit or not.
    resources: BTreeMap<String, Entry>,
    /// Keys whose newest record cannot be read, with the story.
    unreadable: BTreeMap<Vec<u8>, String>,
    /// The newest commit.
    commit: Option<Commit>,
    /// The newest revision that was whole, as it stood when its commit came.
    complete: Option<(u64, BTreeMap<String, Entry>)>,
}

#[derive(Debug, Clone)]
struct Entry {
    resource: Arc<Resource>,
    /// As written, because the digest is of what was written.
    spec_json: Arc<[u8]>,
}

#[derive(Debug)]
struct Commit {
    revision: u64,
    resources: u32,
    digest: Vec<u8>,
}

/// How what was read stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The newest commit closes everything read, or nothing was ever applied.
    Complete,
    /// There is more or less than the newest commit closes.
    Half(String),
    /// A record cannot be read.
    Unreadable(String),
}

/// Why a record is no part of a configuration.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("its key is no text")]
    Key,
    #[error("its key is not that of what it holds")]
    Misplaced,
}

impl Fold {
    /// Takes the next record, in order.
    pub(super) fn take(&mut self, record: &Record) {
        match self.read(record) {
            Ok(()) => drop(self.unreadable.remove(record.key.as_ref())),
            Err(trouble) => {
                let story = format!("{}: {trouble}", place(&record.at));
                tracing::error!(%story, "a record of the configuration cannot be read");
                self.unreadable.insert(record.key.to_vec(), story);
            }
        }
        if record.key.as_ref() == COMMIT_KEY.as_bytes() && self.state() == State::Complete {
            self.complete = self.commit.as_ref().map(|commit| (commit.revision, self.resources.clone()));
        }
    }

    /// The newest complete revision.
    pub(super) fn complete(&self) -> Option<Configuration> {
        let (revision, entries) = self.complete.as_ref()?;
        Some(Configuration::new(*revision, entries.values().map(|entry| Resource::clone(&entry.resource))))
    }

    /// How what was read stands.
    pub(super) fn state(&self) -> State {
        if let Some(story) = self.unreadable.values().next() {
            return State::Unreadable(story.clone());
        }
        let newest = self.resources.values().map(|entry| entry.resource.revision).max().unwrap_or(0);
        match &self.commit {
            None if newest == 0 => State::Complete,
            None => State::Half(format!("revision {newest} has no commit yet")),
            Some(commit) if newest > commit.revision => State::Half(format!("revision {newest} has no commit yet")),
            Some(commit) if !self.is_closed_by(commit) => {
                State::Half(format!("revision {} is not whole: waiting for the next one", commit.revision))
            }
            Some(_) => State::Complete,
        }
    }

    fn is_closed_by(&self, commit: &Commit) -> bool {
        let same_number = u32::try_from(self.resources.len()) == Ok(commit.resources);
        same_number && digest(self.resources.iter().map(|(key, entry)| (key.as_str(), &*entry.spec_json))) == commit.digest
    }

    fn read(&mut self, record: &Record) -> Result<(), Trouble> {
        let key = std::str::from_utf8(&record.key).map_err(|_| Trouble::Key)?;
        let Some(value) = &record.value else {
            self.resources.remove(key);
            return Ok(());
        };
        let read: v1::ConfigRecord = event::decode(&record.headers, value)?;
        match read.record.as_ref().ok_or(Invalid::NewerWriter("record"))? {
            Wire::Commit(commit) if key == COMMIT_KEY => {
                let v1::Commit { resources, digest, actor: _ } = commit.clone();
                self.commit = Some(Commit { revision: read.revision, resources, digest });
            }
            Wire::Commit(_) => return Err(Trouble::Misplaced),
            Wire::Resource(resource) => {
                let spec_json = resource.spec_json.as_slice().into();
                let resource = Arc::new(Resource::try_from(read)?);
                if resource.id.to_string() != key {
                    return Err(Trouble::Misplaced);
                }
                self.resources.insert(key.to_owned(), Entry { resource, spec_json });
            }
        }
        Ok(())
    }
}

/// The digest that a commit carries: SHA-256 over key and spec of each resource in order of key, each with its length before it.
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
