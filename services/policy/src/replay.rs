//! The replay: one reader over all partitions whose users are decided again.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use xtsync_bus::{Bus, CAPACITY_CHECK_INTERVAL, Error, Partition, Position, Reader, Record, Topic};

/// The most records taken at once, so that a live record never waits for long.
const BATCH_MAX: u64 = 512;

/// The timeout of one read.
const READ_TIMEOUT: Duration = Duration::from_millis(500);

/// The partitions that are replayed.
pub(crate) struct Replay {
    bus: Bus,
    reader: Box<dyn Reader>,
    partitions: Vec<Partition>,
    /// The topics that get the decisions.
    decisions: Vec<Topic>,
    /// The running check whether these topics have capacity. It survives a cancelled `next`, and the next call awaits it.
    capacity_check: Option<JoinHandle<u64>>,
    /// How many decisions these topics have room for; 0 where that is not known.
    capacity: u64,
}

impl Replay {
    /// Reads these partitions from these offsets on, and no others, for decisions on these topics: goes on with the replay that there is
    /// if that is what it does.
    pub(crate) async fn of(bus: &Bus, current: Option<Self>, from: &[Position], decisions: Vec<Topic>) -> Result<Option<Self>, Error> {
        match current {
            _ if from.is_empty() => Ok(None),
            Some(current) if current.is_at(from) => Ok(Some(Self { decisions, ..current })),
            Some(_) | None => {
                let partitions = from.iter().map(|position| position.partition.clone()).collect();
                Ok(Some(Self {
                    bus: Bus::clone(bus),
                    reader: bus.reader(from).await?,
                    partitions,
                    decisions,
                    capacity_check: None,
                    capacity: 0,
                }))
            }
        }
    }

    /// Returns the next records, once the decision topics have capacity; none if only gaps are left. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Vec<Record>, Error> {
        while self.capacity == 0 {
            self.capacity = self.check_capacity().await;
            if self.capacity == 0 {
                sleep(CAPACITY_CHECK_INTERVAL).await;
            }
        }
        let records = self.reader.read(usize::try_from(self.capacity.min(BATCH_MAX)).unwrap_or(1), READ_TIMEOUT).await?;
        self.capacity = 0;
        Ok(records)
    }

    async fn check_capacity(&mut self) -> u64 {
        let capacity_check = self.capacity_check.get_or_insert_with(|| {
            let (bus, decisions) = (Bus::clone(&self.bus), self.decisions.clone());
            tokio::spawn(async move { bus.capacity(&decisions).await })
        });
        let capacity = capacity_check.await;
        self.capacity_check = None;
        // It fails where the process ends.
        capacity.unwrap_or(0)
    }

    /// The offset up to which a partition was read.
    pub(crate) fn position(&self, partition: &Partition) -> Option<i64> {
        self.reader.position(partition)
    }

    fn is_at(&self, from: &[Position]) -> bool {
        let read = from.iter().zip(&self.partitions);
        from.len() == self.partitions.len()
            && read
                .into_iter()
                .all(|(position, partition)| position.partition == *partition && self.position(partition) == Some(position.offset))
    }
}
