//! The detection of one tenant over a scripted directory, an embedded bus and a SQLite store, stepped by hand.

mod beside;
mod comparison;
mod cycles;
mod extensions;
mod identify;
mod large;
mod listings;
mod names;
mod notifications;
mod rebuilt;
mod repeated;
use xtsync_kit::faulty_bus;
mod fixture;
mod republish;
mod restored;
mod scoped;

use std::time::Duration;

use xtsync_directory::{Error as DirectoryError, GroupChange, Rejected, UserChange};
use xtsync_domain::delta::{Gone, Origin, State, UserDelta};
use xtsync_domain::fact::GroupState;
use xtsync_domain::{Timestamp, Value};

use crate::scope::Scope;
use crate::tenant::Pause;

use self::fixture::{Answer, Fixture, both, changed, gone, joined, left};

/// Who was published, in a form that is easy to compare: `name:origin:groups:city`.
fn summaries(deltas: &[UserDelta]) -> Vec<String> {
    let mut summaries: Vec<String> = deltas.iter().map(summary).collect();
    summaries.sort();
    summaries
}

fn summary(delta: &UserDelta) -> String {
    let origin = match delta.origin {
        Origin::Initial => "initial",
        Origin::Live => "live",
        Origin::Replay => "replay",
        Origin::Republish => "republish",
    };
    match &delta.state {
        State::Present(user) => {
            let groups: Vec<&str> = user.groups.iter().chain(&user.nested_groups).map(|id| id.as_str()).collect();
            format!("{}:{origin}:{}:{}", delta.user, groups.join("+"), user.attributes.text("city").unwrap_or("-"))
        }
        State::Gone(Gone::SoftDeleted) => format!("{}:{origin}:bin", delta.user),
        State::Gone(Gone::Deleted) => format!("{}:{origin}:deleted", delta.user),
    }
}

async fn ana_and_bo() -> Fixture {
    with_ana_and_bo(Fixture::new(&["city"], &["all"]).await)
}

fn with_ana_and_bo(fixture: Fixture) -> Fixture {
    fixture.directory.groups(vec![joined("all", &["ana", "bo"])]);
    fixture.directory.users(vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    fixture
}

#[tokio::test]
async fn bulk_waits_for_capacity_and_urgent_changes_do_not_and_no_cycle_completes_before() {
    let mut fixture = ana_and_bo().await;
    fixture.fill(true);
    assert_eq!(fixture.run_cycle().await, []);
    assert_eq!(fixture.progress().await, (2, 0, None));
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome"]);
    assert_eq!(fixture.progress().await, (1, 0, None));
    fixture.fill(false);
    assert_eq!(summaries(&fixture.run_cycle().await), ["bo:initial:all:-"]);
    assert_eq!(fixture.progress().await, (0, 3, Some(2)));
}

#[tokio::test]
async fn what_waits_is_published_while_the_directory_cannot_be_read() {
    let mut fixture = ana_and_bo().await;
    fixture.fill(true);
    assert_eq!(fixture.run_cycle().await, []);
    fixture.directory.fail(DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() });
    fixture.trigger();
    fixture.steps().await.unwrap_err();
    fixture.fill(false);
    fixture.wait_publishing().await;
    assert_eq!(summaries(&fixture.published().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
    assert_eq!(fixture.progress().await, (0, 1, Some(1)));
}

#[tokio::test]
async fn the_initial_cycle_publishes_all_users_with_groups() {
    let mut fixture = ana_and_bo().await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
    assert_eq!(fixture.run_cycle().await, []);
}

#[tokio::test]
async fn a_change_carries_new_and_old_values_and_publishes_no_other_user() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")]), changed("bo", &[("unneeded", "x")])]);
    let deltas = fixture.run_cycle().await;
    assert_eq!(summaries(&deltas), ["ana:live:all:Rome"]);
    assert_eq!(deltas[0].changed, ["city"]);
    assert_eq!(deltas[0].before, [("city", Value::from("Paris"))].into_iter().collect());
}

#[tokio::test]
async fn an_object_repeated_in_parts_is_one_change() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")]), changed("ana", &[("city", "Oslo")]), changed("bo", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Oslo"]);
}

