//! Targets: whether the links of each were compared with their topic, and whether it is observe-only since they were taken from it.

use xtsync_domain::{DirectoryId, TenantName, Timestamp};
use xtsync_store::{self as store, Store, Transaction, params};

use crate::error::Result;

/// What is known of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// Its links were compared with their topic, to the end.
    pub(crate) is_reconciled: bool,
    /// Nothing is written there before an administrator resumes it.
    pub(crate) is_observe_only: bool,
}

/// What is known; nothing of a target that this store has never owned.
pub(crate) async fn read(store: &Store, target: &TenantName) -> Result<Option<State>> {
    let rows = store.fetch("SELECT reconciled, observe_only_since FROM target_ WHERE target = $1", params![target.as_str()]).await?;
    let state = rows
        .first()
        .map(|row| Ok(State { is_reconciled: row.flag("reconciled")?, is_observe_only: row.opt_int("observe_only_since")?.is_some() }));
    state.transpose()
}

/// Links are about to be taken from the topic; `since` says so where the store had been lost.
pub(crate) async fn begin_rebuild(tx: &mut Transaction, target: &TenantName, since: Option<Timestamp>) -> Result<()> {
    const SQL: &str = "INSERT INTO target_ (target, reconciled, observe_only_since) VALUES ($1, 0, $2)
        ON CONFLICT (target) DO UPDATE SET reconciled = 0, observe_only_since = COALESCE(target_.observe_only_since, excluded.observe_only_since)";
    tx.execute(SQL, params![target.as_str(), since.map(|since| since.0)]).await?;
    Ok(())
}

/// Nothing is missing.
pub(crate) async fn set_reconciled(tx: &mut Transaction, target: &TenantName) -> Result<()> {
    const SQL: &str = "INSERT INTO target_ (target, reconciled) VALUES ($1, 1) ON CONFLICT (target) DO UPDATE SET reconciled = 1";
    tx.execute(SQL, params![target.as_str()]).await?;
    Ok(())
}

/// Which directory its links are of, as far as it was noted.
pub(crate) async fn directory(store: &Store, target: &TenantName) -> Result<Option<DirectoryId>> {
    let row = store.fetch_one_opt("SELECT directory FROM target_ WHERE target = $1", params![target.as_str()]).await?;
    Ok(row.map(|row| row.opt_text("directory")).transpose()?.flatten().map(DirectoryId::from))
}

/// Its links are of this directory.
pub(crate) async fn set_directory(tx: &mut Transaction, target: &TenantName, directory: &DirectoryId) -> Result<()> {
    tx.execute("UPDATE target_ SET directory = $2 WHERE target = $1", params![target.as_str(), directory.as_str()]).await?;
    Ok(())
}

/// An operator lets it be written again.
pub(crate) async fn resume(tx: &mut Transaction, target: &TenantName) -> Result<(), store::Error> {
    tx.execute("UPDATE target_ SET observe_only_since = NULL WHERE target = $1", params![target.as_str()]).await.map(drop)
}
