//! Whoever shall lose access loses it: no refusal, no stuck neighbour and no full window keeps him for longer than it must.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::time::Duration;

use bed::target::Fault;
use bed::{Bed, Place, address, gone, out_of_scope, present, present_in, tenant};
use xtsync_contract::events;
use xtsync_contract::topic;
use xtsync_directory::Error;
use xtsync_provisioner::Config;

async fn bed_with(users: &[String]) -> Bed {
    let bed = Bed::new(Place::Sqlite).await;
    for user in users {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    bed.fake.journal();
    bed
}

fn users(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("u{number:02}")).collect()
}

fn refused() -> Error {
    Error::Refused { code: "Request_BadRequest".into(), attribute: None }
}

#[tokio::test]
async fn a_refusal_of_the_former_decision_does_not_stand_against_the_newer_one() {
    let bed = bed_with(&["ana".to_owned()]).await;
    bed.fake.fail_call("patch", [Fault::WaitBefore(refused())]);
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.intake().await;
    let meanwhile = async {
        bed.fake.hung.notified().await;
        bed.decide("ana", gone()).await;
        bed.intake().await;
        bed.fake.go.notify_one();
    };
    tokio::join!(bed.work(), meanwhile);
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
    assert!(bed.links().await[0].link.trouble.is_none());
}

#[tokio::test]
async fn a_leaver_who_is_stuck_uses_the_window_once() {
    let users = users(10);
    let bed = bed_with(&users).await;
    let forbidden = || Fault::Before(Error::Forbidden { code: "Authorization_RequestDenied".into() });
    bed.fake.fail_call("disable", std::iter::repeat_with(forbidden).take(7));
    bed.decide(&users[0], out_of_scope(Duration::ZERO)).await;
    bed.outlast(Duration::from_secs(600)).await;
    for user in &users[1..] {
        bed.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    bed.settle().await;
    let deleted = bed.fake.journal().iter().filter(|write| write.starts_with("delete")).count();
    assert_eq!(deleted, 9, "ten may go in a window, and he is one of them");
}

#[tokio::test]
async fn a_refused_deletion_is_told_once_and_tried_again_within_two_hours() {
    let bed = bed_with(&["ana".to_owned()]).await;
    bed.fake.fail_call("delete", [Fault::Before(refused()), Fault::Before(refused())]);
    bed.decide("ana", gone()).await;
    bed.outlast(Duration::from_secs(4 * 3600)).await;
    assert_eq!(bed.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
    let told = bed.outcomes().await;
    assert_eq!(told[1..], ["delete ana failed Request_BadRequest []", "delete ana []"]);
}

#[tokio::test]
async fn who_lost_the_scope_over_the_limit_waits_for_room_and_nothing_is_written_meanwhile() {
    let users = users(15);
    let bed = bed_with(&users).await;
    for user in &users {
        bed.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    bed.settle().await;
    let records = async || bed.all::<events::Link>(topic::LINKS.of(tenant("hub"))).await.len();
    let before = records().await;
    for _ in 0..10 {
        bed.clock.advance(Duration::from_secs(5 * 60));
        bed.agree(true).await;
        bed.facts().await;
        assert_eq!(bed.work().await, 0, "nobody is looked at before there is room");
        bed.provisioner.publish_step(&tenant("hub")).await.unwrap();
    }
    assert_eq!(records().await, before);
    bed.outlast(Duration::from_secs(15 * 60)).await;
    assert!(bed.fake.objects().iter().all(|(_, object)| object.bin.is_some()));
}

/// How many users may sign in.
fn enabled(bed: &Bed) -> usize {
    bed.fake.objects().iter().filter(|(_, object)| object.enabled && object.bin.is_none()).count()
}

#[tokio::test]
async fn one_source_does_not_use_up_what_another_may_delete() {
    let users = users(12);
    let bed = bed_with(&users).await;
    bed.also_from("us").await;
    for user in &users {
        bed.decide_from("us", user, present_in("us", user)).await;
    }
    bed.settle().await;
    for user in &users {
        bed.decide_from("us", user, out_of_scope(Duration::ZERO)).await;
    }
    bed.settle().await;
    assert_eq!(enabled(&bed), 12 + 2, "ten of one source may go");
    for user in &users {
        bed.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    bed.settle().await;
    assert_eq!(enabled(&bed), 2 + 2, "and ten of the other");
}

#[tokio::test]
async fn a_user_who_goes_and_comes_back_again_and_again_counts_once() {
    let users = users(20);
    let mut bed = bed_with(&users).await;
    for _ in 0..3 {
        for user in &users[..10] {
            bed.decide(user, out_of_scope(Duration::ZERO)).await;
        }
        bed.settle().await;
        assert_eq!(enabled(&bed), 10);
        bed.restart().await;
        for user in &users[..10] {
            bed.decide(user, present(user, "Paris", true)).await;
        }
        bed.settle().await;
        assert_eq!(enabled(&bed), 20);
    }
    bed.decide(&users[10], out_of_scope(Duration::ZERO)).await;
    bed.settle().await;
    assert_eq!(enabled(&bed), 20, "the eleventh waits");
}

#[tokio::test]
async fn a_leaver_is_not_held_by_what_a_lost_scope_has_used_up() {
    let users = users(30);
    let bed = bed_with(&users).await;
    for user in &users[..15] {
        bed.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    bed.settle().await;
    assert_eq!(enabled(&bed), 20);
    for user in &users[15..] {
        bed.decide(user, gone()).await;
    }
    bed.settle().await;
    assert_eq!(enabled(&bed), 5, "all leavers go, and the five over the limit wait");
    // Who waits and then is deleted at home waits no longer.
    for user in &users[..15] {
        bed.decide(user, gone()).await;
    }
    bed.settle().await;
    assert_eq!(enabled(&bed), 0);
}

#[tokio::test]
async fn a_leaver_goes_before_all_who_lost_the_scope_before_them() {
    let users = users(200);
    let bed = bed_with(&users).await;
    bed.limit(r#"{"delete":1000}"#).await;
    for user in &users[..199] {
        bed.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    bed.decide(&users[199], gone()).await;
    bed.settle().await;
    let journal = bed.fake.journal();
    let leaver = bed.fake.object(&address(&users[199])).unwrap().id;
    let position = journal.iter().position(|write| *write == format!("disable {leaver}")).unwrap();
    // Theirs are among the first writes of each job in hand, of which there are three.
    let in_hand = Config::new("").in_flight_max;
    assert!(position < 3 * in_hand, "the leaver was disabled after {position} of {} writes", journal.len());
    assert_eq!(enabled(&bed), 0);
}
