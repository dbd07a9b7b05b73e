//! Users in no scope: they are not published unless they were, and nothing is kept that no projection names.

use super::fixture::scoped;
use super::*;

/// Ana is in the group, Bo is not, and Cy only through a team in it.
async fn three(nested: &[&str]) -> Fixture {
    let fixture = Fixture::with_projection(scoped(&["city", "accountEnabled"], &["all"], nested)).await;
    fixture.directory.groups(vec![joined("all", &["ana", "group:team"]), joined("team", &["cy"])]);
    let city = |id, city| changed(id, &[("city", city), ("department", "Sales")]);
    fixture.directory.users(vec![city("ana", "Paris"), city("bo", "Rome"), city("cy", "Oslo")]);
    fixture
}

/// The attributes of a delta, by name.
fn attributes(delta: &UserDelta) -> Vec<&str> {
    match &delta.state {
        State::Present(user) => user.attributes.iter().map(|(name, _)| name).collect(),
        State::Gone(_) => panic!("they are here"),
    }
}

#[tokio::test]
async fn only_users_in_some_scope_are_published_and_the_others_when_they_come_in() {
    let mut fixture = three(&[]).await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:Paris"]);
    fixture.directory.users(vec![changed("bo", &[("city", "Bern")]), gone("cy", Gone::SoftDeleted)]);
    assert_eq!(fixture.run_cycle().await, []);
    fixture.directory.groups(vec![joined("all", &["bo"])]);
    fixture.directory.users(vec![changed("cy", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live:all:Bern"]);

    let mut fixture = three(&["all"]).await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:Paris", "cy:initial:all:Oslo"]);
}

#[tokio::test]
async fn a_user_who_leaves_every_scope_is_published_once_more_with_only_the_sign_in_attribute() {
    let mut fixture = three(&[]).await;
    fixture.run_cycle().await;
    fixture.directory.groups(vec![left("all", &["ana"])]);
    let deltas = fixture.run_cycle().await;
    assert_eq!((summaries(&deltas), attributes(&deltas[0])), (vec!["ana:live::-".to_owned()], vec![]), "left out, not empty");
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    assert_eq!(fixture.run_cycle().await, [], "what is not needed is no news");
    let disabled = [("accountEnabled", Value::Flag(false))].into_iter().collect();
    fixture.directory.users(vec![UserChange::Changed { id: "ana".into(), attributes: disabled }]);
    assert_eq!(attributes(&fixture.run_cycle().await[0]), ["accountEnabled"]);
    fixture.directory.groups(vec![joined("all", &["ana"])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome"]);
    fixture.directory.groups(vec![left("all", &["ana"])]);
    fixture.run_cycle().await;
    fixture.directory.users(vec![gone("ana", Gone::Deleted)]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:deleted"]);
}

#[tokio::test]
async fn a_scope_that_changes_brings_in_those_it_concerns_and_no_others() {
    let mut fixture = three(&[]).await;
    fixture.run_cycle().await;
    fixture.project(scoped(&["city", "accountEnabled"], &["all"], &["all"]), 2).await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:replay:all:Paris", "cy:replay:all:Oslo"]);
    fixture.configure(&["city", "accountEnabled"], &["all"], 3).await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:replay:all:Paris", "bo:replay::Rome", "cy:replay:all:Oslo"], "everyone");
    fixture.project(scoped(&["city", "accountEnabled"], &["team"], &[]), 4).await;
    let deltas = fixture.run_cycle().await;
    assert_eq!(summaries(&deltas), ["ana:replay::-", "bo:replay::-", "cy:replay:team:Oslo"]);
}

#[tokio::test]
async fn an_external_user_is_published_without_attributes_and_only_as_a_member_of_a_scope_s_group() {
    let mut fixture =
        Fixture::with_projection(xtsync_domain::resource::Projection { everyone: true, ..scoped(&["city"], &["all"], &[]) }).await;
    fixture.directory.groups(vec![joined("all", &["guest"])]);
    let guest = |id| changed(id, &[("city", "Rome"), ("kind", "external")]);
    fixture.directory.users(vec![guest("guest"), guest("other")]);
    let deltas = fixture.run_cycle().await;
    assert_eq!(summaries(&deltas), ["guest:initial:all:-"]);
    assert_eq!(attributes(&deltas[0]), Vec::<&str>::new());
}

#[tokio::test]
async fn the_mirror_stores_projected_attributes_and_reads_again_those_it_did_not_store() {
    let mut fixture = three(&[]).await;
    fixture.run_cycle().await;
    assert_eq!(
        (fixture.stored_attributes("ana").await, fixture.stored_attributes("bo").await),
        (vec!["city".to_owned()], vec!["city".to_owned()])
    );
    fixture.project(scoped(&["accountEnabled"], &["all"], &[]), 2).await;
    fixture.run_cycle().await;
    assert_eq!(fixture.stored_attributes("bo").await, Vec::<String>::new());
    let full_reads = fixture.directory.full_reads();
    fixture.project(scoped(&["accountEnabled", "department"], &["all"], &[]), 3).await;
    let all = ["ana", "bo", "cy"].map(|id| changed(id, &[("city", "Paris"), ("department", "Sales")]));
    fixture.directory.full_read(vec![joined("all", &["ana", "group:team"]), joined("team", &["cy"])], all.into());
    fixture.run_cycle().await;
    assert_eq!((fixture.directory.full_reads(), fixture.stored_attributes("bo").await), (full_reads + 1, vec!["department".to_owned()]));
}

#[tokio::test]
async fn an_unread_value_is_left_out_and_neither_stored_nor_emptied() {
    let mut fixture = three(&[]).await;
    fixture.run_cycle().await;
    let mut unread = xtsync_domain::Attributes::default();
    unread.set_unread("city");
    fixture.directory.users(vec![UserChange::Changed { id: "ana".into(), attributes: unread }]);
    assert_eq!(attributes(&fixture.run_cycle().await[0]), ["accountEnabled"]);
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome"]);
}
