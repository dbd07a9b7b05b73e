//! The SQL statements of the log, as functions over plain values: its topics and rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool};
use xtsync_domain::Timestamp;

use super::appended::Readers;
use crate::topic::{Cleanup, Topic};
use crate::{Committed, Ends, Outgoing, Partition, Position, Record, headers};

/// The most rows of one INSERT; at seven parameters each, far below SQLite's limit of 32,766.
const INSERT_MAX: usize = 128;

/// A topic in the log.
#[derive(Debug)]
pub(super) struct Log {
    /// Its id in the database.
    pub(super) id: i64,
    /// The topic.
    pub(super) topic: Topic,
    /// Who reads it.
    pub(super) readers: Readers,
    /// The offset that the next record of each partition gets. Only the writer changes it, after the commit.
    next: Vec<AtomicI64>,
}

impl Log {
    /// A topic whose partitions end at these offsets.
    pub(super) fn new(id: i64, topic: Topic, next: Vec<i64>) -> Self {
        Self { id, topic, readers: Readers::default(), next: next.into_iter().map(AtomicI64::new).collect() }
    }

    /// The number of partitions.
    pub(super) fn partitions(&self) -> u32 {
        u32::try_from(self.next.len()).unwrap_or(u32::MAX)
    }

    /// One of its partitions.
    pub(super) fn partition(&self, part: u32) -> Partition {
        Partition { topic: self.topic.clone(), index: part }
    }

    /// The offset that the next record gets.
    pub(super) fn end(&self, part: u32) -> i64 {
        self.next[part as usize].load(Ordering::Acquire)
    }

    /// Publishes that every record before `next` is durable, and tells the readers.
    pub(super) fn advance(&self, part: u32, next: i64) {
        self.next[part as usize].store(next, Ordering::Release);
        self.readers.note(&self.partition(part));
    }
}

/// A record with its partition, before it gets an offset.
#[derive(Debug)]
pub(super) struct Row {
    /// Its topic.
    pub(super) log: Arc<Log>,
    /// Its partition.
    pub(super) part: u32,
    /// When it was published.
    pub(super) time: Timestamp,
    /// What was published.
    pub(super) record: Outgoing,
}

/// Creates a topic or updates its cleanup policy, then loads it with its ends. The number of partitions stays what it was at creation.
pub(super) async fn load(writer: &SqlitePool, topic: &Topic) -> Result<Log, sqlx::Error> {
    let (cleanup, retention) = match topic.kind().cleanup {
        Cleanup::Compact { lag } => ("compact", lag),
        Cleanup::Retain(retention) => ("retain", retention),
    };
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    let (id, partitions): (i64, u32) = sqlx::query_as(
        "INSERT INTO topic (name, partitions, cleanup, retention) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET cleanup = excluded.cleanup, retention = excluded.retention RETURNING id, partitions",
    )
    .bind(topic.to_string())
    .bind(topic.initial_partitions())
    .bind(cleanup)
    .bind(i64::try_from(retention.as_micros()).unwrap_or(i64::MAX))
    .fetch_one(&mut *tx)
    .await?;
    for part in 0..partitions {
        let insert = sqlx::query("INSERT INTO partition_end (topic, part, next) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING");
        insert.bind(id).bind(part).execute(&mut *tx).await?;
    }
    let select = "SELECT next FROM partition_end WHERE topic = $1 ORDER BY part";
    let next = sqlx::query_scalar(select).bind(id).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(Log::new(id, topic.clone(), next))
}

/// Checks whether the database accepts writes.
pub(super) async fn probe_write(writer: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    // Two updates, because SQLite writes nothing if nothing changes.
    sqlx::query("UPDATE topic SET retention = retention + 1").execute(&mut *tx).await?;
    sqlx::query("UPDATE topic SET retention = retention - 1").execute(&mut *tx).await?;
    tx.commit().await
}

/// How many partitions a topic has; `None` if it does not exist.
pub(super) async fn partitions(readers: &SqlitePool, topic: &Topic) -> Result<Option<u32>, sqlx::Error> {
    sqlx::query_scalar("SELECT partitions FROM topic WHERE name = $1").bind(topic.to_string()).fetch_optional(readers).await
}

