//! What was lost comes back: links told again, and a store rebuilt from its topics.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use bed::{Bed, FORGET, Place, gone, present, tenant};
use xtsync_bus::partition_of;
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_contract::topic::{PARTITIONS, link_key};
use xtsync_domain::Origin;
use xtsync_harness::wait_for;
use xtsync_store::scrub::{PAUSE, PIECE};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LIMIT: Duration = Duration::from_secs(30);
const RELEASE: Action = Action::Release(internal::Release {});
const REPUBLISH: Action = Action::Republish(internal::Republish {});

fn partition(user: &str) -> u32 {
    partition_of(link_key(&tenant("emea"), &user.into()).as_bytes(), PARTITIONS)
}

/// Looks whether to tell links again.
async fn scrub(bed: &Bed) {
    bed.clock.advance(Duration::from_secs(1));
    bed.provisioner.scrub_step(&tenant("hub")).await.unwrap();
}

#[tokio::test]
async fn links_are_told_again_once_a_day_and_when_asked_under_the_versions_they_have() {
    for place in [Place::Sqlite, Place::Postgres] {
        let bed = Bed::new(place).await;
        for user in ["ana", "bo"] {
            bed.decide(user, present(user, "Paris", true)).await;
        }
        bed.settle().await;
        let first = bed.told().await;
        let times = |times: usize| first.iter().map(|(user, versions)| (user.clone(), versions.repeat(times))).collect();
        scrub(&bed).await;
        assert_eq!(bed.told().await, first, "whoever is new has just been told everything");
        bed.command(REPUBLISH).await;
        scrub(&bed).await;
        assert_eq!(bed.told().await, times(2));
        scrub(&bed).await;
        assert_eq!(bed.told().await, times(2), "once");
        bed.clock.advance(DAY);
        scrub(&bed).await;
        assert_eq!(bed.told().await, times(3));
        assert_eq!(bed.work().await, 0, "nothing is due by that");
    }
}

#[tokio::test]
async fn a_new_owner_goes_on_where_the_former_was() {
    let mut bed = Bed::new(Place::Sqlite).await;
    let users: Vec<String> = (0..PIECE + 10).map(|number| format!("p{number:03}")).collect();
    for user in &users {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    let told_twice = async |bed: &Bed| bed.told().await.values().filter(|versions| versions.len() == 2).count();
    bed.command(REPUBLISH).await;
    scrub(&bed).await;
    assert_eq!(told_twice(&bed).await, PIECE);
    bed.provisioner.scrub_step(&tenant("hub")).await.unwrap();
    assert_eq!(told_twice(&bed).await, PIECE, "others go first for a while");
    assert!(bed.provisioner.status_step(&tenant("hub")).await.unwrap().unwrap().republishing);
    bed.restart().await;
    bed.clock.advance(PAUSE);
    bed.provisioner.scrub_step(&tenant("hub")).await.unwrap();
    assert_eq!(told_twice(&bed).await, PIECE, "not before the store was held against its topic");
    bed.work().await;
    scrub(&bed).await;
    assert_eq!(told_twice(&bed).await, PIECE + 10);
}

#[tokio::test]
async fn a_lost_store_is_rebuilt_from_the_topics_and_writes_nothing_before_a_person_releases_the_target() {
    for place in [Place::Sqlite, Place::Postgres] {
        let mut bed = Bed::new(place).await;
        for user in ["ana", "bo", "cy"] {
            bed.decide(user, present(user, "Paris", true)).await;
            bed.settle().await;
        }
        bed.fake.journal();
        bed.decide("bo", gone()).await;
        bed.decide("cy", present("cy", "Rome", true)).await;
        bed.decide("dee", present("dee", "Oslo", true)).await;
        let (held, rebuilt) = ([("rebuilt".to_owned(), 4)].into(), "rebuilt".to_owned());
        bed.lose_store().await;
        bed.settle().await;
        assert_eq!(bed.held().await, (held, rebuilt.clone()), "a leaver waits with the others");
        bed.restart().await;
        bed.outlast(DAY).await;
        assert_eq!((bed.fake.journal(), bed.held().await.1), (vec![], rebuilt), "also after a restart, and however long");

        bed.command(RELEASE).await;
        assert_eq!(bed.held().await, (BTreeMap::new(), String::new()));
        bed.outlast(Duration::from_secs(60)).await;
        let mut written = bed.fake.journal();
        written.sort();
        let invited = ["anchor t4 city,displayName,userType", "invite dee@emea.example"];
        assert_eq!(written, [invited[0], "delete t2", "disable t2", invited[1], "patch t3 city", "revoke t2"]);
        assert!(bed.links().await.iter().all(|record| record.link.is_reached()));
        bed.restart().await;
        bed.settle().await;
        assert_eq!(bed.held().await, (BTreeMap::new(), String::new()), "released is released");
    }
}

#[tokio::test]
async fn a_rebuild_that_did_not_come_to_its_end_is_begun_anew() {
    let mut bed = Bed::new(Place::Sqlite).await;
    // All in one partition, so that a look at its last record shows the last of them only.
    let is_beside_ana = |user: &&str| partition(user) == partition("ana");
    let last = ["bo", "cy", "dee", "eli", "fay", "gus", "hal", "ida", "jo", "kim", "lou"].into_iter().find(is_beside_ana).unwrap();
    for user in ["ana", last] {
        bed.decide(user, present(user, "Paris", true)).await;
        bed.settle().await;
    }
    bed.lose_store().await;
    bed.intake().await;
    bed.work().await;
    bed.forget("ana").await;
    bed.interrupt_rebuild().await;
    bed.restart().await;
    bed.work().await;
    bed.command(RELEASE).await;
    bed.outlast(Duration::from_secs(60)).await;
    bed.fake.journal();
    bed.decide("ana", gone()).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
}

#[tokio::test]
async fn a_new_store_of_a_target_that_was_never_written_waits_for_nobody() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    assert_eq!(bed.held().await, (BTreeMap::new(), String::new()));
    assert_eq!(bed.fake.objects().len(), 1);
}

