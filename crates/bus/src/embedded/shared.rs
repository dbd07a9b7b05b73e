//! State that the writer, subscriptions and readers of one log share: connections, topics and groups.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;

use crate::topic::Topic;
use sqlx::SqlitePool;

use super::lock;
use super::log::{self, Log};
use crate::Error;
use xtsync_runtime::{private, sqlite};

/// Read connections; a read takes well under a millisecond, so few serve many readers.
const READERS_MAX: u32 = 4;

/// State shared by all users of one log.
#[derive(Debug)]
pub(super) struct Shared {
    /// The only write connection.
    pub(super) writer: SqlitePool,
    /// The read connections.
    pub(super) readers: SqlitePool,
    /// Whether the newest append failed, for example because the disk is full.
    pub(super) has_write_failed: AtomicBool,
    logs: Mutex<HashMap<Topic, Arc<Log>>>,
    groups: Mutex<HashSet<String>>,
    _lock: File,
}

impl Shared {
    /// Locks and opens a log and creates its tables.
    pub(super) async fn open(path: &Path) -> Result<Self, Error> {
        let lock = lock::acquire(path).await?;
        private::make_file(path).map_err(|error| Error::Refused(error.to_string()))?;
        let file = sqlite::file(path);
        let writer = sqlite::pool(1).connect_with(file.clone()).await?;
        sqlx::raw_sql(include_str!("../../migrations/0001_log.sql")).execute(&writer).await?;
        let readers = sqlite::pool(READERS_MAX).connect_with(file.read_only(true)).await?;
        Ok(Self { writer, readers, has_write_failed: AtomicBool::default(), logs: Mutex::default(), groups: Mutex::default(), _lock: lock })
    }

    /// Returns a topic and creates it if it does not exist.
    pub(super) async fn log(&self, topic: &Topic) -> Result<Arc<Log>, Error> {
        if let Some(log) = locked(&self.logs).get(topic) {
            return Ok(Arc::clone(log));
        }
        let log = Arc::new(log::load(&self.writer, topic).await?);
        // A concurrent caller may have inserted it and appended already: its offsets are the current ones.
        Ok(Arc::clone(locked(&self.logs).entry(topic.clone()).or_insert(log)))
    }

    /// Registers the one member of a group; false if the group has one.
    pub(super) fn join_group(&self, group: &str) -> bool {
        locked(&self.groups).insert(group.to_owned())
    }

    /// Removes the member of a group.
    pub(super) fn leave_group(&self, group: &str) {
        locked(&self.groups).remove(group);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> parking_lot::MutexGuard<'_, T> {
    mutex.lock()
}
