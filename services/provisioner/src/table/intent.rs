//! Intents: calls that may be under way. Committed before the call; removed with what became of it.

use xtsync_domain::Timestamp;
use xtsync_platform::params;
use xtsync_platform::store::{Epoch, Store, Transaction};

use super::Key;
use crate::error::Result;

/// A call that may be under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Whose call it is.
    pub(crate) epoch: Epoch,
    /// Until then nobody else may call for the link.
    pub(crate) until: Timestamp,
}

/// The call that may be under way for a link.
pub(crate) async fn read(store: &Store, key: &Key) -> Result<Option<Intent>> {
    const SQL: &str = "SELECT epoch, until FROM intent WHERE target = $1 AND source = $2 AND user_id = $3";
    let row = store.fetch_one_opt(SQL, params![key.target.as_str(), key.source.as_str(), key.user.as_str()]).await?;
    row.map(|row| Ok(Intent { epoch: Epoch(row.uint(0)?), until: Timestamp(row.int(1)?) })).transpose()
}

/// Says that a call is about to start.
pub(crate) async fn put(tx: &mut Transaction, key: &Key, call: &'static str, intent: &Intent) -> Result<()> {
    const SQL: &str = "INSERT INTO intent (target, source, user_id, call, epoch, until) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (target, source, user_id) DO UPDATE SET call = excluded.call, epoch = excluded.epoch, until = excluded.until";
    tx.execute(SQL, params![key.target.as_str(), key.source.as_str(), key.user.as_str(), call, intent.epoch, intent.until]).await?;
    Ok(())
}

/// The call has ended, but nobody knows how: the link may be looked at from now on.
pub(crate) async fn expire(tx: &mut Transaction, key: &Key, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE intent SET until = $4 WHERE target = $1 AND source = $2 AND user_id = $3";
    tx.execute(SQL, params![key.target.as_str(), key.source.as_str(), key.user.as_str(), now]).await?;
    Ok(())
}

/// What became of the call is known.
pub(crate) async fn remove(tx: &mut Transaction, key: &Key) -> Result<()> {
    const SQL: &str = "DELETE FROM intent WHERE target = $1 AND source = $2 AND user_id = $3";
    tx.execute(SQL, params![key.target.as_str(), key.source.as_str(), key.user.as_str()]).await?;
    Ok(())
}