/// Writes rows at their offsets.
pub(super) async fn append(tx: &mut SqliteConnection, rows: &[(&Row, i64)]) -> Result<(), sqlx::Error> {
    for chunk in rows.chunks(INSERT_MAX) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO log (topic, part, off, time, key, value, headers) ");
        insert.push_values(chunk, |mut values, (row, offset)| {
            values.push_bind(row.log.id).push_bind(row.part).push_bind(*offset).push_bind(row.time.0);
            values.push_bind(&row.record.key[..]).push_bind(row.record.value.as_deref()).push_bind(headers::encode(&row.record.headers));
        });
        insert.build().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Stores the end of a partition.
pub(super) async fn set_end(tx: &mut SqliteConnection, log: &Log, part: u32, next: i64) -> Result<(), sqlx::Error> {
    let update = sqlx::query("UPDATE partition_end SET next = $3 WHERE topic = $1 AND part = $2");
    update.bind(log.id).bind(part).bind(next).execute(tx).await.map(drop)
}

/// Reads records from an offset, at most `records_max`.
pub(super) async fn fetch(readers: &SqlitePool, log: &Log, part: u32, from: i64, records_max: usize) -> Result<Vec<Record>, sqlx::Error> {
    let select = "SELECT off, time, key, value, headers FROM log WHERE topic = $1 AND part = $2 AND off >= $3 ORDER BY off LIMIT $4";
    let limit = i64::try_from(records_max).unwrap_or(i64::MAX);
    let rows = sqlx::query(select).bind(log.id).bind(part).bind(from).bind(limit).fetch_all(readers).await?;
    let partition = log.partition(part);
    rows.iter().map(|row| record(row, &partition)).collect()
}

fn record(row: &SqliteRow, partition: &Partition) -> Result<Record, sqlx::Error> {
    let headers = headers::decode(row.try_get::<Vec<u8>, _>(4)?.into());
    Ok(Record {
        at: Position { partition: partition.clone(), offset: row.try_get(0)? },
        time: Timestamp(row.try_get(1)?),
        key: row.try_get::<Vec<u8>, _>(2)?.into(),
        value: row.try_get::<Option<Vec<u8>>, _>(3)?.map(Into::into),
        headers: headers.ok_or_else(|| sqlx::Error::Decode("the headers of a record are broken".into()))?,
    })
}

/// The ends of each partition of these topics.
pub(super) async fn ends(readers: &SqlitePool, logs: &[Arc<Log>]) -> Result<BTreeMap<Topic, Vec<Ends>>, sqlx::Error> {
    const LOWS: &str = "SELECT p.topic, p.part, (SELECT min(off) FROM log WHERE log.topic = p.topic AND log.part = p.part)
        FROM partition_end AS p WHERE p.topic IN (SELECT value FROM json_each($1))";
    // Before the oldest records, so that no high end is before its low one.
    let highs: Vec<Vec<i64>> = logs.iter().map(|log| (0..log.partitions()).map(|part| log.end(part)).collect()).collect();
    let ids: Vec<String> = logs.iter().map(|log| log.id.to_string()).collect();
    let rows: Vec<(i64, u32, Option<i64>)> = sqlx::query_as(LOWS).bind(format!("[{}]", ids.join(","))).fetch_all(readers).await?;
    let lows: HashMap<(i64, u32), i64> = rows.into_iter().filter_map(|(topic, part, low)| Some(((topic, part), low?))).collect();
    let of_log = |(log, highs): (&Arc<Log>, Vec<i64>)| {
        let ends = (0_u32..).zip(highs).map(|(part, high)| Ends { low: lows.get(&(log.id, part)).copied().unwrap_or(high), high });
        (log.topic.clone(), ends.collect())
    };
    Ok(logs.iter().zip(highs).map(of_log).collect())
}

/// The position that a group committed for a partition.
pub(super) async fn committed(readers: &SqlitePool, group: &str, log: &Log, part: u32) -> Result<Option<Committed>, sqlx::Error> {
    let select = "SELECT next, metadata FROM group_offset WHERE grp = $1 AND topic = $2 AND part = $3";
    let row = sqlx::query_as(select).bind(group).bind(log.id).bind(part).fetch_optional(readers).await?;
    Ok(row.map(|(next, metadata)| Committed { next, metadata }))
}

/// Commits a position for a group.
pub(super) async fn commit(tx: &mut SqliteConnection, group: &str, log: &Log, part: u32, committed: &Committed) -> Result<(), sqlx::Error> {
    let upsert = "INSERT INTO group_offset (grp, topic, part, next, metadata) VALUES ($1, $2, $3, $4, $5)
                  ON CONFLICT (grp, topic, part) DO UPDATE SET next = excluded.next, metadata = excluded.metadata";
    let upsert = sqlx::query(upsert).bind(group).bind(log.id).bind(part).bind(committed.next).bind(&committed.metadata);
    upsert.execute(tx).await.map(drop)
}
