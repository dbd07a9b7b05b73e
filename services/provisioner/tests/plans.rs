//! How a server executes the provisioner's statements. Their plans are made once, so each must find its rows by an index.

#![allow(clippy::unwrap_used, reason = "in a check a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::{Fixture, Place, not_wanted, out_of_scope, tenant, wanted};

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let mut fixture = Fixture::new(Place::Postgres).await;
    for user in ["ana", "bo", "cy"] {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.converge().await;
    fixture.decide("ana", wanted("ana", "Lyon", true)).await;
    fixture.decide("bo", not_wanted()).await;
    fixture.decide("cy", out_of_scope(Duration::from_secs(60))).await;
    fixture.converge().await;
    fixture.provisioner.taken(&tenant("hub")).await.unwrap();
    // Also what is done at a start.
    fixture.restart().await;
    fixture.converge().await;
    // A connection reports what it has counted when it ends.
    let ended = fixture.psql("SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
    assert!(ended.parse::<u32>().unwrap() > 1, "the provisioner had connections");
    let scans = fixture.psql("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'link'").await;
    assert!(scans.parse::<u32>().unwrap() > 0, "scans are counted");
    // The index of a new table is made by a scan of no row.
    let read_whole = fixture.psql("SELECT relname FROM pg_stat_user_tables WHERE seq_tup_read > 0 ORDER BY 1").await;
    assert_eq!(read_whole, "");
}
