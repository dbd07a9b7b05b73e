//! The newest decision about each user, with a link or without: its version, and the digest of what it wants. Most users of a source are in
//! no scope, so a row is narrow.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use xtsync_domain::key::compose;
use xtsync_domain::{Decision, Version};
use xtsync_store::{Row, Store, Transaction, params};

use super::Key;
use crate::error::{Error, Result};

/// Half of a SHA-256 over the key: among a million keys two meet with a chance of one in 10^26.
type Hash = [u8; 16];

/// What was decided last about one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) version: Version,
    /// The digest of what is wanted; `None` where it is not known.
    pub(crate) digest: Option<[u8; 16]>,
}

impl From<&Decision> for Decided {
    fn from(decision: &Decision) -> Self {
        Self { version: decision.version, digest: Some(decision.digest()) }
    }
}

impl Decided {
    /// Of this version, whatever it wants: the next decision counts as another.
    pub(crate) fn unknown(version: Version) -> Self {
        Self { version, digest: None }
    }

    fn read(row: &Row) -> Result<Self> {
        let unreadable = || Error::Unreadable("decided".to_owned(), "its version is none".to_owned());
        let rules = u32::try_from(row.uint("rules")?).map_err(|_| unreadable())?;
        let version = Version { delta: row.uint("delta")?, revision: row.uint("revision")?, facts: row.uint("facts")?, rules };
        Ok(Self { version, digest: row.bytes("digest")?.try_into().ok() })
    }
}

/// What was decided about these users, where anything was.
pub(crate) async fn read(store: &Store, keys: &BTreeSet<&Key>) -> Result<BTreeMap<Key, Decided>> {
    const SQL: &str = "WITH v (key_hash) AS (VALUES {rows})
        SELECT decided.key_hash, delta, revision, facts, rules, digest FROM v JOIN decided ON decided.key_hash = v.key_hash";
    let by_hash: BTreeMap<Hash, &Key> = keys.iter().map(|key| (hash(key), *key)).collect();
    let rows = store.fetch_rows(SQL, by_hash.keys().map(|hash| params![hash.as_slice()]).collect()).await?;
    let named = |row: &Row| {
        let key = by_hash.get(row.bytes("key_hash")?.as_slice()).copied();
        Ok(key.cloned().zip(Some(Decided::read(row)?)))
    };
    rows.iter().filter_map(|row| named(row).transpose()).collect()
}

/// Notes decisions; each key once.
pub(crate) fn save<'a>(tx: &mut Transaction, decided: impl Iterator<Item = (&'a Key, Decided)>) {
    const SQL: &str = "INSERT INTO decided (key_hash, delta, revision, facts, rules, digest) VALUES {rows}
        ON CONFLICT (key_hash) DO UPDATE SET delta = excluded.delta, revision = excluded.revision, facts = excluded.facts,
            rules = excluded.rules, digest = excluded.digest";
    let params = |(key, Decided { version, digest }): (&Key, Decided)| {
        let digest = digest.map_or_else(Vec::new, |digest| digest.to_vec());
        params![hash(key).as_slice(), version.delta, version.revision, version.facts, version.rules, digest]
    };
    tx.defer(SQL, decided.map(params).collect());
}

fn hash(key: &Key) -> Hash {
    let digest: [u8; 32] = Sha256::digest(compose([key.target.as_str(), key.source.as_str(), key.user.as_str()])).into();
    let (half, _) = digest.split_first_chunk().expect("32 bytes hold 16");
    *half
}