#[tokio::test]
async fn a_deleted_user_is_published_as_gone_and_returns_unchanged() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.users(vec![gone("ana", Gone::SoftDeleted), gone("stranger", Gone::Deleted)]);
    // The unknown user may have been published by a store that has been restored since.
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:bin", "stranger:live:deleted"]);
    fixture.directory.users(vec![changed("ana", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Paris"]);
}

#[tokio::test]
async fn a_membership_concerns_only_members_of_referenced_groups_also_through_others() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.groups(vec![joined("other", &["ana"]), left("all", &["bo"])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live::-"]);
    fixture.directory.groups(vec![joined("team", &["bo"]), joined("all", &["group:team"])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live:all:-"]);
    fixture.directory.groups(vec![left("all", &["team"])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live::-"]);
}

#[tokio::test]
async fn k_01_the_last_entry_of_a_page_and_of_a_cycle_wins() {
    let (out, back) = (|| left("all", &["bo"]), || joined("all", &["bo"]));
    let (nested, unnested) = (|| joined("all", &["group:team"]), || left("all", &["team"]));
    let end = || GroupChange::Gone { id: "all".into() };
    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
        let mut fixture = with_ana_and_bo(fixture);
        fixture.run_cycle().await;
        for (page, want) in [
            (vec![both(out(), back())], vec![]),
            (vec![out(), back()], vec![]),
            (vec![both(back(), out())], vec!["bo:live::-"]),
            (vec![both(out(), back()), out()], vec![]),
            (vec![both(back(), out()), back()], vec!["bo:live:all:-"]),
            (vec![joined("team", &["cy"]), both(nested(), unnested())], vec![]),
            (vec![end(), out()], vec!["bo:live::-"]),
            (vec![end(), back()], vec!["bo:live:all:-"]),
            (vec![out(), end()], vec!["bo:live::-"]),
        ] {
            let shown = format!("{page:?}");
            fixture.directory.groups(page);
            assert_eq!(summaries(&fixture.run_cycle().await), want, "{shown}");
        }
        for (page, want) in [
            (vec![changed("bo", &[("city", "Rome")]), changed("bo", &[("city", "Oslo")])], vec!["bo:live::Oslo"]),
            (vec![gone("bo", Gone::Deleted), changed("bo", &[("city", "Oslo")])], vec![]),
            (vec![changed("bo", &[]), gone("bo", Gone::SoftDeleted)], vec!["bo:live:bin"]),
            (vec![gone("bo", Gone::Deleted), gone("bo", Gone::SoftDeleted)], vec![]),
        ] {
            let shown = format!("{page:?}");
            fixture.directory.users(page);
            assert_eq!(summaries(&fixture.run_cycle().await), want, "{shown}");
        }
        fixture.directory.page_of_users(vec![gone("ana", Gone::Deleted)]);
        fixture.directory.users(vec![changed("ana", &[])]);
        assert_eq!(fixture.run_cycle().await, [], "across pages");
    }
}

#[tokio::test]
async fn a_group_that_is_gone_or_unreadable_removes_no_member() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.groups(vec![GroupChange::Gone { id: "all".into() }]);
    assert_eq!(fixture.run_cycle().await, []);

    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.state("all", GroupState::Unreadable);
    fixture.advance_past_facts();
    fixture.run_cycle().await;
    fixture.directory.groups(vec![left("all", &["ana", "bo"])]);
    assert_eq!(fixture.run_cycle().await, []);
}

#[tokio::test]
async fn a_group_that_is_readable_again_causes_a_full_read() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.state("all", GroupState::Unreadable);
    fixture.advance_past_facts();
    fixture.run_cycle().await;
    fixture.directory.groups(vec![left("all", &["bo"])]);
    fixture.run_cycle().await;
    fixture.directory.state("all", GroupState::Present);
    fixture.advance_past_facts();
    fixture.directory.full_read(vec![joined("all", &["ana"])], vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live::-"]);
}

#[tokio::test]
async fn a_void_cursor_causes_a_full_read_that_removes_unseen_users_only_if_the_count_agrees() {
    let ana = || changed("ana", &[("city", "Paris")]);
    //                       the directory counts   published
    for (count, want) in [(1, vec!["bo:live:deleted"]), (900, vec![])] {
        let mut fixture = ana_and_bo().await;
        fixture.run_cycle().await;
        fixture.directory.fail(DirectoryError::Resync);
        fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![ana()]);
        fixture.directory.count(count);
        assert_eq!(summaries(&fixture.run_cycle().await), want, "{count}");
    }
}

#[tokio::test]
async fn a_full_read_whose_count_differs_is_repeated_until_it_agrees() {
    let ana = || changed("ana", &[("city", "Paris")]);
    let full_read = |fixture: &Fixture| fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![ana()]);
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.fail(DirectoryError::Resync);
    full_read(&fixture);
    fixture.directory.count(900);
    assert_eq!(fixture.run_cycle().await, []);
    full_read(&fixture);
    fixture.later(Duration::from_secs(9 * 60));
    assert_eq!(fixture.run_cycle().await, [], "not before ten minutes have passed");
    fixture.restart().await;
    assert_eq!(fixture.run_cycle().await, [], "a successor finds in the mirror that a reading is unverified");
    full_read(&fixture);
    fixture.later(Duration::from_secs(10 * 60));
    assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live:deleted"]);
    assert_eq!(fixture.directory.full_reads(), 3, "once it agreed nothing is read from the beginning any more");
    fixture.later(Duration::from_secs(24 * 60 * 60));
    fixture.run_cycle().await;
    assert_eq!(fixture.directory.full_reads(), 3);
}

#[tokio::test]
async fn a_user_who_vanishes_during_a_restarted_initial_cycle_is_gone_only_if_published_before() {
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    fixture.directory.groups(vec![joined("all", &["ana", "bo"])]);
    fixture.directory.page_of_users(vec![changed("ana", &[]), changed("bo", &[])]);
    fixture.directory.fail(DirectoryError::Resync);
    fixture.directory.full_read(vec![joined("all", &["ana"])], vec![changed("ana", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:-", "bo:initial:all:-", "bo:live:deleted"]);

    let mut fixture = Fixture::unresolved(&["city"], "GlobalEmployees").await;
    fixture.directory.groups(vec![joined("all", &["ana", "bo"])]);
    fixture.directory.page_of_users(vec![changed("ana", &[]), changed("bo", &[])]);
    fixture.directory.fail(DirectoryError::Resync);
    fixture.directory.full_read(vec![joined("all", &["ana"])], vec![changed("ana", &[])]);
    fixture.run_cycle().await;
    fixture.configure(&["city"], &["all"], 2).await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:-"]);
}

/// Some cycles, with looks at the facts and time for listings between them; returns what was published.
async fn later(fixture: &mut Fixture) -> Vec<String> {
    let mut deltas = Vec::new();
    for _ in 0..8 {
        fixture.advance_past_facts();
        deltas.extend(fixture.run_cycle().await);
    }
    summaries(&deltas)
}

fn people(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("p{number:02}")).collect()
}

fn names(people: &[String]) -> Vec<&str> {
    people.iter().map(String::as_str).collect()
}

async fn thirty() -> Fixture {
    thirty_on(Fixture::new(&["city"], &["all"]).await).await
}

/// Thirty people in a group; those from the twentieth on through a team in it.
async fn thirty_on(mut fixture: Fixture) -> Fixture {
    let (direct, team, all) = (people(0..20), people(20..30), people(0..30));
    fixture.directory.groups(vec![joined("all", &names(&direct)), joined("team", &names(&team)), joined("all", &["group:team"])]);
    fixture.directory.users(all.iter().map(|id| changed(id, &[])).collect());
    assert_eq!(fixture.run_cycle().await.len(), 30);
    fixture
}

#[tokio::test]
async fn a_group_that_loses_most_members_at_once_retains_them_until_they_are_back_or_the_loss_is_allowed() {
    let mut fixture = thirty().await;
    fixture.directory.groups(vec![left("all", &names(&people(0..15)))]);
    assert_eq!(fixture.run_cycle().await.len(), 15, "half is not more than half");

    let mut fixture = thirty().await;
    fixture.directory.groups(vec![left("all", &names(&people(0..16)))]);
    fixture.run_cycle().await;
    fixture.scope("all", Scope { allows_loss: true, ..Scope::default() }).await;
    assert_eq!((fixture.run_cycle().await.len(), fixture.held()), (16, [0, 0]));

    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
        check_retains_until_most_are_back(thirty_on(fixture).await).await;
    }
}

async fn check_retains_until_most_are_back(mut fixture: Fixture) {
    let lost = people(0..16);
    fixture.directory.groups(vec![left("all", &names(&lost[..9])), left("all", &names(&lost[9..]))]);
    assert_eq!((fixture.run_cycle().await, fixture.held()), (vec![], [0, 16]));
    fixture.directory.users(vec![changed("p00", &[("city", "Rome")])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["p00:live:all:Rome"], "a kept user goes on changing");
    fixture.directory.groups(vec![left("all", &["p16"])]);
    assert_eq!((fixture.run_cycle().await, fixture.held()), (vec![], [0, 17]), "a group that keeps people keeps all it loses");
    fixture.restart().await;
    assert_eq!((fixture.run_cycle().await, fixture.held()), (vec![], [0, 17]), "and so does a successor");
    fixture.directory.groups(vec![joined("all", &names(&people(0..7)))]);
    assert_eq!((summaries(&fixture.run_cycle().await).len(), fixture.held()), (10, [0, 0]), "ten are no loss that is held");
}

#[tokio::test]
async fn a_new_projection_after_an_interrupted_cycle_takes_no_user_out_of_a_group_unchecked() {
    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
        let mut fixture = thirty_on(fixture).await;
        fixture.directory.groups(vec![left("all", &names(&people(0..16)))]);
        fixture.directory.page_of_users(vec![]);
        fixture.directory.fail(DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() });
        fixture.trigger();
        fixture.steps().await.unwrap_err();
        fixture.configure(&["city"], &["all"], 2).await;
        let deltas = fixture.run_cycle().await;
        assert!(summaries(&deltas).iter().all(|summaries| summaries.contains(":all:")), "{:?}", summaries(&deltas));
        assert_eq!((deltas.len(), fixture.held()), (30, [0, 16]));
    }
}

#[tokio::test]
async fn a_team_that_leaves_a_group_is_a_loss_only_where_its_members_count() {
    for (nested, lost, want) in [(true, 8, 0), (false, 8, 18), (false, 12, 10)] {
        let mut fixture = thirty().await;
        fixture.scope("all", Scope { nested, allows_loss: false }).await;
        fixture.directory.groups(vec![left("all", &["team"]), left("all", &names(&people(0..lost)))]);
        assert_eq!(fixture.run_cycle().await.len(), want, "nested {nested}, {lost} lost");
    }
}

#[tokio::test]
async fn a_group_edit_of_thousands_resumes_after_a_restart_and_publishes_each_user_once() {
    const PEOPLE: usize = 2_500;
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    let team: Vec<String> = (0..PEOPLE).map(|number| format!("p{number:04}")).collect();
    fixture.directory.groups(vec![joined("team", &names(&team))]);
    fixture.directory.users(team.iter().map(|id| changed(id, &[])).collect());
    assert_eq!(fixture.run_cycle().await.len(), PEOPLE);
    fixture.directory.groups(vec![joined("all", &["group:team"])]);
    let mut summaries = summaries(&fixture.first_published().await);
    assert!(summaries.len() < PEOPLE, "a part of them");
    fixture.restart().await;
    summaries.extend(self::summaries(&fixture.run_cycle().await));
    summaries.sort();
    let each: Vec<String> = team.iter().map(|id| format!("{id}:live:all:-")).collect();
    assert_eq!(summaries, each);
}

#[tokio::test]
async fn an_attribute_that_was_emptied_unnoticed_is_empty_after_a_full_read() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.fail(DirectoryError::Resync);
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[]), changed("bo", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:-"]);
}

#[tokio::test]
async fn a_wider_projection_publishes_all_users_as_backlog() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.configure(&["city", "department"], &["all"], 2).await;
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    let deltas = fixture.run_cycle().await;
    assert!(deltas.iter().all(|delta| delta.projection == 2));
    assert_eq!(summaries(&deltas), ["ana:replay:all:Paris", "bo:replay:all:-"]);
}

#[tokio::test]
async fn no_user_is_published_before_every_group_of_the_scope_is_resolved() {
    let mut fixture = Fixture::unresolved(&["city"], "GlobalEmployees").await;
    fixture.directory.groups(vec![joined("all", &["ana"])]);
    fixture.directory.users(vec![changed("ana", &[])]);
    assert_eq!(fixture.run_cycle().await, []);
    fixture.configure(&["city"], &["all"], 2).await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:-"]);
}

#[tokio::test]
async fn what_was_versioned_before_a_crash_and_not_noted_as_published_is_published_after_it() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    fixture.crash_before_mark_published("ana").await;
    fixture.restart().await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome"]);
}

