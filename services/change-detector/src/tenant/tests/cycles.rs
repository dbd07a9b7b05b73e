//! Full reads beside incremental cycles: what waits for which, and what becomes of a delta that does not end or a cursor that is refused.

use super::fixture::COMPARE;
use super::*;

/// Ana and Bo as first reported, at the time of a comparison of three pages.
async fn at_long_comparison() -> Fixture {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.later(COMPARE);
    let ana = || changed("ana", &[("city", "Rome")]);
    fixture.directory.full_read_in_pages(vec![joined("all", &["ana", "bo"])], vec![vec![ana()], vec![changed("cy", &[])], vec![]]);
    fixture
}

/// Steps until the full read has asked for that many pages of users.
async fn until_page(fixture: &mut Fixture, pages: usize) {
    fixture.trigger();
    while fixture.directory.full_pages() < pages {
        fixture.step().await.unwrap();
    }
}

#[tokio::test]
async fn a_leaver_during_a_full_read_is_published_before_its_next_page() {
    let mut fixture = at_long_comparison().await;
    until_page(&mut fixture, 1).await;
    assert_eq!(fixture.published().await, [], "what it mentions is staged");
    fixture.directory.users(vec![gone("bo", Gone::Deleted)]);
    fixture.directory.block_full_reads();
    fixture.trigger();
    fixture.step().await.unwrap();
    assert_eq!(summaries(&fixture.published().await), ["bo:live:deleted"]);
    assert_eq!(fixture.directory.full_pages(), 1);
    fixture.directory.count(2);
    fixture.directory.unblock_full_reads();
    fixture.later(Duration::from_secs(60));
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome", "cy:replay::-"]);
    assert_eq!(fixture.missed_changes(), 2);
}

#[tokio::test]
async fn a_full_read_killed_at_any_step_gives_the_same_result() {
    for every in 6..12 {
        for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
            let mut fixture = with_ana_and_bo(fixture);
            fixture.run_cycle().await;
            fixture.later(COMPARE);
            let users = vec![vec![changed("ana", &[("city", "Rome")])], vec![changed("cy", &[])]];
            fixture.directory.full_read_in_pages(vec![joined("all", &["ana", "cy"])], users);
            let deltas = fixture.run_cycle_killed(every).await;
            assert_eq!(summaries(&deltas), ["ana:live:all:Rome", "bo:live:deleted", "cy:replay:all:-"], "killed after each {every}");
            assert_eq!(fixture.run_cycle().await, []);
            assert_eq!((fixture.directory.full_reads(), fixture.staged().await), (2, 0));
        }
    }
}

#[tokio::test]
async fn after_an_unverified_full_read_a_partial_page_empties_no_attribute() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.users(vec![changed("bo", &[("city", "Oslo"), ("department", "Legal")])]);
    fixture.run_cycle().await;
    fixture.later(COMPARE);
    // Of Bo a part is missing, and Ana altogether.
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("bo", &[("department", "Sales")])]);
    fixture.directory.count(900);
    assert_eq!(fixture.run_cycle().await, []);
    fixture.directory.users(vec![changed("ana", &[("department", "Sales")]), changed("bo", &[("department", "Legal")])]);
    assert_eq!(fixture.run_cycle().await, []);
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome"]);
}

#[tokio::test]
async fn while_a_wider_full_read_runs_leavers_are_published_and_others_wait() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.configure(&["city", "department"], &["all"], 2).await;
    let department = |id: &str| changed(id, &[("city", "Rome"), ("department", "Sales")]);
    fixture.directory.full_read_in_pages(vec![joined("all", &["ana", "bo"])], vec![vec![department("ana")], vec![]]);
    fixture.directory.count(1);
    until_page(&mut fixture, 1).await;
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")]), gone("bo", Gone::Deleted)]);
    fixture.directory.block_full_reads();
    fixture.trigger();
    fixture.step().await.unwrap();
    assert_eq!(summaries(&fixture.published().await), ["bo:live:deleted"]);
    fixture.step().await.unwrap();
    fixture.directory.unblock_full_reads();
    fixture.later(Duration::from_secs(60));
    let deltas = fixture.run_cycle().await;
    assert_eq!(summaries(&deltas), ["ana:replay:all:Rome"]);
    assert_eq!(deltas[0].projection, 2);
}

#[tokio::test]
async fn a_user_who_is_disabled_does_not_wait_for_an_attribute_to_be_read_of_all_users() {
    let attributes = ["accountEnabled", "city"];
    for fixture in [Fixture::new(&attributes, &["all"]).await, Fixture::on_postgres(&attributes, &["all"]).await] {
        check_disabled_does_not_wait(fixture).await;
    }
}

