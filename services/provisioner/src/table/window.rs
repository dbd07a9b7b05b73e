//! How often a verb was used in a target, by minute.

use std::collections::BTreeMap;

use xtsync_domain::TenantName;
use xtsync_domain::link::Verb;
use xtsync_platform::params;
use xtsync_platform::store::{Store, Transaction};

use crate::error::Result;

/// Counts uses.
pub(crate) fn add(tx: &mut Transaction, target: &TenantName, uses: &BTreeMap<(Verb, i64), u64>) {
    const SQL: &str = "INSERT INTO window_ (target, verb, minute, count) VALUES {rows}
        ON CONFLICT (target, verb, minute) DO UPDATE SET count = window_.count + excluded.count";
    let row = |((verb, minute), count): (&(Verb, i64), &u64)| params![target.as_str(), verb.name(), *minute, *count];
    tx.later(SQL, uses.iter().map(row).collect());
}

/// Uses by minute, from a minute on.
pub(crate) async fn read(store: &Store, target: &TenantName, verb: Verb, from: i64) -> Result<Vec<(i64, u64)>> {
    const SQL: &str = "SELECT minute, count FROM window_ WHERE target = $1 AND verb = $2 AND minute >= $3";
    let rows = store.fetch(SQL, params![target.as_str(), verb.name(), from]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.uint(1)?))).collect()
}

/// Forgets minutes before one.
pub(crate) async fn prune(store: &Store, target: &TenantName, before: i64) -> Result<()> {
    let mut tx = store.begin().await?;
    tx.execute("DELETE FROM window_ WHERE target = $1 AND minute < $2", params![target.as_str(), before]).await?;
    Ok(tx.commit().await?)
}
