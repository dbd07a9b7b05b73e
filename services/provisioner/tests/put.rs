//! A user's life in a directory that is put to, whose deletions are final: the other kind than Entra.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::sync::Arc;
use std::time::Duration;

use fixture::{Fixture, not_wanted, out_of_scope, wanted};
use xtsync_conformance::memory::{CAPABILITIES, Memory};
use xtsync_directory::Connected;
use xtsync_domain::capability::{Capabilities, RecycleBin};

const HOUR: Duration = Duration::from_secs(60 * 60);
const GRACE_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

const CAN: Capabilities = Capabilities { recycle_bin: RecycleBin::Absent { grace_period: GRACE_PERIOD }, ..CAPABILITIES };

async fn hub_that(can: Capabilities) -> (Memory, Fixture) {
    let hub = Memory::new("hub.example");
    let fixture = Fixture::through(Connected { target: Arc::new(hub.clone()), capabilities: can }).await;
    (hub, fixture)
}

fn ana(enabled: bool, city: &str) -> Vec<(String, bool, Option<String>)> {
    vec![("ana@emea.example".to_owned(), enabled, Some(city.to_owned()))]
}

#[tokio::test]
async fn a_life_in_a_directory_without_a_recycle_bin() {
    let (hub, fixture) = hub_that(CAN).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!((hub.shadow_users(), hub.writes()), (ana(true, "Paris"), 1), "one call gives anchor and attributes");
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    assert_eq!((hub.shadow_users(), hub.writes()), (ana(true, "Rome"), 2));
    let ids = hub.shadow_user_ids();

    fixture.decide("ana", not_wanted()).await;
    fixture.converge().await;
    assert_eq!(hub.shadow_users(), ana(false, "Rome"), "the sign-in goes at once, the user later");
    fixture.advance_and_converge(GRACE_PERIOD - HOUR).await;
    fixture.decide("ana", wanted("ana", "Oslo", true)).await;
    fixture.converge().await;
    assert_eq!((hub.shadow_users(), hub.shadow_user_ids()), (ana(true, "Oslo"), ids.clone()), "a return in time finds the user");

    fixture.decide("ana", out_of_scope(Duration::ZERO)).await;
    fixture.advance_and_converge(GRACE_PERIOD).await;
    assert_eq!(hub.shadow_users(), [], "a deletion is final");
    fixture.decide("ana", wanted("ana", "Bonn", true)).await;
    fixture.converge().await;
    assert_eq!(hub.shadow_users(), ana(true, "Bonn"));
    assert_ne!(hub.shadow_user_ids(), ids, "a later return gets a new user");
    assert_eq!(
        fixture.outcomes().await,
        [
            "create ana [city,displayName,userType]",
            "update ana [city]",
            "disable ana []",
            "enable ana [city]",
            "disable ana []",
            "delete ana []",
            "create ana [city,displayName,userType]"
        ]
    );
}

#[tokio::test]
async fn where_sign_in_cannot_be_blocked_the_user_is_deleted_after_the_grace_period() {
    let (hub, fixture) = hub_that(Capabilities { disable: false, ..CAN }).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    fixture.decide("ana", wanted("ana", "Paris", false)).await;
    fixture.converge().await;
    assert_eq!((hub.shadow_users(), hub.writes()), (ana(true, "Paris"), 1));
    fixture.decide("ana", not_wanted()).await;
    fixture.advance_and_converge(GRACE_PERIOD - HOUR).await;
    assert_eq!(hub.shadow_users(), ana(true, "Paris"));
    fixture.advance_and_converge(HOUR).await;
    assert_eq!((hub.shadow_users(), hub.writes()), (vec![], 2));
}

#[tokio::test]
async fn a_user_deleted_at_home_during_a_scope_grace_period_stays_the_whole_time_without_sign_in() {
    let (hub, mut fixture) = hub_that(CAN).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    fixture.decide("ana", out_of_scope(20 * GRACE_PERIOD)).await;
    fixture.advance_and_converge(10 * GRACE_PERIOD).await;
    assert_eq!(hub.shadow_users(), ana(true, "Paris"));
    fixture.decide("ana", not_wanted()).await;
    fixture.converge().await;
    assert_eq!(hub.shadow_users(), ana(false, "Paris"));
    fixture.restart().await;
    fixture.advance_and_converge(GRACE_PERIOD - HOUR).await;
    assert_eq!(hub.shadow_users(), ana(false, "Paris"));
    fixture.advance_and_converge(HOUR).await;
    assert_eq!(hub.shadow_users(), []);
}

#[tokio::test]
async fn a_lost_answer_to_a_put_makes_no_second_user() {
    let (hub, fixture) = hub_that(CAN).await;
    hub.lose_creation_answer();
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.advance_and_converge(Duration::from_secs(120)).await;
    assert_eq!((hub.shadow_users(), hub.writes()), (ana(true, "Paris"), 1));
    hub.occupy("bob@emea.example");
    fixture.decide("bob", wanted("bob", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!((hub.shadow_users(), hub.writes()), (ana(true, "Paris"), 1), "an address of another user is no link's");
}
