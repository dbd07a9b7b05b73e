//! Intents: calls that may be under way. Committed before the call; removed with what became of it.

use xtsync_domain::Timestamp;
use xtsync_platform::params;
use xtsync_platform::store::{Epoch, Transaction};

use super::Key;
use crate::error::Result;

/// A call that may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Whose call it is.
    pub(crate) epoch: Epoch,
    /// Until then nobody else may call for the link.
    pub(crate) until: Timestamp,
}

/// Says that calls are about to start: whose, which, and until when at most.
pub(crate) async fn put(tx: &mut Transaction, intents: Vec<(&Key, &'static str, Intent)>) -> Result<()> {
    const SQL: &str = "INSERT INTO intent (target, source, user_id, call, epoch, until) VALUES {rows}
        ON CONFLICT (target, source, user_id) DO UPDATE SET call = excluded.call, epoch = excluded.epoch, until = excluded.until";
    let row = |(key, call, intent): (&Key, &'static str, Intent)| [key.params(), params![call, intent.epoch, intent.until]].concat();
    tx.insert(SQL, intents.into_iter().map(row).collect()).await?;
    Ok(())
}

/// The calls have ended, but nobody knows how: the links may be looked at from now on.
pub(crate) async fn expire(tx: &mut Transaction, keys: Vec<&Key>, now: Timestamp) -> Result<()> {
    const SQL: &str = "WITH v (target, source, user_id, until) AS (VALUES {rows})
        UPDATE intent SET until = v.until FROM v
        WHERE intent.target = v.target AND intent.source = v.source AND intent.user_id = v.user_id";
    tx.insert(SQL, keys.into_iter().map(|key| [key.params(), params![now]].concat()).collect()).await?;
    Ok(())
}

/// What became of the calls is known.
pub(crate) async fn remove(tx: &mut Transaction, keys: Vec<&Key>) -> Result<()> {
    const SQL: &str = "DELETE FROM intent WHERE (target, source, user_id) IN (VALUES {rows})";
    tx.insert(SQL, keys.into_iter().map(Key::params).collect()).await?;
    Ok(())
}
