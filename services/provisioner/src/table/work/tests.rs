use std::sync::Arc;

use xtsync_domain::decision::{DeprovisionReason, Desired, Wanted};
use xtsync_domain::link::Link;
use xtsync_domain::{Decision, Origin, Version};
use xtsync_harness::{Dir, Postgres, unique};
use xtsync_runtime::clock::ManualClock;
use xtsync_store::Options;

use super::*;
use crate::table::MIGRATIONS;
use crate::table::waiting::{Waiting, Waits};

async fn store(dir: &Dir) -> Store {
    open(dir.path().display().to_string()).await
}

async fn open(url: String) -> Store {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    Store::open(Options { url, service: "provisioner", migrations: MIGRATIONS, clock }).await.unwrap()
}

fn key() -> Key {
    Key { target: "hub".parse().unwrap(), source: "emea".parse().unwrap(), user: "ana".into() }
}

/// Ana's link with work of a class that is due since a moment.
async fn arrive(store: &Store, class: Class, at: i64) {
    let mut tx = store.begin().await.unwrap();
    add(&mut tx, store, key(), class, at);
    tx.commit().await.unwrap();
}

fn add(tx: &mut Transaction, store: &Store, key: Key, class: Class, at: i64) {
    let desired = Decision {
        source: key.source.clone(),
        user: key.user.clone(),
        synchronization: "to-hub".into(),
        version: Version::default(),
        origin: Origin::Live,
        first_seen: Timestamp(at),
        desired: Desired { sign_in_blocked: false, wanted: Wanted::No(DeprovisionReason::Deleted) },
    };
    let link = Link::new(key.target.clone(), desired, Timestamp(at));
    let stored = Stored { link, version: 1, traceparent: None, counted: Default::default(), row_version: 0, stored_version: 0 };
    link::save(tx, [&stored].into_iter(), store.store_id());
    arrived(tx, &[(key, class)], Timestamp(at));
}

async fn put_off(store: &Store, was: Waited, due: i64) {
    put_off_all(store, &[key()], was, due).await;
}

async fn put_off_all(store: &Store, keys: &[Key], was: Waited, due: i64) {
    let condition = Some((ConditionKind::Retry, "store".to_owned()));
    let work = Work { class: was.class, due: Some(Timestamp(due)), condition, was, blocked_by: None };
    let mut tx = store.begin().await.unwrap();
    postpone(&mut tx, keys.iter().map(|key| (key, work.clone(), Called::Unchanged)).collect());
    tx.commit().await.unwrap();
}

fn waited(class: Class, due: i64, has_condition: bool) -> Option<Waited> {
    Some(Waited { class, due: Timestamp(due), has_condition })
}

/// What is due in one class.
async fn due_in(store: &Store, target: &TenantName, class: Class, now: Timestamp) -> Vec<Due> {
    due(store, target, &[class].into(), now, 2_000).await.unwrap().remove(&class).unwrap_or_default()
}

#[tokio::test]
async fn a_postponed_link_keeps_class_and_time_of_a_later_arrival() {
    let dir = Dir::new().unwrap();
    let store = store(&dir).await;
    arrive(&store, Class::Bulk, 5).await;
    let read = due_in(&store, &key().target, Class::Bulk, Timestamp(5)).await.remove(0).was;
    assert_eq!(Some(read), waited(Class::Bulk, 5, false));
    arrive(&store, Class::Revoke, 9).await;
    put_off(&store, read, 60).await;
    assert_eq!(waits(&store, &key()).await.unwrap(), waited(Class::Revoke, 9, false), "the newer arrival stays due");
    let read = due_in(&store, &key().target, Class::Revoke, Timestamp(9)).await.remove(0).was;
    put_off(&store, read, 60).await;
    assert_eq!(waits(&store, &key()).await.unwrap(), waited(Class::Revoke, 60, true), "unchanged, it is put off as it was");
}

#[tokio::test]
async fn a_link_that_was_made_due_meanwhile_stays_due() {
    let dir = Dir::new().unwrap();
    let store = store(&dir).await;
    arrive(&store, Class::Live, 5).await;
    put_off(&store, waited(Class::Live, 5, false).unwrap(), 10).await;
    let read = due_in(&store, &key().target, Class::Live, Timestamp(10)).await.remove(0).was;
    // At the same moment, by the same clock.
    assert_eq!(Waiting::all(&key().target, Waits::Anything).wake(&store, Timestamp(10)).await.unwrap(), 1);
    put_off(&store, read, 60).await;
    assert_eq!(waits(&store, &key()).await.unwrap(), waited(Class::Live, 10, false));
}

/// Of the first portion one is worked on while the others are woken, so fewer of it are than it has.
#[tokio::test]
async fn a_portion_that_comes_out_short_is_not_the_last_one() {
    const LINKS: usize = 1_001;
    let postgres = Postgres::shared().await.unwrap();
    let url = postgres.create_database(&unique("waiting").replace('-', "_")).await.unwrap();
    let store = open(url).await;
    let keys: Vec<Key> = (0..LINKS).map(|number| Key { user: format!("u{number:04}").as_str().into(), ..key() }).collect();
    let mut tx = store.begin().await.unwrap();
    keys.iter().for_each(|key| add(&mut tx, &store, key.clone(), Class::Live, 5));
    tx.commit().await.unwrap();
    put_off_all(&store, &keys, waited(Class::Live, 5, false).unwrap(), 10).await;
    let mut job = store.begin().await.unwrap();
    link::lock(&mut job, &[keys[0].clone()].into()).await.unwrap();
    let hub = key().target;
    let waking = Waiting::all(&hub, Waits::Anything).wake(&store, Timestamp(20));
    let working = async {
        until_one_waits(&store).await;
        arrived(&mut job, &[(keys[0].clone(), Class::Live)], Timestamp(15));
        job.commit().await.unwrap();
    };
    let (woken, ()) = tokio::join!(waking, working);
    assert_eq!(woken.unwrap(), 1_000);
    assert_eq!(due_in(&store, &hub, Class::Live, Timestamp(20)).await.iter().filter(|due| due.was.has_condition).count(), 0);
}

/// Returns when a transaction of this database waits for another's lock.
async fn until_one_waits(store: &Store) {
    const SQL: &str = "SELECT COUNT(*) AS waiting FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()";
    while store.fetch_one_opt(SQL, Vec::new()).await.unwrap().unwrap().int("waiting").unwrap() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_due_in_several_classes_is_one_look_that_takes_so_many_of_each() {
    let dir = Dir::new().unwrap();
    let store = store(&dir).await;
    let mut tx = store.begin().await.unwrap();
    for (user, class, at) in
        [("a", Class::Bulk, 3), ("b", Class::Bulk, 1), ("c", Class::Bulk, 2), ("d", Class::Leaver, 4), ("e", Class::Live, 1)]
    {
        add(&mut tx, &store, Key { user: user.into(), ..key() }, class, at);
    }
    tx.commit().await.unwrap();
    let found = due(&store, &key().target, &[Class::Leaver, Class::Bulk].into(), Timestamp(4), 2).await.unwrap();
    let users = |class| found[&class].iter().map(|due| due.key.user.as_str()).collect::<Vec<_>>();
    assert_eq!((users(Class::Leaver), users(Class::Bulk)), (vec!["d"], vec!["b", "c"]));
    assert_eq!(found.len(), 2, "no other class was asked for");
}
