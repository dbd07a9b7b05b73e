//! Offsets of the bus, kept with their effect: both are stored in one transaction, so a record's effect is neither lost nor doubled.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_proto::topic::Topic;

use super::{Error, Store, Transaction};
use crate::bus::Partition;
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
pub async fn store_offset(tx: &mut Transaction, partition: &Partition, next: i64) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO offset_ (topic, part, next) VALUES ($1, $2, $3)
        ON CONFLICT (topic, part) DO UPDATE SET next = excluded.next WHERE excluded.next > offset_.next";
    tx.execute(SQL, params![partition.topic.to_string(), partition.index, next]).await.map(drop)
}

/// The next offset of each partition, which nobody else moves until the transaction has ended; 0 where none is stored. Locked in one
/// order, so that two replicas never wait for each other. The idle update is what locks a row in both databases, and a new row too.
///
/// # Errors
/// When the database is away.
pub async fn lock_offsets(tx: &mut Transaction, partitions: BTreeSet<Partition>) -> Result<BTreeMap<Partition, i64>, Error> {
    const SQL: &str = "INSERT INTO offset_ (topic, part, next) VALUES ($1, $2, 0)
        ON CONFLICT (topic, part) DO UPDATE SET next = offset_.next RETURNING next";
    let mut stored = BTreeMap::new();
    for partition in partitions {
        let row = tx.fetch_one_opt(SQL, params![partition.topic.to_string(), partition.index]).await?;
        let next = row.map(|row| row.int(0)).transpose()?.unwrap_or(0);
        stored.insert(partition, next);
    }
    Ok(stored)
}

/// Sets the offset of a partition back, because its log was made anew: what is stored counts records that are no more.
///
/// # Errors
/// When the database is away.
pub(crate) async fn set_offset_back(store: &Store, partition: &Partition, next: i64) -> Result<(), Error> {
    const SQL: &str = "UPDATE offset_ SET next = $3 WHERE topic = $1 AND part = $2 AND next > $3";
    let mut tx = store.begin().await?;
    tx.execute(SQL, params![partition.topic.to_string(), partition.index, next]).await?;
    tx.commit().await?;
    tracing::warn!(%partition, next, "the log was made anew: its stored offset is set back");
    Ok(())
}
