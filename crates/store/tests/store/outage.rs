//! A PostgreSQL that is away at start, or goes away later.

use std::time::Duration;

use xtsync_harness::{Postgres, PostgresOptions, wait_for};
use xtsync_runtime::health::{Health, Question};
use xtsync_store::{Error, Held, Lease, Store};

use xtsync_kit::place::{Place, THINGS, numbers, put};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_database_that_goes_away_is_away_and_serves_again_when_it_is_back() {
    let mut postgres = Postgres::start(PostgresOptions { fast: true }).await.unwrap();
    let place = Place::at(postgres.url("postgres"));
    let store = place.open().await;
    put(&store, "a", 1).await;
    let lease = Lease::new(store.clone(), "target/hub", "a", Duration::from_secs(1));
    lease.watch().wait_for(|held| *held != Held::Lost).await.unwrap();

    postgres.stop().await.unwrap();
    let (ping, begin, open) = tokio::join!(store.ping(), store.begin(), Store::open(place.options("test", THINGS)));
    away(ping);
    away(begin.map(drop));
    away(open.map(drop));
    lease.watch().wait_for(|held| *held == Held::Lost).await.unwrap();
    assert_eq!(lease.held(), None);

    postgres.resume().await.unwrap();
    wait_for(LIMIT, "the store to serve again", async || Ok(store.ping().await.ok())).await.unwrap();
    put(&store, "b", 2).await;
    assert_eq!(numbers(&store).await.len(), 2);
    tokio::time::timeout(LIMIT, lease.watch().wait_for(|held| *held != Held::Lost)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_database_that_goes_away_turns_readiness_off_and_on_again() {
    let mut postgres = Postgres::start(PostgresOptions { fast: true }).await.unwrap();
    let store = Place::at(postgres.url("postgres")).open().await;
    let health = Health::new();
    let report = store.report("test", &health);
    wait_for(LIMIT, "the store to be well", async || Ok(health.is_ready().then_some(()))).await.unwrap();

    postgres.stop().await.unwrap();
    wait_for(LIMIT, "the outage to be told", async || Ok((!health.is_ready()).then_some(()))).await.unwrap();
    assert!(health.ask(Question::Ready).lines.contains("is away") && health.ask(Question::Live).well);
    postgres.resume().await.unwrap();
    wait_for(LIMIT, "the store to be well", async || Ok(health.is_ready().then_some(()))).await.unwrap();
    drop(report);
}

fn away(result: Result<(), Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Away(_)) && error.is_passing(), "{error:?}");
}
