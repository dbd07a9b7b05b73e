//! Tenants that are not the directory they are taken for: two that are one, and one that has become another.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use fixture::{Fixture, Place, address, not_wanted, wanted};
use xtsync_domain::link::ConditionKind;

fn held(code: &str) -> std::collections::BTreeMap<String, u64> {
    [(code.to_owned(), 1)].into()
}

#[tokio::test]
async fn two_tenants_for_one_directory_are_held_until_one_names_another() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.add_target("hub2");
    fixture.identify("hub2", "HUB-ID").await;
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    assert_eq!((fixture.held().await.0, fixture.fake.journal()), (held("directory_shared"), vec![]));
    fixture.identify("hub2", "hub2-id").await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["invite ana@emea.example", "anchor t1 city,displayName,userType"]);
    // No user is deprovisioned while the owner of the objects is unknown.
    fixture.identify("hub2", "hub-id").await;
    fixture.decide("ana", not_wanted()).await;
    fixture.converge().await;
    assert_eq!((fixture.held().await.0, fixture.fake.journal()), (held("directory_shared"), vec![]));
}

#[tokio::test]
async fn a_source_that_is_the_targets_directory_is_held() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.identify("emea", "hub-id").await;
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    assert_eq!((fixture.held().await.0, fixture.fake.journal()), (held("directory_shared"), vec![]));
}

#[tokio::test]
async fn a_changed_directory_is_held_and_a_confirmed_one_is_provisioned_anew() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.pin(&[("hub", "hub-id")]).await;
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal().len(), 2);
    // The owner notes which directory it is.
    fixture.held().await;
    fixture.identify("hub", "other").await;
    fixture.decide("ana", wanted("ana", "Oslo", true)).await;
    fixture.converge().await;
    assert_eq!((fixture.held().await.0, fixture.fake.journal()), (held("directory_changed"), vec![]));
    // The new directory holds no object of ours.
    fixture.fake.purge_by_hand(&address("ana"));
    fixture.pin(&[("hub", "other")]).await;
    fixture.converge().await;
    assert_eq!(
        fixture.fake.journal(),
        ["invite ana@emea.example", "anchor t1 city,displayName,userType"],
        "the simulated one begins to count anew"
    );
    assert_eq!(fixture.links().await[0].link.shadow.id().map(|id| id.as_str().to_owned()).as_deref(), Some("t1"));
}

/// The configuration is read at each step, but a worker is made anew a moment later.
#[tokio::test]
async fn nothing_is_written_to_a_confirmed_directory_before_the_links_forget_the_former_one() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.pin(&[("hub", "hub-id")]).await;
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    fixture.held().await;
    fixture.fake.journal();
    fixture.identify("hub", "other").await;
    fixture.publish_pins(&[("hub", "other")]);
    fixture.decide("ana", wanted("ana", "Oslo", true)).await;
    // Waits for its turn without an object.
    fixture.decide("eva", wanted("eva", "Oslo", true)).await;
    fixture.converge().await;
    let both = [("directory_changed".to_owned(), 2)].into();
    assert_eq!((fixture.held().await.0, fixture.fake.journal()), (both, vec![]));
    fixture.fake.purge_by_hand(&address("ana"));
    fixture.provisioner.refresh().await;
    fixture::wait_for_lease(&fixture.provisioner).await;
    fixture.converge().await;
    assert_eq!((fixture.held().await.0.len(), fixture.fake.journal().len(), fixture.fake.objects().len()), (0, 4, 2));
}

/// A revision without the directory came between: whether it is another one shows by what the links are of.
#[tokio::test]
async fn a_directory_that_is_unknown_for_a_while_and_then_another_is_filled_anew() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.pin(&[("hub", "hub-id")]).await;
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    fixture.held().await;
    fixture.pin(&[]).await;
    fixture.converge().await;
    fixture.identify("hub", "other").await;
    fixture.fake.purge_by_hand(&address("ana"));
    fixture.fake.journal();
    fixture.pin(&[("hub", "other")]).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["invite ana@emea.example", "anchor t1 city,displayName,userType"]);
}

/// A Tenant was taken out and comes back under another name: its users have links already, which own their objects.
#[tokio::test]
async fn a_user_whose_anchor_another_link_bears_waits_and_both_are_named() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    fixture.fake.journal();
    fixture.also_from("apac").await;
    fixture.only_from("apac").await;
    fixture.identify("apac", "emea-id").await;
    fixture.decide_from("apac", "ana", wanted("ana", "Oslo", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    assert!(fixture.outcomes().await.contains(&"create ana failed anchor_taken []".to_owned()));
    let link = fixture.links().await.into_iter().find(|record| record.link.source().as_str() == "apac").unwrap().link;
    let condition = link.condition.unwrap();
    let seen = (condition.kind, condition.code.as_str(), condition.others.as_slice());
    assert_eq!(seen, (ConditionKind::Conflict, "anchor_taken", &["emea/ana".to_owned()][..]));
    assert_eq!((link.anchor, link.shadow.id()), (None, None));
}
