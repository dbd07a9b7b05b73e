//! What cycles report beside a full read: leavers pass at any time, what was not read is never empty, and what a cycle reported is newer
//! than the pages of the full read.

use super::fixture::COMPARE;
use super::*;
use crate::full::FullPhase;

/// One on each database.
async fn fixtures(attributes: &[&str]) -> [Fixture; 2] {
    [Fixture::new(attributes, &["all"]).await, Fixture::on_postgres(attributes, &["all"]).await]
}

/// The attribute of a published user: none where it was not read.
fn attribute(deltas: &[UserDelta], id: &str, name: &str) -> Option<Value> {
    let delta = deltas.iter().find(|delta| delta.user.as_str() == id).unwrap_or_else(|| panic!("{id} in {:?}", summaries(deltas)));
    let State::Present(user) = &delta.state else { panic!("{id} is here") };
    user.attributes.get(name).cloned()
}

#[tokio::test]
async fn a_group_leaver_passes_while_a_new_attribute_is_read_and_the_revision_is_not_taken_up() {
    for fixture in fixtures(&["city"]).await {
        let mut fixture = with_ana_and_bo(fixture);
        fixture.run_cycle().await;
        assert_eq!(fixture.revision(), 1);
        fixture.directory.block_full_reads();
        fixture.configure(&["city", "department"], &["all"], 2).await;
        fixture.directory.groups(vec![left("all", &["bo"]), joined("all", &["cy"])]);
        fixture.directory.users(vec![changed("ana", &[("city", "Rome")]), changed("cy", &[])]);
        fixture.trigger();
        fixture.step().await.unwrap();
        let deltas = fixture.published().await;
        assert_eq!((summaries(&deltas), fixture.revision()), (vec!["bo:live::-".to_owned()], 1), "others wait");
        assert_eq!((deltas[0].projection, attribute(&deltas, "bo", "department")), (2, None), "policy decides it; not read is not empty");
        assert_eq!(fixture.run_cycle().await, [], "once");
        fixture.restart().await;
        assert_eq!((fixture.run_cycle().await, fixture.revision()), (vec![], 0), "a successor knows no better");
        let users = vec![changed("ana", &[("city", "Rome"), ("department", "Sales")]), changed("bo", &[]), changed("cy", &[])];
        fixture.directory.full_read(vec![joined("all", &["ana", "cy"])], users);
        fixture.directory.unblock_full_reads();
        fixture.later(Duration::from_secs(60));
        let deltas = fixture.run_cycle().await;
        assert_eq!((summaries(&deltas).join(" "), fixture.revision()), ("ana:replay:all:Rome bo:replay::- cy:replay:all:-".to_owned(), 2));
        assert_eq!(attribute(&deltas, "bo", "department"), Some(Value::Null), "read, and empty");
    }
}

#[tokio::test]
async fn an_unverified_full_read_leaves_a_new_attribute_out_of_users_it_did_not_read() {
    for restarts in [false, true] {
        for fixture in fixtures(&["city"]).await {
            let mut fixture = with_ana_and_bo(fixture);
            fixture.run_cycle().await;
            fixture.configure(&["city", "department"], &["all"], 2).await;
            let ana = || changed("ana", &[("city", "Paris"), ("department", "Sales")]);
            fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![ana()]);
            fixture.directory.count(900);
            let deltas = if restarts { fixture.run_cycle_killed(6).await } else { fixture.run_cycle().await };
            assert_eq!(summaries(&deltas), ["ana:replay:all:Paris", "bo:replay:all:-"]);
            assert_eq!(attribute(&deltas, "ana", "department"), Some("Sales".into()));
            assert_eq!(attribute(&deltas, "bo", "department"), None, "not read is not empty");
            assert_eq!(attribute(&deltas, "bo", "city"), Some(Value::Null), "which was read before");
            fixture.directory.users(vec![changed("bo", &[("city", "Bern")])]);
            assert_eq!(attribute(&fixture.run_cycle().await, "bo", "department"), None, "nor after a page that mentions a part");
            if restarts {
                fixture.restart().await;
                assert_eq!(fixture.run_cycle().await, []);
            }
            fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![ana(), changed("bo", &[("city", "Bern")])]);
            fixture.later(Duration::from_secs(24 * 60 * 60));
            let deltas = fixture.run_cycle().await;
            assert_eq!(summaries(&deltas), ["bo:replay:all:Bern"], "backlog, as what a mapping adds");
            assert_eq!(attribute(&deltas, "bo", "department"), Some(Value::Null), "read by a full read that agrees");
        }
    }
}

