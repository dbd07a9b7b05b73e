//! The progress of republications.

use std::time::Duration;

use xtsync_domain::{TenantName, Timestamp};
use xtsync_store::Store;
use xtsync_store::republish::{Republication, request};

use xtsync_kit::store_fixture::StoreFixture;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const START: Timestamp = Timestamp(1_000_000_000_000_000);

fn emea() -> TenantName {
    TenantName::new("emea").unwrap()
}

/// The last republished key of a republication that is due or in progress.
async fn due(store: &Store, now: Timestamp) -> Option<String> {
    Republication::due(store, &emea(), DAY, now).await.unwrap().map(|republication| republication.after().to_owned())
}

async fn advance(store: &Store, republication: &Republication, key: Option<&str>) {
    let mut tx = store.begin().await.unwrap();
    republication.advance(&mut tx, key).await.unwrap();
    tx.commit().await.unwrap();
}

async fn asked(store: &Store, now: Timestamp) {
    let mut tx = store.begin().await.unwrap();
    request(&mut tx, &emea(), now).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn a_republication_runs_once_a_day_and_resumes(fixture: StoreFixture) {
    let store = fixture.open().await;
    assert_eq!(due(&store, START).await, None, "a new tenant has just been published completely");
    let later = START.plus(DAY);
    let republication = Republication::due(&store, &emea(), DAY, later).await.unwrap().unwrap();
    assert!(republication.is_at_start());
    advance(&store, &republication, Some("bo")).await;
    drop(store);
    let store = fixture.open().await;
    let republication = Republication::due(&store, &emea(), DAY, later.plus(DAY * 3)).await.unwrap().unwrap();
    assert_eq!((republication.after(), republication.is_at_start()), ("bo", false), "it resumes after a restart of any duration");
    advance(&store, &republication, None).await;
    assert_eq!(due(&store, later.plus(Duration::from_secs(1))).await, None);
    assert_eq!(due(&store, later.plus(DAY)).await, Some(String::new()));
}

pub(crate) async fn a_republication_requested_again_restarts(fixture: StoreFixture) {
    let store = fixture.open().await;
    asked(&store, START).await;
    let republication = Republication::due(&store, &emea(), Duration::ZERO, START).await.unwrap().unwrap();
    asked(&store, START.plus(Duration::from_secs(1))).await;
    advance(&store, &republication, None).await;
    assert_eq!(due(&store, START.plus(Duration::from_secs(2))).await, Some(String::new()), "a later request restarts it");
}