#[tokio::test]
async fn what_a_former_owner_publishes_late_is_followed_by_the_newest() {
    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
        check_late_publication_is_followed_by_the_newest(fixture).await;
    }
}

async fn check_late_publication_is_followed_by_the_newest(mut fixture: Fixture) {
    fixture.directory.users(vec![changed("ana", &[("city", "Paris")])]);
    fixture.crash_before_mark_published("ana").await;
    let former = fixture.publisher();
    let late = former.due().await.unwrap();
    fixture.restart().await;
    fixture.directory.users(vec![changed("ana", &[("city", "Oslo")])]);
    fixture.run_cycle().await;
    assert!(former.due().await.is_ok_and(|due| due.is_empty()));
    assert!(former.send(late, Timestamp(0)).await.is_err(), "the lease is gone");
    assert_eq!(summaries(&fixture.published().await), ["ana:initial::Paris"], "the older one came last");
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live::Oslo"]);
    assert_eq!(fixture.run_cycle().await, []);
}

#[tokio::test]
async fn a_replica_without_the_lease_has_no_effect() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.take_lease_away().await;
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    fixture.trigger();
    assert!(fixture.steps().await.is_err());
    fixture.restart().await;
    fixture.directory.users(vec![UserChange::Changed { id: "ana".into(), attributes: Default::default() }]);
    assert_eq!(fixture.run_cycle().await, []);
}

#[tokio::test]
async fn a_rejected_object_is_dead_lettered_with_its_context_and_stops_nothing() {
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    fixture.directory.groups(vec![joined("all", &["ana"])]);
    fixture.directory.users_but(vec![changed("ana", &[])], Rejected { index: 3, reason: "it has no id".to_owned(), is_whole: true });
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:-"]);
    let dead_letters = fixture.dead_letters().await;
    assert_eq!(dead_letters.len(), 1);
    assert_eq!((dead_letters[0].topic.as_str(), dead_letters[0].reason.as_str()), ("xtsync.v1.user-deltas.emea", "rejected_object"));
    assert_eq!(dead_letters[0].error, "object 3 of a page of users of emea: it has no id");
}

#[tokio::test]
async fn a_refused_page_is_an_error_and_the_cycle_resumes() {
    let mut fixture = ana_and_bo().await;
    fixture.directory.answer(Answer::Fail(DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() }));
    assert!(fixture.steps().await.is_err());
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
}
