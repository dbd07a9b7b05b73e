//! The slow comparison: what delta queries lost is found, published and counted.

use super::stage::COMPARE;
use super::*;

/// Ana and Bo as they were told first, and then a whole comparison later.
async fn at_comparison() -> Stage {
    let mut stage = ana_and_bo().await;
    stage.settle().await;
    stage.later(COMPARE);
    stage
}

#[tokio::test]
async fn what_delta_queries_lost_is_found_published_and_counted() {
    let mut stage = at_comparison().await;
    stage.directory.everything(vec![joined("all", &["ana", "cy"])], vec![changed("ana", &[("city", "Rome")]), changed("cy", &[])]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome", "bo:live:deleted", "cy:replay:all:-"]);
    assert_eq!((stage.directory.readings(), stage.found_lost()), (2, 3));
    stage.settle().await;
    assert_eq!((stage.directory.readings(), stage.found_lost()), (2, 3), "not again before it is time");
}

#[tokio::test]
async fn whoever_changed_while_everything_was_read_was_not_lost() {
    let mut stage = at_comparison().await;
    stage.directory.everything(vec![joined("all", &["ana"])], vec![changed("ana", &[("city", "Rome")])]);
    stage.directory.groups(vec![left("all", &["bo"])]);
    stage.directory.users(vec![changed("ana", &[("city", "Rome")]), gone("bo", Gone::Deleted)]);
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome", "bo:live:deleted"]);
    assert_eq!((stage.directory.readings(), stage.found_lost()), (2, 0));
}

#[tokio::test]
async fn where_delta_queries_cannot_be_followed_on_what_was_lost_is_published_and_not_counted() {
    let mut stage = at_comparison().await;
    stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
    stage.directory.answer_last(Answer::Fail(DirectoryError::Resync));
    assert_eq!(told(&stage.settle().await), ["ana:live:all:Rome"]);
    assert_eq!((stage.directory.readings(), stage.found_lost()), (2, 0));
}

#[tokio::test]
async fn a_successor_knows_when_everything_was_read() {
    let mut stage = at_comparison().await;
    stage.restart().await;
    stage.directory.everything(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    assert_eq!(stage.settle().await, []);
    assert_eq!(stage.directory.readings(), 2);
    stage.restart().await;
    stage.settle().await;
    assert_eq!(stage.directory.readings(), 2);
}
