//! What a crash or a lost bus leaves is made whole at start.

use xtsync_kit::rigged;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use xtsync_bus::{Bus, Table};
use xtsync_contract::event;
use xtsync_runtime::health::Health;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::configuration::Watch;

use super::*;
use crate::actor::Actor;
use crate::apply::apply;
use crate::context::tests::{YAML, close, context, context_on, published, written};
use crate::plan::{Lookup, Plan};
use crate::resources::read;
use crate::revision::Act;
use crate::{adopt, revision};
use xtsync_contract::internal;

/// Stores a revision without publishing it, as if the process had died right after.
async fn store_only(context: &Context, yaml: &str) -> u64 {
    let standing = read(&context.store).await.unwrap();
    let mut plan = Plan::of(&standing);
    written(yaml).iter().for_each(|resource| plan.write(&resource.id, &resource.spec, &Lookup::new(), false));
    let mut tx = context.store.begin().await.unwrap();
    let act = Act { actor: Actor::own("test"), verb: "apply", now: context.clock.now() };
    let revision = revision::store(&mut tx, act, &standing, &plan.stored()).await.unwrap();
    tx.commit().await.unwrap();
    revision
}

/// As control does when it begins to work.
async fn start(context: &Context) {
    adopt::make_whole(context).await.unwrap();
}

/// The revision that readers of the bus work by.
async fn shown(bus: &Bus) -> u64 {
    let shutdown = Shutdown::new();
    let shown = Watch::start(Bus::clone(bus), &Health::new(), shutdown.clone()).wait_first().await.unwrap().revision();
    shutdown.begin();
    shown
}

#[tokio::test]
async fn a_revision_that_was_stored_and_not_or_half_published_is_whole_after_a_start() {
    for half in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let control = context(dir.path()).await;
        let first = apply(&control, &written(YAML), Actor::own("test"), false).await.unwrap().revision;
        assert_eq!(shown(&control.bus).await, first);
        let second = store_only(&control, &YAML.replace("mode: enforce", "mode: observe")).await;
        if half {
            let changed = read(&control.store).await.unwrap().into_values().filter(|resource| resource.revision == second);
            control.bus.publish(changed.map(|resource| record(&resource, control.clock.now())).collect(), Urgency::Live).await.unwrap();
        }
        close(control).await;
        let control = context(dir.path()).await;
        start(&control).await;
        assert_eq!(shown(&control.bus).await, second, "half: {half}");
        // What the second revision did not change was not told again.
        let told = published(&control.bus).await.into_iter().filter(|record| record.key.starts_with(b"Tenant/"));
        assert_eq!(told.count(), 2);
        close(control).await;
    }
}

#[tokio::test]
async fn a_bus_that_was_lost_is_told_everything_again() {
    let dir = tempfile::tempdir().unwrap();
    let control = context(dir.path()).await;
    let revision = apply(&control, &written(YAML), Actor::own("test"), false).await.unwrap().revision;
    close(control).await;
    for file in ["bus.sqlite", "bus.sqlite-wal", "bus.sqlite-shm"] {
        std::fs::remove_file(dir.path().join(file)).ok();
    }
    let control = context(dir.path()).await;
    start(&control).await;
    assert_eq!(shown(&control.bus).await, revision);
    close(control).await;
}

#[tokio::test]
async fn a_store_that_was_lost_takes_back_what_it_had_said() {
    let dir = tempfile::tempdir().unwrap();
    let control = context(dir.path()).await;
    let first = apply(&control, &written(YAML), Actor::own("test"), false).await.unwrap().revision;
    let before = read(&control.store).await.unwrap();
    close(control).await;
    for file in ["control.sqlite", "control.sqlite-wal", "control.sqlite-shm"] {
        std::fs::remove_file(dir.path().join(file)).ok();
    }
    let control = context(dir.path()).await;
    start(&control).await;
    assert_eq!(read(&control.store).await.unwrap(), before);
    assert_eq!(shown(&control.bus).await, first);
    // Also what comes next is whole: it stands on everything that was there.
    let organization = "apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {name: other}\nspec: {tenants: []}\n";
    let second = apply(&control, &written(organization), Actor::own("test"), false).await.unwrap().revision;
    assert!(second > first);
    assert_eq!(shown(&control.bus).await, second);
    close(control).await;
}

