//! One owner for each target: a replica that lost the lease records nothing, and missing topics of one target block no other.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::sync::Arc;
use std::time::Duration;

use fixture::faulty_bus::FaultyBus;
use fixture::target::Fault;
use fixture::{Fixture, Place, not_wanted, tenant, wanted};
use xtsync_contract::topic;
use xtsync_domain::Timestamp;
use xtsync_runtime::clock::{Clock, SystemClock};
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::service::Parts;

#[tokio::test]
async fn a_former_owner_writes_nothing() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.intake().await;
    // Paused until its lease expired by the database's clock and another replica took it.
    fixture.take_lease_away().await;
    let result = fixture.provisioner.work_step(&tenant("hub")).await;
    assert!(result.is_err(), "{result:?}");
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
}

#[tokio::test]
async fn a_former_owner_takes_no_decision_in() {
    for place in [Place::Sqlite, Place::Postgres] {
        let fixture = Fixture::new(place).await;
        fixture.decide("bo", wanted("bo", "Paris", true)).await;
        fixture.converge().await;
        fixture.take_lease_away().await;
        let before = fixture.provisioner.taken(&tenant("hub")).await.unwrap();
        fixture.decide("ana", wanted("ana", "Paris", true)).await;
        let result = fixture.provisioner.intake_step(Duration::from_secs(20)).await;
        assert!(result.is_err(), "{result:?}");
        assert_eq!(fixture.provisioner.taken(&tenant("hub")).await.unwrap(), before);
        assert_eq!(fixture.due().await, 0);
    }
}

#[tokio::test]
async fn a_former_owners_late_publication_is_followed_by_the_newest_state() {
    for place in [Place::Sqlite, Place::Postgres] {
        check_late_publication_is_followed_by_the_newest(Fixture::new(place).await).await;
    }
}

#[tokio::test]
async fn a_restored_store_finds_missing_links_on_its_topic() {
    for place in [Place::Sqlite, Place::Postgres] {
        let mut fixture = Fixture::new(place).await;
        for user in ["ana", "bo"] {
            fixture.decide(user, wanted(user, "Paris", true)).await;
            fixture.converge().await;
        }
        fixture.fake.journal();
        fixture.forget("bo").await;
        fixture.decide("bo", not_wanted()).await;
        fixture.intake().await;
        fixture.restart().await;
        fixture.converge().await;
        assert_eq!(fixture.fake.journal(), ["revoke t2", "disable t2", "delete t2"]);
        assert!(fixture.links().await.iter().all(|record| record.link.is_converged()));
    }
}

#[tokio::test]
async fn a_concurrently_modified_row_ends_its_job() {
    for place in [Place::Sqlite, Place::Postgres] {
        let fixture = Fixture::new(place).await;
        fixture.decide("ana", wanted("ana", "Paris", true)).await;
        fixture.intake().await;
        fixture.fake.fail_call("invite", [Fault::Wait]);
        let modify_concurrently = async {
            fixture.fake.hung.notified().await;
            fixture.modify_concurrently("ana").await;
            fixture.fake.proceed.notify_one();
        };
        let hub = tenant("hub");
        let (result, ()) = tokio::join!(fixture.provisioner.work_step(&hub), modify_concurrently);
        assert!(result.unwrap_err().to_string().contains("ana"));
        // The intent of the invitation covers the anchor: while it lasts only its own job calls for the link.
        assert_eq!(fixture.fake.journal(), ["invite ana@emea.example", "anchor t1 city,displayName,userType"]);
        // A restarted job reads the row as it is.
        fixture.advance_and_converge(Duration::from_secs(600)).await;
        assert_eq!(fixture.fake.objects().len(), 1);
        assert!(fixture.links().await.iter().all(|record| record.link.is_converged()));
    }
}

/// The clock of a machine that differs from the database's by so many seconds.
#[derive(Debug)]
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0 * 1_000_000)
    }
}

#[tokio::test]
async fn two_owners_with_skewed_clocks_agree_on_when_a_call_must_have_ended() {
    for (former, next) in [(-300, 0), (300, 0), (0, -300), (0, 300)] {
        check_skewed_owners_agree(former, next).await;
    }
}

