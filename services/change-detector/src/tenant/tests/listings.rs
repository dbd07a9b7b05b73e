//! K-10: members that the delta query leaves out are taken from the group's own listing, in every order.

use super::fixture::{COMPARE, LISTED_PAGE};
use super::*;
use crate::full::FullPhase;

/// Ana and Bo; the delta query lists the group with these members, and the group itself with those.
async fn fixtures(reported: &[&str], listed: &[&str]) -> [Fixture; 2] {
    let fixtures = [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await];
    for fixture in &fixtures {
        fixture.directory.groups(vec![joined("all", reported)]);
        fixture.directory.users(vec![changed("ana", &[]), changed("bo", &[])]);
        fixture.directory.members("all", listed);
    }
    fixtures
}

#[tokio::test]
async fn k_10_members_that_no_delta_lists_are_taken_from_the_group_itself_and_leave_with_its_listing() {
    for mut fixture in fixtures(&[], &["ana", "bo"]).await {
        let first = summaries(&fixture.run_cycle().await);
        assert_eq!((last_of(&first, "ana"), fixture.warning()), ("ana:live:all:-", ""), "the delta query may be behind");
        assert_eq!(later(&mut fixture).await, [""; 0]);
        assert_eq!((fixture.warning(), fixture.directory.full_reads()), ("members_not_in_delta", 1));
        fixture.directory.members("all", &["ana"]);
        assert_eq!(later(&mut fixture).await, ["bo:live::-"]);
        fixture.restart().await;
        fixture.directory.members("all", &["ana", "bo"]);
        assert_eq!(later(&mut fixture).await, ["bo:live:all:-"], "also a successor lists it");
        fixture.directory.groups(vec![joined("all", &["ana", "bo"])]);
        later(&mut fixture).await;
        assert_eq!(fixture.warning(), "", "the delta query reports them now");
        fixture.directory.groups(vec![left("all", &["ana"])]);
        fixture.directory.members("all", &["bo"]);
        assert_eq!(later(&mut fixture).await, ["ana:live::-"]);
    }
}

fn last_of<'a>(summaries: &'a [String], id: &str) -> &'a str {
    summaries.iter().rfind(|summary| summary.starts_with(&format!("{id}:live"))).map_or("", String::as_str)
}

#[tokio::test]
async fn k_10_a_part_of_the_members_and_nested_groups_are_taken_from_the_listing() {
    for mut fixture in fixtures(&["ana"], &["ana", "group:team"]).await {
        fixture.directory.groups(vec![joined("team", &["bo"])]);
        assert_eq!(last_of(&summaries(&fixture.run_cycle().await), "bo"), "bo:live:all:-");
        later(&mut fixture).await;
        assert_eq!(fixture.warning(), "members_not_in_delta");
        fixture.directory.members("all", &["ana"]);
        assert_eq!(later(&mut fixture).await, ["bo:live::-"]);
    }
}

#[tokio::test]
async fn k_10_a_full_read_that_omits_members_takes_no_user_out_of_a_group_that_lists_them() {
    for listed in [&["ana", "bo"][..], &["ana"]] {
        for mut fixture in fixtures(&["ana", "bo"], &["ana", "bo"]).await {
            fixture.run_cycle().await;
            fixture.directory.members("all", listed);
            fixture.later(COMPARE);
            fixture.directory.full_read(vec![joined("all", &[])], vec![changed("ana", &[]), changed("bo", &[])]);
            let want = if listed.len() == 2 { vec![] } else { vec!["bo:live::-"] };
            assert_eq!(summaries(&fixture.run_cycle().await), want, "{listed:?}");
            fixture.later(COMPARE);
            fixture.directory.full_read(vec![joined("all", &[])], vec![changed("ana", &[]), changed("bo", &[])]);
            assert_eq!(summaries(&fixture.run_cycle().await), [""; 0], "nor does the next one");
        }
    }
}

