//! Lost state comes back: links are republished, and a store is rebuilt from its topics.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::collections::BTreeMap;
use std::time::Duration;

use fixture::{FORGET, Fixture, Place, not_wanted, tenant, wanted};
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_domain::Origin;
use xtsync_store::republish::{BATCH_INTERVAL, BATCH_ROWS};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const RESUME: Action = Action::Resume(internal::Resume {});
const REPUBLISH: Action = Action::Republish(internal::Republish {});

/// Looks whether to tell links again.
async fn republish(fixture: &Fixture) {
    fixture.clock.advance(Duration::from_secs(1));
    fixture.provisioner.republish_step(&tenant("hub")).await.unwrap();
}

#[tokio::test]
async fn links_are_republished_daily_and_on_command_with_unchanged_versions() {
    for place in [Place::Sqlite, Place::Postgres] {
        let fixture = Fixture::new(place).await;
        for user in ["ana", "bo"] {
            fixture.decide(user, wanted(user, "Paris", true)).await;
        }
        fixture.converge().await;
        let first = fixture.published_versions().await;
        let times = |times: usize| first.iter().map(|(user, versions)| (user.clone(), versions.repeat(times))).collect();
        republish(&fixture).await;
        assert_eq!(fixture.published_versions().await, first, "what was just published is not republished");
        fixture.command(REPUBLISH).await;
        republish(&fixture).await;
        assert_eq!(fixture.published_versions().await, times(2));
        republish(&fixture).await;
        assert_eq!(fixture.published_versions().await, times(2), "once");
        fixture.clock.advance(DAY);
        republish(&fixture).await;
        assert_eq!(fixture.published_versions().await, times(3));
        assert_eq!(fixture.work().await, 0, "nothing is due by that");
    }
}

#[tokio::test]
async fn a_new_owner_continues_republishing_where_the_former_stopped() {
    let mut fixture = Fixture::new(Place::Sqlite).await;
    let users: Vec<String> = (0..BATCH_ROWS + 10).map(|number| format!("p{number:03}")).collect();
    for user in &users {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.converge().await;
    let published_twice =
        async |fixture: &Fixture| fixture.published_versions().await.values().filter(|versions| versions.len() == 2).count();
    fixture.command(REPUBLISH).await;
    republish(&fixture).await;
    assert_eq!(published_twice(&fixture).await, BATCH_ROWS);
    fixture.provisioner.republish_step(&tenant("hub")).await.unwrap();
    assert_eq!(published_twice(&fixture).await, BATCH_ROWS, "others go first for a while");
    assert!(fixture.provisioner.status_step(&tenant("hub")).await.unwrap().unwrap().republishing);
    fixture.restart().await;
    fixture.clock.advance(BATCH_INTERVAL);
    fixture.provisioner.republish_step(&tenant("hub")).await.unwrap();
    assert_eq!(published_twice(&fixture).await, BATCH_ROWS, "not before the store was held against its topic");
    fixture.work().await;
    republish(&fixture).await;
    assert_eq!(published_twice(&fixture).await, BATCH_ROWS + 10);
}

#[tokio::test]
async fn a_lost_store_is_rebuilt_from_the_topics_and_writes_nothing_before_the_target_is_resumed() {
    for place in [Place::Sqlite, Place::Postgres] {
        let mut fixture = Fixture::new(place).await;
        for user in ["ana", "bo", "cy"] {
            fixture.decide(user, wanted(user, "Paris", true)).await;
            fixture.converge().await;
        }
        fixture.fake.journal();
        fixture.decide("bo", not_wanted()).await;
        fixture.decide("cy", wanted("cy", "Rome", true)).await;
        fixture.decide("dee", wanted("dee", "Oslo", true)).await;
        let (held, rebuilt) = ([("observe_only_after_rebuild".to_owned(), 4)].into(), "observe_only_after_rebuild".to_owned());
        fixture.lose_store().await;
        fixture.converge().await;
        assert_eq!(fixture.held().await, (held, rebuilt.clone()), "a leaver waits with the others");
        fixture.restart().await;
        fixture.advance_and_converge(DAY).await;
        assert_eq!((fixture.fake.journal(), fixture.held().await.1), (vec![], rebuilt), "also after a restart, and however long");

        fixture.command(RESUME).await;
        assert_eq!(fixture.held().await, (BTreeMap::new(), String::new()));
        fixture.advance_and_converge(Duration::from_secs(60)).await;
        let mut written = fixture.fake.journal();
        written.sort();
        let invited = ["anchor t4 city,displayName,userType", "invite dee@emea.example"];
        assert_eq!(written, [invited[0], "delete t2", "disable t2", invited[1], "patch t3 city", "revoke t2"]);
        assert!(fixture.links().await.iter().all(|record| record.link.is_converged()));
        fixture.restart().await;
        fixture.converge().await;
        assert_eq!(fixture.held().await, (BTreeMap::new(), String::new()), "a resumed target stays resumed");
    }
}

#[tokio::test]
async fn an_interrupted_rebuild_starts_again() {
    let mut fixture = Fixture::new(Place::Sqlite).await;
    // Both are in one partition, so that a look at its last record shows the last of them only.
    for user in ["ana", "bo"] {
        fixture.decide(user, wanted(user, "Paris", true)).await;
        fixture.converge().await;
    }
    fixture.lose_store().await;
    fixture.intake().await;
    fixture.work().await;
    fixture.forget("ana").await;
    fixture.interrupt_rebuild().await;
    fixture.restart().await;
    fixture.work().await;
    fixture.command(RESUME).await;
    fixture.advance_and_converge(Duration::from_secs(60)).await;
    fixture.fake.journal();
    fixture.decide("ana", not_wanted()).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
}

#[tokio::test]
async fn a_new_store_of_a_target_that_was_never_written_writes_at_once() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.held().await, (BTreeMap::new(), String::new()));
    assert_eq!(fixture.fake.objects().len(), 1);
}

