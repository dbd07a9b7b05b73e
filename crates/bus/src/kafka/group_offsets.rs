//! Requests about offsets: the ends of partitions, the lag of consumer groups, and commits for groups without members.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::topic::Topic;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{TopicPartitionList, TopicPartitionListElem};
use tokio::time::{Instant, sleep};

use super::background_drop::BackgroundDrop;
use super::client::{Access, Callbacks};
use super::reader::GROUP as READERS;
use super::topics::blocking;
use super::{error, record};
use crate::backlog::Lag;
use crate::{Ends, Error, Partition, Position};

/// How long the cluster may take to answer.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(500);

/// How long the cluster may take to answer for many partitions.
const ENDS_TIMEOUT: Duration = Duration::from_secs(10);

/// How soon a partition's new leader is asked.
const LEADER_RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// A client that reads and commits its group's offsets and never joins the group.
type OffsetClient = Arc<BackgroundDrop<BaseConsumer<Callbacks>>>;

/// The clients, by group.
#[derive(Default)]
pub(super) struct GroupOffsets(Mutex<HashMap<&'static str, OffsetClient>>);

impl GroupOffsets {
    /// How far a group is in the partitions of a topic; `None` if it never committed anything. A partition without a commit counts as zero.
    pub(super) async fn lag(&self, access: &Access, partitions: Vec<Partition>, group: &'static str) -> Result<Option<Lag>, Error> {
        let client = self.of(access, group)?;
        blocking(move || {
            // With OAUTHBEARER, the library gets its token here.
            drop(client.poll(Duration::ZERO));
            let mut committed = record::list(&partitions);
            committed = client.committed_offsets(committed, REQUEST_TIMEOUT).map_err(|error| error::of(&error))?;
            let mut last = record::list(&partitions);
            last.set_all_offsets(Offset::End).map_err(|error| error::of(&error))?;
            // One request for all partitions; watermarks would need two for each.
            last = client.offsets_for_times(last, REQUEST_TIMEOUT).map_err(|error| error::of(&error))?;
            let lag =
                |(committed, last): (TopicPartitionListElem<'_>, TopicPartitionListElem<'_>)| match (committed.offset(), last.offset()) {
                    (Offset::Offset(next), Offset::Offset(end)) => {
                        Some((u64::try_from(end - next).unwrap_or(0), u64::try_from(next).unwrap_or(0)))
                    }
                    _ => None,
                };
            let add = |sum: Lag, (records, next)| Lag { records: sum.records + records, committed: sum.committed + next };
            let lags = committed.elements().into_iter().zip(last.elements()).filter_map(lag);
            Ok(lags.fold(None, |sum, lag| Some(add(sum.unwrap_or_default(), lag))))
        })
        .await
    }

    /// The ends of each partition of topics that have so many. A client may still have the leaders of before, as after a restart of a broker: it
    /// gets the current ones and asks again.
    pub(super) async fn ends(&self, access: &Access, partitions: BTreeMap<Topic, u32>) -> Result<BTreeMap<Topic, Vec<Ends>>, Error> {
        let (client, partitions) = (self.of(access, READERS)?, Arc::new(partitions));
        let deadline = Instant::now() + ENDS_TIMEOUT;
        loop {
            let (client, partitions) = (Arc::clone(&client), Arc::clone(&partitions));
            match blocking(move || ends(&client, &partitions)).await? {
                Some(ends) => return Ok(ends),
                None if Instant::now() >= deadline => return Err(Error::Unavailable("the leaders of partitions change".to_owned())),
                None => sleep(LEADER_RETRY_INTERVAL).await,
            }
        }
    }

    /// Commits positions for a group that has no members.
    pub(super) async fn commit(&self, access: &Access, group: &'static str, positions: &[Position]) -> Result<(), Error> {
        let (client, positions) = (self.of(access, group)?, record::positions(positions));
        blocking(move || {
            drop(client.poll(Duration::ZERO));
            client.commit(&positions, CommitMode::Sync).map_err(|error| error::of(&error))
        })
        .await
    }

    fn of(&self, access: &Access, group: &'static str) -> Result<OffsetClient, Error> {
        let mut clients = self.0.lock();
        if let Some(client) = clients.get(group) {
            return Ok(Arc::clone(client));
        }
        let mut config = access.config();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let client: BaseConsumer<Callbacks> = config.create_with_context(access.callbacks()).map_err(|error| error::of(&error))?;
        let client = Arc::new(BackgroundDrop::new(client));
        clients.insert(group, Arc::clone(&client));
        Ok(client)
    }
}

/// The ends of each partition of topics; `None` where the client has asked leaders of before. Two requests to each broker, however many
/// partitions there are; watermarks would need two for each partition.
fn ends(client: &BaseConsumer<Callbacks>, counts: &BTreeMap<Topic, u32>) -> Result<Option<BTreeMap<Topic, Vec<Ends>>>, Error> {
    drop(client.poll(Duration::ZERO));
    let partitions: Vec<Partition> = counts.iter().flat_map(|(topic, count)| Partition::all(topic, *count)).collect();
    let at = |end: Offset| {
        let mut list = record::list(&partitions);
        list.set_all_offsets(end).map_err(|error| error::of(&error))?;
        let found = client.offsets_for_times(list, ENDS_TIMEOUT);
        if has_stale_leader(&found) {
            client.fetch_metadata(None, ENDS_TIMEOUT).map_err(|error| error::of(&error))?;
            return Ok(None);
        }
        let found = found.map_err(|error| error::of(&error))?;
        let elements = found.elements();
        let offsets = elements.iter().map(|element| Ok(((element.topic().to_owned(), element.partition()), offset(element)?)));
        offsets.collect::<Result<BTreeMap<_, _>, Error>>().map(Some)
    };
    // The oldest records first, so that no high end is before its low one.
    let (Some(lows), Some(highs)) = (at(Offset::Beginning)?, at(Offset::End)?) else { return Ok(None) };
    let names = record::names(counts.keys());
    let mut ends: BTreeMap<Topic, Vec<Ends>> = BTreeMap::new();
    for (((name, _), low), high) in lows.into_iter().zip(highs.into_values()) {
        ends.entry(names[&name].clone()).or_default().push(Ends { low, high });
    }
    Ok(Some(ends))
}

/// Whether all partitions, or one of them, were refused for that.
fn has_stale_leader(found: &KafkaResult<TopicPartitionList>) -> bool {
    let is_stale = |error: &KafkaError| error.rdkafka_error_code().is_some_and(error::is_stale_leader);
    match found {
        Ok(found) => found.elements().iter().any(|element| element.error().is_err_and(|error| is_stale(&error))),
        Err(error) => is_stale(error),
    }
}

fn offset(found: &TopicPartitionListElem<'_>) -> Result<i64, Error> {
    found.error().map_err(|error| error::of_topic(&error, found.topic()))?;
    match found.offset() {
        Offset::Offset(offset) => Ok(offset),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
            Err(Error::Unavailable(format!("an end of {} is unknown", found.topic())))
        }
    }
}