fn enabled(id: &str, enabled: bool, city: &str) -> UserChange {
    let attributes = [("accountEnabled", Value::Flag(enabled)), ("city", city.into())].into_iter().collect();
    UserChange::Changed { id: id.into(), attributes }
}

async fn check_disabled_does_not_wait(mut fixture: Fixture) {
    fixture.directory.groups(vec![joined("all", &["ana", "bo"])]);
    fixture.directory.users(vec![enabled("ana", true, "Paris"), enabled("bo", true, "Bern")]);
    fixture.run_cycle().await;
    fixture.directory.block_full_reads();
    fixture.configure(&["accountEnabled", "city", "department"], &["all"], 2).await;
    fixture.directory.users(vec![enabled("ana", true, "Rome"), enabled("bo", false, "Oslo")]);
    fixture.trigger();
    fixture.step().await.unwrap();
    let deltas = fixture.published().await;
    assert_eq!(summaries(&deltas), ["bo:live:all:Oslo"], "and no other user");
    fixture.steps().await.unwrap();
    assert_eq!(fixture.condition(), Some("away"), "what is needed is not read");
    let changed = ["accountEnabled".to_owned(), "city".to_owned()];
    assert_eq!((deltas[0].projection, deltas[0].changed.as_slice()), (2, &changed[..]), "policy decides no delta of an older projection");
    let State::Present(bo) = &deltas[0].state else { panic!("bo is here") };
    assert_eq!((bo.attributes.flag("accountEnabled"), bo.attributes.get("department")), (Some(false), None), "not read is not empty");
    fixture.trigger();
    fixture.step().await.unwrap();
    assert_eq!(fixture.published().await, [], "once");
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![enabled("ana", true, "Rome"), enabled("bo", false, "Oslo")]);
    fixture.directory.unblock_full_reads();
    fixture.later(Duration::from_secs(60));
    let deltas = fixture.run_cycle().await;
    assert_eq!(summaries(&deltas), ["ana:replay:all:Rome", "bo:replay:all:Oslo"]);
    assert!(deltas.iter().all(|delta| delta.projection == 2));
}

#[tokio::test]
async fn an_attribute_that_the_directory_refuses_to_select_is_reported_and_requested_again_while_cycles_go_on() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.configure(&["city", "department"], &["all"], 2).await;
    let refused = DirectoryError::Refused { code: "Request_BadRequest".into(), attribute: None };
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    fixture.directory.refuse_selection(Some(refused));
    assert_eq!((fixture.run_cycle().await, fixture.condition()), (vec![], Some("refused")));
    fixture.directory.users(vec![gone("bo", Gone::Deleted)]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live:deleted"], "cycles go on");
    fixture.directory.refuse_selection(None);
    fixture.directory.count(1);
    fixture.later(Duration::from_secs(60));
    assert_eq!((summaries(&fixture.run_cycle().await), fixture.condition()), (vec!["ana:replay:all:Paris".to_owned()], None));
}

#[tokio::test]
async fn a_leaver_does_not_wait_for_a_group_of_thousands_to_be_projected() {
    const PEOPLE: usize = 2_500;
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    let team: Vec<String> = (0..PEOPLE).map(|number| format!("p{number:04}")).collect();
    fixture.directory.groups(vec![joined("team", &names(&team))]);
    fixture.directory.users(team.iter().map(|id| changed(id, &[])).collect());
    fixture.run_cycle().await;
    fixture.directory.groups(vec![joined("all", &["group:team"])]);
    fixture.trigger();
    while !fixture.is_projecting() {
        fixture.step().await.unwrap();
    }
    fixture.directory.users(vec![gone("p2400", Gone::Deleted)]);
    fixture.trigger();
    fixture.step().await.unwrap();
    fixture.step().await.unwrap();
    let deltas = summaries(&fixture.published().await);
    assert!(deltas.contains(&"p2400:live:deleted".to_owned()) && deltas.len() < PEOPLE, "{}", deltas.len());
    assert_eq!(deltas.len() + fixture.run_cycle().await.len(), PEOPLE, "each once");
}

