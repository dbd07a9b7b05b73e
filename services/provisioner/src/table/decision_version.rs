//! The newest version of decisions that made no link: most users of a source are in no scope, so a row is a hash and a version.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use xtsync_domain::Version;
use xtsync_store::{Row, Transaction, params};

use super::Key;
use crate::error::{Error, Result};

/// Half of a SHA-256 over the key: among a million keys two meet with a chance of one in 10^26.
type Hash = [u8; 16];

/// The versions seen for these keys, where there are any.
pub(crate) async fn read(tx: &mut Transaction, keys: &[&Key]) -> Result<BTreeMap<Key, Version>> {
    const SQL: &str = "WITH v (key_hash) AS (VALUES {rows})
        SELECT decision_version.key_hash, version_delta, version_facts, version_revision, version_rules FROM decision_version JOIN v ON v.key_hash = decision_version.key_hash";
    let by_hash: BTreeMap<Hash, &Key> = keys.iter().map(|key| (hash(key), *key)).collect();
    let rows = tx.fetch_rows(SQL, by_hash.keys().map(|hash| params![hash.as_slice()]).collect()).await?;
    let named = |row: &Row| {
        let key = by_hash.get(row.bytes("key_hash")?.as_slice()).copied();
        Ok(key.cloned().zip(Some(version(row)?)))
    };
    rows.iter().filter_map(|row| named(row).transpose()).collect()
}

/// Notes versions; each key once.
pub(crate) fn save(tx: &mut Transaction, versions: &BTreeMap<Key, Version>) {
    const SQL: &str = "INSERT INTO decision_version (key_hash, version_delta, version_facts, version_revision, version_rules) VALUES {rows}
        ON CONFLICT (key_hash) DO UPDATE SET version_delta = excluded.version_delta, version_facts = excluded.version_facts,
            version_revision = excluded.version_revision, version_rules = excluded.version_rules";
    let params =
        |(key, version): (&Key, &Version)| params![hash(key).as_slice(), version.delta, version.facts, version.revision, version.rules];
    tx.defer(SQL, versions.iter().map(params).collect());
}

fn version(row: &Row) -> Result<Version> {
    let rules = u32::try_from(row.uint("version_rules")?)
        .map_err(|_| Error::Unreadable("decision_version".to_owned(), "its version is none".to_owned()))?;
    Ok(Version { delta: row.uint("version_delta")?, facts: row.uint("version_facts")?, revision: row.uint("version_revision")?, rules })
}

fn hash(key: &Key) -> Hash {
    // Tenant names hold no slash, so different keys are different texts.
    let digest: [u8; 32] = Sha256::digest(format!("{}/{}", key.target, key.record())).into();
    let (half, _) = digest.split_first_chunk().expect("32 bytes hold 16");
    *half
}
