//! An administrator confirms that a new account is the rehire of a former user: `xtsync rehire`.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::rehire::{check_killed_in_each_call, check_restored, owners, with_address_of};
use fixture::{Fixture, Place, address, not_wanted, out_of_scope, wanted};
use xtsync_connector_graph::CAPABILITIES;
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_domain::capability::{Anchor, Capabilities};
use xtsync_domain::decision::Desired;

const RESTORED: [&str; 4] = ["restore t1", "reset t1 eva@emea.example", "anchor t1 city,displayName,userType", "enable t1"];

/// `eva` was in the target, had redeemed the invitation, and left it so. Returning users are to be invited anew.
async fn gone(place: Place, end: Desired) -> Fixture {
    gone_from(Fixture::new(place).await, end).await
}

async fn gone_from(fixture: Fixture, end: Desired) -> Fixture {
    fixture.decide("eva", wanted("eva", "Paris", true)).await;
    fixture.converge().await;
    fixture.fake.redeem(&address("eva"));
    fixture.decide("eva", end).await;
    fixture.converge().await;
    fixture.fake.journal();
    fixture
}

async fn confirm(fixture: &Fixture, former: &str) {
    fixture.command_for("hub", "emea/eva-again", Action::Rehire(internal::Rehire { former: former.to_owned() })).await;
}

async fn come_back(fixture: &Fixture) {
    fixture.decide("eva-again", with_address_of("eva", "eva-again")).await;
    fixture.converge().await;
}

/// How many confirmations are noted.
async fn noted(fixture: &Fixture) -> usize {
    let store = fixture.second_store().await;
    let rows = store.fetch("SELECT user_id FROM rehire", Vec::new()).await.unwrap();
    store.close().await;
    rows.len()
}

#[tokio::test]
async fn a_rehire_confirmed_before_the_user_is_wanted_is_restored_when_they_are() {
    for place in [Place::Sqlite, Place::Postgres] {
        let fixture = gone(place, not_wanted()).await;
        // Given twice, it is the same.
        confirm(&fixture, "eva").await;
        confirm(&fixture, "eva").await;
        assert_eq!((fixture.work().await, noted(&fixture).await), (0, 1));
        come_back(&fixture).await;
        assert_eq!(fixture.fake.journal(), RESTORED);
        check_restored(&fixture, "confirmed").await;
        assert_eq!(noted(&fixture).await, 0);
        let links = fixture.links().await;
        assert!(links.iter().any(|record| record.link.shadow.account().is_some_and(|account| account.taken_from == Some("eva".into()))));
        confirm(&fixture, "eva").await;
        fixture.converge().await;
        assert_eq!(fixture.fake.journal(), Vec::<String>::new(), "what is taken over stays so");
        check_restored(&fixture, "confirmed again").await;
    }
}

#[tokio::test]
async fn a_user_with_a_live_shadow_user_of_their_own_keeps_it_and_the_confirmation_is_void() {
    let fixture = gone(Place::Sqlite, not_wanted()).await;
    come_back(&fixture).await;
    fixture.fake.journal();
    confirm(&fixture, "eva").await;
    fixture.decide("eva-again", with_address_of("eva", "renamed")).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["patch t2 displayName"]);
    assert_eq!((owners(&fixture).await, noted(&fixture).await), (vec!["eva".to_owned(), "eva-again".to_owned()], 0));
}

#[tokio::test]
async fn a_user_whose_new_shadow_user_is_in_the_bin_gets_the_former_one_back() {
    for place in [Place::Sqlite, Place::Postgres] {
        let fixture = gone(place, not_wanted()).await;
        come_back(&fixture).await;
        fixture.decide("eva-again", out_of_scope(Duration::ZERO)).await;
        fixture.converge().await;
        fixture.fake.journal();
        confirm(&fixture, "eva").await;
        come_back(&fixture).await;
        assert_eq!(fixture.fake.journal(), RESTORED);
        assert_eq!(owners(&fixture).await, ["eva-again"]);
        let bin: Vec<_> = fixture.fake.objects().into_iter().filter(|(_, object)| object.soft_deleted.is_some()).collect();
        assert_eq!((bin.len(), bin[0].1.id.as_str(), bin[0].1.enabled), (1, "t2", false), "it stays in the bin");
    }
}

#[tokio::test]
async fn what_was_not_released_or_is_not_the_users_is_not_taken_over() {
    for (end, former, shape) in [
        (out_of_scope(Duration::ZERO), "eva", with_address_of("eva", "eva-again")),
        (not_wanted(), "unknown", with_address_of("eva", "eva-again")),
        (not_wanted(), "eva-again", with_address_of("eva", "eva-again")),
        (not_wanted(), "eva", wanted("eva-again", "Paris", true)),
    ] {
        let case = format!("{end:?} {former}");
        let fixture = gone(Place::Sqlite, end).await;
        confirm(&fixture, former).await;
        fixture.decide("eva-again", shape).await;
        fixture.converge().await;
        assert!(fixture.fake.journal()[0].starts_with("invite"), "{case}");
        assert_eq!((owners(&fixture).await, noted(&fixture).await), (vec!["eva".to_owned(), "eva-again".to_owned()], 0), "{case}");
    }
}

#[tokio::test]
async fn a_confirmed_rehire_is_void_where_the_target_cannot_restore_for_another_account() {
    let keeps_anchors = Capabilities { anchor: Anchor::Native, ..CAPABILITIES };
    let fixture = gone_from(Fixture::that(keeps_anchors).await, not_wanted()).await;
    confirm(&fixture, "eva").await;
    come_back(&fixture).await;
    assert!(fixture.fake.journal()[0].starts_with("invite"));
    assert_eq!((owners(&fixture).await, noted(&fixture).await), (vec!["eva".to_owned(), "eva-again".to_owned()], 0));
}

#[tokio::test]
async fn a_confirmed_rehire_waits_for_the_former_links_own_work() {
    let fixture = gone(Place::Sqlite, out_of_scope(Duration::ZERO)).await;
    confirm(&fixture, "eva").await;
    fixture.decide("eva", not_wanted()).await;
    fixture.decide("eva-again", with_address_of("eva", "eva-again")).await;
    fixture.advance_and_converge(Duration::from_secs(60)).await;
    assert_eq!(fixture.fake.journal(), RESTORED);
    check_restored(&fixture, "after the former link's work").await;
}

#[tokio::test]
async fn a_provisioner_killed_in_any_call_of_a_confirmed_rehire_leaves_what_the_next_one_completes() {
    let confirmed = async || {
        let fixture = gone(Place::Sqlite, not_wanted()).await;
        confirm(&fixture, "eva").await;
        fixture
    };
    // A restoration, a reading, the redemption, the anchor, the sign-in.
    check_killed_in_each_call(5, with_address_of("eva", "eva-again"), confirmed).await;
}