#[tokio::test]
async fn an_expired_link_gets_a_tombstone_and_a_late_decision_creates_none() {
    for place in [Place::Sqlite, Place::Postgres] {
        let fixture = Fixture::new(place).await;
        let old = fixture.decide("bo", wanted("bo", "Paris", true)).await;
        fixture.decide("ana", wanted("ana", "Paris", true)).await;
        fixture.converge().await;
        fixture.decide("bo", not_wanted()).await;
        fixture.converge().await;
        let users = async |fixture: &Fixture| fixture.links().await.iter().map(|record| record.link.user().to_string()).collect::<Vec<_>>();
        fixture.clock.advance(FORGET.saturating_sub(DAY));
        republish(&fixture).await;
        assert_eq!(users(&fixture).await, ["ana", "bo"]);
        fixture.clock.advance(2 * DAY);
        republish(&fixture).await;
        assert_eq!(users(&fixture).await, ["ana"]);
        fixture.fake.purge_by_hand(&fixture::address("bo"));
        fixture.fake.journal();

        fixture.publish_consent(true).await;
        fixture.facts().await;
        fixture.decide_as("bo", wanted("bo", "Paris", true), old, Origin::Live).await;
        fixture.converge().await;
        assert_eq!((fixture.fake.journal(), users(&fixture).await), (vec![], vec!["ana".to_owned()]));
        fixture.decide("bo", wanted("bo", "Oslo", true)).await;
        fixture.converge().await;
        assert_eq!(fixture.fake.journal()[0], "invite bo@emea.example", "a newer one does");
        assert_eq!(users(&fixture).await, ["ana", "bo"]);
    }
}

#[tokio::test]
async fn a_decision_after_a_restore_is_taken_in_after_the_rebuild() {
    for place in [Place::Sqlite, Place::Postgres] {
        let mut fixture = Fixture::new(place).await;
        fixture.decide("ana", wanted("ana", "Paris", true)).await;
        fixture.converge().await;
        fixture.fake.journal();
        fixture.forget("ana").await;
        fixture.restart().await;
        fixture.decide("ana", not_wanted()).await;
        // Before any work: a decision that met no link would find no user to remove.
        fixture.converge().await;
        assert_eq!(fixture.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
        assert!(fixture.links().await[0].link.is_converged());
    }
}
