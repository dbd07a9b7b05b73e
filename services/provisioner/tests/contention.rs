//! Transactions that lose a race lose no answer: they are retried in place.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::{Fixture, Place, wanted};
use xtsync_harness::wait_for;
use xtsync_store::{Error, Store, params};

const LIMIT: Duration = Duration::from_secs(60);
const LOCK: &str = "SELECT state FROM link WHERE user_id = $1 FOR UPDATE";

/// How many users are worked on at once.
const USERS: usize = 20;

fn user(number: usize) -> String {
    format!("u{number:02}")
}

/// A fixture whose users are all to be changed.
async fn new_fixture() -> Fixture {
    let fixture = Fixture::new(Place::Postgres).await;
    for city in ["Paris", "Rome"] {
        for number in 0..USERS {
            fixture.decide(&user(number), wanted(&user(number), city, true)).await;
        }
        fixture.intake().await;
        if city == "Paris" {
            fixture.work().await;
        }
    }
    fixture.fake.journal();
    fixture
}

/// Since when a transaction waits for a lock, in microseconds.
async fn waits_since(store: &Store) -> Result<Option<i64>, Error> {
    const SQL: &str = "SELECT CAST(extract(epoch FROM max(waitstart)) * 1000000 AS BIGINT) AS since
        FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()";
    let rows = store.fetch(SQL, Vec::new()).await?;
    rows[0].opt_int("since")
}

async fn assert_nothing_lost(fixture: &Fixture) {
    let mut journal = fixture.fake.journal();
    journal.sort();
    let mut want: Vec<String> = (1..=USERS).map(|number| format!("patch t{number} city")).collect();
    want.sort();
    assert_eq!(journal, want, "each once");
    fixture.converge().await;
    assert!(fixture.links().await.iter().all(|record| record.link.is_converged() && record.link.condition.is_none()), "no link waits");
}

#[tokio::test]
async fn a_deadlock_in_a_group_commit_loses_no_answer_and_bars_no_link() {
    let fixture = new_fixture().await;
    let (store, look) = (fixture.second_store().await, fixture.second_store().await);
    let mut tx = store.begin().await.unwrap();
    tx.fetch(LOCK, params![user(USERS - 1)]).await.unwrap();
    let cross = async {
        // The commit has locked the others of its batch by then, and waits for the last: to want one of those is a deadlock, and who has
        // waited longer is ended.
        wait_for(LIMIT, "the commit to wait", async || Ok(waits_since(&look).await?)).await.unwrap();
        tx.fetch(LOCK, params![user(USERS - 2)]).await.unwrap();
        drop(tx);
    };
    tokio::join!(fixture.work(), cross);
    assert_nothing_lost(&fixture).await;
}

#[tokio::test]
async fn a_lock_that_is_not_free_in_time_loses_no_answer_and_bars_no_link() {
    let fixture = new_fixture().await;
    let (store, look) = (fixture.second_store().await, fixture.second_store().await);
    let mut tx = store.begin().await.unwrap();
    tx.fetch(LOCK, params![user(USERS - 1)]).await.unwrap();
    let outwait = async {
        let first = wait_for(LIMIT, "the commit to wait", async || Ok(waits_since(&look).await?)).await.unwrap();
        // That it waits anew says that the first wait was ended.
        let again = async || Ok(waits_since(&look).await?.filter(|since| *since > first));
        wait_for(LIMIT, "the commit to be done again", again).await.unwrap();
        drop(tx);
    };
    tokio::join!(fixture.work(), outwait);
    assert_nothing_lost(&fixture).await;
}
