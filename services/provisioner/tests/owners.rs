//! One owner a target: who lost the lease records nothing. And one target's trouble with its topics is no other's.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bed::target::Fault;
use bed::{Bed, Place, gone, present, tenant};
use tokio::sync::Notify;
use xtsync_bus::{Bus, CreateOptions, Ends, Error, Outgoing, Position, Reader, Subscription, Topic, Transport, Urgency};
use xtsync_contract::topic;
use xtsync_runtime::shutdown::Shutdown;

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
async fn what_a_former_owner_publishes_late_is_followed_by_the_newest_state() {
    for place in [Place::Sqlite, Place::Postgres] {
        check_late_is_followed_by_newest(Bed::new(place).await).await;
    }
}

#[tokio::test]
async fn a_store_restored_from_before_somebody_came_finds_him_on_its_topic() {
    for place in [Place::Sqlite, Place::Postgres] {
        let mut bed = Bed::new(place).await;
        for user in ["ana", "bo"] {
            bed.decide(user, present(user, "Paris", true)).await;
            bed.settle().await;
        }
        bed.fake.journal();
        bed.forget("bo").await;
        bed.decide("bo", gone()).await;
        bed.intake().await;
        bed.restart().await;
        bed.settle().await;
        assert_eq!(bed.fake.journal(), ["revoke t2", "disable t2", "delete t2"]);
        assert!(bed.links().await.iter().all(|record| record.link.is_reached()));
    }
}

#[tokio::test]
async fn a_job_whose_row_somebody_else_has_worked_on_writes_nothing_more() {
    for place in [Place::Sqlite, Place::Postgres] {
        let bed = Bed::new(place).await;
        bed.decide("ana", present("ana", "Paris", true)).await;
        bed.intake().await;
        bed.fake.fail_call("invite", [Fault::Wait]);
        let meddle = async {
            bed.fake.hung.notified().await;
            bed.meddle("ana").await;
            bed.fake.go.notify_one();
        };
        let hub = tenant("hub");
        let (result, ()) = tokio::join!(bed.provisioner.work_step(&hub), meddle);
        assert!(result.unwrap_err().to_string().contains("ana"));
        assert_eq!(bed.fake.journal(), ["invite ana@emea.example"]);
        // Whoever begins anew takes the row as it is.
        bed.outlast(Duration::from_secs(600)).await;
        assert_eq!(bed.fake.objects().len(), 1);
        assert!(bed.links().await.iter().all(|record| record.link.is_reached()));
    }
}

async fn check_late_is_followed_by_newest(bed: Bed) {
    let slow = Slow::over(&bed.bus);
    let bus: Bus = slow.clone();
    let former = Arc::new(bed.another_on(&bus).await);
    bed::own(&former).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.intake().await;
    former.facts_step(Duration::from_secs(5)).await.unwrap();
    former.work_step(&tenant("hub")).await.unwrap();
    let late = tokio::spawn({
        let former = Arc::clone(&former);
        async move { former.publish_step(&tenant("hub")).await }
    });
    slow.asked.notified().await;

    let owner = bed.another().await;
    bed::own(&owner).await;
    owner.facts_step(Duration::from_secs(5)).await.unwrap();
    bed.decide("ana", gone()).await;
    bed.intake().await;
    owner.work_step(&tenant("hub")).await.unwrap();
    owner.publish_step(&tenant("hub")).await.unwrap();
    let newest = bed.links().await.remove(0).version;

    slow.go.notify_one();
    assert!(late.await.unwrap().is_err(), "the lease is gone");
    assert_ne!(bed.links().await.remove(0).version, newest, "the older state came last");
    owner.publish_step(&tenant("hub")).await.unwrap();
    assert_eq!(bed.links().await.remove(0).version, newest);
    assert_eq!(owner.publish_step(&tenant("hub")).await.unwrap(), 0);
}

/// A bus whose first publication of links waits until it is told to go on.
struct Slow {
    inner: Bus,
    is_first: AtomicBool,
    asked: Notify,
    go: Notify,
}

impl Slow {
    fn over(inner: &Bus) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), is_first: AtomicBool::new(true), asked: Notify::new(), go: Notify::new() })
    }
}

#[async_trait]
impl Transport for Slow {
    async fn publish(&self, records: Vec<Outgoing>, urgency: Urgency) -> Result<(), Error> {
        let links = records.iter().any(|record| topic::LINKS.scope(&record.topic).is_some());
        if links && self.is_first.swap(false, Ordering::SeqCst) {
            self.asked.notify_one();
            self.go.notified().await;
        }
        self.inner.publish(records, urgency).await
    }

    async fn has_room(&self, topics: &[Topic]) -> bool {
        self.inner.has_room(topics).await
    }

    async fn subscribe(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Subscription>, Error> {
        self.inner.subscribe(group, topics).await
    }

    async fn reader(&self, from: &[Position]) -> Result<Box<dyn Reader>, Error> {
        self.inner.reader(from).await
    }

    async fn ends(&self, topic: &Topic) -> Result<Vec<Ends>, Error> {
        self.inner.ends(topic).await
    }

    async fn create(&self, topics: &[Topic], options: CreateOptions) -> Result<Vec<Topic>, Error> {
        self.inner.create(topics, options).await
    }

    async fn brokers(&self) -> Result<usize, Error> {
        self.inner.brokers().await
    }

    async fn missing(&self, topics: &[Topic]) -> Result<Vec<Topic>, Error> {
        self.inner.missing(topics).await
    }

    fn creates_topics(&self) -> bool {
        self.inner.creates_topics()
    }
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
    bed.rigged.rig().missing = vec![topic::DECISIONS.of(tenant("lab")), topic::TENANT_FACTS.of(tenant("lab"))];
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
