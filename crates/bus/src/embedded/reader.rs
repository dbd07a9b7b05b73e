//! Reads partitions of the embedded log outside any group.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::cursor::{Cursor, Cursors};
use super::shared::Shared;
use crate::{BATCH_MAX, Error, Partition, Position, Reader, Record};

/// A reader of partitions.
#[derive(Debug)]
pub(super) struct LogReader(Cursors);

impl LogReader {
    /// Opens partitions, each at an offset.
    pub(super) async fn open(shared: &Arc<Shared>, from: &[Position]) -> Result<Self, Error> {
        let mut cursors = Cursors::new(shared);
        for Position { partition, offset } in from {
            let log = shared.log(&partition.topic).await?;
            cursors.add(&log, [Cursor { log: Arc::clone(&log), part: partition.index, next: None }]);
            cursors.start(partition, *offset);
        }
        Ok(Self(cursors))
    }
}

#[async_trait]
impl Reader for LogReader {
    async fn read(&mut self, records_max: usize, wait: Duration) -> Result<Vec<Record>, Error> {
        self.0.next(records_max.min(BATCH_MAX), Some(wait)).await
    }

    fn position(&self, partition: &Partition) -> Option<i64> {
        self.0.position(partition)
    }
}