#[tokio::test]
async fn what_is_nobodys_is_buried_and_what_it_replaced_is_told_again() {
    for key in ["Organization/-/contoso", COMMIT_KEY, "nobodys"] {
        let dir = tempfile::tempdir().unwrap();
        let control = context(dir.path()).await;
        let revision = apply(&control, &written(YAML), Actor::own("test"), false).await.unwrap().revision;
        let garbage = Bytes::from_static(b"\xff");
        let foreign = Outgoing { topic: topic::CONFIG.topic(), key: key.into(), value: Some(garbage.clone()), headers: Vec::new() };
        control.bus.publish(vec![foreign], Urgency::Live).await.unwrap();
        let before = published(&control.bus).await.len();
        start(&control).await;
        let told = published(&control.bus).await.split_off(before);
        // The revision is shown also to who reads nothing before the garbage but what it did not replace.
        let keys: Vec<&[u8]> = told.iter().map(|record| record.key.as_ref()).collect();
        match key {
            COMMIT_KEY => assert!(keys.len() > 2 && keys.last() == Some(&COMMIT_KEY.as_bytes()), "{keys:?}"),
            "nobodys" => assert!(keys.is_empty(), "{keys:?}"),
            _ => assert_eq!(keys, [key.as_bytes(), COMMIT_KEY.as_bytes()]),
        }
        assert_eq!(shown(&control.bus).await, revision);
        let mut letters = Table::open(&control.bus, vec![topic::DEAD_LETTERS.topic()]).await.unwrap();
        let letter = letters.next().await.unwrap().pop().unwrap();
        let letter: internal::DeadLetter = event::decode(&letter.headers, &letter.value.unwrap()).unwrap();
        assert_eq!((letter.role.as_str(), letter.reason.as_str(), letter.value), ("control", "foreign_type", Some(garbage.to_vec())));
        close(control).await;
    }
}

#[tokio::test]
async fn who_was_paused_between_commit_and_publication_leaves_the_newest_revision_as_the_last_one() {
    let dir = tempfile::tempdir().unwrap();
    let first = context(dir.path()).await;
    let bus = Bus::clone(&first.bus);
    apply(&first, &written(YAML), Actor::own("test"), false).await.unwrap();
    let (rigged, gate) = (rigged::Rigged::new(Bus::clone(&bus)), Arc::new(Semaphore::new(0)));
    rigged.rig().held = Some(Arc::clone(&gate));
    let paused = Context { bus: Arc::<rigged::Rigged>::clone(&rigged), ..first };
    store_only(&paused, &YAML.replace("mode: enforce", "mode: observe")).await;
    let taken_over = async {
        while rigged.rig().waiting == 0 {
            tokio::task::yield_now().await;
        }
        let owner = context_on(dir.path(), Bus::clone(&bus)).await;
        let newest = apply(&owner, &written(&YAML.replace("settle: 1s", "settle: 2s")), Actor::own("test"), false).await.unwrap().revision;
        // The resources first, then the commit.
        gate.add_permits(2);
        (owner, newest)
    };
    let (late, (owner, newest)) = tokio::join!(pending(&paused), taken_over);
    assert!(late.is_err(), "it is not the one at work");
    pending(&owner).await.unwrap();
    assert_eq!(shown(&bus).await, newest);
    // Also who reads the bus anew finds the newest state under each key.
    let newest_of_each =
        published(&bus).await.into_iter().map(|record| (record.key.clone(), record)).collect::<std::collections::BTreeMap<_, _>>();
    let synchronization = &newest_of_each[b"Synchronization/emea/to-hub".as_slice()];
    let record: internal::ConfigRecord = event::decode(&synchronization.headers, synchronization.value.as_ref().unwrap()).unwrap();
    assert_eq!(record.revision, newest);
    let standing = read(&owner.store).await.unwrap();
    assert!(standing.values().all(|resource| resource.revision <= newest));
    close(owner).await;
}
