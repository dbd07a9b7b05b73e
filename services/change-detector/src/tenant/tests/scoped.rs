//! Users in no scope: they are not published unless they were, and nothing is kept that no projection names.

use super::stage::scoped;
use super::*;

/// Ana is in the group, Bo is not, and Cy only through a team in it.
async fn three(nested: &[&str]) -> Stage {
    let stage = Stage::ordered(scoped(&["city", "accountEnabled"], &["all"], nested)).await;
    stage.directory.groups(vec![joined("all", &["ana", "group:team"]), joined("team", &["cy"])]);
    let city = |id, city| changed(id, &[("city", city), ("department", "Sales")]);
    stage.directory.users(vec![city("ana", "Paris"), city("bo", "Rome"), city("cy", "Oslo")]);
    stage
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
    let mut stage = three(&[]).await;
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:Paris"]);
    stage.directory.users(vec![changed("bo", &[("city", "Bern")]), gone("cy", Gone::SoftDeleted)]);
    assert_eq!(stage.settle().await, []);
    stage.directory.groups(vec![joined("all", &["bo"])]);
    stage.directory.users(vec![changed("cy", &[])]);
    assert_eq!(told(&stage.settle().await), ["bo:live:all:Bern"]);

    let mut stage = three(&["all"]).await;
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:Paris", "cy:initial:all:Oslo"]);
}

#[tokio::test]
async fn who_leaves_every_scope_is_published_once_more_without_attributes_but_whether_they_may_sign_in() {
    let mut stage = three(&[]).await;
    stage.settle().await;
    stage.directory.groups(vec![left("all", &["ana"])]);
    let deltas = stage.settle().await;
    assert_eq!((told(&deltas), attributes(&deltas[0])), (vec!["ana:live::-".to_owned()], vec![]), "left out, not empty");
    stage.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    assert_eq!(stage.settle().await, [], "what is not needed is no news");
    let disabled = [("accountEnabled", Value::Flag(false))].into_iter().collect();
    stage.directory.users(vec![UserChange::Changed { id: "ana".into(), attributes: disabled }]);
    assert_eq!(attributes(&stage.settle().await[0]), ["accountEnabled"]);
    stage.directory.groups(vec![joined("all", &["ana"])]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome"]);
    stage.directory.groups(vec![left("all", &["ana"])]);
    stage.settle().await;
    stage.directory.users(vec![gone("ana", Gone::Deleted)]);
    assert_eq!(told(&stage.settle().await), ["ana:live:deleted"]);
}

#[tokio::test]
async fn a_scope_that_changes_brings_in_those_it_concerns_and_no_others() {
    let mut stage = three(&[]).await;
    stage.settle().await;
    stage.project(scoped(&["city", "accountEnabled"], &["all"], &["all"]), 2).await;
    assert_eq!(told(&stage.settle().await), ["ana:replay:all:Paris", "cy:replay:all:Oslo"]);
    stage.order(&["city", "accountEnabled"], &["all"], 3).await;
    assert_eq!(told(&stage.settle().await), ["ana:replay:all:Paris", "bo:replay::Rome", "cy:replay:all:Oslo"], "everyone");
    stage.project(scoped(&["city", "accountEnabled"], &["team"], &[]), 4).await;
    let deltas = stage.settle().await;
    assert_eq!(told(&deltas), ["ana:replay::-", "bo:replay::-", "cy:replay:team:Oslo"]);
}

#[tokio::test]
async fn an_external_user_is_published_without_attributes_and_only_as_a_member_of_a_scope_s_group() {
    let mut stage = Stage::ordered(xtsync_domain::resource::Projection { everyone: true, ..scoped(&["city"], &["all"], &[]) }).await;
    stage.directory.groups(vec![joined("all", &["guest"])]);
    let guest = |id| changed(id, &[("city", "Rome"), ("kind", "external")]);
    stage.directory.users(vec![guest("guest"), guest("other")]);
    let deltas = stage.settle().await;
    assert_eq!(told(&deltas), ["guest:initial:all:-"]);
    assert_eq!(attributes(&deltas[0]), Vec::<&str>::new());
}

#[tokio::test]
async fn the_mirror_keeps_what_the_projection_names_and_reads_again_what_it_did_not_keep() {
    let mut stage = three(&[]).await;
    stage.settle().await;
    assert_eq!((stage.kept_of("ana").await, stage.kept_of("bo").await), (vec!["city".to_owned()], vec!["city".to_owned()]));
    stage.project(scoped(&["accountEnabled"], &["all"], &[]), 2).await;
    stage.settle().await;
    assert_eq!(stage.kept_of("bo").await, Vec::<String>::new());
    let readings = stage.directory.readings();
    stage.project(scoped(&["accountEnabled", "department"], &["all"], &[]), 3).await;
    let all = ["ana", "bo", "cy"].map(|id| changed(id, &[("city", "Paris"), ("department", "Sales")]));
    stage.directory.everything(vec![joined("all", &["ana", "group:team"]), joined("team", &["cy"])], all.into());
    stage.settle().await;
    assert_eq!((stage.directory.readings(), stage.kept_of("bo").await), (readings + 1, vec!["department".to_owned()]));
}

#[tokio::test]
async fn a_value_that_was_not_taken_is_left_out_and_neither_kept_nor_emptied() {
    let mut stage = three(&[]).await;
    stage.settle().await;
    let mut unread = xtsync_domain::Attributes::default();
    unread.set_unread("city");
    stage.directory.users(vec![UserChange::Changed { id: "ana".into(), attributes: unread }]);
    assert_eq!(attributes(&stage.settle().await[0]), ["accountEnabled"]);
    stage.directory.users(vec![changed("ana", &[("city", "Rome")])]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome"]);
}
