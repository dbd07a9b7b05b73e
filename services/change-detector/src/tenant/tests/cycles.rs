//! Full reads beside incremental cycles: what waits for which, and what becomes of a delta that does not end or a cursor that is refused.

use super::stage::COMPARE;
use super::*;

/// Ana and Bo as they were told first, at the time of a comparison of three pages.
async fn at_long_comparison() -> Stage {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.later(COMPARE);
    let ana = || changed("ana", &[("city", "Rome")]);
    stage.directory.everything_in_pages(vec![joined("all", &["ana", "bo"])], vec![vec![ana()], vec![changed("cy", &[])], vec![]]);
    stage
}

/// Steps until the full read has asked for that many pages of users.
async fn until_page(stage: &mut Stage, pages: usize) {
    stage.nudge();
    while stage.directory.full_pages() < pages {
        stage.step().await.unwrap();
    }
}

#[tokio::test]
async fn a_leaver_told_in_the_middle_of_a_full_read_is_published_before_its_next_page() {
    let mut stage = at_long_comparison().await;
    until_page(&mut stage, 1).await;
    assert_eq!(stage.published().await, [], "what it mentions is staged");
    stage.directory.users(vec![gone("bo", Gone::Deleted)]);
    stage.directory.hold_full();
    stage.nudge();
    stage.step().await.unwrap();
    assert_eq!(told(&stage.published().await), ["bo:live:deleted"]);
    assert_eq!(stage.directory.full_pages(), 1);
    stage.directory.count(2);
    stage.directory.let_full_go();
    stage.later(Duration::from_secs(60));
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome", "cy:replay::-"]);
    assert_eq!(stage.found_lost(), 2);
}

#[tokio::test]
async fn a_full_read_that_is_killed_at_any_step_comes_to_the_same() {
    for every in [1, 2, 3] {
        for stage in [Stage::new(&["city"], &["all"]).await, Stage::on_postgres(&["city"], &["all"]).await] {
            let mut stage = with_ana_and_bo(stage);
            stage.settle().await;
            stage.later(COMPARE);
            let users = vec![vec![changed("ana", &[("city", "Rome")])], vec![changed("cy", &[])]];
            stage.directory.everything_in_pages(vec![joined("all", &["ana", "cy"])], users);
            let deltas = stage.settle_killed(every).await;
            assert_eq!(told(&deltas), ["ana:live:all:Rome", "bo:live:deleted", "cy:replay:all:-"], "killed after each {every}");
            assert_eq!(stage.settle().await, []);
            assert_eq!((stage.directory.readings(), stage.staged().await), (2, 0));
        }
    }
}

#[tokio::test]
async fn after_a_doubted_full_read_a_page_that_mentions_a_part_of_a_user_empties_nothing() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.users(vec![changed("bo", &[("city", "Oslo"), ("department", "Legal")])]);
    stage.settle().await;
    stage.later(COMPARE);
    // Of Bo a part is missing, and Ana altogether.
    stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("bo", &[("department", "Sales")])]);
    stage.directory.count(900);
    assert_eq!(stage.settle().await, []);
    stage.directory.users(vec![changed("ana", &[("department", "Sales")]), changed("bo", &[("department", "Legal")])]);
    assert_eq!(stage.settle().await, []);
    stage.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome"]);
}

#[tokio::test]
async fn while_more_is_read_of_everybody_leavers_pass_and_others_wait() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.order(&["city", "department"], &["all"], 2).await;
    let department = |id: &str| changed(id, &[("city", "Rome"), ("department", "Sales")]);
    stage.directory.everything_in_pages(vec![joined("all", &["ana", "bo"])], vec![vec![department("ana")], vec![]]);
    stage.directory.count(1);
    until_page(&mut stage, 1).await;
    stage.directory.users(vec![changed("ana", &[("city", "Rome")]), gone("bo", Gone::Deleted)]);
    stage.directory.hold_full();
    stage.nudge();
    stage.step().await.unwrap();
    assert_eq!(told(&stage.published().await), ["bo:live:deleted"]);
    stage.directory.let_full_go();
    stage.later(Duration::from_secs(60));
    let deltas = stage.settle().await;
    assert_eq!(told(&deltas), ["ana:replay:all:Rome"]);
    assert_eq!(deltas[0].projection, 2);
}

