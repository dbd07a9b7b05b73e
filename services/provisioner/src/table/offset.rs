//! Offsets of partitions, locked: who has taken what is settled before anything of a batch is stored.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_platform::bus::Partition;
use xtsync_platform::params;
use xtsync_platform::store::Transaction;

use crate::error::Result;

/// The next offset of each partition, which nobody else moves until the transaction has ended; 0 where none is stored. Locked in one
/// order, so that two replicas never wait for each other. The idle update is what locks a row in both databases, and a new row too.
pub(crate) async fn lock(tx: &mut Transaction, partitions: BTreeSet<Partition>) -> Result<BTreeMap<Partition, i64>> {
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
