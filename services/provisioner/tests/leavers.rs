//! Users who must lose access lose it: no refusal, no stuck neighbour and no full window delays them longer than it must.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::target::Fault;
use fixture::{Fixture, address, not_wanted, out_of_scope, tenant, users, wanted, wanted_in};
use xtsync_contract::events;
use xtsync_contract::topic;
use xtsync_directory::Error;
use xtsync_provisioner::Config;

fn refused() -> Error {
    Error::Refused { code: "Request_BadRequest".into(), attribute: None }
}

#[tokio::test]
async fn a_refusal_of_a_former_decision_does_not_block_the_newer_one() {
    let fixture = Fixture::with(&["ana".to_owned()]).await;
    fixture.fake.fail_call("patch", [Fault::WaitBefore(refused())]);
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.intake().await;
    fixture.work_and_decide_meanwhile("ana", not_wanted()).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
    assert!(fixture.links().await[0].link.condition.is_none());
}

#[tokio::test]
async fn a_leaver_whose_deletion_fails_counts_once_in_the_window() {
    let users = users(10);
    let fixture = Fixture::with(&users).await;
    let forbidden = || Fault::Before(Error::Forbidden { code: "Authorization_RequestDenied".into() });
    fixture.fake.fail_call("disable", std::iter::repeat_with(forbidden).take(7));
    fixture.decide(&users[0], out_of_scope(Duration::ZERO)).await;
    fixture.advance_and_converge(Duration::from_secs(600)).await;
    for user in &users[1..] {
        fixture.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    fixture.converge().await;
    let deleted = fixture.fake.journal().iter().filter(|write| write.starts_with("delete")).count();
    assert_eq!(deleted, 9, "ten users may go in a window, and this user is one of them");
}

#[tokio::test]
async fn a_refused_deletion_is_published_once_and_retried_within_two_hours() {
    let fixture = Fixture::with(&["ana".to_owned()]).await;
    fixture.fake.fail_call("delete", [Fault::Before(refused()), Fault::Before(refused())]);
    fixture.decide("ana", not_wanted()).await;
    fixture.advance_and_converge(Duration::from_secs(4 * 3600)).await;
    assert_eq!(fixture.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
    let outcomes = fixture.outcomes().await;
    assert_eq!(outcomes[1..], ["delete ana failed Request_BadRequest []", "delete ana []"]);
}

#[tokio::test]
async fn users_over_the_deletion_limit_wait_and_nothing_is_written_meanwhile() {
    let users = users(15);
    let fixture = Fixture::with(&users).await;
    for user in &users {
        fixture.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    fixture.converge().await;
    let records = async || fixture.all::<events::Link>(topic::LINKS.of(tenant("hub"))).await.len();
    let before = records().await;
    for _ in 0..10 {
        fixture.clock.advance(Duration::from_secs(5 * 60));
        fixture.publish_consent(true).await;
        fixture.facts().await;
        assert_eq!(fixture.work().await, 0, "no link is read before there is capacity");
        fixture.provisioner.publish_step(&tenant("hub")).await.unwrap();
    }
    assert_eq!(records().await, before);
    fixture.advance_and_converge(Duration::from_secs(15 * 60)).await;
    assert!(fixture.fake.objects().iter().all(|(_, object)| object.soft_deleted.is_some()));
}

/// How many users may sign in.
fn enabled(fixture: &Fixture) -> usize {
    fixture.fake.objects().iter().filter(|(_, object)| object.enabled && object.soft_deleted.is_none()).count()
}

#[tokio::test]
async fn one_source_does_not_use_up_what_another_may_delete() {
    let users = users(12);
    let fixture = Fixture::with(&users).await;
    fixture.also_from("us").await;
    for user in &users {
        fixture.decide_from("us", user, wanted_in("us", user)).await;
    }
    fixture.converge().await;
    for user in &users {
        fixture.decide_from("us", user, out_of_scope(Duration::ZERO)).await;
    }
    fixture.converge().await;
    assert_eq!(enabled(&fixture), 12 + 2, "ten of one source may go");
    for user in &users {
        fixture.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    fixture.converge().await;
    assert_eq!(enabled(&fixture), 2 + 2, "and ten of the other");
}

#[tokio::test]
async fn a_user_who_repeatedly_leaves_and_returns_counts_once() {
    let users = users(20);
    let mut fixture = Fixture::with(&users).await;
    for _ in 0..3 {
        for user in &users[..10] {
            fixture.decide(user, out_of_scope(Duration::ZERO)).await;
        }
        fixture.converge().await;
        assert_eq!(enabled(&fixture), 10);
        fixture.restart().await;
        for user in &users[..10] {
            fixture.decide(user, wanted(user, "Paris", true)).await;
        }
        fixture.converge().await;
        assert_eq!(enabled(&fixture), 20);
    }
    fixture.decide(&users[10], out_of_scope(Duration::ZERO)).await;
    fixture.converge().await;
    assert_eq!(enabled(&fixture), 20, "the eleventh waits");
}

#[tokio::test]
async fn a_leaver_is_not_held_by_the_limit_of_lost_scopes() {
    let users = users(30);
    let fixture = Fixture::with(&users).await;
    for user in &users[..15] {
        fixture.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    fixture.converge().await;
    assert_eq!(enabled(&fixture), 20);
    for user in &users[15..] {
        fixture.decide(user, not_wanted()).await;
    }
    fixture.converge().await;
    assert_eq!(enabled(&fixture), 5, "all leavers go, and the five over the limit wait");
    // A waiting user that is then deleted at home waits no longer.
    for user in &users[..15] {
        fixture.decide(user, not_wanted()).await;
    }
    fixture.converge().await;
    assert_eq!(enabled(&fixture), 0);
}

#[tokio::test]
async fn a_leaver_goes_before_earlier_losses_of_scope() {
    let users = users(200);
    let fixture = Fixture::with(&users).await;
    fixture.limit(r#"{"delete":1000}"#).await;
    for user in &users[..199] {
        fixture.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    fixture.decide(&users[199], not_wanted()).await;
    fixture.converge().await;
    let journal = fixture.fake.journal();
    let leaver = fixture.fake.object(&address(&users[199])).unwrap().id;
    let position = journal.iter().position(|write| *write == format!("disable {leaver}")).unwrap();
    // Theirs are among the first writes of each job in hand, of which there are three.
    let in_hand = Config::new("").in_flight_max;
    assert!(position < 3 * in_hand, "the leaver was disabled after {position} of {} writes", journal.len());
    assert_eq!(enabled(&fixture), 0);
}
