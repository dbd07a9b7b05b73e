//! Tenants that are not the directory they are taken for: two that are one, and one that has become another.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use fixture::{Fixture, Place, address, not_wanted, wanted};

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
    // Nor does anybody leave while it is not known whose the objects are.
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
    // Nobody of ours is in the new one.
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
