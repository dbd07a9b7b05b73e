//! How far scrubs have come.

use std::time::Duration;

use xtsync_domain::{TenantName, Timestamp};
use xtsync_store::Store;
use xtsync_store::scrub::{Scrub, ask};

use xtsync_kit::place::Place;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const START: Timestamp = Timestamp(1_000_000_000_000_000);

fn emea() -> TenantName {
    TenantName::new("emea").unwrap()
}

/// Where a scrub goes on after `key`, if there is one.
async fn due(store: &Store, now: Timestamp) -> Option<String> {
    Scrub::due(store, &emea(), DAY, now).await.unwrap().map(|scrub| scrub.after().to_owned())
}

async fn came_to(store: &Store, scrub: &Scrub, key: Option<&str>) {
    let mut tx = store.begin().await.unwrap();
    scrub.came_to(&mut tx, key).await.unwrap();
    tx.commit().await.unwrap();
}

async fn asked(store: &Store, now: Timestamp) {
    let mut tx = store.begin().await.unwrap();
    ask(&mut tx, &emea(), now).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn a_scrub_comes_once_a_day_and_goes_on_where_it_was(place: Place) {
    let store = place.open().await;
    assert_eq!(due(&store, START).await, None, "whoever is new has just been told everything");
    let later = START.plus(DAY);
    let scrub = Scrub::due(&store, &emea(), DAY, later).await.unwrap().unwrap();
    assert!(scrub.is_fresh());
    came_to(&store, &scrub, Some("bo")).await;
    drop(store);
    let store = place.open().await;
    let scrub = Scrub::due(&store, &emea(), DAY, later.plus(DAY * 3)).await.unwrap().unwrap();
    assert_eq!((scrub.after(), scrub.is_fresh()), ("bo", false), "it goes on after a restart, however long that took");
    came_to(&store, &scrub, None).await;
    assert_eq!(due(&store, later.plus(Duration::from_secs(1))).await, None);
    assert_eq!(due(&store, later.plus(DAY)).await, Some(String::new()));
}

pub(crate) async fn a_scrub_that_is_asked_for_again_begins_anew(place: Place) {
    let store = place.open().await;
    asked(&store, START).await;
    let scrub = Scrub::due(&store, &emea(), Duration::ZERO, START).await.unwrap().unwrap();
    asked(&store, START.plus(Duration::from_secs(1))).await;
    came_to(&store, &scrub, None).await;
    assert_eq!(due(&store, START.plus(Duration::from_secs(2))).await, Some(String::new()), "who asked later is served too");
}
