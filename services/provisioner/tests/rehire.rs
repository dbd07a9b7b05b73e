//! A user leaves and comes back with a new account at home, or somebody else gets the address: nobody waits for what is given up.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::time::Duration;

use bed::target::Fault;
use bed::{Bed, Place, address, gone, out_of_scope, present};
use xtsync_directory::Error;
use xtsync_domain::decision::{Desired, Present};
use xtsync_domain::link::TroubleKind;

/// Wanted with the address of another user.
fn with_address_of(other: &str, user: &str) -> Desired {
    match present(user, "Paris", true) {
        Desired::Present(present) => Desired::Present(Present { address: address(other), ..present }),
        desired => desired,
    }
}

/// K-21: the former account's shadow user stays in the bin for 30 days.
#[tokio::test]
async fn a_new_account_with_the_address_of_a_deleted_one_comes_in_at_once_as_a_new_user() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("eva", present("eva", "Paris", true)).await;
    bed.settle().await;
    bed.decide("eva", gone()).await;
    bed.settle().await;
    bed.fake.journal();
    bed.decide("eva-again", with_address_of("eva", "eva-again")).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["invite eva@emea.example", "anchor t2 city,displayName,userType"]);
    let links = bed.links().await;
    assert!(links.iter().all(|record| record.link.is_reached() && record.link.trouble.is_none()));
}

#[tokio::test]
async fn a_user_who_waits_for_an_address_gets_it_as_soon_as_the_other_is_deleted() {
    for going in [gone(), out_of_scope(Duration::ZERO)] {
        let bed = Bed::new(Place::Sqlite).await;
        bed.decide("eva", present("eva", "Paris", true)).await;
        bed.settle().await;
        bed.decide("eva-again", with_address_of("eva", "eva-again")).await;
        bed.settle().await;
        let trouble = bed.links().await.into_iter().find_map(|record| record.link.trouble).unwrap();
        assert_eq!((trouble.kind, trouble.others), (TroubleKind::Conflict, vec!["emea/eva".to_owned()]));
        bed.decide("eva", going).await;
        bed.settle().await;
        assert!(bed.links().await.iter().all(|record| record.link.is_reached()), "no time has passed");
        assert_eq!(bed.fake.objects().len(), 2);
    }
}

/// The deletion ends while the one who waits is being looked up: neither knows of the other.
#[tokio::test]
async fn an_address_that_is_given_up_while_it_is_asked_for_is_not_waited_for() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("eva", present("eva", "Paris", true)).await;
    bed.settle().await;
    bed.fake.fail_call("delete", [Fault::Wait]);
    bed.decide("eva", gone()).await;
    bed.decide("eva-again", with_address_of("eva", "eva-again")).await;
    bed.intake().await;
    let meanwhile = async {
        bed.fake.hung.notified().await;
        bed.fake.go.notify_one();
    };
    tokio::join!(bed.work(), meanwhile);
    bed.settle().await;
    assert!(bed.links().await.iter().all(|record| record.link.is_reached()));
}

#[tokio::test]
async fn a_user_whose_deletion_is_refused_keeps_the_address() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("eva", present("eva", "Paris", true)).await;
    bed.settle().await;
    let refused = Error::Refused { code: "Request_BadRequest".into(), attribute: None };
    bed.fake.fail_call("delete", [Fault::Before(refused)]);
    bed.decide("eva", gone()).await;
    bed.settle().await;
    bed.decide("eva-again", with_address_of("eva", "eva-again")).await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1);
}
