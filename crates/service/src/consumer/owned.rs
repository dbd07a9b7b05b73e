//! Reads the records of one topic for the owner of a lease: without a consumer group, from the offsets in the store.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::debug;
use xtsync_bus::{BATCH_MAX, Bus, Partition, Position, Reader, Record, Topic};
use xtsync_runtime::telemetry::chain;
use xtsync_store::{Store, load_offsets};

use super::Error;
use super::positions::Positions;

/// A reader of a topic that resumes at the stored offsets. The caller stores the offsets with the effect of the records, in a transaction
/// that asserts its lease. After any error, drop it and open a new one.
pub struct OwnedTopic {
    positions: Positions,
    reader: Box<dyn Reader>,
    commits: Commits,
}

impl OwnedTopic {
    /// Opens all partitions of a topic. Positions are committed in the name of the group, which has no members.
    ///
    /// # Errors
    /// When the store or the bus fails; [`xtsync_bus::Error::Missing`] when there is no such topic.
    pub async fn open(store: &Store, bus: &Bus, topic: &Topic, group: &'static str) -> Result<Self, Error> {
        let mut positions = Positions::new(store);
        // The stored offsets are read first, so the ends are at least as new.
        let stored = load_offsets(store, topic).await?;
        let ends = bus.ends(topic).await?;
        let mut from = Vec::new();
        for partition in Partition::all(topic, u32::try_from(ends.len()).unwrap_or(u32::MAX)) {
            let offset = positions.begin(&partition, &stored, &ends).await?;
            from.push(Position { partition, offset });
        }
        Ok(Self { positions, reader: bus.reader(&from).await?, commits: Commits::new(bus, group) })
    }

    /// The next records, in order within each partition; none if none came within `wait`. Cancelling it loses nothing as long as no record
    /// was returned.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub async fn read(&mut self, wait: Duration) -> Result<Vec<Record>, Error> {
        let records = self.reader.read(BATCH_MAX, wait).await?;
        self.positions.track(&records).await?;
        Ok(records)
    }

    /// Has stored positions committed to the bus, for lag tools and for the capacity that bulk publishing asks for. It does not wait: a
    /// commit takes about as long as a batch does.
    pub fn commit(&self, next: BTreeMap<Partition, i64>) {
        self.commits.stored.send_modify(|stored| stored.extend(next));
    }
}

/// Commits the newest positions, one commit after the other. Dropping it ends that; the next owner commits what is missing with its first
/// records.
struct Commits {
    stored: watch::Sender<BTreeMap<Partition, i64>>,
    _task: JoinSet<()>,
}

impl Commits {
    fn new(bus: &Bus, group: &'static str) -> Self {
        let (stored, mut newest) = watch::channel(BTreeMap::new());
        let (bus, mut task) = (Bus::clone(bus), JoinSet::new());
        task.spawn(async move {
            while newest.changed().await.is_ok() {
                let position = |(partition, offset): (&Partition, &i64)| Position { partition: partition.clone(), offset: *offset };
                let positions: Vec<Position> = newest.borrow_and_update().iter().map(position).collect();
                if let Err(error) = bus.commit(group, &positions).await {
                    debug!(error = chain(&error), "positions not committed to the bus");
                }
            }
        });
        Self { stored, _task: task }
    }
}
