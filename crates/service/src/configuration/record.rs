//! Decodes one record of `config`.

use xtsync_contract::convert::Invalid;
use xtsync_contract::event::{self, Unreadable};
use xtsync_contract::internal;
use xtsync_contract::internal::config_record::Record as Wire;
use xtsync_contract::topic::COMMIT_KEY;
use xtsync_domain::resource::Resource;

use xtsync_bus::Record;

/// A decoded record.
#[derive(Debug)]
pub enum ParsedRecord {
    /// A part of a revision.
    Commit(Commit),
    /// A resource in its current state.
    Resource {
        /// The record's key.
        key: String,
        /// The resource.
        resource: Box<Resource>,
        /// The bytes as written, because a commit's digest is of those.
        spec_json: Vec<u8>,
    },
    /// The resource is deleted.
    Removal {
        /// The record's key.
        key: String,
    },
}

/// The end of a revision.
#[derive(Debug)]
pub struct Commit {
    /// The revision.
    pub revision: u64,
    /// The number of resources in it.
    pub resources: u32,
    /// The digest of all of them.
    pub digest: Vec<u8>,
}

/// Why a record is not part of a configuration.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is not an xtsync event, or does not decode.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It is not a resource.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Its key is not text.
    #[error("its key is not text")]
    Key,
    /// Its key belongs to another resource.
    #[error("its key is not that of its resource")]
    Misplaced,
}

impl Unusable {
    /// Whether a newer version wrote it: then it must not be skipped.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        matches!(self, Self::Invalid(Invalid::NewerWriter(_)))
    }

    /// The stable code, used as the reason in dead letters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(error) => error.code(),
            Self::Invalid(error) => error.code(),
            Self::Key | Self::Misplaced => "wrong_key",
        }
    }
}

/// Decodes a record.
///
/// # Errors
/// When it is not part of a configuration, or only a newer version understands it.
pub fn read(record: &Record) -> Result<ParsedRecord, Unusable> {
    let key = std::str::from_utf8(&record.key).map_err(|_| Unusable::Key)?.to_owned();
    let Some(value) = &record.value else { return Ok(ParsedRecord::Removal { key }) };
    let read: internal::ConfigRecord = event::decode(&record.headers, value)?;
    match read.record.as_ref().ok_or(Invalid::NewerWriter("record"))? {
        Wire::Commit(commit) if key == COMMIT_KEY => {
            let internal::Commit { resources, digest, actor: _ } = commit.clone();
            Ok(ParsedRecord::Commit(Commit { revision: read.revision, resources, digest }))
        }
        Wire::Commit(_) => Err(Unusable::Misplaced),
        Wire::Resource(resource) => {
            let spec_json = resource.spec_json.clone();
            let resource = Box::new(Resource::try_from(read)?);
            if resource.id.to_string() == key { Ok(ParsedRecord::Resource { key, resource, spec_json }) } else { Err(Unusable::Misplaced) }
        }
    }
}