async fn check_skewed_owners_agree(former: i64, next: i64) {
    let (case, hub) = (format!("clocks off by {former} and {next} seconds"), tenant("hub"));
    // What is done here is due by each of the clocks.
    let fixture = Fixture::new_at(Skewed(-600).now(), Place::Postgres).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    fixture.fake.journal();
    fixture.decide("ana", not_wanted()).await;
    fixture.intake().await;
    let former = fixture.take_over("r2", Arc::new(Skewed(former))).await;
    fixture.fake.fail_call("revoke", [Fault::Wait]);
    let mut call = tokio::spawn(async move { former.work_step(&tenant("hub")).await });
    tokio::select! {
        done = &mut call => panic!("{case}: there was no call: {done:?}"),
        () = fixture.fake.hung.notified() => {}
    }
    let reads = fixture.fake.calls("read");

    let owner = fixture.take_over("r3", Arc::new(Skewed(next))).await;
    owner.work_step(&hub).await.unwrap();
    assert_eq!(
        (fixture.fake.calls("read"), fixture.fake.journal()),
        (reads, Vec::new()),
        "{case}: the former owner's call may be under way"
    );
    fixture.fake.proceed.notify_one();
    assert!(call.await.unwrap().is_err(), "{case}: the lease is gone");
    assert_eq!(fixture.fake.journal(), ["revoke t1"], "{case}");

    fixture.end_call_time().await;
    owner.work_step(&hub).await.unwrap();
    assert_eq!(fixture.fake.calls("read"), reads + 1, "{case}: what the former owner left is read back");
    assert_eq!(fixture.fake.journal(), ["revoke t1", "disable t1", "delete t1"], "{case}");
}

async fn check_late_publication_is_followed_by_the_newest(fixture: Fixture) {
    let slow_bus = FaultyBus::new(fixture.bus.clone());
    let permits = slow_bus.hold(&[topic::LINKS.of(tenant("hub"))]);
    let former = Arc::new(fixture.another_of(Parts { bus: slow_bus.clone(), ..fixture.parts() }).await);
    fixture::wait_for_lease(&former).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.intake_by(&former).await;
    former.facts_step(Duration::from_secs(5)).await.unwrap();
    former.work_step(&tenant("hub")).await.unwrap();
    let late = tokio::spawn({
        let former = Arc::clone(&former);
        async move { former.publish_step(&tenant("hub")).await }
    });
    slow_bus.waits.notified().await;

    let owner = fixture.another().await;
    fixture::wait_for_lease(&owner).await;
    owner.facts_step(Duration::from_secs(5)).await.unwrap();
    fixture.decide("ana", not_wanted()).await;
    fixture.intake_by(&owner).await;
    owner.work_step(&tenant("hub")).await.unwrap();
    owner.publish_step(&tenant("hub")).await.unwrap();
    let newest = fixture.links().await.remove(0).version;

    permits.add_permits(1);
    assert!(late.await.unwrap().is_err(), "the lease is gone");
    assert_ne!(fixture.links().await.remove(0).version, newest, "the older state came last");
    owner.publish_step(&tenant("hub")).await.unwrap();
    assert_eq!(fixture.links().await.remove(0).version, newest);
    assert_eq!(owner.publish_step(&tenant("hub")).await.unwrap(), 0);
}

#[tokio::test]
async fn run_provisions_decisions_and_stops_on_shutdown() {
    let fixture = Fixture::new(Place::Sqlite).await;
    let shutdown = Shutdown::new();
    let running = tokio::spawn(fixture.another().await.run(shutdown.clone()));
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while fixture.outcomes().await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "nothing was published; written: {:?}", fixture.fake.journal());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(fixture.fake.objects().len(), 1);
    shutdown.begin();
    running.await.unwrap();
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    assert_eq!(fixture.fake.object(&fixture::address("ana")).unwrap().attributes.text("city"), Some("Paris"), "it has stopped");
}

#[tokio::test]
async fn a_target_without_topics_blocks_no_other() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.converge().await;
    fixture.faulty_bus.faults().missing = vec![topic::DECISIONS.of(tenant("lab")), topic::TENANT_FACTS.of(tenant("lab"))];
    fixture.add_target("lab");
    fixture.provisioner.refresh().await;
    fixture::wait_for_lease_of(&fixture.provisioner, "lab").await;
    fixture.publish_consent(true).await;
    fixture.facts().await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 1);
    let unready_reason = fixture.unready_reason();
    assert!(unready_reason.contains("xtsync.v1.decisions.lab is missing: run `xtsync topics create`"), "{unready_reason}");
    assert!(unready_reason.contains("xtsync.v1.tenant-facts.lab is missing: run `xtsync topics create`"), "{unready_reason}");
    fixture.faulty_bus.faults().missing.clear();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !fixture.unready_reason().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "{}", fixture.unready_reason());
        fixture.provisioner.intake_step(Duration::from_millis(20)).await.unwrap();
        fixture.provisioner.facts_step(Duration::from_millis(20)).await.unwrap();
    }
}
