use std::sync::Arc;

use xtsync_domain::decision::Desired;
use xtsync_domain::link::Link;
use xtsync_domain::{Decision, Origin, Version};
use xtsync_harness::Dir;
use xtsync_runtime::clock::ManualClock;
use xtsync_store::Options;

use super::*;
use crate::table::MIGRATIONS;
use crate::table::waiting::{Waiting, Waits};

async fn store(dir: &Dir) -> Store {
    let url = dir.path().display().to_string();
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    Store::open(Options { url, service: "provisioner", migrations: MIGRATIONS, clock }).await.unwrap()
}

fn key() -> Key {
    Key { target: "hub".parse().unwrap(), source: "emea".parse().unwrap(), user: "ana".into() }
}

/// Ana's link with work of a class that is due since a moment.
async fn arrive(store: &Store, class: Class, at: i64) {
    let key = key();
    let desired = Decision {
        source: key.source.clone(),
        user: key.user.clone(),
        synchronization: "to-hub".into(),
        version: Version::default(),
        origin: Origin::Live,
        first_seen: Timestamp(at),
        desired: Desired::NotWanted(xtsync_domain::decision::DeprovisionReason::Deleted),
    };
    let link = Link::new(key.target.clone(), desired, Timestamp(at));
    let stored = Stored { link, version: 1, traceparent: None, counted: Default::default(), row_version: 0 };
    let mut tx = store.begin().await.unwrap();
    link::save(&mut tx, [&stored].into_iter(), store.store_id());
    arrived(&mut tx, &[(key, class)], Timestamp(at));
    tx.commit().await.unwrap();
}

async fn put_off(store: &Store, was: Waited, due: i64) {
    let key = key();
    let condition = Some((ConditionKind::Retry, "store".to_owned()));
    let work = Work { class: was.class, due: Some(Timestamp(due)), condition, was, blocked_by: None };
    let mut tx = store.begin().await.unwrap();
    put(&mut tx, vec![(&key, work)]);
    tx.commit().await.unwrap();
}

fn waited(class: Class, due: i64, has_condition: bool) -> Option<Waited> {
    Some(Waited { class, due: Timestamp(due), has_condition })
}

#[tokio::test]
async fn a_postponed_link_keeps_class_and_time_of_a_later_arrival() {
    let dir = Dir::new().unwrap();
    let store = store(&dir).await;
    arrive(&store, Class::Bulk, 5).await;
    let read = due(&store, &key().target, Class::Bulk, Timestamp(5), 10).await.unwrap().remove(0).was;
    assert_eq!(Some(read), waited(Class::Bulk, 5, false));
    arrive(&store, Class::Revoke, 9).await;
    put_off(&store, read, 60).await;
    assert_eq!(waits(&store, &key()).await.unwrap(), waited(Class::Revoke, 9, false), "the newer arrival stays due");
    let read = due(&store, &key().target, Class::Revoke, Timestamp(9), 10).await.unwrap().remove(0).was;
    put_off(&store, read, 60).await;
    assert_eq!(waits(&store, &key()).await.unwrap(), waited(Class::Revoke, 60, true), "unchanged, it is put off as it was");
}

#[tokio::test]
async fn a_link_that_was_made_due_meanwhile_stays_due() {
    let dir = Dir::new().unwrap();
    let store = store(&dir).await;
    arrive(&store, Class::Live, 5).await;
    put_off(&store, waited(Class::Live, 5, false).unwrap(), 10).await;
    let read = due(&store, &key().target, Class::Live, Timestamp(10), 10).await.unwrap().remove(0).was;
    // At the same moment, by the same clock.
    assert_eq!(Waiting::all(&key().target, Waits::Anything).wake(&store, Timestamp(10)).await.unwrap(), 1);
    put_off(&store, read, 60).await;
    assert_eq!(waits(&store, &key()).await.unwrap(), waited(Class::Live, 10, false));
}
