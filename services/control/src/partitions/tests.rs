//! Tests of the numbers that Tenants say, where the bus creates topics and where an administrator does.

use std::sync::Arc;

use xtsync_bus::Embedded;
use xtsync_kit::faulty_bus::FaultyBus;
use xtsync_runtime::clock::SystemClock;

use super::*;
use crate::actor::Actor;
use crate::apply::apply;
use crate::context::tests::{YAML, context, context_on, written};

/// The organization whose Tenant `hub` says so many partitions.
fn with_partitions(partitions: u32) -> String {
    let section = "  graph: {domain: hub.example";
    assert!(YAML.contains(section));
    YAML.replace(section, &format!("  partitions: {partitions}\n{section}"))
}

/// Applies it; returns the mistakes.
async fn mistakes(context: &Context, yaml: &str) -> Vec<String> {
    match apply(context, &written(yaml), Actor::internal("test"), false).await {
        Ok(_) => Vec::new(),
        Err(Error::Refused(problems)) => problems.iter().map(ToString::to_string).collect(),
        Err(error) => panic!("{error}"),
    }
}

fn topics(tenant: &str) -> Vec<Topic> {
    topic::of_tenant(&TenantName::new(tenant).unwrap()).collect()
}

#[tokio::test]
async fn topics_are_created_with_the_number_of_their_tenant_and_keep_it() {
    let dir = tempfile::tempdir().unwrap();
    let control = context(dir.path()).await;
    assert_eq!(mistakes(&control, &with_partitions(3)).await, [""; 0]);
    for (tenant, want) in [("emea", 1), ("hub", 3)] {
        let found = control.bus.partitions(&topics(tenant)).await.unwrap();
        assert_eq!(found.into_values().collect::<Vec<_>>(), vec![want; topics(tenant).len()], "{tenant}");
    }
    for (yaml, place) in [(with_partitions(4), "line 16, spec.partitions"), (YAML.to_owned(), "line 14, spec.partitions")] {
        let want = "xtsync.v1.decisions.hub exists and has 3: docs/partitions.md says how topics get another number";
        assert_eq!(mistakes(&control, &yaml).await, [format!("x.yaml: document 3, {place}: {want}")]);
    }
    assert_eq!(mistakes(&control, &with_partitions(3)).await, [""; 0]);
}

#[tokio::test]
async fn a_number_changes_when_the_topics_have_it_already_or_do_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    let log = Embedded::open(&dir.path().join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
    let control = context_on(dir.path(), FaultyBus::new(log)).await;
    for partitions in [2, 3] {
        assert_eq!(mistakes(&control, &with_partitions(partitions)).await, [""; 0], "an administrator has not created them yet");
    }
    let five: Vec<Topic> = topics("hub").into_iter().map(|topic| topic.with_partitions(5)).collect();
    control.bus.create(&five, ALONE).await.unwrap();
    assert_eq!(mistakes(&control, &with_partitions(3)).await, [""; 0], "it is not changed, and the number of the bus holds");
    assert_eq!(mistakes(&control, &with_partitions(4)).await.len(), 1);
    assert_eq!(mistakes(&control, &with_partitions(5)).await, [""; 0]);
}