#[tokio::test]
async fn a_link_that_was_over_for_long_is_ended_and_no_late_decision_brings_anybody_back() {
    for place in [Place::Sqlite, Place::Postgres] {
        let bed = Bed::new(place).await;
        let old = bed.decide("bo", present("bo", "Paris", true)).await;
        bed.decide("ana", present("ana", "Paris", true)).await;
        bed.settle().await;
        bed.decide("bo", gone()).await;
        bed.settle().await;
        let users = async |bed: &Bed| bed.links().await.iter().map(|record| record.link.user().to_string()).collect::<Vec<_>>();
        bed.clock.advance(FORGET.saturating_sub(DAY));
        scrub(&bed).await;
        assert_eq!(users(&bed).await, ["ana", "bo"]);
        bed.clock.advance(2 * DAY);
        scrub(&bed).await;
        assert_eq!(users(&bed).await, ["ana"]);
        bed.fake.purge_by_hand(&bed::address("bo"));
        bed.fake.journal();

        bed.agree(true).await;
        bed.facts().await;
        bed.decide_as("bo", present("bo", "Paris", true), old, Origin::Live).await;
        bed.settle().await;
        assert_eq!((bed.fake.journal(), users(&bed).await), (vec![], vec!["ana".to_owned()]));
        bed.decide("bo", present("bo", "Oslo", true)).await;
        bed.settle().await;
        assert_eq!(bed.fake.journal()[0], "invite bo@emea.example", "a newer one does");
        assert_eq!(users(&bed).await, ["ana", "bo"]);
    }
}

#[tokio::test]
async fn a_rebuild_waits_for_the_decisions_that_are_being_taken_in() {
    let mut bed = Bed::new(Place::Postgres).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    bed.forget("ana").await;
    bed.restart().await;
    let (store, tx) = bed.taking_in().await;
    {
        let mut work = pin!(bed.work());
        let waits = wait_for(LIMIT, "the rebuild to wait", async || {
            let waiting = store.fetch("SELECT COUNT(*) FROM pg_locks WHERE NOT granted", Vec::new()).await?;
            Ok((waiting[0].int(0)? > 0).then_some(()))
        });
        tokio::select! {
            biased;
            _ = &mut work => panic!("one of the two would write over what the other has"),
            waited = waits => waited.unwrap(),
        }
        drop(tx);
        work.await;
    }
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1);
    assert!(bed.links().await[0].link.is_reached());
}
