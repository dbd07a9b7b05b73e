//! Bus offsets, stored in one transaction with the effect of their records, so that each record takes effect exactly once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use xtsync_bus::Topic;

use super::{Error, Row, Store, Transaction};
use crate::params;
use xtsync_bus::Partition;

/// The stored next offset of each partition of a topic, by index.
///
/// # Errors
/// When the database is unavailable.
pub async fn load_offsets(store: &Store, topic: &Topic) -> Result<BTreeMap<u32, i64>, Error> {
    const SQL: &str = "SELECT topic, part, next FROM offset_ WHERE topic = $1";
    let rows = store.fetch(SQL, params![topic.to_string()]).await?;
    rows.iter().map(|row| Ok((part(row)?, row.int("next")?))).collect()
}

/// The stored next offset of each partition of these topics, by index. A topic without any is left out.
///
/// # Errors
/// When the database is unavailable.
pub async fn load_offsets_of(store: &Store, topics: &[Topic]) -> Result<BTreeMap<Topic, BTreeMap<u32, i64>>, Error> {
    if let [topic] = topics {
        return Ok([(topic.clone(), load_offsets(store, topic).await?)].into());
    }
    let names: HashMap<String, &Topic> = topics.iter().map(|topic| (topic.to_string(), topic)).collect();
    let mut offsets: BTreeMap<Topic, BTreeMap<u32, i64>> = BTreeMap::new();
    for row in store.fetch("SELECT topic, part, next FROM offset_", params![]).await? {
        if let Some(topic) = names.get(&row.text("topic")?) {
            offsets.entry((*topic).clone()).or_default().insert(part(&row)?, row.int("next")?);
        }
    }
    Ok(offsets)
}

fn part(row: &Row) -> Result<u32, Error> {
    let invalid = |topic: String| Error::Corrupt(format!("a partition index of {topic} is invalid"));
    u32::try_from(row.int("part")?).or_else(|_| Err(invalid(row.text("topic")?)))
}

/// Stores the next offset of each partition with the commit, together with the effect of the records before it. It never decreases: a late
/// transaction of a former owner does not undo a later one.
pub fn store_offsets(tx: &mut Transaction, next: &BTreeMap<Partition, i64>) {
    const SQL: &str = "INSERT INTO offset_ (topic, part, next) VALUES {rows}
        ON CONFLICT (topic, part) DO UPDATE SET next = excluded.next WHERE excluded.next > offset_.next";
    let row = |(partition, next): (&Partition, &i64)| params![partition.topic.to_string(), partition.index, *next];
    tx.defer(SQL, next.iter().map(row).collect());
}

/// Locks and returns the next offset of each partition until the transaction ends; 0 if none is stored. The locks are taken in one order,
/// so that two replicas never deadlock. The update without a change locks a row in both databases, also a new row.
///
/// # Errors
/// When the database is unavailable.
pub async fn lock_offsets(tx: &mut Transaction, partitions: BTreeSet<Partition>) -> Result<BTreeMap<Partition, i64>, Error> {
    const SQL: &str = "INSERT INTO offset_ (topic, part, next) VALUES {rows}
        ON CONFLICT (topic, part) DO UPDATE SET next = offset_.next RETURNING topic, part, next";
    let rows = partitions.iter().map(|partition| params![partition.topic.to_string(), partition.index, 0_i64]).collect();
    let mut stored = BTreeMap::new();
    for row in tx.fetch_rows(SQL, rows).await? {
        stored.insert((row.text("topic")?, row.int("part")?), row.int("next")?);
    }
    let next = |partition: Partition| {
        let next = stored.get(&(partition.topic.to_string(), i64::from(partition.index))).copied();
        (partition, next.unwrap_or(0))
    };
    Ok(partitions.into_iter().map(next).collect())
}

/// Sets the offset of a partition back after its log was recreated: the stored offset counts records that no longer exist.
///
/// # Errors
/// When the database is unavailable.
pub async fn set_offset_back(store: &Store, partition: &Partition, next: i64) -> Result<(), Error> {
    const SQL: &str = "UPDATE offset_ SET next = $3 WHERE topic = $1 AND part = $2 AND next > $3";
    let mut tx = store.begin().await?;
    tx.execute(SQL, params![partition.topic.to_string(), partition.index, next]).await?;
    tx.commit().await?;
    tracing::warn!(%partition, next, "the log was recreated: its stored offset is set back");
    Ok(())
}
