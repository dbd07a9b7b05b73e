//! What the names of groups resolve to stands on the bus, whatever was asked before.

use xtsync_domain::fact::GroupState;

use super::stage::{Stage, changed, joined, written};
use super::told;
use crate::names::Names;

/// K-30: back to a former name, beside another one, after a restart, and where the detector saw nothing of what was between.
#[tokio::test]
async fn a_name_that_is_written_again_is_looked_up_again() {
    let mut stage = Stage::new(&["city"], &[]).await;
    stage.directory.named("A", &["1"]);
    stage.directory.named("B", &["2", "3"]);
    stage.names(written(1, &["A"])).await;
    stage.settle().await;
    assert_eq!(stage.resolved().await, ["A@1: 1"]);
    stage.names(written(2, &["B"])).await;
    stage.settle().await;
    assert_eq!(stage.resolved().await, ["B@2: 2,3"], "what is not written does not stand");
    stage.directory.named("A", &["4"]);
    stage.names(written(3, &["A", "B"])).await;
    stage.settle().await;
    assert_eq!(stage.resolved().await, ["A@3: 4", "B@3: 2,3"]);
    stage.names(written(5, &["A", "B"])).await;
    stage.settle().await;
    assert_eq!(stage.resolved().await, ["A@5: 4", "B@5: 2,3"], "what was written between was never seen");
    stage.directory.named("A", &[]);
    stage.restart().await;
    stage.settle().await;
    assert_eq!(stage.resolved().await, ["A@5: ", "B@5: 2,3"]);
    stage.directory.named("A", &["5"]);
    stage.later_than_facts();
    stage.settle().await;
    assert_eq!(stage.resolved().await, ["A@5: 5", "B@5: 2,3"], "found later");
}

#[tokio::test]
async fn a_name_that_the_directory_makes_no_sense_of_keeps_no_other_from_being_known() {
    let mut stage = Stage::new(&["city"], &["all"]).await;
    stage.directory.refuse("A");
    stage.directory.named("B", &["2"]);
    stage.names(written(1, &["A", "B"])).await;
    stage.directory.groups(vec![joined("all", &["ana"])]);
    stage.directory.users(vec![changed("ana", &[])]);
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:-"]);
    assert_eq!(stage.resolved().await, ["B@1: 2"]);
}

#[tokio::test]
async fn a_mistyped_name_holds_up_no_synchronization_that_is_in_force() {
    let mut stage = Stage::new(&["city"], &["all"]).await;
    stage.directory.state("all", GroupState::Present);
    stage.names(Names { unresolved: ["Al".to_owned()].into(), any_in_force: true, ..written(1, &["Al", "All"]) }).await;
    stage.directory.groups(vec![joined("all", &["ana"])]);
    stage.directory.users(vec![changed("ana", &[])]);
    assert_eq!(told(&stage.settle().await), ["ana:initial:all:-"]);
}

#[tokio::test]
async fn users_wait_for_a_name_that_is_about_to_get_its_id() {
    let mut stage = Stage::new(&["city"], &["all"]).await;
    stage.directory.named("Two", &["two"]);
    stage.names(Names { unresolved: ["Two".to_owned()].into(), any_in_force: true, ..written(1, &["All", "Two"]) }).await;
    stage.directory.groups(vec![joined("all", &["ana"]), joined("two", &["ana"])]);
    stage.directory.users(vec![changed("ana", &[])]);
    assert_eq!(stage.settle().await, [], "or a tenant would be published twice");
    stage.order(&["city"], &["all", "two"], 2).await;
    assert_eq!(told(&stage.settle().await), ["ana:initial:all+two:-"]);
}