#[tokio::test]
async fn a_user_who_is_disabled_does_not_wait_for_an_attribute_to_be_read_of_everybody() {
    let attributes = ["accountEnabled", "city"];
    for stage in [Stage::new(&attributes, &["all"]).await, Stage::on_postgres(&attributes, &["all"]).await] {
        check_disabled_does_not_wait(stage).await;
    }
}

fn enabled(id: &str, enabled: bool, city: &str) -> UserChange {
    let attributes = [("accountEnabled", Value::Flag(enabled)), ("city", city.into())].into_iter().collect();
    UserChange::Changed { id: id.into(), attributes }
}

async fn check_disabled_does_not_wait(mut stage: Stage) {
    stage.directory.groups(vec![joined("all", &["ana", "bo"])]);
    stage.directory.users(vec![enabled("ana", true, "Paris"), enabled("bo", true, "Bern")]);
    stage.settle().await;
    stage.directory.hold_full();
    stage.order(&["accountEnabled", "city", "department"], &["all"], 2).await;
    stage.directory.users(vec![enabled("ana", true, "Rome"), enabled("bo", false, "Oslo")]);
    stage.nudge();
    stage.step().await.unwrap();
    let deltas = stage.published().await;
    assert_eq!(told(&deltas), ["bo:live:all:Bern"], "nothing but sign-in");
    assert_eq!(stage.condition(), Some("away"), "what is needed is not read");
    assert_eq!((deltas[0].projection, deltas[0].changed.as_slice()), (1, ["accountEnabled".to_owned()].as_slice()));
    let State::Present(bo) = &deltas[0].state else { panic!("bo is here") };
    assert_eq!((bo.attributes.flag("accountEnabled"), bo.attributes.get("department")), (Some(false), None), "not read is not empty");
    stage.nudge();
    stage.step().await.unwrap();
    assert_eq!(stage.published().await, [], "once");
    stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![enabled("ana", true, "Rome"), enabled("bo", false, "Oslo")]);
    stage.directory.let_full_go();
    stage.later(Duration::from_secs(60));
    let deltas = stage.settle().await;
    assert_eq!(told(&deltas), ["ana:replay:all:Rome", "bo:replay:all:Oslo"]);
    assert!(deltas.iter().all(|delta| delta.projection == 2));
}

#[tokio::test]
async fn an_attribute_that_the_directory_refuses_to_select_is_told_and_asked_for_again_while_cycles_go_on() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.order(&["city", "department"], &["all"], 2).await;
    let refused = DirectoryError::Refused { code: "Request_BadRequest".into(), attribute: None };
    stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    stage.directory.refuse_selection(Some(refused));
    assert_eq!((stage.settle().await, stage.condition()), (vec![], Some("refused")));
    stage.directory.users(vec![gone("bo", Gone::Deleted)]);
    assert_eq!(told(&stage.settle().await), ["bo:live:deleted"], "cycles go on");
    stage.directory.refuse_selection(None);
    stage.directory.count(1);
    stage.later(Duration::from_secs(60));
    assert_eq!((told(&stage.settle().await), stage.condition()), (vec!["ana:replay:all:Paris".to_owned()], None));
}

#[tokio::test]
async fn a_leaver_does_not_wait_for_a_group_of_thousands_to_be_projected() {
    const PEOPLE: usize = 2_500;
    let mut stage = Stage::new(&["city"], &["all"]).await;
    let team: Vec<String> = (0..PEOPLE).map(|number| format!("p{number:04}")).collect();
    stage.directory.groups(vec![joined("team", &names(&team))]);
    stage.directory.users(team.iter().map(|id| changed(id, &[])).collect());
    stage.settle().await;
    stage.directory.groups(vec![joined("all", &["group:team"])]);
    stage.nudge();
    while !stage.is_cutting() {
        stage.step().await.unwrap();
    }
    stage.directory.users(vec![gone("p2400", Gone::Deleted)]);
    stage.nudge();
    stage.step().await.unwrap();
    stage.step().await.unwrap();
    let deltas = told(&stage.published().await);
    assert!(deltas.contains(&"p2400:live:deleted".to_owned()) && deltas.len() < PEOPLE, "{}", deltas.len());
    assert_eq!(deltas.len() + stage.settle().await.len(), PEOPLE, "each once");
}

