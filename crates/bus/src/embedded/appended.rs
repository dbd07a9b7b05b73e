//! What a reader has to look at: the partitions that were appended to since it looked last. So an append costs the readers of its topic
//! something, and no others, however many topics there are.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::Partition;

/// The partitions that were appended to, for one reader.
#[derive(Debug, Default)]
pub(super) struct Appended {
    partitions: Mutex<BTreeSet<Partition>>,
    notify: Notify,
}

impl Appended {
    fn note(&self, partition: Partition) {
        self.partitions.lock().insert(partition);
        self.notify.notify_one();
    }

    /// Takes what was appended to.
    pub(super) fn take(&self) -> BTreeSet<Partition> {
        std::mem::take(&mut *self.partitions.lock())
    }

    /// Waits until there may be something to take. Cancelling it loses nothing.
    pub(super) async fn wait(&self) {
        self.notify.notified().await;
    }
}

/// The readers of a topic.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<Vec<Weak<Appended>>>);

impl Readers {
    /// Adds a reader, which leaves when it is dropped.
    pub(super) fn add(&self, reader: &Arc<Appended>) {
        self.remove(reader);
        self.0.lock().push(Arc::downgrade(reader));
    }

    /// Removes a reader, and those that were dropped.
    pub(super) fn remove(&self, reader: &Arc<Appended>) {
        self.0.lock().retain(|one| one.strong_count() > 0 && one.as_ptr() != Arc::as_ptr(reader));
    }

    /// Tells the readers of a partition that was appended to.
    pub(super) fn note(&self, partition: &Partition) {
        self.0.lock().iter().filter_map(Weak::upgrade).for_each(|reader| reader.note(partition.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::topic::{Cleanup, TopicKind};

    static LINKS: TopicKind = TopicKind { name: "x.links", cleanup: Cleanup::Retain(Duration::from_secs(1)), consumer_group: None };

    #[tokio::test]
    async fn an_append_concerns_the_readers_of_its_topic_only() {
        let (hub, lab) = (Readers::default(), Readers::default());
        let [of_hub, of_lab, of_both] = std::array::from_fn(|_| Arc::new(Appended::default()));
        [&of_hub, &of_both].into_iter().for_each(|reader| hub.add(reader));
        [&of_lab, &of_both].into_iter().for_each(|reader| lab.add(reader));
        let partition = |scope: &str, index| Partition { topic: LINKS.of(scope), index };
        for index in [5, 2, 5] {
            hub.note(&partition("hub", index));
        }
        of_hub.wait().await;
        let want: BTreeSet<Partition> = [partition("hub", 2), partition("hub", 5)].into();
        assert_eq!([&of_hub, &of_lab, &of_both].map(|reader| reader.take()), [want.clone(), BTreeSet::new(), want]);
        hub.remove(&of_both);
        drop(of_hub);
        hub.note(&partition("hub", 1));
        assert_eq!(of_both.take(), BTreeSet::new(), "it reads the topic no more");
    }
}
