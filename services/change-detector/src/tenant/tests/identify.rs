//! A domain that leads to another directory.

use super::*;

#[tokio::test]
async fn nothing_is_read_from_another_directory_and_all_goes_on_when_the_domain_leads_back() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.is("other");
    stage.later_than_facts();
    stage.directory.users(vec![changed("eve", &[]), gone("ana", Gone::Deleted)]);
    assert_eq!(told(&stage.settle().await), [""; 0]);
    assert_eq!(stage.blocked(), "directory_changed");
    // Nor does whoever takes it up next, without having been told of any directory.
    stage.restart().await;
    assert_eq!(told(&stage.settle().await), [""; 0]);
    assert_eq!(stage.blocked(), "directory_changed");
    stage.directory.is("EMEA");
    stage.later_than_facts();
    assert_eq!(told(&stage.settle().await), ["ana:live:deleted", "eve:live::-"]);
    assert_eq!((stage.blocked(), stage.directory.readings()), ("", 1));
}

#[tokio::test]
async fn what_was_pinned_counts_also_where_the_mirror_knows_no_directory() {
    let mut stage = ana_and_bo().await;
    stage.confirm("pinned").await;
    assert_eq!(told(&stage.settle().await), [""; 0]);
    assert_eq!((stage.blocked(), stage.directory.readings()), ("directory_changed", 0));
    stage.directory.is("pinned");
    stage.later_than_facts();
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
}

#[tokio::test]
async fn a_directory_that_was_confirmed_is_read_from_the_beginning() {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.directory.is("other");
    stage.later_than_facts();
    assert_eq!(told(&stage.settle().await), [""; 0]);
    stage.directory.everything(
        vec![joined("all", &["ana", "bo", "cy"])],
        vec![changed("ana", &[("city", "Rome")]), changed("bo", &[]), changed("cy", &[])],
    );
    stage.confirm("other").await;
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome", "cy:replay:all:-"]);
    assert_eq!((stage.blocked(), stage.directory.readings()), ("", 2));
    // It is read once.
    stage.restart().await;
    stage.settle().await;
    assert_eq!(stage.directory.readings(), 2);
}
