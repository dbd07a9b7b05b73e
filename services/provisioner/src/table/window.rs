//! How many users of each source were counted in a target, by minute.

use std::collections::BTreeMap;

use xtsync_domain::TenantName;
use xtsync_domain::gate::Counter;
use xtsync_store::{Store, Transaction, params};

use crate::error::{Error, Result};

/// Whose users, for what, and in which minute.
pub(crate) type Bucket = (TenantName, Counter, i64);

/// Counts users.
pub(crate) fn add(tx: &mut Transaction, target: &TenantName, uses: &BTreeMap<Bucket, u64>) {
    const SQL: &str = "INSERT INTO window_ (target, source, counter, minute, count) VALUES {rows}
        ON CONFLICT (target, source, counter, minute) DO UPDATE SET count = window_.count + excluded.count";
    let row =
        |((source, counter, minute), count): (&Bucket, &u64)| params![target.as_str(), source.as_str(), counter.name(), *minute, *count];
    tx.defer(SQL, uses.iter().map(row).collect());
}

/// Users counted from a minute on.
pub(crate) async fn read(store: &Store, target: &TenantName, from: i64) -> Result<Vec<(Bucket, u64)>> {
    const SQL: &str = "SELECT source, counter, minute, count FROM window_ WHERE target = $1 AND minute >= $2";
    let mut counted = Vec::new();
    for row in store.fetch(SQL, params![target.as_str(), from]).await? {
        let unreadable = |reason: String| Error::Unreadable("window".to_owned(), reason);
        let source = TenantName::new(row.text("source")?).map_err(|error| unreadable(error.to_string()))?;
        let name = row.text("counter")?;
        let counter = Counter::of_name(&name).ok_or_else(|| unreadable(format!("nothing is counted as {name}")))?;
        counted.push(((source, counter, row.int("minute")?), row.uint("count")?));
    }
    Ok(counted)
}

/// Forgets minutes before one.
pub(crate) async fn prune(store: &Store, target: &TenantName, before: i64) -> Result<()> {
    let mut tx = store.begin().await?;
    tx.execute("DELETE FROM window_ WHERE target = $1 AND minute < $2", params![target.as_str(), before]).await?;
    Ok(tx.commit().await?)
}
