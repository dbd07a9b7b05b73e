//! Records of a newer version, as during an upgrade: unknown fields are ignored, and an unknown kind of decision stops its partition, with
//! nothing lost.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::{Fixture, Place, address, not_wanted, tenant, wanted};
use prost::Message as _;
use xtsync_bus::partition_of;
use xtsync_contract::topic::{self, link_key};
use xtsync_contract::{events, internal};
use xtsync_domain::decision::Desired;
use xtsync_domain::{Decision, Origin, Version};
use xtsync_kit::bus_fixture::ALONE;
use xtsync_runtime::clock::Clock as _;

/// A field of a newer version: number 1000, holding 1.
const FIELD: [u8; 3] = [0xc0, 0x3e, 0x01];

/// A variant of a newer version: number 99, an empty message.
const VARIANT: [u8; 3] = [0x9a, 0x06, 0x00];

/// How many partitions the decisions have.
const PARTITIONS: u32 = 6;

const STEP_TIMEOUT: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_field_that_is_not_known_is_passed_over() {
    let fixture = Fixture::new(Place::Sqlite).await;
    let paris = decision(&fixture, "ana", Some(wanted("ana", "Paris", true)));
    send(&fixture, "ana", &[paris, FIELD.to_vec()].concat()).await;
    fixture.converge().await;
    assert!(fixture.fake.object(&address("ana")).is_some());
    assert_eq!(fixture.unready_reason(), "");
}

#[tokio::test]
async fn a_kind_of_decision_that_is_not_known_stops_its_partition_and_loses_nothing() {
    let mut fixture = Fixture::new(Place::Sqlite).await;
    let decisions = topic::DECISIONS.of(tenant("hub")).with_partitions(PARTITIONS);
    assert_eq!(fixture.bus.create(std::slice::from_ref(&decisions), ALONE).await.unwrap(), [decisions]);
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    let newer = [decision(&fixture, "ana", None), VARIANT.to_vec()].concat();
    send(&fixture, "ana", &newer).await;
    fixture.decide("ana", not_wanted()).await;
    // Each replica that reads it stops there, whichever replica had the partition before.
    for replica in ["the first", "the next"] {
        read_until(&fixture, || fixture.unready_reason().contains("holds what only a newer version understands")).await;
        fixture.work().await;
        assert_eq!(
            fixture.fake.object(&address("ana")).unwrap().soft_deleted,
            None,
            "{replica}: what follows waits, and it never means gone"
        );
        fixture.restart().await;
    }
    assert!(fixture.all::<internal::DeadLetter>(topic::DEAD_LETTERS.topic()).await.is_empty(), "a newer replica can read it");
    // Others go on.
    let index = |user: &str| partition_of(link_key(&tenant("emea"), &user.into()).as_bytes(), PARTITIONS);
    let other = (0..).map(|number| format!("user-{number}")).find(|user| index(user) != index("ana")).unwrap();
    let before = fixture.provisioner.taken(&tenant("hub")).await.unwrap();
    fixture.decide(&other, wanted(&other, "Rome", true)).await;
    while fixture.provisioner.taken(&tenant("hub")).await.unwrap() == before {
        fixture.provisioner.intake_step(STEP_TIMEOUT).await.unwrap();
    }
    fixture.work().await;
    assert!(fixture.fake.object(&address(&other)).is_some(), "only its partition stops");
}

#[tokio::test]
async fn a_kind_of_fact_that_is_not_known_neither_opens_nor_closes_a_gate() {
    let fixture = Fixture::new(Place::Sqlite).await;
    let facts = || topic::TENANT_FACTS.of(tenant("hub"));
    fixture.publish_bytes::<events::TenantFact>(facts(), "novelty", VARIANT.to_vec()).await;
    read_facts(&fixture).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 1, "what is known still stands");

    // A policy that cannot be understood is none: the one before grows old, and then nothing is written.
    fixture.publish_bytes::<events::TenantFact>(facts(), "access-policy/live", VARIANT.to_vec()).await;
    read_facts(&fixture).await;
    fixture.clock.advance(Duration::from_secs(61));
    fixture.decide("bo", wanted("bo", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 1);
    fixture.publish_consent(true).await;
    fixture.facts().await;
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 2, "it waited for a decision of a known kind");
}

/// The bytes of a decision; of one that says nothing where nothing is desired.
fn decision(fixture: &Fixture, user: &str, desired: Option<Desired>) -> Vec<u8> {
    let says_nothing = desired.is_none();
    let decision = Decision {
        source: tenant("emea"),
        user: user.into(),
        synchronization: "to-hub".into(),
        version: Version { delta: 1, ..Version::default() },
        origin: Origin::Live,
        first_seen: fixture.clock.now(),
        desired: desired.unwrap_or_else(not_wanted),
    };
    let mut wire = events::Decision::from(decision);
    if says_nothing {
        wire.desired = None;
    }
    wire.encode_to_vec()
}

async fn send(fixture: &Fixture, user: &str, value: &[u8]) {
    fixture
        .publish_bytes::<events::Decision>(topic::DECISIONS.of(tenant("hub")), &link_key(&tenant("emea"), &user.into()), value.to_vec())
        .await;
}

/// Reads what there is until something is so.
async fn read_until(fixture: &Fixture, condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        fixture.provisioner.intake_step(STEP_TIMEOUT).await.unwrap();
    }
    panic!("it never is so: {:?}", fixture.unready_reason());
}

async fn read_facts(fixture: &Fixture) {
    for _ in 0..3 {
        fixture.provisioner.facts_step(STEP_TIMEOUT).await.unwrap();
    }
}
