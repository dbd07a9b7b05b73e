//! The contract of the bus, tested on both implementations.

#![allow(clippy::unwrap_used, reason = "in a check a panic is the report")]

use xtsync_kit::{builders, bus_fixture};

#[path = "bus/contract.rs"]
mod contract;
#[path = "bus/embedded.rs"]
mod embedded;
#[path = "bus/kafka_group.rs"]
mod kafka_group;
#[path = "bus/kafka_outage.rs"]
mod kafka_outage;
#[path = "bus/kafka_secured.rs"]
mod kafka_secured;
#[path = "bus/kafka_topics.rs"]
mod kafka_topics;
#[path = "bus/table.rs"]
mod table;

/// Runs each test on each implementation.
macro_rules! on_both {
    ($($module:ident :: $check:ident),* $(,)?) => {
        mod on_embedded {
            $(#[tokio::test] async fn $check() { crate::$module::$check(&crate::bus_fixture::BusFixture::embedded().await).await; })*
        }
        mod on_kafka {
            $(#[tokio::test] async fn $check() { crate::$module::$check(&crate::bus_fixture::BusFixture::kafka().await).await; })*
        }
    };
}

on_both! {
    contract::records_of_a_key_keep_their_order,
    contract::uncommitted_records_are_delivered_again,
    contract::a_commit_is_read_back_with_its_metadata,
    contract::positions_are_committed_for_a_group_without_members,
    contract::a_partition_starts_at_the_given_offset,
    contract::a_record_round_trips,
    contract::compaction_keeps_the_newest_record_and_a_tombstone_removes_a_key,
    contract::a_reader_replays_from_the_start_and_then_waits_for_more,
    contract::a_slow_member_loses_nothing,
    contract::topics_are_created_once_and_missing_ones_are_listed,
    contract::the_ends_of_several_topics_are_told_at_once,
    contract::a_few_topics_are_found_among_many_missing_ones,
    contract::the_number_of_partitions_is_that_of_the_creation,
    contract::a_member_changes_its_topics_without_leaving,
    contract::a_record_over_the_limit_is_refused,
    table::a_table_returns_existing_records_and_then_new_ones,
    table::a_table_of_an_empty_topic_has_caught_up,
    table::a_table_accepts_further_topics,
}
