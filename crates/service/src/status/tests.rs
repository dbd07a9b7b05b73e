//! Tests of the publisher on a bus.

use xtsync_bus::{Embedded, Table};
use xtsync_contract::{event, topic};
use xtsync_runtime::clock::SystemClock;

use super::*;

fn status(tenant: &str, lag: u64) -> RoleStatus {
    RoleStatus { tenant: tenant.to_owned(), lag, ..RoleStatus::default() }
}

/// The next statuses of tenants, with the lag; `None` for a tombstone. Heartbeats are counted.
async fn published(table: &mut Table, heartbeats: &mut usize) -> Vec<(String, Option<u64>)> {
    let mut statuses = Vec::new();
    while statuses.is_empty() {
        for record in table.next().await.unwrap() {
            let key = std::str::from_utf8(&record.key).unwrap();
            let status: Option<RoleStatus> = record.value.as_ref().map(|value| event::decode(&record.headers, value).unwrap());
            match status {
                Some(status) if status.tenant.is_empty() => {
                    assert_eq!(key, "policy/r1");
                    *heartbeats += 1;
                }
                status => statuses.push((key.rsplit('/').next().unwrap().to_owned(), status.map(|status| status.lag))),
            }
        }
    }
    statuses
}

#[tokio::test]
async fn changes_are_coalesced_beside_the_heartbeat_and_the_last_one_is_published_at_the_end() {
    let dir = xtsync_harness::Dir::new().unwrap();
    let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
    let mut table = Table::open(&bus, vec![topic::STATUS.topic()]).await.unwrap();
    let publisher = Publisher::start(bus, Role::POLICY, "r1", Arc::new(SystemClock));
    let (emea, mut heartbeats) = ("emea".to_owned(), 0);
    publisher.set(status("emea", 1));
    assert_eq!(published(&mut table, &mut heartbeats).await, [(emea.clone(), Some(1))]);
    for lag in 2..100 {
        publisher.set(status("emea", lag));
    }
    assert_eq!(published(&mut table, &mut heartbeats).await, [(emea.clone(), Some(99))], "only the newest status of a burst");
    publisher.retain([&TenantName::new("us").unwrap()]);
    assert_eq!(published(&mut table, &mut heartbeats).await, [(emea.clone(), None)], "no longer reported");
    publisher.set(status("emea", 0));
    publisher.finish().await;
    assert_eq!(published(&mut table, &mut heartbeats).await, [(emea, Some(0))], "the last status");
    assert!(0 < heartbeats);
}