/// Steps until the full read is in a phase, or beyond reading where that is past.
async fn until(fixture: &mut Fixture, is_reached: impl Fn(&FullPhase) -> bool) {
    while !fixture.full_phase().as_ref().is_some_and(&is_reached) {
        assert_eq!(fixture.step().await.unwrap(), Pause::None, "the full read never comes so far");
    }
}

#[tokio::test]
async fn leavers_pass_in_every_phase_of_a_comparison() {
    const PEOPLE: usize = 3_500;
    let everyone: Vec<String> = (0..PEOPLE).map(|number| format!("p{number:04}")).collect();
    for fixture in fixtures(&["city", "accountEnabled"]).await {
        let mut fixture = fixture;
        let user = |id: &str, city: &str| changed(id, &[("city", city)]);
        fixture.directory.groups(vec![joined("all", &names(&everyone))]);
        fixture.directory.users(everyone.iter().map(|id| user(id, "Paris")).collect());
        assert_eq!(fixture.run_long_cycle().await.len(), PEOPLE);
        fixture.later(COMPARE);
        // Everyone moved unnoticed, so that each phase takes many chunks.
        fixture.directory.full_read(vec![joined("all", &names(&everyone))], everyone.iter().map(|id| user(id, "Rome")).collect());
        fixture.trigger();
        let phases: [fn(&FullPhase) -> bool; 4] = [
            |phase| matches!(phase, FullPhase::Users(_)),
            |phase| matches!(phase, FullPhase::Replace),
            |phase| matches!(phase, FullPhase::Remove),
            |phase| matches!(phase, FullPhase::Project),
        ];
        for (at, phase) in phases.into_iter().enumerate() {
            until(&mut fixture, phase).await;
            fixture.published().await;
            // From the end, where nothing of the comparison is projected for a while.
            let [leaver, gone_user] = [format!("p34{at}0"), format!("p34{at}1")];
            fixture.directory.groups(vec![left("all", &[&leaver])]);
            fixture.directory.users(vec![gone(&gone_user, Gone::Deleted)]);
            fixture.trigger();
            for _ in 0..3 {
                fixture.step().await.unwrap();
            }
            let deltas = summaries(&fixture.published().await);
            let is_out = |id: &str| deltas.iter().any(|summary| summary.starts_with(&format!("{id}:live::")));
            assert!(is_out(&leaver) && deltas.contains(&format!("{gone_user}:live:deleted")), "in phase {at}: {} published", deltas.len());
            assert!(deltas.len() < PEOPLE, "before the others");
        }
        fixture.run_long_cycle().await;
        assert_eq!(fixture.held(), [0, 0]);
    }
}

/// A page may take seconds, and a listing or the names of groups may take minutes.
#[tokio::test]
async fn leavers_pass_while_the_directory_answers_nothing_but_cycles() {
    for request in ["access_policy", "group", "groups", "users", "user_count", "members"] {
        for fixture in fixtures(&["city"]).await {
            let mut fixture = with_ana_and_bo(fixture);
            fixture.directory.members("all", &["ana", "bo"]);
            fixture.run_cycle().await;
            fixture.later(COMPARE);
            let both = vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])];
            fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], both);
            fixture.directory.hold(request);
            fixture.steps_until_held().await;
            fixture.directory.groups(vec![left("all", &["bo"])]);
            fixture.directory.users(vec![gone("ana", Gone::Deleted)]);
            fixture.trigger();
            for _ in 0..3 {
                fixture.step_unanswered().await;
            }
            assert_eq!(summaries(&fixture.published().await), ["ana:live:deleted", "bo:live::-"], "{request}");
            fixture.directory.members("all", &[]);
            fixture.directory.hold("");
            fixture.advance_past_facts();
            assert_eq!((fixture.run_cycle().await, fixture.full_phase()), (vec![], None), "{request}");
        }
    }
}

