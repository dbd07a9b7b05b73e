//! The scrub: what is published is told again, a piece at a time and after everything else.

use std::collections::BTreeMap;

use xtsync_domain::UserId;
use xtsync_store::scrub::{PAUSE, PIECE};

use super::stage::FORGET;
use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn what_is_published_is_told_again_once_a_day_under_its_version() {
    for stage in [Stage::new(&["city"], &["all"]).await, Stage::on_postgres(&["city"], &["all"]).await] {
        let mut stage = with_ana_and_bo(stage);
        stage.scrub_every(DAY);
        let first = stage.settle().await;
        assert_eq!(stage.settle().await, [], "whoever is new has just been told everything");
        stage.later(DAY);
        let again = stage.settle().await;
        assert_eq!(told(&again), ["ana:scrub:all:Paris", "bo:scrub:all:-"]);
        assert_eq!(versions(&again), versions(&first));
        assert_eq!(stage.settle().await, []);
    }
}

fn versions(deltas: &[UserDelta]) -> BTreeMap<UserId, u64> {
    deltas.iter().map(|delta| (delta.user.clone(), delta.version)).collect()
}

#[tokio::test]
async fn what_is_live_goes_before_the_next_piece_and_a_successor_goes_on_where_the_scrub_was() {
    let mut stage = Stage::new(&["city"], &["all"]).await;
    let all = people(0..PIECE + 10);
    stage.directory.users(all.iter().map(|id| changed(id, &[])).collect());
    stage.settle().await;
    stage.ask_scrub().await;
    stage.fill(true);
    assert_eq!(stage.settle().await, [], "who takes them has much else to do");
    stage.fill(false);
    stage.later(PAUSE);
    assert_eq!(stage.settle().await.len(), PIECE);
    assert_eq!(stage.settle().await, [], "others go first for a while");
    stage.restart().await;
    stage.later(PAUSE);
    stage.directory.users(vec![changed("p00", &[("city", "Rome")])]);
    assert_eq!(told(&stage.first_published().await), ["p00:live::Rome"]);
    assert_eq!(stage.settle().await.len(), 10);
    stage.later(DAY);
    assert_eq!(stage.settle().await, [], "once it is complete it is not begun again before it is asked for");
}

#[tokio::test]
async fn who_has_been_gone_for_long_is_ended_and_forgotten_and_may_come_back() {
    for stage in [Stage::new(&["city"], &["all"]).await, Stage::on_postgres(&["city"], &["all"]).await] {
        let mut stage = with_ana_and_bo(stage);
        stage.settle().await;
        stage.directory.users(vec![gone("bo", Gone::SoftDeleted)]);
        stage.settle().await;
        stage.later(FORGET.saturating_sub(DAY));
        // So late everything is compared too.
        stage.directory.everything(vec![joined("all", &["ana"])], vec![changed("ana", &[("city", "Paris")])]);
        stage.ask_scrub().await;
        assert_eq!(told(&stage.settle().await), ["ana:scrub:all:Paris", "bo:scrub:bin"]);
        stage.later(DAY);
        stage.ask_scrub().await;
        assert_eq!((told(&stage.settle().await), &*stage.ended), (vec!["ana:scrub:all:Paris".to_owned()], &["bo".to_owned()][..]));
        stage.ask_scrub().await;
        stage.settle().await;
        assert_eq!(stage.ended.len(), 1, "he is forgotten");
        stage.restart().await;
        assert_eq!(stage.settle().await, [], "and is not taken for lost");
        stage.directory.users(vec![changed("bo", &[])]);
        assert_eq!(told(&stage.settle().await), ["bo:live::-"]);
    }
}
