//! The detection of one tenant over a scripted directory, an embedded bus and a SQLite store, stepped by hand.

mod stage;

use xtsync_directory::{Error as DirectoryError, GroupChange, UserChange};
use xtsync_domain::Value;
use xtsync_domain::delta::{Gone, Origin, State, UserDelta};
use xtsync_domain::fact::GroupState;

use self::stage::{Answer, Stage, changed, gone, joined, left};

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
    let stage = Stage::new(&["city"], &["all"]).await;
    stage.directory.groups(vec![joined("all", &["ana", "bo"])]);
    stage.directory.users(vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    stage
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
    assert_eq!(told(&stage.settle().await), ["ana:live:bin"]);
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
async fn a_refused_page_is_an_error_and_the_round_goes_on_where_it_was() {
    let mut stage = ana_and_bo().await;
    stage.directory.answer(Answer::Fail(DirectoryError::Forbidden { code: "Authorization_RequestDenied".to_owned() }));
    assert!(stage.step().await.is_err());
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
}
