//! Requests about offsets: the ends of partitions, the lag of consumer groups, and commits for groups without members.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::topic::Topic;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionListElem;

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

/// A client that reads and commits its group's offsets and never joins the group.
type OffsetClient = Arc<BackgroundDrop<BaseConsumer<Callbacks>>>;

/// The clients, by group.
#[derive(Default)]
pub(super) struct GroupOffsets(Mutex<HashMap<&'static str, OffsetClient>>);

impl GroupOffsets {
    /// How far a group is in a topic; `None` if it never committed anything. A partition without a commit counts as zero.
    pub(super) async fn lag(&self, access: &Access, topic: &Topic, group: &'static str) -> Result<Option<Lag>, Error> {
        let (client, partitions) = (self.of(access, group)?, Partition::all(topic).collect::<Vec<_>>());
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

    /// The ends of each partition of topics that exist. Two requests to each broker, however many partitions there are; watermarks would
    /// need two for each partition.
    pub(super) async fn ends(&self, access: &Access, topics: &[Topic]) -> Result<BTreeMap<Topic, Vec<Ends>>, Error> {
        let (client, topics) = (self.of(access, READERS)?, topics.to_vec());
        blocking(move || {
            drop(client.poll(Duration::ZERO));
            let partitions: Vec<Partition> = topics.iter().flat_map(Partition::all).collect();
            let at = |end: Offset| {
                let mut list = record::list(&partitions);
                list.set_all_offsets(end).map_err(|error| error::of(&error))?;
                let found = client.offsets_for_times(list, ENDS_TIMEOUT).map_err(|error| error::of(&error))?;
                let elements = found.elements();
                let offsets = elements.iter().map(|element| Ok(((element.topic().to_owned(), element.partition()), offset(element)?)));
                offsets.collect::<Result<BTreeMap<_, _>, Error>>()
            };
            // The oldest records first, so that no high end is before its low one.
            let (lows, highs) = (at(Offset::Beginning)?, at(Offset::End)?);
            let names = record::names(&topics);
            let mut ends: BTreeMap<Topic, Vec<Ends>> = BTreeMap::new();
            for (((name, _), low), high) in lows.into_iter().zip(highs.into_values()) {
                ends.entry(names[&name].clone()).or_default().push(Ends { low, high });
            }
            Ok(ends)
        })
        .await
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

/// The offset that the cluster found for a partition.
fn offset(found: &TopicPartitionListElem<'_>) -> Result<i64, Error> {
    found.error().map_err(|error| error::of_topic(&error, found.topic()))?;
    match found.offset() {
        Offset::Offset(offset) => Ok(offset),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
            Err(Error::Unavailable(format!("an end of {} is unknown", found.topic())))
        }
    }
}