#[tokio::test]
async fn k_10_a_large_listing_resumes_and_does_not_undo_what_a_cycle_reports() {
    const PEOPLE: usize = 2_500;
    let all: Vec<String> = (0..PEOPLE).map(|number| format!("p{number:04}")).collect();
    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_limited_postgres(&["city"], &["all"]).await] {
        let mut fixture = fixture;
        fixture.directory.groups(vec![joined("all", &["p2400", "p2401"])]);
        fixture.directory.users(all.iter().map(|id| changed(id, &[])).collect());
        assert_eq!(fixture.run_cycle().await.len(), PEOPLE);
        fixture.directory.members("all", &names(&all));
        fixture.later(COMPARE / 100);
        fixture.trigger();
        while fixture.directory.listed_pages() < 1 {
            fixture.step().await.unwrap();
        }
        fixture.step().await.unwrap();
        fixture.restart().await;
        // Both are on the last page of the listing, which the directory made before.
        fixture.directory.groups(vec![left("all", &["p2400"])]);
        fixture.trigger();
        fixture.step_cycle().await;
        let mut deltas = fixture.published_before().to_vec();
        deltas.extend(fixture.run_cycle_killed(40).await);
        let of = |id: &str| deltas.iter().filter(|delta| delta.user.as_str() == id).map(summary).next_back();
        assert_eq!(of("p2400").as_deref(), Some("p2400:live::-"), "a cycle took them out");
        assert_eq!(of("p0000").as_deref(), Some("p0000:live:all:-"));
        assert_eq!(deltas.len(), PEOPLE - 1, "each once, and no one who was in");
        assert!(fixture.directory.listed_pages() <= 2 * PEOPLE.div_ceil(LISTED_PAGE), "{} pages", fixture.directory.listed_pages());
    }
}

#[tokio::test]
async fn k_10_a_listing_that_collapses_takes_no_user_out_of_a_group() {
    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
        let mut fixture = fixture;
        let all = people(0..30);
        fixture.directory.groups(vec![joined("all", &[])]);
        fixture.directory.users(all.iter().map(|id| changed(id, &[])).collect());
        fixture.directory.members("all", &names(&all));
        fixture.run_cycle().await;
        fixture.directory.members("all", &names(&all[..2]));
        assert_eq!((later(&mut fixture).await.len(), fixture.held()), (0, [0, 28]));
        fixture.directory.members("all", &names(&all));
        assert_eq!((later(&mut fixture).await.len(), fixture.held()), (0, [0, 0]), "they are back");
    }
}

/// A full read omits a group's members; before the group is listed, a cycle reports that one of them leaves another group.
#[tokio::test]
async fn k_10_a_user_who_leaves_one_group_stays_in_another_that_is_still_to_be_listed() {
    for fixture in [Fixture::new(&["city"], &["all", "other"]).await, Fixture::on_postgres(&["city"], &["all", "other"]).await] {
        let mut fixture = fixture;
        let users = || vec![changed("ana", &[]), changed("bo", &[])];
        fixture.directory.groups(vec![joined("all", &["ana", "bo"]), joined("other", &["ana", "bo"])]);
        fixture.directory.users(users());
        fixture.directory.members("all", &["ana", "bo"]);
        fixture.directory.members("other", &["ana", "bo"]);
        fixture.run_cycle().await;
        fixture.later(COMPARE);
        fixture.directory.full_read(vec![joined("all", &["ana", "bo"]), joined("other", &[])], users());
        fixture.trigger();
        fixture.directory.throttle_listing("other", true);
        fixture.run_cycle().await;
        assert_eq!(fixture.full_phase(), Some(FullPhase::Project), "it waits for the listing");
        fixture.directory.members("all", &["bo"]);
        fixture.directory.groups(vec![left("all", &["ana"])]);
        let mut deltas = summaries(&fixture.run_cycle().await);
        fixture.directory.throttle_listing("other", false);
        deltas.extend(later(&mut fixture).await);
        assert_eq!(deltas, ["ana:live:other:-"], "never as in neither group");
    }
}

