//! Tests of the recovery at start: after a crash, with a lost bus and with a lost store.

use xtsync_kit::faulty_bus;

use std::sync::Arc;

use bytes::Bytes;
use xtsync_bus::{Bus, Table};
use xtsync_contract::event;
use xtsync_runtime::health::Health;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::configuration::Watch;

use super::*;
use crate::actor::{Actor, Operation};
use crate::apply::apply;
use crate::context::tests::{YAML, close, context, context_on, published, written};
use crate::plan::{Lookup, Plan};
use crate::resources::read;
use crate::{reconcile, revision};
use xtsync_contract::internal;

/// Stores a revision without publishing it, as if the process had died right after.
async fn store_only(context: &Context, yaml: &str) -> u64 {
    let stored = read(&context.store).await.unwrap();
    let mut plan = Plan::of(&stored);
    written(yaml).iter().for_each(|resource| plan.write(&resource.id, &resource.spec, &Lookup::new(), false));
    let mut tx = context.store.begin().await.unwrap();
    let operation = Operation { actor: Actor::internal("test"), verb: "apply", now: context.clock.now() };
    let revision = revision::store(&mut tx, operation, &stored, &plan.stored()).await.unwrap();
    tx.commit().await.unwrap();
    revision
}

/// Reconciles, as control does when it starts to lead.
async fn start(context: &Context) {
    reconcile::reconcile(context).await.unwrap();
}

/// Returns the revision that readers of the bus see.
async fn visible_revision(bus: &Bus) -> u64 {
    let shutdown = Shutdown::new();
    let visible_revision = Watch::start(Bus::clone(bus), &Health::new(), shutdown.clone()).wait_first().await.unwrap().revision();
    shutdown.begin();
    visible_revision
}

#[tokio::test]
async fn an_unpublished_or_half_published_revision_is_completed_at_start() {
    for half in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let control = context(dir.path()).await;
        let first = apply(&control, &written(YAML), Actor::internal("test"), false).await.unwrap().revision;
        assert_eq!(visible_revision(&control.bus).await, first);
        let second = store_only(&control, &YAML.replace("mode: enforce", "mode: observe")).await;
        if half {
            let changed = read(&control.store).await.unwrap().into_values().filter(|resource| resource.revision == second);
            control.bus.publish(changed.map(|resource| record(&resource, control.clock.now())).collect(), Urgency::Live).await.unwrap();
        }
        close(control).await;
        let control = context(dir.path()).await;
        start(&control).await;
        assert_eq!(visible_revision(&control.bus).await, second, "half: {half}");
        // Resources that the second revision did not change were not published again.
        let records = published(&control.bus).await.into_iter().filter(|record| record.key.starts_with(b"Tenant/"));
        assert_eq!(records.count(), 2);
        close(control).await;
    }
}

#[tokio::test]
async fn everything_is_republished_to_a_lost_bus() {
    let dir = tempfile::tempdir().unwrap();
    let control = context(dir.path()).await;
    let revision = apply(&control, &written(YAML), Actor::internal("test"), false).await.unwrap().revision;
    close(control).await;
    for file in ["bus.sqlite", "bus.sqlite-wal", "bus.sqlite-shm"] {
        std::fs::remove_file(dir.path().join(file)).ok();
    }
    let control = context(dir.path()).await;
    start(&control).await;
    assert_eq!(visible_revision(&control.bus).await, revision);
    close(control).await;
}

#[tokio::test]
async fn a_lost_store_is_restored_from_the_bus() {
    let dir = tempfile::tempdir().unwrap();
    let control = context(dir.path()).await;
    let first = apply(&control, &written(YAML), Actor::internal("test"), false).await.unwrap().revision;
    let before = read(&control.store).await.unwrap();
    close(control).await;
    for file in ["control.sqlite", "control.sqlite-wal", "control.sqlite-shm"] {
        std::fs::remove_file(dir.path().join(file)).ok();
    }
    let control = context(dir.path()).await;
    start(&control).await;
    assert_eq!(read(&control.store).await.unwrap(), before);
    assert_eq!(visible_revision(&control.bus).await, first);
    // The next revision is complete, too: it includes all restored resources.
    let organization = "apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {name: other}\nspec: {tenants: []}\n";
    let second = apply(&control, &written(organization), Actor::internal("test"), false).await.unwrap().revision;
    assert!(second > first);
    assert_eq!(visible_revision(&control.bus).await, second);
    close(control).await;
}