/// A store that was restored since may have published the user.
#[tokio::test]
async fn the_deletion_of_an_unknown_user_is_published_in_every_phase_of_a_comparison() {
    let phases: [fn(&FullPhase) -> bool; 3] = [
        |phase| matches!(phase, FullPhase::Replace),
        |phase| matches!(phase, FullPhase::Remove),
        |phase| matches!(phase, FullPhase::Project),
    ];
    for phase in phases {
        for fixture in fixtures(&["city"]).await {
            let mut fixture = with_ana_and_bo(fixture);
            fixture.run_cycle().await;
            fixture.later(COMPARE);
            let read = vec![changed("ana", &[("city", "Paris")]), changed("bo", &[]), gone("dee", Gone::Deleted)];
            fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], read);
            fixture.directory.count(2);
            fixture.trigger();
            until(&mut fixture, phase).await;
            fixture.directory.users(vec![gone("cy", Gone::Deleted)]);
            assert_eq!(summaries(&fixture.run_cycle().await), ["cy:live:deleted"], "and no user that only the full read shows as deleted");
        }
    }
}

#[tokio::test]
async fn a_group_that_loses_most_members_during_a_takeover_retains_them() {
    for fixture in fixtures(&["city"]).await {
        let mut fixture = thirty_on(fixture).await;
        fixture.later(COMPARE);
        let all = people(0..30);
        let groups = vec![joined("all", &names(&all[..20])), joined("team", &names(&all[20..])), joined("all", &["group:team"])];
        fixture.directory.full_read(groups, all.iter().map(|id| changed(id, &[("city", "Rome")])).collect());
        fixture.trigger();
        until(&mut fixture, |phase| matches!(phase, FullPhase::Replace)).await;
        fixture.directory.groups(vec![left("all", &names(&all[..16]))]);
        let deltas = fixture.run_cycle().await;
        assert!(summaries(&deltas).iter().all(|summary| summary.contains(":all:")), "{:?}", summaries(&deltas));
        assert_eq!(fixture.held(), [0, 16]);
    }
}

