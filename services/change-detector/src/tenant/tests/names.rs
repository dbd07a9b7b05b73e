//! What the names of groups resolve to stands on the bus, whatever was asked before.

use xtsync_domain::fact::GroupState;

use super::fixture::{Fixture, changed, joined, written};
use super::summaries;
use crate::names::Names;

/// K-30: back to a former name, beside another one, after a restart, and where the detector saw nothing of what was between.
#[tokio::test]
async fn a_name_that_is_written_again_is_looked_up_again() {
    let mut fixture = Fixture::new(&["city"], &[]).await;
    fixture.directory.named("A", &["1"]);
    fixture.directory.named("B", &["2", "3"]);
    fixture.names(written(1, &["A"])).await;
    fixture.run_cycle().await;
    assert_eq!(fixture.resolved().await, ["A@1: 1"]);
    fixture.names(written(2, &["B"])).await;
    fixture.run_cycle().await;
    assert_eq!(fixture.resolved().await, ["B@2: 2,3"], "what is not written does not stand");
    fixture.directory.named("A", &["4"]);
    fixture.names(written(3, &["A", "B"])).await;
    fixture.run_cycle().await;
    assert_eq!(fixture.resolved().await, ["A@3: 4", "B@3: 2,3"]);
    fixture.names(written(5, &["A", "B"])).await;
    fixture.run_cycle().await;
    assert_eq!(fixture.resolved().await, ["A@5: 4", "B@5: 2,3"], "what was written between was never seen");
    fixture.directory.named("A", &[]);
    fixture.restart().await;
    fixture.run_cycle().await;
    assert_eq!(fixture.resolved().await, ["A@5: ", "B@5: 2,3"]);
    fixture.directory.named("A", &["5"]);
    fixture.advance_past_facts();
    fixture.run_cycle().await;
    assert_eq!(fixture.resolved().await, ["A@5: 5", "B@5: 2,3"], "found later");
}

#[tokio::test]
async fn a_name_that_the_directory_rejects_blocks_no_other_name() {
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    fixture.directory.refuse("A");
    fixture.directory.named("B", &["2"]);
    fixture.names(written(1, &["A", "B"])).await;
    fixture.directory.groups(vec![joined("all", &["ana"])]);
    fixture.directory.users(vec![changed("ana", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:-"]);
    assert_eq!(fixture.resolved().await, ["B@1: 2"]);
}

#[tokio::test]
async fn a_mistyped_name_blocks_no_synchronization_in_force() {
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    fixture.directory.state("all", GroupState::Present);
    fixture.names(Names { unresolved: ["Al".to_owned()].into(), any_in_force: true, ..written(1, &["Al", "All"]) }).await;
    fixture.directory.groups(vec![joined("all", &["ana"])]);
    fixture.directory.users(vec![changed("ana", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:-"]);
}

#[tokio::test]
async fn users_wait_for_a_name_that_is_about_to_get_its_id() {
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    fixture.directory.named("Two", &["two"]);
    fixture.names(Names { unresolved: ["Two".to_owned()].into(), any_in_force: true, ..written(1, &["All", "Two"]) }).await;
    fixture.directory.groups(vec![joined("all", &["ana"]), joined("two", &["ana"])]);
    fixture.directory.users(vec![changed("ana", &[])]);
    assert_eq!(fixture.run_cycle().await, [], "or a tenant would be published twice");
    fixture.configure(&["city"], &["all", "two"], 2).await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all+two:-"]);
}

/// The gate closes where facts are not known fresh, and opens no sooner for a throttled delta query.
#[tokio::test]
async fn facts_are_read_while_every_cycle_fails() {
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    fixture.run_cycle().await;
    fixture.directory.throttle_cycles(true);
    fixture.directory.named("A", &["1"]);
    fixture.names(written(1, &["A"])).await;
    fixture.trigger();
    assert!(fixture.step().await.is_err());
    for _ in 0..500 {
        if fixture.resolved().await == ["A@1: 1"] {
            return;
        }
        fixture.pause().await;
    }
    panic!("the name is not looked up");
}
