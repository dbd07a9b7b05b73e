//! One owner a target: who lost the lease records nothing. And one target's trouble with its topics is no other's.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::time::Duration;

use bed::{Bed, Place, present, tenant};
use xtsync_platform::shutdown::Shutdown;
use xtsync_proto::topic::Topic;

#[tokio::test]
async fn a_former_owner_that_wakes_up_writes_nothing() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.intake().await;
    // Asleep for so long that its lease ran out by the database's clock, and somebody else took it.
    bed.take_lease_away().await;
    let result = bed.provisioner.work_step(&tenant("hub")).await;
    assert!(result.is_err(), "{result:?}");
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
}

#[tokio::test]
async fn run_takes_decisions_to_the_target_and_stops_when_told() {
    let bed = Bed::new(Place::Sqlite).await;
    let shutdown = Shutdown::new();
    let running = tokio::spawn(bed.another().await.run(shutdown.clone()));
    bed.decide("ana", present("ana", "Paris", true)).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while bed.outcomes().await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "nothing was told; written: {:?}", bed.fake.journal());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(bed.fake.objects().len(), 1);
    shutdown.begin();
    running.await.unwrap();
    bed.decide("ana", present("ana", "Rome", true)).await;
    assert_eq!(bed.fake.object(&bed::address("ana")).unwrap().attributes.text("city"), Some("Paris"), "it has stopped");
}

#[tokio::test]
async fn a_target_whose_topics_are_still_to_be_made_holds_up_no_other() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.settle().await;
    bed.rigged.rig().missing = vec![Topic::Decisions(tenant("lab")), Topic::TenantFacts(tenant("lab"))];
    bed.add_target("lab");
    bed.provisioner.refresh().await;
    bed.agree(true).await;
    bed.facts().await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1);
    let trouble = bed.trouble();
    assert!(trouble.contains("xtsync.v1.decisions.lab is missing: run `xtsync topics create`"), "{trouble}");
    assert!(trouble.contains("xtsync.v1.tenant-facts.lab is missing: run `xtsync topics create`"), "{trouble}");
    bed.rigged.rig().missing.clear();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !bed.trouble().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "{}", bed.trouble());
        bed.provisioner.intake_step(Duration::from_millis(20)).await.unwrap();
        bed.provisioner.facts_step(Duration::from_millis(20)).await.unwrap();
    }
}