#[tokio::test]
async fn what_a_cycle_reports_of_a_user_is_newer_than_the_pages_of_a_full_read() {
    let (paris, rome) = (|| changed("bo", &[("city", "Paris")]), || changed("bo", &[("city", "Rome")]));
    let out = || gone("bo", Gone::Deleted);
    //   the pages of the full read      the cycle between   published
    for (before, after, reported, want) in [
        (vec![paris()], vec![], vec![rome()], "bo:live:all:Rome"),
        (vec![paris()], vec![paris()], vec![rome()], "bo:live:all:Rome"),
        (vec![], vec![paris()], vec![rome()], "bo:live:all:Rome"),
        (vec![], vec![paris(), changed("bo", &[])], vec![rome()], "bo:live:all:Rome"),
        (vec![], vec![paris()], vec![rome(), out()], "bo:live:deleted"),
        (vec![paris()], vec![paris()], vec![out()], "bo:live:deleted"),
        (vec![], vec![out()], vec![rome()], "bo:live:all:Rome"),
        (vec![], vec![out()], vec![out(), rome()], "bo:live:all:Rome"),
        (vec![], vec![], vec![rome()], "bo:live:all:Rome"),
    ] {
        for restarts in [false, true] {
            for fixture in fixtures(&["city", "department"]).await {
                let mut fixture = with_ana_and_bo(fixture);
                fixture.run_cycle().await;
                fixture.later(COMPARE);
                let shown = format!("{before:?} {after:?} {reported:?}");
                let ana = changed("ana", &[("city", "Paris")]);
                let pages = vec![[vec![ana], before.clone()].concat(), after.clone()];
                fixture.directory.full_read_in_pages(vec![joined("all", &["ana", "bo"])], pages);
                fixture.directory.count(2);
                fixture.trigger();
                while fixture.directory.full_pages() < 1 {
                    fixture.step().await.unwrap();
                }
                fixture.directory.users(reported.clone());
                fixture.trigger();
                fixture.step_cycle().await;
                if restarts {
                    fixture.restart().await;
                }
                let deltas = fixture.run_cycle().await;
                let bo = fixture.published_before().iter().chain(&deltas).filter(|delta| delta.user.as_str() == "bo");
                let bo: Vec<String> = bo.map(summary).collect();
                assert_eq!(bo, [want], "{shown}");
                assert_eq!((fixture.staged().await, fixture.missed_changes()), (0, 0), "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_cycle_reports_of_a_group_and_its_members_is_newer_than_the_pages_of_a_full_read() {
    let (out, back, nothing) = (|| left("all", &["bo"]), || joined("all", &["bo"]), || joined("all", &[]));
    let end = || GroupChange::Gone { id: "all".into() };
    //   before             after               reported                       published last
    for (before, after, reported, want) in [
        (vec![back()], vec![nothing()], vec![out()], "bo:live::-"),
        (vec![back()], vec![back()], vec![out()], "bo:live::-"),
        (vec![nothing()], vec![back()], vec![out()], "bo:live::-"),
        (vec![nothing()], vec![out()], vec![out(), back()], ""),
        (vec![nothing()], vec![nothing()], vec![back()], ""),
        (vec![nothing()], vec![end()], vec![out()], "bo:live::-"),
        (vec![nothing()], vec![joined("all", &["group:team"]), joined("team", &["bo"])], vec![out(), left("all", &["team"])], "bo:live::-"),
    ] {
        for fixture in fixtures(&["city"]).await {
            let mut fixture = with_ana_and_bo(fixture);
            fixture.run_cycle().await;
            fixture.later(COMPARE);
            let shown = format!("{before:?} {after:?} {reported:?}");
            let users = vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])];
            let pages = vec![
                Answer::PageOfGroups([vec![joined("all", &["ana"])], before.clone()].concat()),
                Answer::Groups(after.clone()),
                Answer::Users(users),
            ];
            fixture.directory.full_pages_of(pages, 2);
            fixture.trigger();
            until(&mut fixture, |phase| matches!(phase, FullPhase::Groups(Some(_)))).await;
            fixture.directory.groups(reported.clone());
            fixture.trigger();
            fixture.step_cycle().await;
            fixture.restart().await;
            let deltas = fixture.run_cycle().await;
            let mut bo = fixture.published_before().iter().chain(&deltas).filter(|delta| delta.user.as_str() == "bo");
            assert_eq!(bo.next_back().map(summary).unwrap_or_default(), want, "{shown}");
            assert_eq!(fixture.reported().await, 0, "{shown}");
        }
    }
}

#[tokio::test]
async fn a_group_that_a_cycle_reports_is_not_gone_because_a_full_read_did_not_show_it() {
    for fixture in fixtures(&["city"]).await {
        let mut fixture = with_ana_and_bo(fixture);
        fixture.run_cycle().await;
        fixture.directory.groups(vec![GroupChange::Gone { id: "all".into() }]);
        fixture.run_cycle().await;
        fixture.later(COMPARE);
        let users = vec![vec![changed("ana", &[("city", "Paris")])], vec![changed("bo", &[])]];
        fixture.directory.full_read_in_pages(vec![], users);
        fixture.trigger();
        while fixture.directory.full_pages() < 1 {
            fixture.step().await.unwrap();
        }
        fixture.directory.groups(vec![joined("all", &[])]);
        fixture.trigger();
        fixture.step_cycle().await;
        fixture.restart().await;
        fixture.run_cycle().await;
        assert_eq!(fixture.group_state("all").await, 0, "it was restored after the full read had passed it");
    }
}
