//! What the groups that take topics have committed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::topic::Topic;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionListElem;

use super::aside::Aside;
use super::client::{Access, Callbacks};
use super::topics::asking;
use super::{error, record};
use crate::{Error, Partition};

/// How long the cluster may take to answer.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// A client that asks what its group has committed, and joins nothing.
type Taker = Arc<Aside<BaseConsumer<Callbacks>>>;

/// The clients, by group.
#[derive(Default)]
pub(super) struct Takers(Mutex<HashMap<&'static str, Taker>>);

impl Takers {
    /// How many records of a topic a group has not committed, `None` where it never committed any. Of a partition of which it never
    /// committed any, none count.
    pub(super) async fn behind(&self, access: &Access, topic: &Topic, group: &'static str) -> Result<Option<u64>, Error> {
        let (taker, partitions) = (self.of(access, group)?, Partition::all(topic).collect::<Vec<_>>());
        asking(move || {
            // Where we log in by token, this is when the library is given one.
            drop(taker.poll(Duration::ZERO));
            let mut committed = record::list(&partitions);
            committed = taker.committed_offsets(committed, ANSWER_MAX).map_err(|error| error::of(&error))?;
            let mut last = record::list(&partitions);
            last.set_all_offsets(Offset::End).map_err(|error| error::of(&error))?;
            // One request for all, where watermarks would be two for each.
            last = taker.offsets_for_times(last, ANSWER_MAX).map_err(|error| error::of(&error))?;
            let behind =
                |(committed, last): (TopicPartitionListElem<'_>, TopicPartitionListElem<'_>)| match (committed.offset(), last.offset()) {
                    (Offset::Offset(next), Offset::Offset(end)) => Some(u64::try_from(end - next).unwrap_or(0)),
                    _ => None,
                };
            let behind: Vec<u64> = committed.elements().into_iter().zip(last.elements()).filter_map(behind).collect();
            Ok((!behind.is_empty()).then(|| behind.iter().sum()))
        })
        .await
    }

    fn of(&self, access: &Access, group: &'static str) -> Result<Taker, Error> {
        let mut takers = self.0.lock();
        if let Some(taker) = takers.get(group) {
            return Ok(Arc::clone(taker));
        }
        let mut config = access.config();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let taker: BaseConsumer<Callbacks> = config.create_with_context(access.callbacks()).map_err(|error| error::of(&error))?;
        let taker = Arc::new(Aside::new(taker));
        takers.insert(group, Arc::clone(&taker));
        Ok(taker)
    }
}
