//! The detection of one tenant over a scripted directory, an embedded bus and a SQLite store, stepped by hand.

mod comparison;
mod cycles;
mod identify;
mod large;
mod names;
mod notifications;
mod rebuilt;
#[path = "../../../../crates/platform/tests/bus/rigged.rs"]
mod rigged;
mod scoped;
mod scrub;
mod stage;

use std::time::Duration;

use xtsync_directory::{Error as DirectoryError, GroupChange, Rejected, UserChange};
use xtsync_domain::delta::{Gone, Origin, State, UserDelta};
use xtsync_domain::fact::GroupState;
use xtsync_domain::{Timestamp, Value};

use crate::hold::Scope;
use crate::tenant::Pause;

use self::stage::{Answer, Stage, both, changed, gone, joined, left};

/// Who was published, in a form that is easy to compare: `name:origin:groups:city`.
fn told(deltas: &[UserDelta]) -> Vec<String> {
    let mut told: Vec<String> = deltas.iter().map(tell).collect();
    told.sort();
    told
}

fn tell(delta: &UserDelta) -> String {
    let origin = match delta.origin {
        Origin::Initial => "initial",
        Origin::Live => "live",
        Origin::Replay => "replay",
        Origin::Scrub => "scrub",
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

async fn ana_and_bo() -> Stage {
    with_ana_and_bo(Stage::new(&["city"], &["all"]).await)
}

fn with_ana_and_bo(stage: Stage) -> Stage {
    stage.directory.groups(vec![joined("all", &["ana", "bo"])]);
    stage.directory.users(vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    stage
}

#[tokio::test]
async fn bulk_waits_for_room_what_is_urgent_does_not_and_neither_round_is_complete_before() {
    let mut stage = ana_and_bo().await;
    stage.fill(true);
    assert_eq!(stage.settle().await, []);
    assert_eq!(stage.said().await, (2, 0, None));
    stage.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome"]);
    assert_eq!(stage.said().await, (1, 0, None));
    stage.fill(false);
    assert_eq!(told(&stage.settle().await), ["bo:initial:all:-"]);
    assert_eq!(stage.said().await, (0, 3, Some(2)));
}

#[tokio::test]
async fn what_waits_is_published_while_the_directory_cannot_be_read() {
    let mut stage = ana_and_bo().await;
    stage.fill(true);
    assert_eq!(stage.settle().await, []);
    stage.directory.fail(DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() });
    stage.nudge();
    stage.steps().await.unwrap_err();
    stage.fill(false);
    stage.rest().await;
    assert_eq!(told(&stage.published().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
    assert_eq!(stage.said().await, (0, 1, Some(1)));
}

#[tokio::test]
async fn the_first_round_tells_of_everybody_with_groups() {
    let mut stage = ana_and_bo().await;
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
    assert_eq!(stage.settle().await, []);
}

#[tokio::test]
async fn a_change_tells_what_changed_and_what_it_was_and_of_nobody_else() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.users(vec![changed("ana", &[("city", "Rome")]), changed("bo", &[("unneeded", "x")])]);
    let deltas = stage.settle().await;
    assert_eq!(told(&deltas), ["ana:live:all:Rome"]);
    assert_eq!(deltas[0].changed, ["city"]);
    assert_eq!(deltas[0].before, [("city", Value::from("Paris"))].into_iter().collect());
}

#[tokio::test]
async fn an_object_repeated_in_parts_is_one_change() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.users(vec![changed("ana", &[("city", "Rome")]), changed("ana", &[("city", "Oslo")]), changed("bo", &[])]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Oslo"]);
}

#[tokio::test]
async fn whoever_is_deleted_is_told_gone_and_returns_as_he_was() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.users(vec![gone("ana", Gone::SoftDeleted), gone("stranger", Gone::Deleted)]);
    // The stranger may have been told of by a store that has been restored since.
    assert_eq!(told(&stage.settle().await), ["ana:live:bin", "stranger:live:deleted"]);
    stage.directory.users(vec![changed("ana", &[])]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Paris"]);
}

#[tokio::test]
async fn a_membership_concerns_only_members_of_referenced_groups_also_through_others() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.groups(vec![joined("other", &["ana"]), left("all", &["bo"])]);
    assert_eq!(told(&stage.settle().await), ["bo:live::-"]);
    stage.directory.groups(vec![joined("team", &["bo"]), joined("all", &["group:team"])]);
    assert_eq!(told(&stage.settle().await), ["bo:live:all:-"]);
    stage.directory.groups(vec![left("all", &["team"])]);
    assert_eq!(told(&stage.settle().await), ["bo:live::-"]);
}

#[tokio::test]
async fn k_01_the_last_entry_of_a_page_and_of_a_cycle_wins() {
    let (out, back) = (|| left("all", &["bo"]), || joined("all", &["bo"]));
    let (nested, unnested) = (|| joined("all", &["group:team"]), || left("all", &["team"]));
    let end = || GroupChange::Gone { id: "all".into() };
    for stage in [Stage::new(&["city"], &["all"]).await, Stage::on_postgres(&["city"], &["all"]).await] {
        let mut stage = with_ana_and_bo(stage);
        stage.settle().await;
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
            stage.directory.groups(page);
            assert_eq!(told(&stage.settle().await), want, "{shown}");
        }
        for (page, want) in [
            (vec![changed("bo", &[("city", "Rome")]), changed("bo", &[("city", "Oslo")])], vec!["bo:live::Oslo"]),
            (vec![gone("bo", Gone::Deleted), changed("bo", &[("city", "Oslo")])], vec![]),
            (vec![changed("bo", &[]), gone("bo", Gone::SoftDeleted)], vec!["bo:live:bin"]),
            (vec![gone("bo", Gone::Deleted), gone("bo", Gone::SoftDeleted)], vec![]),
        ] {
            let shown = format!("{page:?}");
            stage.directory.users(page);
            assert_eq!(told(&stage.settle().await), want, "{shown}");
        }
        stage.directory.page_of_users(vec![gone("ana", Gone::Deleted)]);
        stage.directory.users(vec![changed("ana", &[])]);
        assert_eq!(stage.settle().await, [], "across pages");
    }
}

#[tokio::test]
async fn k_10_a_group_that_has_members_when_asked_and_none_by_delta_is_told_and_everything_read_again() {
    let mut stage = Stage::new(&["city"], &["all"]).await;
    stage.directory.groups(vec![joined("all", &[])]);
    stage.directory.users(vec![changed("ana", &[])]);
    stage.directory.members(&["all"]);
    stage.settle().await;
    let mut deltas = Vec::new();
    for _ in 0..3 {
        assert_eq!((stage.warning(), stage.directory.readings()), ("", 1), "members may be new");
        stage.later_than_facts();
        stage.directory.everything(vec![joined("all", &["ana"])], vec![changed("ana", &[])]);
        deltas = stage.settle().await;
        if !stage.warning().is_empty() {
            break;
        }
        stage.directory.forget_answers();
    }
    assert_eq!(stage.warning(), "members_not_told");
    assert_eq!(told(&deltas), ["ana:live:all:-"]);
    assert_eq!(stage.directory.readings(), 2);
    stage.later_than_facts();
    stage.settle().await;
    assert_eq!(stage.warning(), "", "they are told of now");
}

#[tokio::test]
async fn a_group_that_is_gone_or_unreadable_takes_nobody_out() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.groups(vec![GroupChange::Gone { id: "all".into() }]);
    assert_eq!(stage.settle().await, []);

    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.state("all", GroupState::Unreadable);
    stage.later_than_facts();
    stage.settle().await;
    stage.directory.groups(vec![left("all", &["ana", "bo"])]);
    assert_eq!(stage.settle().await, []);
}

