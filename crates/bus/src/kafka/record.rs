//! Converts records and partitions between the library's types and those of this crate.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::topic::Topic;
use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::{Offset, TopicPartitionList};
use xtsync_domain::Timestamp;

use super::publication::Publication;
use crate::{Headers, Outgoing, Partition, Position, Record};

/// Topics by their names.
pub(super) type Names = HashMap<String, Topic>;

/// The names of topics.
pub(super) fn names<'a>(topics: impl IntoIterator<Item = &'a Topic>) -> Names {
    topics.into_iter().map(|topic| (topic.to_string(), topic.clone())).collect()
}

/// Converts a record to the library's type.
pub(super) fn outgoing<'a>(
    record: &'a Outgoing,
    topic: &'a str,
    publication: Arc<Publication>,
) -> BaseRecord<'a, [u8], [u8], Arc<Publication>> {
    let insert = |headers: OwnedHeaders, (name, value): &(String, Bytes)| headers.insert(Header { key: name, value: Some(&value[..]) });
    let headers = record.headers.iter().fold(OwnedHeaders::new_with_capacity(record.headers.len()), insert);
    let sent = BaseRecord { payload: record.value.as_deref(), ..BaseRecord::with_opaque_to(topic, publication) };
    sent.key(&record.key[..]).headers(headers)
}

/// Converts a message of one of these topics to a record.
pub(super) fn incoming(message: &BorrowedMessage<'_>, names: &Names) -> Option<Record> {
    let topic = names.get(message.topic())?.clone();
    Some(Record {
        at: Position { partition: Partition { topic, index: message.partition().cast_unsigned() }, offset: message.offset() },
        // Only a foreign record has no key.
        key: Bytes::copy_from_slice(message.key().unwrap_or_default()),
        value: message.payload().map(Bytes::copy_from_slice),
        headers: headers(message),
        time: Timestamp(message.timestamp().to_millis().unwrap_or(0).saturating_mul(1000)),
    })
}

/// Converts headers. The library panics on a header whose name is not UTF-8. A foreign record must not stop its reader, so it gets no
/// headers and is then no xtsync event.
fn headers(message: &BorrowedMessage<'_>) -> Headers {
    let read = || {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        headers.map(|header| (header.key.to_owned(), Bytes::copy_from_slice(header.value.unwrap_or_default()))).collect()
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
}

/// The library's list of partitions.
pub(super) fn list<'a>(partitions: impl IntoIterator<Item = &'a Partition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(&partition.topic.to_string(), index(partition));
    }
    list
}

/// The library's list of positions.
pub(super) fn positions(positions: &[Position]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for Position { partition, offset } in positions {
        let offset = Offset::Offset(*offset.max(&0));
        let added = list.add_partition_offset(&partition.topic.to_string(), index(partition), offset);
        added.expect("the library takes every offset that is not negative");
    }
    list
}

/// Converts the library's list to partitions of these topics.
pub(super) fn partitions(list: &TopicPartitionList, names: &Names) -> Vec<Partition> {
    let partition = |(topic, index): (String, i32)| Some(Partition { topic: names.get(&topic)?.clone(), index: index.cast_unsigned() });
    list.elements().iter().filter_map(|element| partition((element.topic().to_owned(), element.partition()))).collect()
}

/// The library's index of a partition.
pub(super) fn index(partition: &Partition) -> i32 {
    partition.index.cast_signed()
}
