//! The bus of one machine: a durable log in a SQLite file, used by one process.
//!
//! A group has one member, which owns all partitions; there is no rebalancing. Topics are created on first use. A lock file beside the log
//! keeps other processes out.

mod appended;
mod compaction;
mod cursor;
mod lock;
mod log;
mod reader;
mod shared;
mod subscription;
mod writer;

use std::collections::BTreeMap;
use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::topic::Topic;
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;
use xtsync_domain::Timestamp;

use self::log::Row;
use self::shared::Shared;
use self::writer::Append;
use super::backlog::{BULK_MAX_WAIT, Backlog, Lag, LagSource};
use super::{Committed, CreateOptions, Delivery, Ends, Error, Outgoing, Position, Reader, Subscription, Transport, Urgency, partition_of};
use xtsync_runtime::clock::Clock;

/// The most records of one publication in one append, so that other publications can go between the appends of a large one.
const APPEND_MAX: usize = 256;

/// How many appends may wait for the writer, for each urgency. Further publishers wait.
const QUEUE_MAX: usize = 64;

/// The embedded bus. The file is released when the last handle, subscription and reader is dropped.
#[derive(Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    live: mpsc::Sender<Append>,
    bulk: mpsc::Sender<Append>,
    backlog: Backlog,
    _compaction: AbortOnDropHandle<()>,
}

impl Embedded {
    /// Opens the log in a file and creates the file if it does not exist. Its folder must exist.
    ///
    /// # Errors
    /// [`Error::Refused`] when another process has the file open, [`Error::Log`] when it cannot be opened.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Arc<Self>, Error> {
        let shared = Arc::new(Shared::open(path).await?);
        let (live, live_queue) = mpsc::channel(QUEUE_MAX);
        let (bulk, bulk_queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(writer::run(Arc::clone(&shared), live_queue, bulk_queue));
        let compaction = tokio::spawn(compaction::run(Arc::downgrade(&shared), Arc::clone(&clock)));
        let compaction = AbortOnDropHandle::new(compaction);
        Ok(Arc::new(Self { shared, clock, live, bulk, backlog: Backlog::new(BULK_MAX_WAIT), _compaction: compaction }))
    }

    /// Removes superseded and expired records, as [`crate::Cleanup`] says, and returns their number. It also runs at an interval.
    ///
    /// # Errors
    /// [`Error::Log`] when the database fails.
    pub async fn compact(&self, now: Timestamp) -> Result<u64, Error> {
        Ok(compaction::compact(&self.shared, now).await?)
    }

    /// Stamps records with the time and finds the partition of each.
    async fn assign_partitions(&self, records: Vec<Outgoing>) -> Result<Vec<Row>, Error> {
        let time = self.clock.now();
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            record.check_size()?;
            let log = self.shared.log(&record.topic).await?;
            let part = partition_of(&record.key, log.partitions());
            rows.push(Row { log, part, time, record });
        }
        Ok(rows)
    }
}

#[async_trait]
impl LagSource for Embedded {
    async fn consumer_lag(&self, topic: &Topic, group: &'static str) -> Result<Option<Lag>, Error> {
        let log = self.shared.log(topic).await?;
        let mut lag: Option<Lag> = None;
        for part in 0..log.partitions() {
            if let Some(committed) = log::committed(&self.shared.readers, group, &log, part).await? {
                let lag = lag.get_or_insert_default();
                lag.records += u64::try_from(log.end(part) - committed.next).unwrap_or(0);
                lag.committed += u64::try_from(committed.next).unwrap_or(0);
            }
        }
        Ok(lag)
    }
}

#[async_trait]
impl Transport for Embedded {
    /// Returns when all are durable: its two queues could otherwise change the order of a key.
    async fn send(&self, records: Vec<Outgoing>, urgency: Urgency) -> Result<Delivery, Error> {
        let mut rows = self.assign_partitions(records).await?;
        let queue = match urgency {
            Urgency::Live => &self.live,
            Urgency::Bulk => &self.bulk,
        };
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(APPEND_MAX));
            let (done, durable) = oneshot::channel();
            let append = Append { rows: std::mem::replace(&mut rows, rest), done };
            queue.send(append).await.map_err(|_| Error::Unavailable("the embedded log's writer is gone".to_owned()))?;
            durable.await.map_err(|_| Error::Unavailable("the embedded log's writer is gone".to_owned()))??;
        }
        Ok(Box::pin(ready(Ok(()))))
    }

    async fn capacity(&self, topics: &[Topic]) -> u64 {
        self.backlog.capacity(self, topics).await
    }

    async fn subscribe(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Subscription>, Error> {
        Ok(Box::new(subscription::Member::join(&self.shared, group, topics).await?))
    }

    async fn reader(&self, from: &[Position]) -> Result<Box<dyn Reader>, Error> {
        Ok(Box::new(reader::LogReader::open(&self.shared, from).await?))
    }

    async fn commit(&self, group: &'static str, positions: &[Position]) -> Result<(), Error> {
        let mut tx = self.shared.writer.begin_with("BEGIN IMMEDIATE").await?;
        for Position { partition, offset } in positions {
            let committed = Committed { next: *offset, metadata: String::new() };
            log::commit(&mut tx, group, &*self.shared.log(&partition.topic).await?, partition.index, &committed).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn ends_of(&self, topics: &[Topic]) -> Result<BTreeMap<Topic, Vec<Ends>>, Error> {
        let mut logs = Vec::with_capacity(topics.len());
        for topic in topics {
            logs.push(self.shared.log(topic).await?);
        }
        Ok(log::ends(&self.shared.readers, &logs).await?)
    }

    async fn create(&self, topics: &[Topic], _: CreateOptions) -> Result<Vec<Topic>, Error> {
        let created = self.missing(topics).await?;
        for topic in &created {
            self.shared.log(topic).await?;
        }
        Ok(created)
    }

    async fn brokers(&self) -> Result<usize, Error> {
        Ok(1)
    }

    async fn partitions(&self, topics: &[Topic]) -> Result<BTreeMap<Topic, u32>, Error> {
        if self.shared.has_write_failed.load(Ordering::Relaxed) {
            log::probe_write(&self.shared.writer).await?;
        }
        let mut found = BTreeMap::new();
        for topic in topics {
            if let Some(partitions) = log::partitions(&self.shared.readers, topic).await? {
                found.insert(topic.clone(), partitions);
            }
        }
        Ok(found)
    }

    fn creates_topics(&self) -> bool {
        true
    }
}
