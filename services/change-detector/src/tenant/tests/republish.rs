//! Republication: in batches, and after all other work.

use std::collections::BTreeMap;

use xtsync_domain::UserId;
use xtsync_store::republish::{BATCH_INTERVAL, BATCH_ROWS};

use super::fixture::FORGET;
use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn published_users_are_republished_once_a_day_with_unchanged_versions() {
    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
        let mut fixture = with_ana_and_bo(fixture);
        fixture.set_republish_interval(DAY);
        let first = fixture.run_cycle().await;
        assert_eq!(fixture.run_cycle().await, [], "a new user has just been published whole");
        fixture.later(DAY);
        let again = fixture.run_cycle().await;
        assert_eq!(summaries(&again), ["ana:republish:all:Paris", "bo:republish:all:-"]);
        assert_eq!(versions(&again), versions(&first));
        assert_eq!(fixture.run_cycle().await, []);
    }
}

fn versions(deltas: &[UserDelta]) -> BTreeMap<UserId, u64> {
    deltas.iter().map(|delta| (delta.user.clone(), delta.version)).collect()
}

#[tokio::test]
async fn live_changes_precede_the_next_piece_and_a_successor_resumes_republishing() {
    let mut fixture = Fixture::new(&["city"], &["all"]).await;
    let all = people(0..BATCH_ROWS + 10);
    fixture.directory.users(all.iter().map(|id| changed(id, &[])).collect());
    fixture.run_cycle().await;
    fixture.request_republish().await;
    fixture.fill(true);
    assert_eq!(fixture.run_cycle().await, [], "who takes them has much else to do");
    fixture.fill(false);
    fixture.later(BATCH_INTERVAL);
    assert_eq!(fixture.run_cycle().await.len(), BATCH_ROWS);
    assert_eq!(fixture.run_cycle().await, [], "others go first for a while");
    fixture.restart().await;
    fixture.later(BATCH_INTERVAL);
    fixture.directory.users(vec![changed("p00", &[("city", "Rome")])]);
    assert_eq!(summaries(&fixture.first_published().await), ["p00:live::Rome"]);
    assert_eq!(fixture.run_cycle().await.len(), 10);
    fixture.later(DAY);
    assert_eq!(fixture.run_cycle().await, [], "once it is complete it is not begun again before it is asked for");
}

#[tokio::test]
async fn a_user_gone_for_long_gets_a_tombstone_and_may_come_back() {
    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
        let mut fixture = with_ana_and_bo(fixture);
        fixture.run_cycle().await;
        fixture.directory.users(vec![gone("bo", Gone::SoftDeleted)]);
        fixture.run_cycle().await;
        fixture.later(FORGET.saturating_sub(DAY));
        // So late everything is compared too.
        fixture.directory.full_read(vec![joined("all", &["ana"])], vec![changed("ana", &[("city", "Paris")])]);
        fixture.request_republish().await;
        assert_eq!(summaries(&fixture.run_cycle().await), ["ana:republish:all:Paris", "bo:republish:bin"]);
        fixture.later(DAY);
        fixture.request_republish().await;
        assert_eq!(
            (summaries(&fixture.run_cycle().await), &*fixture.ended),
            (vec!["ana:republish:all:Paris".to_owned()], &["bo".to_owned()][..])
        );
        fixture.request_republish().await;
        fixture.run_cycle().await;
        assert_eq!(fixture.ended.len(), 1, "the user is forgotten");
        fixture.restart().await;
        assert_eq!(fixture.run_cycle().await, [], "and is not taken for lost");
        fixture.directory.users(vec![changed("bo", &[])]);
        assert_eq!(summaries(&fixture.run_cycle().await), ["bo:live::-"]);
    }
}