#[tokio::test]
async fn k_06_an_endless_delta_is_abandoned_reported_and_replaced_by_a_full_read() {
    let mut fixture = ana_and_bo().await;
    fixture.run_long_cycle().await;
    fixture.directory.users_without_end(true);
    fixture.directory.groups(vec![left("all", &["bo"])]);
    assert_eq!(summaries(&fixture.run_long_cycle().await), ["bo:live::-"], "what it brought is published");
    assert_eq!(fixture.condition(), Some("delta_never_ends"));
    let (asked, cycle) = (fixture.directory.requested_pages(), fixture.progress().await.1);
    for _ in 0..100 {
        fixture.trigger();
        fixture.step().await.unwrap();
    }
    assert_eq!((fixture.directory.requested_pages(), fixture.progress().await.1), (asked, cycle), "not asked again before its time");
    for _ in 0..4 {
        fixture.later(Duration::from_secs(10 * 60));
        fixture.run_long_cycle().await;
    }
    assert!(fixture.directory.full_reads() > 1, "it is read anew");
    assert_eq!((fixture.condition(), fixture.progress().await.1), (Some("delta_never_ends"), cycle));
    fixture.directory.users_without_end(false);
    fixture.directory.full_read(vec![joined("all", &["ana"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
    let mut deltas = Vec::new();
    for _ in 0..3 {
        fixture.later(Duration::from_secs(10 * 60));
        deltas.extend(fixture.run_long_cycle().await);
    }
    assert_eq!(summaries(&deltas), ["ana:live:all:Rome"]);
    assert_eq!(fixture.condition(), None);
    assert!(fixture.progress().await.1 > cycle);
}

/// A full read has read everything and waits for a cycle, which never ends at the former cursors.
#[tokio::test]
async fn k_06_cycles_that_page_without_end_go_on_at_the_cursors_of_a_full_read() {
    let mut fixture = ana_and_bo().await;
    fixture.run_long_cycle().await;
    fixture.later(COMPARE);
    let both = vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])];
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], both);
    fixture.directory.users_without_end(true);
    while fixture.users_cursor() != Some("fresh") {
        assert!(fixture.directory.full_reads() < 3, "no further full read is needed");
        fixture.later(Duration::from_secs(60));
        fixture.run_long_cycle().await;
    }
    assert_eq!(fixture.directory.full_reads(), 2);
    fixture.directory.users_without_end(false);
    fixture.later(Duration::from_secs(10 * 60));
    assert_eq!((fixture.run_long_cycle().await, fixture.condition(), fixture.full_phase()), (vec![], None, None));
}

#[tokio::test]
async fn k_06_an_endless_initial_cycle_publishes_and_restarts_with_backoff() {
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    fixture.directory.users_without_end(true);
    fixture.run_long_cycle().await;
    for _ in 0..100 {
        fixture.trigger();
        fixture.step().await.unwrap();
    }
    assert_eq!((fixture.condition(), fixture.directory.full_reads(), fixture.progress().await.1), (Some("delta_never_ends"), 1, 0));
    fixture.directory.users_without_end(false);
    fixture.later(Duration::from_secs(10 * 60));
    let mut fixture = with_ana_and_bo(fixture);
    assert_eq!(summaries(&fixture.run_long_cycle().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
    assert_eq!(fixture.condition(), None);
}

#[tokio::test]
async fn k_06_a_void_cursor_on_every_second_page_is_bounded_and_reported() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.void_pages(true);
    fixture.directory.fail(DirectoryError::Resync);
    for _ in 0..100 {
        fixture.trigger();
        fixture.step().await.unwrap();
    }
    assert!(fixture.directory.full_reads() <= 3, "{} full_reads", fixture.directory.full_reads());
    assert_eq!(fixture.condition(), Some("delta_never_ends"));
    fixture.directory.void_pages(false);
    fixture.directory.count(2);
    for _ in 0..3 {
        fixture.later(Duration::from_secs(10 * 60));
        fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
        fixture.run_cycle().await;
    }
    assert_eq!(fixture.condition(), None);
}

#[tokio::test]
async fn a_cursor_that_is_refused_for_good_is_replaced_by_a_fresh_one_and_survives_an_outage() {
    for error in [
        DirectoryError::NotFound,
        DirectoryError::Refused { code: "Request_BadRequest".into(), attribute: None },
        DirectoryError::Malformed { reason: "a link to another host".to_owned() },
        DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() },
    ] {
        let mut fixture = ana_and_bo().await;
        fixture.run_cycle().await;
        fixture.directory.refuse_cursors(Some(error));
        fixture.trigger();
        assert!(fixture.step().await.is_err());
        fixture.restart().await;
        fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
        for _ in 0..10 {
            fixture.later(Duration::from_secs(5));
            fixture.trigger();
            // Refused, until it counts as refused for good.
            fixture.step().await.ok();
        }
        assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome"]);
        assert_eq!((fixture.directory.full_reads(), fixture.condition()), (2, None));
    }
}

#[tokio::test]
async fn a_requested_full_read_runs_once_on_the_lease_holder() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.refuse_cursors(Some(DirectoryError::NotFound));
    fixture.request_resync().await;
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
    fixture.restart().await;
    fixture.trigger();
    for _ in 0..30 {
        // The old cursor is refused, until the fresh one is adopted.
        fixture.step().await.ok();
        fixture.later(Duration::from_secs(1));
    }
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome"]);
    fixture.restart().await;
    fixture.run_cycle().await;
    assert_eq!((fixture.directory.full_reads(), fixture.condition()), (2, None));
}
