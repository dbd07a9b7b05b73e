//! Offsets of the bus, kept with their effect: both are stored in one transaction, so a record's effect is neither lost nor doubled.

use std::collections::BTreeMap;

use xtsync_proto::topic::Topic;

use super::{Error, Store, Transaction};
use crate::params;

/// The next offset of each partition of a topic whose effect is stored here, by index.
///
/// # Errors
/// When the database is away.
pub async fn load_offsets(store: &Store, topic: &Topic) -> Result<BTreeMap<u32, i64>, Error> {
    let rows = store.fetch("SELECT part, next FROM offset_ WHERE topic = $1", params![topic.to_string()]).await?;
    rows.iter()
        .map(|row| {
            let part = u32::try_from(row.int(0)?).map_err(|_| Error::Corrupt(format!("a partition of {topic} is no index")))?;
            Ok((part, row.int(1)?))
        })
        .collect()
}

/// Stores the next offset to read of a partition, beside the effect of the records before it. It never goes back: a late transaction of
/// a former owner does not undo a later one's.
///
/// # Errors
/// When the database is away.
pub async fn store_offset(tx: &mut Transaction, topic: &Topic, partition: u32, next: i64) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO offset_ (topic, part, next) VALUES ($1, $2, $3)
        ON CONFLICT (topic, part) DO UPDATE SET next = excluded.next WHERE excluded.next > offset_.next";
    tx.execute(SQL, params![topic.to_string(), partition, next]).await.map(drop)
}
