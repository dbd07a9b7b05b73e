//! Records of a newer version, as an upgrade brings them: what they say beside is passed over, and a kind of decision that is not known
//! stops its partition, with nothing lost.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::time::Duration;

use bed::{Bed, Place, address, gone, present, tenant};
use prost::Message as _;
use xtsync_bus::partition_of;
use xtsync_contract::topic::{self, PARTITIONS, link_key};
use xtsync_contract::{events, internal};
use xtsync_domain::decision::Desired;
use xtsync_domain::{Decision, Origin, Version};
use xtsync_runtime::clock::Clock as _;

/// A field that nobody knows yet: number 1000, holding 1.
const FIELD: [u8; 3] = [0xc0, 0x3e, 0x01];

/// A variant that nobody knows yet: number 99, an empty message.
const VARIANT: [u8; 3] = [0x9a, 0x06, 0x00];

const NEWS: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_field_that_is_not_known_is_passed_over() {
    let bed = Bed::new(Place::Sqlite).await;
    let paris = decision(&bed, "ana", Some(present("ana", "Paris", true)));
    send(&bed, "ana", &[paris, FIELD.to_vec()].concat()).await;
    bed.settle().await;
    assert!(bed.fake.object(&address("ana")).is_some());
    assert_eq!(bed.trouble(), "");
}

#[tokio::test]
async fn a_kind_of_decision_that_is_not_known_stops_its_partition_and_loses_nothing() {
    let mut bed = Bed::new(Place::Sqlite).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    let newer = [decision(&bed, "ana", None), VARIANT.to_vec()].concat();
    send(&bed, "ana", &newer).await;
    bed.decide("ana", gone()).await;
    // Each replica that reads it stops there, whoever had the partition before.
    for replica in ["the first", "the next"] {
        read_until(&bed, || bed.trouble().contains("holds what only a newer version understands")).await;
        bed.work().await;
        assert_eq!(bed.fake.object(&address("ana")).unwrap().bin, None, "{replica}: what follows waits, and it never means gone");
        bed.restart().await;
    }
    assert!(bed.all::<internal::DeadLetter>(topic::DEAD_LETTERS.topic()).await.is_empty(), "who can read it will");
    // Others go on.
    let index = |user: &str| partition_of(link_key(&tenant("emea"), &user.into()).as_bytes(), PARTITIONS);
    let other = (0..).map(|number| format!("user-{number}")).find(|user| index(user) != index("ana")).unwrap();
    let before = bed.provisioner.taken(&tenant("hub")).await.unwrap();
    bed.decide(&other, present(&other, "Rome", true)).await;
    while bed.provisioner.taken(&tenant("hub")).await.unwrap() == before {
        bed.provisioner.intake_step(NEWS).await.unwrap();
    }
    bed.work().await;
    assert!(bed.fake.object(&address(&other)).is_some(), "only its partition stops");
}

#[tokio::test]
async fn a_kind_of_fact_that_is_not_known_neither_opens_nor_closes_a_gate() {
    let bed = Bed::new(Place::Sqlite).await;
    let facts = || topic::TENANT_FACTS.of(tenant("hub"));
    bed.publish_bytes::<events::TenantFact>(facts(), "novelty", VARIANT.to_vec()).await;
    hear(&bed).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1, "what is known still stands");

    // A policy that cannot be understood is none: the one before grows old, and then nothing is written.
    bed.publish_bytes::<events::TenantFact>(facts(), "access-policy/live", VARIANT.to_vec()).await;
    hear(&bed).await;
    bed.clock.advance(Duration::from_secs(61));
    bed.decide("bo", present("bo", "Paris", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1);
    bed.agree(true).await;
    bed.facts().await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 2, "it waited for a word that is understood");
}

/// The bytes of a decision; of one that says nothing where nothing is desired.
fn decision(bed: &Bed, user: &str, desired: Option<Desired>) -> Vec<u8> {
    let says_nothing = desired.is_none();
    let decision = Decision {
        source: tenant("emea"),
        user: user.into(),
        synchronization: "to-hub".into(),
        version: Version { delta: 1, ..Version::default() },
        origin: Origin::Live,
        first_seen: bed.clock.now(),
        desired: desired.unwrap_or_else(gone),
    };
    let mut wire = events::Decision::from(decision);
    if says_nothing {
        wire.desired = None;
    }
    wire.encode_to_vec()
}

async fn send(bed: &Bed, user: &str, value: &[u8]) {
    bed.publish_bytes::<events::Decision>(topic::DECISIONS.of(tenant("hub")), &link_key(&tenant("emea"), &user.into()), value.to_vec())
        .await;
}

/// Reads what there is until something is so.
async fn read_until(bed: &Bed, is_so: impl Fn() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        bed.provisioner.intake_step(NEWS).await.unwrap();
    }
    panic!("it never is so: {:?}", bed.trouble());
}

async fn hear(bed: &Bed) {
    for _ in 0..3 {
        bed.provisioner.facts_step(NEWS).await.unwrap();
    }
}