#[tokio::test]
async fn k_06_a_delta_that_pages_without_end_is_left_told_and_read_anew() {
    let mut stage = ana_and_bo().await;
    stage.settle_long().await;
    stage.directory.users_without_end(true);
    stage.directory.groups(vec![left("all", &["bo"])]);
    assert_eq!(told(&stage.settle_long().await), ["bo:live::-"], "what it brought is published");
    assert_eq!(stage.condition(), Some("delta_never_ends"));
    let (asked, round) = (stage.directory.asked_pages(), stage.said().await.1);
    for _ in 0..100 {
        stage.nudge();
        stage.step().await.unwrap();
    }
    assert_eq!((stage.directory.asked_pages(), stage.said().await.1), (asked, round), "not asked again before its time");
    for _ in 0..4 {
        stage.later(Duration::from_secs(10 * 60));
        stage.settle_long().await;
    }
    assert!(stage.directory.readings() > 1, "it is read anew");
    assert_eq!((stage.condition(), stage.said().await.1), (Some("delta_never_ends"), round));
    stage.directory.users_without_end(false);
    stage.directory.everything(vec![joined("all", &["ana"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
    let mut deltas = Vec::new();
    for _ in 0..3 {
        stage.later(Duration::from_secs(10 * 60));
        deltas.extend(stage.settle_long().await);
    }
    assert_eq!(told(&deltas), ["ana:live:all:Rome"]);
    assert_eq!(stage.condition(), None);
    assert!(stage.said().await.1 > round);
}

#[tokio::test]
async fn k_06_a_first_reading_without_end_publishes_and_is_begun_anew_at_a_slower_pace() {
    let mut stage = Stage::new(&["city"], &["all"]).await;
    stage.directory.users_without_end(true);
    stage.settle_long().await;
    for _ in 0..100 {
        stage.nudge();
        stage.step().await.unwrap();
    }
    assert_eq!((stage.condition(), stage.directory.readings(), stage.said().await.1), (Some("delta_never_ends"), 1, 0));
    stage.directory.users_without_end(false);
    stage.later(Duration::from_secs(10 * 60));
    let mut stage = with_ana_and_bo(stage);
    assert_eq!(told(&stage.settle_long().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
    assert_eq!(stage.condition(), None);
}

#[tokio::test]
async fn k_06_a_void_cursor_on_every_second_page_is_bounded_and_told() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.void_pages(true);
    stage.directory.fail(DirectoryError::Resync);
    for _ in 0..100 {
        stage.nudge();
        stage.step().await.unwrap();
    }
    assert!(stage.directory.readings() <= 3, "{} readings", stage.directory.readings());
    assert_eq!(stage.condition(), Some("delta_never_ends"));
    stage.directory.void_pages(false);
    stage.directory.count(2);
    for _ in 0..3 {
        stage.later(Duration::from_secs(10 * 60));
        stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
        stage.settle().await;
    }
    assert_eq!(stage.condition(), None);
}

#[tokio::test]
async fn a_cursor_that_is_refused_for_good_is_replaced_by_a_fresh_one_and_survives_an_outage() {
    for error in [
        DirectoryError::NotFound,
        DirectoryError::Refused { code: "Request_BadRequest".into(), attribute: None },
        DirectoryError::Malformed { reason: "a link to another host".to_owned() },
        DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() },
    ] {
        let mut stage = ana_and_bo().await;
        stage.settle().await;
        stage.directory.refuse_cursors(Some(error));
        stage.nudge();
        assert!(stage.step().await.is_err());
        stage.restart().await;
        stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
        for _ in 0..10 {
            stage.later(Duration::from_secs(5));
            stage.nudge();
            // Refused, until it counts as refused for good.
            stage.step().await.ok();
        }
        assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome"]);
        assert_eq!((stage.directory.readings(), stage.condition()), (2, None));
    }
}

#[tokio::test]
async fn a_full_read_that_is_asked_for_is_made_once_by_whoever_holds_the_tenant() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.refuse_cursors(Some(DirectoryError::NotFound));
    stage.ask_resync().await;
    stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
    stage.restart().await;
    stage.nudge();
    for _ in 0..30 {
        // The old cursor is refused, until the fresh one is adopted.
        stage.step().await.ok();
        stage.later(Duration::from_secs(1));
    }
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome"]);
    stage.restart().await;
    stage.settle().await;
    assert_eq!((stage.directory.readings(), stage.condition()), (2, None));
}
