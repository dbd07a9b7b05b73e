//! Tenants that are not the directory they are taken for: two that are one, and one that has become another.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use bed::{Bed, Place, address, gone, present};
use xtsync_domain::link::TroubleKind;

fn held(code: &str) -> std::collections::BTreeMap<String, u64> {
    [(code.to_owned(), 1)].into()
}

#[tokio::test]
async fn two_tenants_for_one_directory_are_held_until_one_names_another() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.add_target("hub2");
    bed.identify("hub2", "HUB-ID").await;
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.settle().await;
    assert_eq!((bed.held().await.0, bed.fake.journal()), (held("directory_shared"), vec![]));
    bed.identify("hub2", "hub2-id").await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["invite ana@emea.example", "anchor t1 city,displayName,userType"]);
    // Nor does anybody leave while it is not known whose the objects are.
    bed.identify("hub2", "hub-id").await;
    bed.decide("ana", gone()).await;
    bed.settle().await;
    assert_eq!((bed.held().await.0, bed.fake.journal()), (held("directory_shared"), vec![]));
}

#[tokio::test]
async fn a_source_that_is_the_targets_directory_is_held() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.identify("emea", "hub-id").await;
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.settle().await;
    assert_eq!((bed.held().await.0, bed.fake.journal()), (held("directory_shared"), vec![]));
}

#[tokio::test]
async fn a_directory_that_changed_is_held_and_one_that_was_confirmed_is_filled_anew() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.pin(&[("hub", "hub-id")]).await;
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal().len(), 2);
    // The owner notes which directory it is.
    bed.held().await;
    bed.identify("hub", "other").await;
    bed.decide("ana", present("ana", "Oslo", true)).await;
    bed.settle().await;
    assert_eq!((bed.held().await.0, bed.fake.journal()), (held("directory_changed"), vec![]));
    // Nobody of ours is in the new one.
    bed.fake.purge_by_hand(&address("ana"));
    bed.pin(&[("hub", "other")]).await;
    bed.settle().await;
    assert_eq!(
        bed.fake.journal(),
        ["invite ana@emea.example", "anchor t1 city,displayName,userType"],
        "the simulated one begins to count anew"
    );
    assert_eq!(bed.links().await[0].link.shadow.id().map(|id| id.as_str().to_owned()).as_deref(), Some("t1"));
}

/// The configuration is read at each step, but a worker is made anew a moment later.
#[tokio::test]
async fn nothing_is_written_to_a_confirmed_directory_before_the_links_forget_the_former_one() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.pin(&[("hub", "hub-id")]).await;
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.settle().await;
    bed.held().await;
    bed.fake.journal();
    bed.identify("hub", "other").await;
    bed.publish_pins(&[("hub", "other")]);
    bed.decide("ana", present("ana", "Oslo", true)).await;
    // Waits for its turn without an object.
    bed.decide("eva", present("eva", "Oslo", true)).await;
    bed.settle().await;
    let both = [("directory_changed".to_owned(), 2)].into();
    assert_eq!((bed.held().await.0, bed.fake.journal()), (both, vec![]));
    bed.fake.purge_by_hand(&address("ana"));
    bed.provisioner.refresh().await;
    bed::own(&bed.provisioner).await;
    bed.settle().await;
    assert_eq!((bed.held().await.0.len(), bed.fake.journal().len(), bed.fake.objects().len()), (0, 4, 2));
}

/// A revision without the directory came between: whether it is another one shows by what the links are of.
#[tokio::test]
async fn a_directory_that_is_unknown_for_a_while_and_then_another_is_filled_anew() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.pin(&[("hub", "hub-id")]).await;
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.settle().await;
    bed.held().await;
    bed.pin(&[]).await;
    bed.settle().await;
    bed.identify("hub", "other").await;
    bed.fake.purge_by_hand(&address("ana"));
    bed.fake.journal();
    bed.pin(&[("hub", "other")]).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["invite ana@emea.example", "anchor t1 city,displayName,userType"]);
}

/// A Tenant was taken out and comes back under another name: its users have links already, which own their objects.
#[tokio::test]
async fn a_user_whose_anchor_another_link_bears_waits_and_both_are_named() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.settle().await;
    bed.fake.journal();
    bed.also_from("apac").await;
    bed.only_from("apac").await;
    bed.identify("apac", "emea-id").await;
    bed.decide_from("apac", "ana", present("ana", "Oslo", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    assert!(bed.outcomes().await.contains(&"create ana failed anchor_taken []".to_owned()));
    let link = bed.links().await.into_iter().find(|record| record.link.source().as_str() == "apac").unwrap().link;
    let trouble = link.trouble.unwrap();
    let told = (trouble.kind, trouble.code.as_str(), trouble.others.as_slice());
    assert_eq!(told, (TroubleKind::Conflict, "anchor_taken", &["emea/ana".to_owned()][..]));
    assert_eq!((link.anchor, link.shadow.id()), (None, None));
}
