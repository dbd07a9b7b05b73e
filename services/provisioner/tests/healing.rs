//! What was lost comes back: links told again, and a store rebuilt from its topics.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::time::Duration;

use bed::{Bed, Place, present, tenant};
use xtsync_platform::scrub::{PAUSE, PIECE};
use xtsync_proto::v1;
use xtsync_proto::v1::command::Action;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const REPUBLISH: Action = Action::Republish(v1::Republish {});

/// Looks whether to tell links again.
async fn scrub(bed: &Bed) {
    bed.clock.advance(Duration::from_secs(1));
    bed.provisioner.scrub_step(&tenant("hub")).await.unwrap();
}

#[tokio::test]
async fn links_are_told_again_once_a_day_and_when_asked_under_the_versions_they_have() {
    for place in [Place::Sqlite, Place::Postgres] {
        let bed = Bed::new(place).await;
        for user in ["ana", "bo"] {
            bed.decide(user, present(user, "Paris", true)).await;
        }
        bed.settle().await;
        let first = bed.told().await;
        let times = |times: usize| first.iter().map(|(user, versions)| (user.clone(), versions.repeat(times))).collect();
        scrub(&bed).await;
        assert_eq!(bed.told().await, first, "whoever is new has just been told everything");
        bed.command(REPUBLISH).await;
        scrub(&bed).await;
        assert_eq!(bed.told().await, times(2));
        scrub(&bed).await;
        assert_eq!(bed.told().await, times(2), "once");
        bed.clock.advance(DAY);
        scrub(&bed).await;
        assert_eq!(bed.told().await, times(3));
        assert_eq!(bed.work().await, 0, "nothing is due by that");
    }
}

#[tokio::test]
async fn a_new_owner_goes_on_where_the_former_was() {
    let mut bed = Bed::new(Place::Sqlite).await;
    let users: Vec<String> = (0..PIECE + 10).map(|number| format!("p{number:03}")).collect();
    for user in &users {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    let told_twice = async |bed: &Bed| bed.told().await.values().filter(|versions| versions.len() == 2).count();
    bed.command(REPUBLISH).await;
    scrub(&bed).await;
    assert_eq!(told_twice(&bed).await, PIECE);
    bed.provisioner.scrub_step(&tenant("hub")).await.unwrap();
    assert_eq!(told_twice(&bed).await, PIECE, "others go first for a while");
    assert!(bed.provisioner.status_step(&tenant("hub")).await.unwrap().unwrap().republishing);
    bed.restart().await;
    bed.clock.advance(PAUSE);
    bed.provisioner.scrub_step(&tenant("hub")).await.unwrap();
    assert_eq!(told_twice(&bed).await, PIECE, "not before the store was held against its topic");
    bed.work().await;
    scrub(&bed).await;
    assert_eq!(told_twice(&bed).await, PIECE + 10);
}
