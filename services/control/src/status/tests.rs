//! Tests of the read model's lag in the status.

use std::sync::Arc;
use std::time::Duration;

use xtsync_bus::{Embedded, Table, Urgency};
use xtsync_contract::control::ConditionCode;
use xtsync_contract::event::{self, Typed};

use super::*;
use crate::actor::Actor;
use crate::apply::apply;
use crate::context::ROLE;
use crate::context::tests::{YAML, close, context, context_on, written};
use xtsync_contract::{events, internal};
use xtsync_kit::faulty_bus::FaultyBus;
use xtsync_runtime::clock::SystemClock;

async fn put<M: prost::Message + Typed + Default>(context: &Context, topic: Topic) {
    let record = event::record::<M>(ROLE, topic, "emea/ana", 1, context.clock.now(), None, M::default().encode_to_vec());
    context.bus.publish(vec![record], Urgency::Live).await.unwrap();
}

async fn waits_to_read(context: &Context) -> bool {
    read(context).await.unwrap().waiting_for.iter().any(|what| what.code() == ConditionCode::UnreadRecords)
}

#[tokio::test]
async fn heartbeat_topics_do_not_prevent_convergence_and_others_do() {
    let dir = tempfile::tempdir().unwrap();
    let context = context(dir.path()).await;
    apply(&context, &written(YAML), Actor::internal("test"), false).await.unwrap();
    let (emea, hub) = (TenantName::new("emea").unwrap(), TenantName::new("hub").unwrap());
    put::<events::TenantFact>(&context, topic::TENANT_FACTS.of(emea)).await;
    put::<internal::RoleStatus>(&context, topic::STATUS.topic()).await;
    assert!(!waits_to_read(&context).await);
    put::<events::Link>(&context, topic::LINKS.of(hub)).await;
    assert!(waits_to_read(&context).await);
    close(context).await;
}

#[tokio::test]
async fn a_status_asks_for_the_ends_of_all_topics_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let bus = Embedded::open(&dir.path().join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
    let bus = FaultyBus::new(bus);
    let context = context_on(dir.path(), Arc::clone(&bus) as Bus).await;
    apply(&context, &written(YAML), Actor::internal("test"), false).await.unwrap();
    let before = bus.faults().end_requests;
    read(&context).await.unwrap();
    assert_eq!(bus.faults().end_requests - before, 1);
    close(context).await;
}

/// Publishes records of the topic of statuses and folds them.
async fn fold_statuses(context: &Context, records: &[internal::RoleStatus]) {
    let mut table = Table::open(&context.bus, vec![topic::STATUS.topic()]).await.unwrap();
    let record = |status: &internal::RoleStatus| {
        let since = status.reporting_since.map_or(0, |since| since.seconds);
        let key = format!("{}/{}/{since}/{}", status.role, status.replica, status.tenant);
        event::record::<internal::RoleStatus>(ROLE, topic::STATUS.topic(), &key, 1, Timestamp(1), None, status.encode_to_vec())
    };
    context.bus.publish(records.iter().map(record).collect(), Urgency::Live).await.unwrap();
    let mut folded = 0;
    while folded < records.len() {
        let batch = table.next().await.unwrap();
        folded += batch.len();
        crate::view::fold(context, &batch).await.unwrap();
    }
}

#[tokio::test]
async fn a_status_is_shown_as_of_the_heartbeat_of_its_replica_and_not_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let context = context(dir.path()).await;
    let now = context.clock.now();
    let record = |replica: &str, tenant: &str, since: Timestamp, at: Timestamp| internal::RoleStatus {
        role: "policy".into(),
        replica: replica.into(),
        tenant: tenant.into(),
        reporting_since: Some(wire_time(since)),
        at: Some(wire_time(at)),
        ..Default::default()
    };
    let (long_ago, before, heard) = (now.minus(EXPIRED_AFTER * 3), now.minus(EXPIRED_AFTER * 2), now.minus(Duration::from_secs(3)));
    let records = [
        record("r1", "", before, heard),
        record("r1", "emea", before, before),
        // Of the former process.
        record("r1", "hub", long_ago, heard),
        // Of a replica that vanished.
        record("r0", "", long_ago, now.minus(EXPIRED_AFTER)),
        record("r0", "emea", long_ago, heard),
    ];
    fold_statuses(&context, &records).await;
    let roles = read(&context).await.unwrap().roles;
    let shown: Vec<_> = roles.iter().map(|role| (role.replica.as_str(), role.tenant.as_str(), role.at)).collect();
    assert_eq!(shown, [("r1", "emea", Some(wire_time(heard)))]);
    close(context).await;
}

#[tokio::test]
async fn a_user_who_is_not_wanted_leaves_a_scope_empty_and_any_other_user_does_not() {
    use xtsync_bus::{Position, Record};
    use xtsync_domain::decision::{Decision, DeprovisionReason, Desired, SkipReason, Wanted};
    use xtsync_domain::{Origin, Version};
    let dir = tempfile::tempdir().unwrap();
    let context = context(dir.path()).await;
    let (emea, hub) = (TenantName::new("emea").unwrap(), TenantName::new("hub").unwrap());
    let skipped = Wanted::Skipped(SkipReason::NoAddress);
    for (offset, wanted, want) in [(0, Wanted::No(DeprovisionReason::External), false), (1, skipped, true)] {
        let desired = Desired { sign_in_blocked: false, wanted };
        let user = format!("user-{offset}");
        let (version, now) = (Version { delta: 1, ..Version::default() }, context.clock.now());
        let (source, synchronization) = (emea.clone(), "to-hub".to_owned());
        let decision =
            Decision { source, user: user.as_str().into(), synchronization, version, origin: Origin::Live, first_seen: now, desired };
        let (topic, value) = (topic::DECISIONS.of(&hub), events::Decision::from(decision).encode_to_vec());
        let sent = event::record::<events::Decision>(ROLE, topic.clone(), &format!("emea/{user}"), 1, now, None, value);
        let at = Position { partition: xtsync_bus::Partition { topic, index: 0 }, offset };
        let record = Record { at, key: sent.key, value: sent.value, headers: sent.headers, time: now };
        crate::view::fold(&context, &[record]).await.unwrap();
        assert_eq!(numbers::read(&context.store, now).await.unwrap().take(&emea, &hub).has_users_in_scope, want, "{user}");
    }
    close(context).await;
}