#[tokio::test]
async fn a_group_readable_again_is_read_from_the_beginning() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.state("all", GroupState::Unreadable);
    stage.later_than_facts();
    stage.settle().await;
    stage.directory.groups(vec![left("all", &["bo"])]);
    stage.settle().await;
    stage.directory.state("all", GroupState::Present);
    stage.later_than_facts();
    stage.directory.everything(vec![joined("all", &["ana"])], vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    assert_eq!(told(&stage.settle().await), ["bo:live::-"]);
}

#[tokio::test]
async fn a_void_cursor_has_everything_read_and_the_unseen_go_only_if_the_count_agrees() {
    let ana = || changed("ana", &[("city", "Paris")]);
    //                       the directory counts   told
    for (count, want) in [(1, vec!["bo:live:deleted"]), (900, vec![])] {
        let mut stage = ana_and_bo().await;
        stage.settle().await;
        stage.directory.fail(DirectoryError::Resync);
        stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![ana()]);
        stage.directory.count(count);
        assert_eq!(told(&stage.settle().await), want, "{count}");
    }
}

#[tokio::test]
async fn a_reading_that_agrees_with_no_count_is_repeated_until_one_does() {
    let ana = || changed("ana", &[("city", "Paris")]);
    let everything = |stage: &Stage| stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![ana()]);
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.fail(DirectoryError::Resync);
    everything(&stage);
    stage.directory.count(900);
    assert_eq!(stage.settle().await, []);
    everything(&stage);
    stage.later(Duration::from_secs(9 * 60));
    assert_eq!(stage.settle().await, [], "not before ten minutes have passed");
    stage.restart().await;
    assert_eq!(stage.settle().await, [], "a successor finds in the mirror that a reading is owed");
    everything(&stage);
    stage.later(Duration::from_secs(10 * 60));
    assert_eq!(told(&stage.settle().await), ["bo:live:deleted"]);
    assert_eq!(stage.directory.readings(), 3, "once it agreed nothing is read from the beginning any more");
    stage.later(Duration::from_secs(24 * 60 * 60));
    stage.settle().await;
    assert_eq!(stage.directory.readings(), 3);
}

