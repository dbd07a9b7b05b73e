//! Intents: calls that may be under way. Committed before the call; removed with what became of it.

use xtsync_domain::Timestamp;
use xtsync_store::{Epoch, Transaction, params};

use super::Key;

/// A call that may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Whose call it is.
    pub(crate) epoch: Epoch,
    /// Until then no other process may call for the link.
    pub(crate) until: Timestamp,
}

/// Says that calls are about to start: whose, which, and until when at most.
pub(crate) fn put(tx: &mut Transaction, intents: Vec<(&Key, &'static str, Intent)>) {
    const SQL: &str = "INSERT INTO intent (target, source, user_id, call, epoch, until) VALUES {rows}
        ON CONFLICT (target, source, user_id) DO UPDATE SET call = excluded.call, epoch = excluded.epoch, until = excluded.until";
    let row = |(key, call, intent): (&Key, &'static str, Intent)| [key.params(), params![call, intent.epoch, intent.until]].concat();
    tx.defer(SQL, intents.into_iter().map(row).collect());
}

/// Moves the time until which calls may be under way.
pub(crate) fn set_until(tx: &mut Transaction, keys: Vec<&Key>, until: Timestamp) {
    const SQL: &str = "WITH v (target, source, user_id, until) AS (VALUES {rows})
        UPDATE intent SET until = v.until FROM v
        WHERE intent.target = v.target AND intent.source = v.source AND intent.user_id = v.user_id";
    tx.defer(SQL, keys.into_iter().map(|key| [key.params(), params![until]].concat()).collect());
}

/// What became of the calls is known.
pub(crate) fn remove(tx: &mut Transaction, keys: Vec<&Key>) {
    const SQL: &str = "DELETE FROM intent WHERE (target, source, user_id) IN (VALUES {rows})";
    tx.defer(SQL, keys.into_iter().map(Key::params).collect());
}