#[tokio::test]
async fn a_foreign_record_is_dead_lettered_and_the_replaced_record_republished() {
    for key in ["Organization/-/contoso", COMMIT_KEY, "foreign"] {
        let dir = tempfile::tempdir().unwrap();
        let control = context(dir.path()).await;
        let revision = apply(&control, &written(YAML), Actor::internal("test"), false).await.unwrap().revision;
        let garbage = Bytes::from_static(b"\xff");
        let foreign = Outgoing { topic: topic::CONFIG.topic(), key: key.into(), value: Some(garbage.clone()), headers: Vec::new() };
        control.bus.publish(vec![foreign], Urgency::Live).await.unwrap();
        let before = published(&control.bus).await.len();
        start(&control).await;
        let records = published(&control.bus).await.split_off(before);
        // A reader that starts now still sees the revision.
        let keys: Vec<&[u8]> = records.iter().map(|record| record.key.as_ref()).collect();
        match key {
            COMMIT_KEY => assert!(keys.len() > 2 && keys.last() == Some(&COMMIT_KEY.as_bytes()), "{keys:?}"),
            "foreign" => assert!(keys.is_empty(), "{keys:?}"),
            _ => assert_eq!(keys, [key.as_bytes(), COMMIT_KEY.as_bytes()]),
        }
        assert_eq!(visible_revision(&control.bus).await, revision);
        let mut letters = Table::open(&control.bus, vec![topic::DEAD_LETTERS.topic()]).await.unwrap();
        let letter = letters.next().await.unwrap().pop().unwrap();
        let letter: internal::DeadLetter = event::decode(&letter.headers, &letter.value.unwrap()).unwrap();
        assert_eq!((letter.role.as_str(), letter.reason.as_str(), letter.value), ("control", "foreign_type", Some(garbage.to_vec())));
        close(control).await;
    }
}

#[tokio::test]
async fn a_replica_paused_before_publishing_leaves_the_newest_revision_last() {
    let dir = tempfile::tempdir().unwrap();
    let first = context(dir.path()).await;
    let bus = Bus::clone(&first.bus);
    apply(&first, &written(YAML), Actor::internal("test"), false).await.unwrap();
    let faulty_bus = faulty_bus::FaultyBus::new(Bus::clone(&bus));
    let permits = faulty_bus.hold(&[]);
    let paused = Context { bus: Arc::<faulty_bus::FaultyBus>::clone(&faulty_bus), ..first };
    store_only(&paused, &YAML.replace("mode: enforce", "mode: observe")).await;
    let taken_over = async {
        faulty_bus.waits.notified().await;
        let owner = context_on(dir.path(), Bus::clone(&bus)).await;
        let newest = apply(&owner, &written(&YAML.replace("scopeGracePeriod: 1s", "scopeGracePeriod: 2s")), Actor::internal("test"), false)
            .await
            .unwrap()
            .revision;
        // The resources first, then the commit.
        permits.add_permits(2);
        (owner, newest)
    };
    let (late, (owner, newest)) = tokio::join!(pending(&paused), taken_over);
    assert!(late.is_err(), "it does not lead");
    pending(&owner).await.unwrap();
    assert_eq!(visible_revision(&bus).await, newest);
    // A new reader finds the newest state of each key.
    let newest_of_each =
        published(&bus).await.into_iter().map(|record| (record.key.clone(), record)).collect::<std::collections::BTreeMap<_, _>>();
    let synchronization = &newest_of_each[b"Synchronization/emea/to-hub".as_slice()];
    let record: internal::ConfigRecord = event::decode(&synchronization.headers, synchronization.value.as_ref().unwrap()).unwrap();
    assert_eq!(record.revision, newest);
    let stored = read(&owner.store).await.unwrap();
    assert!(stored.values().all(|resource| resource.revision <= newest));
    close(owner).await;
}