#[tokio::test]
async fn whoever_vanishes_while_the_first_round_begins_anew_is_gone_if_he_was_told_and_never_told_if_not() {
    let mut stage = Stage::new(&["city"], &["all"]).await;
    stage.directory.groups(vec![joined("all", &["ana", "bo"])]);
    stage.directory.page_of_users(vec![changed("ana", &[]), changed("bo", &[])]);
    stage.directory.fail(DirectoryError::Resync);
    stage.directory.everything(vec![joined("all", &["ana"])], vec![changed("ana", &[])]);
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:-", "bo:initial:all:-", "bo:live:deleted"]);

    let mut stage = Stage::unresolved(&["city"], "GlobalEmployees").await;
    stage.directory.groups(vec![joined("all", &["ana", "bo"])]);
    stage.directory.page_of_users(vec![changed("ana", &[]), changed("bo", &[])]);
    stage.directory.fail(DirectoryError::Resync);
    stage.directory.everything(vec![joined("all", &["ana"])], vec![changed("ana", &[])]);
    stage.settle().await;
    stage.order(&["city"], &["all"], 2).await;
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:-"]);
}

fn people(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("p{number:02}")).collect()
}

fn names(people: &[String]) -> Vec<&str> {
    people.iter().map(String::as_str).collect()
}

async fn thirty() -> Stage {
    thirty_on(Stage::new(&["city"], &["all"]).await).await
}

/// Thirty people in a group; those from the twentieth on through a team in it.
async fn thirty_on(mut stage: Stage) -> Stage {
    let (direct, team, all) = (people(0..20), people(20..30), people(0..30));
    stage.directory.groups(vec![joined("all", &names(&direct)), joined("team", &names(&team)), joined("all", &["group:team"])]);
    stage.directory.users(all.iter().map(|id| changed(id, &[])).collect());
    assert_eq!(stage.settle().await.len(), 30);
    stage
}

