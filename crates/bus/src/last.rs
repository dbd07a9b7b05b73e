//! Reads the last records of a topic. They show whether a store holds what was published, without a full read.

use std::time::Duration;

use crate::topic::Topic;

use super::{BATCH_MAX, Bus, Error, Partition, Position, Record};

/// How long one read waits for records that exist.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// The last record of each partition that has one.
///
/// # Errors
/// If the bus is unavailable, or the topic is missing.
pub async fn last(bus: &Bus, topic: &Topic) -> Result<Vec<Record>, Error> {
    let ends = (0..).zip(bus.ends(topic).await?).filter(|(_, ends)| ends.low < ends.high);
    let ends: Vec<_> = ends.map(|(index, ends)| (Partition { topic: topic.clone(), index }, ends.high)).collect();
    let from: Vec<Position> = ends.iter().map(|(partition, high)| Position { partition: partition.clone(), offset: high - 1 }).collect();
    let mut reader = bus.reader(&from).await?;
    let mut records = Vec::new();
    while ends.iter().any(|(partition, high)| reader.position(partition).is_some_and(|position| position < *high)) {
        records.extend(reader.read(BATCH_MAX, READ_TIMEOUT).await?);
    }
    Ok(records)
}