/// A directory answers from replicas: the one that lists the members may be behind the one that the delta query asks.
#[tokio::test]
async fn k_10_a_member_that_a_listing_does_not_show_yet_stays() {
    for mut fixture in fixtures(&["ana"], &["ana"]).await {
        fixture.run_cycle().await;
        fixture.later(COMPARE);
        fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[]), changed("bo", &[])]);
        assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live:all:-"]);
        assert_eq!(fixture.directory.listed_pages(), 2, "it does not show the user");
        fixture.directory.members("all", &["ana", "bo"]);
        assert_eq!((later(&mut fixture).await, fixture.directory.listed_pages()), (vec![], 3), "it is repeated until it does");
    }
}

/// A group of three pages whose listing has come to the second one, in a tenant where another group is in no listing.
async fn at_second_page() -> [Fixture; 2] {
    let all: Vec<String> = (0..2_500).map(|number| format!("p{number:04}")).collect();
    let mut fixtures = [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await];
    for fixture in &mut fixtures {
        fixture.directory.groups(vec![joined("all", &names(&all))]);
        fixture.directory.users(all.iter().map(|id| changed(id, &[])).collect());
        fixture.directory.members("all", &names(&all));
        fixture.trigger();
        while fixture.directory.listed_pages() < 1 {
            fixture.step().await.unwrap();
        }
        fixture.directory.throttle_listing("all", true);
    }
    fixtures
}

#[tokio::test]
async fn k_10_a_listing_that_is_throttled_goes_on_where_it_was() {
    for mut fixture in at_second_page().await {
        later(&mut fixture).await;
        assert_eq!(fixture.directory.listed_pages(), 1);
        fixture.directory.throttle_listing("all", false);
        later(&mut fixture).await;
        assert_eq!(fixture.directory.listed_pages(), 3, "no page twice");
    }
}

#[tokio::test]
async fn k_10_the_listing_of_a_group_that_no_scope_refers_to_any_more_is_dropped() {
    for mut fixture in at_second_page().await {
        fixture.directory.groups(vec![left("all", &["p2400"])]);
        fixture.run_cycle().await;
        assert!(fixture.reported().await > 0, "what cycles report beside it is noted");
        fixture.configure(&["city"], &["other"], 2).await;
        later(&mut fixture).await;
        assert_eq!(fixture.reported().await, 0);
        fixture.directory.throttle_listing("all", false);
        later(&mut fixture).await;
        assert_eq!(fixture.directory.listed_pages(), 1);
    }
}

#[tokio::test]
async fn k_10_a_full_read_that_omits_a_member_has_a_listing_under_way_begin_anew() {
    for mut fixture in at_second_page().await {
        fixture.step().await.unwrap();
        let all: Vec<String> = (0..2_500).map(|number| format!("p{number:04}")).collect();
        fixture.later(COMPARE);
        let users = all.iter().map(|id| changed(id, &[])).collect();
        fixture.directory.full_read(vec![joined("all", &names(&all[1..]))], users);
        fixture.trigger();
        while fixture.full_phase() != Some(FullPhase::Project) {
            fixture.step().await.unwrap();
        }
        fixture.published().await;
        fixture.directory.throttle_listing("all", false);
        assert_eq!((later(&mut fixture).await.len(), fixture.full_phase()), (0, None), "the first page has shown that member");
    }
}

/// Its successor has not looked at any group yet, and never will.
#[tokio::test]
async fn k_10_a_full_read_ends_where_facts_cannot_be_read() {
    for mut fixture in fixtures(&["ana", "bo"], &["ana", "bo"]).await {
        fixture.run_cycle().await;
        fixture.later(COMPARE);
        let users = vec![changed("ana", &[]), changed("bo", &[]), changed("cy", &[])];
        fixture.directory.full_read(vec![joined("all", &["ana", "bo", "cy"])], users);
        fixture.trigger();
        while fixture.full_phase() != Some(FullPhase::Replace) {
            fixture.step().await.unwrap();
        }
        fixture.directory.members("all", &["ana", "bo", "cy"]);
        fixture.directory.refuse_policy(true);
        fixture.restart().await;
        assert_eq!((later(&mut fixture).await, fixture.full_phase()), (vec!["cy:replay:all:-".to_owned()], None));
    }
}