#[tokio::test]
async fn a_group_that_loses_most_of_its_people_at_once_keeps_them_until_they_are_back_or_somebody_allows_it() {
    let mut stage = thirty().await;
    stage.directory.groups(vec![left("all", &names(&people(0..15)))]);
    assert_eq!(stage.settle().await.len(), 15, "half is not more than half");

    let mut stage = thirty().await;
    stage.directory.groups(vec![left("all", &names(&people(0..16)))]);
    stage.settle().await;
    stage.scope("all", Scope { lets_go: true, ..Scope::default() }).await;
    assert_eq!((stage.settle().await.len(), stage.held()), (16, [0, 0]));

    for stage in [Stage::new(&["city"], &["all"]).await, Stage::on_postgres(&["city"], &["all"]).await] {
        check_keeps_until_most_are_back(thirty_on(stage).await).await;
    }
}

async fn check_keeps_until_most_are_back(mut stage: Stage) {
    let lost = people(0..16);
    stage.directory.groups(vec![left("all", &names(&lost[..9])), left("all", &names(&lost[9..]))]);
    assert_eq!((stage.settle().await, stage.held()), (vec![], [0, 16]));
    stage.directory.users(vec![changed("p00", &[("city", "Rome")])]);
    assert_eq!(told(&stage.settle().await), ["p00:live:all:Rome"], "who is kept goes on changing");
    stage.directory.groups(vec![left("all", &["p16"])]);
    assert_eq!((stage.settle().await, stage.held()), (vec![], [0, 17]), "a group that keeps people keeps all it loses");
    stage.restart().await;
    assert_eq!((stage.settle().await, stage.held()), (vec![], [0, 17]), "and so does a successor");
    stage.directory.groups(vec![joined("all", &names(&people(0..7)))]);
    assert_eq!((told(&stage.settle().await).len(), stage.held()), (10, [0, 0]), "ten are no loss that is held");
}

#[tokio::test]
async fn a_new_projection_after_a_cycle_that_was_cut_off_takes_nobody_out_of_a_group_unweighed() {
    for stage in [Stage::new(&["city"], &["all"]).await, Stage::on_postgres(&["city"], &["all"]).await] {
        let mut stage = thirty_on(stage).await;
        stage.directory.groups(vec![left("all", &names(&people(0..16)))]);
        stage.directory.page_of_users(vec![]);
        stage.directory.fail(DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() });
        stage.nudge();
        stage.steps().await.unwrap_err();
        stage.order(&["city"], &["all"], 2).await;
        let deltas = stage.settle().await;
        assert!(told(&deltas).iter().all(|told| told.contains(":all:")), "{:?}", told(&deltas));
        assert_eq!((deltas.len(), stage.held()), (30, [0, 16]));
    }
}

#[tokio::test]
async fn a_team_that_leaves_a_group_is_a_loss_only_where_its_members_count() {
    for (nested, lost, want) in [(true, 8, 0), (false, 8, 18), (false, 12, 10)] {
        let mut stage = thirty().await;
        stage.scope("all", Scope { nested, lets_go: false }).await;
        stage.directory.groups(vec![left("all", &["team"]), left("all", &names(&people(0..lost)))]);
        assert_eq!(stage.settle().await.len(), want, "nested {nested}, {lost} lost");
    }
}

#[tokio::test]
async fn a_group_edit_that_concerns_thousands_goes_on_where_it_was_and_tells_each_once() {
    const PEOPLE: usize = 2_500;
    let mut stage = Stage::new(&["city"], &["all"]).await;
    let team: Vec<String> = (0..PEOPLE).map(|number| format!("p{number:04}")).collect();
    stage.directory.groups(vec![joined("team", &names(&team))]);
    stage.directory.users(team.iter().map(|id| changed(id, &[])).collect());
    assert_eq!(stage.settle().await.len(), PEOPLE);
    stage.directory.groups(vec![joined("all", &["group:team"])]);
    let mut told = told(&stage.first_published().await);
    assert!(told.len() < PEOPLE, "a part of them");
    stage.restart().await;
    told.extend(self::told(&stage.settle().await));
    told.sort();
    let each: Vec<String> = team.iter().map(|id| format!("{id}:live:all:-")).collect();
    assert_eq!(told, each);
}

