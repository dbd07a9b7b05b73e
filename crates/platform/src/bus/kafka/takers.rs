//! What other groups have committed: how far behind who takes a topic is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::Producer as _;
use xtsync_proto::topic::Topic;

use super::aside::Aside;
use super::client::{Access, Callbacks};
use super::publish::Producer;
use super::topics::asking;
use super::{error, record};
use crate::bus::{Error, Partition};

/// How long the cluster may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A client that asks what its group has committed, and joins nothing.
type Taker = Arc<Aside<BaseConsumer<Callbacks>>>;

/// The clients, by group.
#[derive(Default)]
pub(super) struct Takers(Mutex<HashMap<&'static str, Taker>>);

impl Takers {
    /// How many records of a topic a group has not committed. Of a partition of which it never committed anything, none.
    pub(super) async fn behind(&self, access: &Access, client: Arc<Producer>, topic: &Topic, group: &'static str) -> Result<i64, Error> {
        let taker = self.of(access, group)?;
        let (name, partitions) = (topic.to_string(), Partition::all(topic).collect::<Vec<_>>());
        asking(move || {
            // Where we log in by token, this is when the library is given one.
            drop(taker.poll(Duration::ZERO));
            let committed = taker.committed_offsets(record::list(&partitions), ANSWER_MAX).map_err(|error| error::of(&error))?;
            let mut behind = 0;
            for partition in committed.elements() {
                let Offset::Offset(next) = partition.offset() else { continue };
                let marks = client.client().fetch_watermarks(&name, partition.partition(), ANSWER_MAX);
                let (_, high) = marks.map_err(|error| error::of_topic(&error, &name))?;
                behind += (high - next).max(0);
            }
            Ok(behind)
        })
        .await
    }

    fn of(&self, access: &Access, group: &'static str) -> Result<Taker, Error> {
        let mut takers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
