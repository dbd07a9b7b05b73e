//! The contract of the store: the same tests on SQLite and on a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in a test a panic is the report, and a second process reports by text")]

mod store {
    pub(crate) mod leases;
    pub(crate) mod many_leases;
    pub(crate) mod offsets;
    pub(crate) mod opening;
    pub(crate) mod outage;
    pub(crate) mod outbox;
    pub(crate) mod processes;
    pub(crate) mod republications;
    pub(crate) mod signals;
    pub(crate) mod transactions;
}

use xtsync_kit::store_fixture::StoreFixture;

/// Runs each test of the contract on both databases.
macro_rules! contract {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        mod sqlite {
            $($(#[tokio::test] async fn $name() { crate::store::$module::$name(crate::StoreFixture::sqlite()).await; })+)+
        }

        mod postgres {
            $($(#[tokio::test] async fn $name() { crate::store::$module::$name(crate::StoreFixture::postgres().await).await; })+)+
        }
    };
}

contract! {
    signals:
        every_listener_hears_what_is_committed_and_nothing_else;
    transactions:
        what_is_committed_is_read_back_with_its_types,
        a_dropped_transaction_leaves_nothing,
        a_cancelled_transaction_leaves_nothing_and_blocks_no_other,
        batches_of_any_size_are_stored_and_newer_versions_win,
        a_batch_of_updates_and_of_look_ups_joins_its_rows,
        deferred_statements_are_written_with_the_commit_or_not_at_all,
        a_commit_writes_nothing_unless_rows_are_as_they_were_read,
        a_missing_row_is_none,
        a_second_row_with_a_key_is_refused,
        a_refused_statement_is_named_without_its_values,
        a_column_of_another_type_is_an_error,
        concurrent_writers_lose_no_update,
        readers_see_the_last_commit_while_another_writes;
    leases:
        a_lease_has_one_owner,
        an_expired_lease_continues_in_the_next_epoch,
        a_released_lease_is_free_at_once,
        an_owner_takes_its_own_lease_back_at_once_in_a_new_epoch,
        a_former_owner_writes_nothing,
        a_former_owner_learns_that_it_is_fenced_by_one_statement,
        a_fence_is_lost_only_if_the_database_says_so,
        no_owner_takes_a_lease_over_while_a_transaction_requires_it,
        a_keeper_acquires_renews_notifies_and_releases,
        a_keeper_whose_lease_was_taken_notifies_that_it_is_lost;
    many_leases:
        many_leases_are_acquired_and_renewed_by_one_statement,
        a_standby_takes_over_many_released_leases,
        an_expired_lease_is_taken_over_among_many,
        one_lost_lease_among_many_is_noticed_alone,
        a_later_lease_is_acquired_beside_many_and_released_alone,
        leases_of_a_hanging_database_are_lost_and_acquired_again;
    offsets:
        an_offset_and_its_effect_are_committed_atomically,
        an_offset_never_decreases;
    opening:
        the_store_id_survives_reopening_and_differs_between_stores,
        replicas_that_open_a_new_store_at_once_agree_on_its_id,
        migrations_run_once_and_later_ones_are_added,
        tables_of_a_newer_program_are_refused,
        tables_of_another_program_are_refused,
        two_services_share_a_database_and_no_table;
    outbox:
        outbox_records_are_atomic_with_their_effect_and_ordered;
    processes:
        two_processes_lose_no_update,
        a_frozen_owner_that_wakes_writes_nothing;
    republications:
        a_republication_runs_once_a_day_and_resumes,
        a_republication_requested_again_restarts;
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let (sqlite, postgres) = (StoreFixture::sqlite(), StoreFixture::postgres().await);
    let (sqlite, postgres) = (sqlite.open().await.columns().await.unwrap(), postgres.open().await.columns().await.unwrap());
    assert_eq!(sqlite, postgres);
    assert!(sqlite.contains(&"thing.body".to_owned()) && sqlite.contains(&"lease.epoch".to_owned()), "{sqlite:?}");
}

#[tokio::test]
async fn a_lease_is_taken_and_renewed_while_all_other_work_waits_for_connections() {
    store::leases::a_lease_does_not_wait_for_the_connections_of_other_work(StoreFixture::postgres().await).await;
}

#[tokio::test]
async fn a_lease_of_a_file_waits_for_one_writer_at_most() {
    store::leases::a_lease_does_not_stand_in_line_with_other_writers(StoreFixture::sqlite()).await;
}

#[tokio::test]
async fn a_lease_that_a_transaction_requires_delays_no_other() {
    store::many_leases::a_lease_that_a_transaction_requires_delays_no_other(StoreFixture::postgres().await).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_verified_as_required_is_refused() {
    store::opening::a_server_without_tls_is_refused_if_the_url_requires_verification(StoreFixture::postgres().await).await;
}
