//! Removes superseded and expired records, as Kafka's log cleaner and retention do.
//!
//! A read connection finds the records, and the writer deletes them in small batches, so a live record waits a few milliseconds at most. A
//! superseded record stays superseded, so the two steps need no common transaction.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::{QueryBuilder, Sqlite};
use tracing::{debug, warn};
use xtsync_domain::Timestamp;

use super::shared::Shared;
use crate::TOMBSTONE_RETENTION;
use xtsync_runtime::clock::Clock;

/// How often compaction runs.
const COMPACTION_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The most records deleted in one transaction.
const DELETE_BATCH_ROWS: usize = 200;

/// For compacted topics: records that a newer record of their key supersedes.
const SUPERSEDED: &str = "SELECT old.part, old.off FROM log AS old
    WHERE old.topic = $1 AND (old.part, old.off) > ($2, $3) AND old.time <= $4 AND EXISTS
        (SELECT 1 FROM log AS new WHERE new.topic = old.topic AND new.part = old.part AND new.key = old.key AND new.off > old.off)
    ORDER BY old.part, old.off LIMIT $5";

/// For compacted topics: tombstones. The records that they ended are already removed.
const TOMBSTONES: &str = "SELECT part, off FROM log
    WHERE topic = $1 AND (part, off) > ($2, $3) AND time <= $4 AND value IS NULL ORDER BY part, off LIMIT $5";

/// For retained topics: all records.
const EXPIRED: &str = "SELECT part, off FROM log
    WHERE topic = $1 AND (part, off) > ($2, $3) AND time <= $4 ORDER BY part, off LIMIT $5";

/// Compacts at an interval until the log is closed.
pub(super) async fn run(shared: Weak<Shared>, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(COMPACTION_INTERVAL).await;
        let Some(shared) = shared.upgrade() else { return };
        match compact(&shared, clock.now()).await {
            Ok(removed) => debug!(removed, "compacted the embedded log"),
            Err(error) => warn!(%error, "the embedded log was not compacted"),
        }
    }
}

/// Compacts all topics and returns the number of records removed.
pub(super) async fn compact(shared: &Shared, now: Timestamp) -> Result<u64, sqlx::Error> {
    let topics: Vec<(i64, bool, i64)> =
        sqlx::query_as("SELECT id, cleanup = 'compact', retention FROM topic").fetch_all(&shared.readers).await?;
    let mut removed = 0;
    for (topic, compacted, retention) in topics {
        let retention = Duration::from_micros(u64::try_from(retention).unwrap_or(0));
        if compacted {
            removed += remove(shared, topic, SUPERSEDED, now.minus(retention)).await?;
            removed += remove(shared, topic, TOMBSTONES, now.minus(retention.max(TOMBSTONE_RETENTION))).await?;
        } else {
            removed += remove(shared, topic, EXPIRED, now.minus(retention)).await?;
        }
    }
    Ok(removed)
}

/// Removes the records of a topic that a query finds, up to a time.
async fn remove(shared: &Shared, topic: i64, query: &'static str, until: Timestamp) -> Result<u64, sqlx::Error> {
    let limit = i64::try_from(DELETE_BATCH_ROWS).unwrap_or(i64::MAX);
    let (mut after, mut removed) = ((-1, -1), 0);
    loop {
        let found = sqlx::query_as(query).bind(topic).bind(after.0).bind(after.1).bind(until.0).bind(limit);
        let found: Vec<(i64, i64)> = found.fetch_all(&shared.readers).await?;
        let Some(last) = found.last() else { return Ok(removed) };
        after = *last;
        let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM log WHERE topic = ");
        delete.push_bind(topic).push(" AND (part, off) IN (");
        delete.push_values(&found, |mut values, (part, offset)| {
            values.push_bind(*part).push_bind(*offset);
        });
        delete.push(")");
        removed += delete.build().execute(&shared.writer).await?.rows_affected();
    }
}
