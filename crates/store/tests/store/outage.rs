//! A PostgreSQL that is unavailable at start or later.

use std::time::Duration;

use xtsync_harness::{Postgres, PostgresOptions, wait_for};
use xtsync_runtime::health::{Health, Probe};
use xtsync_store::{Error, Lease, LeaseState, Store, params};

use xtsync_kit::store_fixture::{StoreFixture, THINGS, numbers, put};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_unreachable_database_is_unavailable_and_serves_again_once_back() {
    let mut postgres = Postgres::start(PostgresOptions { fast: true }).await.unwrap();
    let fixture = StoreFixture::at(postgres.url("postgres"));
    let store = fixture.open().await;
    put(&store, "a", 1).await;
    let lease = Lease::new(store.clone(), "target/hub", "a", Duration::from_secs(1));
    lease.watch().wait_for(|held| *held != LeaseState::Lost).await.unwrap();

    postgres.stop().await.unwrap();
    let (mut read, mut write) = (store.begin().await.unwrap(), store.begin().await.unwrap());
    write.defer("INSERT INTO thing (id) VALUES {rows}", vec![params!["a"]]);
    let (ping, read, written, open) = tokio::join!(
        store.ping(),
        read.fetch("SELECT id FROM thing", vec![]),
        write.commit(),
        Store::open(fixture.options("test", THINGS))
    );
    assert_unavailable(ping);
    assert_unavailable(read.map(drop));
    assert_unavailable(written);
    assert_unavailable(open.map(drop));
    lease.watch().wait_for(|held| *held == LeaseState::Lost).await.unwrap();
    assert_eq!(lease.held(), None);

    postgres.resume().await.unwrap();
    wait_for(LIMIT, "the store to serve again", async || Ok(store.ping().await.ok())).await.unwrap();
    put(&store, "b", 2).await;
    assert_eq!(numbers(&store).await.len(), 2);
    tokio::time::timeout(LIMIT, lease.watch().wait_for(|held| *held != LeaseState::Lost)).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_unreachable_database_turns_readiness_off_and_on_again() {
    let mut postgres = Postgres::start(PostgresOptions { fast: true }).await.unwrap();
    let store = StoreFixture::at(postgres.url("postgres")).open().await;
    let health = Health::new();
    let report = store.report("test", &health);
    wait_for(LIMIT, "the store to be ready", async || Ok(health.is_ready().then_some(()))).await.unwrap();

    postgres.stop().await.unwrap();
    wait_for(LIMIT, "the outage to be reported", async || Ok((!health.is_ready()).then_some(()))).await.unwrap();
    assert!(health.probe(Probe::Ready).lines.contains("is unavailable") && health.probe(Probe::Live).passes);
    postgres.resume().await.unwrap();
    wait_for(LIMIT, "the store to be ready", async || Ok(health.is_ready().then_some(()))).await.unwrap();
    drop(report);
}

fn assert_unavailable(result: Result<(), Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)) && error.is_transient(), "{error:?}");
}