#[tokio::test]
async fn an_attribute_that_was_emptied_unnoticed_is_empty_after_everything_was_read() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.fail(DirectoryError::Resync);
    stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[]), changed("bo", &[])]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:-"]);
}

#[tokio::test]
async fn a_wider_projection_is_told_of_everybody_as_backlog() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.order(&["city", "department"], &["all"], 2).await;
    stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    let deltas = stage.settle().await;
    assert!(deltas.iter().all(|delta| delta.projection == 2));
    assert_eq!(told(&deltas), ["ana:replay:all:Paris", "bo:replay:all:-"]);
}

#[tokio::test]
async fn nobody_is_told_before_every_group_of_the_scope_is_found() {
    let mut stage = Stage::unresolved(&["city"], "GlobalEmployees").await;
    stage.directory.groups(vec![joined("all", &["ana"])]);
    stage.directory.users(vec![changed("ana", &[])]);
    assert_eq!(stage.settle().await, []);
    stage.order(&["city"], &["all"], 2).await;
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:-"]);
}

#[tokio::test]
async fn what_was_versioned_before_a_crash_and_not_noted_as_published_is_published_after_it() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    stage.crash_before_noting("ana").await;
    stage.restart().await;
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome"]);
}

#[tokio::test]
async fn what_a_former_owner_publishes_late_is_followed_by_the_newest() {
    for stage in [Stage::new(&["city"], &["all"]).await, Stage::on_postgres(&["city"], &["all"]).await] {
        check_late_is_followed_by_newest(stage).await;
    }
}

async fn check_late_is_followed_by_newest(mut stage: Stage) {
    stage.directory.users(vec![changed("ana", &[("city", "Paris")])]);
    stage.crash_before_noting("ana").await;
    let former = stage.press();
    let late = former.due().await.unwrap();
    stage.restart().await;
    stage.directory.users(vec![changed("ana", &[("city", "Oslo")])]);
    stage.settle().await;
    assert!(former.due().await.is_ok_and(|due| due.is_empty()));
    assert!(former.send(late, Timestamp(0)).await.is_err(), "the lease is gone");
    assert_eq!(told(&stage.published().await), ["ana:initial::Paris"], "the older one came last");
    assert_eq!(told(&stage.settle().await), ["ana:live::Oslo"]);
    assert_eq!(stage.settle().await, []);
}

#[tokio::test]
async fn whoever_lost_the_lease_has_no_effect() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.fence().await;
    stage.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    stage.nudge();
    assert!(stage.steps().await.is_err());
    stage.restart().await;
    stage.directory.users(vec![UserChange::Changed { id: "ana".into(), attributes: Default::default() }]);
    assert_eq!(stage.settle().await, []);
}

#[tokio::test]
async fn an_object_that_makes_no_sense_is_buried_with_its_story_and_stops_nobody() {
    let mut stage = Stage::new(&["city"], &["all"]).await;
    stage.directory.groups(vec![joined("all", &["ana"])]);
    stage.directory.users_but(vec![changed("ana", &[])], Rejected { index: 3, reason: "it has no id".to_owned(), is_whole: true });
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:-"]);
    let letters = stage.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].topic.as_str(), letters[0].reason.as_str()), ("xtsync.v1.user-deltas.emea", "rejected_object"));
    assert_eq!(letters[0].error, "object 3 of a page of users of emea: it has no id");
}

#[tokio::test]
async fn a_refused_page_is_an_error_and_the_round_goes_on_where_it_was() {
    let mut stage = ana_and_bo().await;
    stage.directory.answer(Answer::Fail(DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() }));
    assert!(stage.step().await.is_err());
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
}
