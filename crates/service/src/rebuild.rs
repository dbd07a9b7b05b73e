//! Rebuilds what a store has lost from the topic that its service publishes: the store was restored from a backup, or is new.
//!
//! A store is never behind its own topic, since a row is committed before it is published. So a look at the last record of each partition
//! shows whether it is behind. Records are restored in their order, so a rebuild that was interrupted is still behind by the last ones, and
//! begins anew.

use xtsync_bus::{self as bus, Bus, Record, Table, Topic};

/// A store that can be restored from its topic.
pub trait Restore: Sync {
    /// How that can fail.
    type Error: From<bus::Error> + Send;

    /// Whether the store lacks one of these records, or has an older state of it.
    fn is_behind(&self, records: Vec<Record>) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Stores what these records have and the store lacks; returns the number of rows.
    fn restore(&self, records: Vec<Record>) -> impl Future<Output = Result<usize, Self::Error>> + Send;
}

/// Restores from a topic what a store has lost; returns the number of rows. None where the topic does not exist yet. A store that has
/// read its topic before reads it again only if it is behind.
///
/// # Errors
/// When the bus or the store fails.
pub async fn rebuild<S: Restore>(bus: &Bus, topic: Topic, store: &S, is_new: bool) -> Result<usize, S::Error> {
    if !bus::missing(bus, [&topic]).await?.is_empty() {
        return Ok(0);
    }
    if !is_new && !store.is_behind(bus::last(bus, &topic).await?).await? {
        return Ok(0);
    }
    let mut table = Table::open(bus, vec![topic]).await?;
    let mut restored = 0;
    while !table.caught_up() {
        restored += store.restore(table.next().await?).await?;
    }
    Ok(restored)
}
