//! A mirror that was lost or restored is made whole from its topic and one reading of the directory.

use super::*;

/// Ana, Bo and Cy as they were told, on both databases.
async fn stages() -> [Stage; 2] {
    let mut stages = [Stage::new(&["city"], &["all"]).await, Stage::on_postgres(&["city"], &["all"]).await];
    for stage in &mut stages {
        stage.directory.groups(vec![joined("all", &["ana", "bo", "cy"])]);
        stage.directory.users(vec![changed("ana", &[("city", "Paris")]), changed("bo", &[]), changed("cy", &[])]);
        stage.settle().await;
    }
    stages
}

#[tokio::test]
async fn a_lost_mirror_tells_only_what_has_changed_and_that_those_are_gone_who_left_meanwhile() {
    for mut stage in stages().await {
        stage.lose_store().await;
        stage.earlier(Duration::from_secs(3600));
        let users = vec![changed("ana", &[("city", "Rome")]), changed("cy", &[]), changed("dee", &[])];
        stage.directory.everything(vec![joined("all", &["ana", "cy", "dee"])], users);
        let deltas = stage.settle().await;
        assert_eq!(told(&deltas), ["ana:live:all:Rome", "bo:live:deleted", "dee:replay:all:-"]);
        let first = Timestamp(1_000_000_000_000);
        let is_newer = |delta: &&UserDelta| delta.version > u64::try_from(first.0).unwrap();
        assert_eq!(deltas.iter().filter(is_newer).count(), 2, "of whom was known versions do not fall back, whatever the clock says");
        assert_eq!(stage.settle().await, []);
    }
}

#[tokio::test]
async fn a_lost_mirror_of_whom_most_are_missing_removes_nobody_and_tells_nothing_of_them() {
    let mut stage = thirty().await;
    stage.lose_store().await;
    stage.directory.everything(vec![], vec![]);
    assert_eq!((stage.settle().await, stage.held()), (vec![], [30, 0]));
    stage.order(&["city", "department"], &["all"], 2).await;
    stage.directory.everything(vec![], vec![]);
    assert_eq!(stage.settle().await, [], "nor where more is asked of everybody: it was not read of them");
    let mut stage = thirty().await;
    stage.lose_store().await;
    stage.directory.everything(vec![], people(0..30).iter().map(|id| changed(id, &[])).collect());
    assert_eq!((stage.settle().await, stage.held()), (vec![], [0, 30]), "nor does their group lose them");
}

#[tokio::test]
async fn a_restored_mirror_makes_a_version_newer_than_what_it_said_after_the_backup() {
    for mut stage in stages().await {
        stage.back_up().await;
        stage.directory.users(vec![changed("ana", &[("city", "Rome")]), changed("dee", &[]), gone("bo", Gone::Deleted)]);
        let after = stage.settle().await;
        assert_eq!(told(&after), ["ana:live:all:Rome", "bo:live:deleted", "dee:live::-"]);
        stage.restore().await;
        // She went back to Paris while nobody watched: that is how the backup knows her.
        stage.directory.everything(vec![joined("all", &["ana", "cy"])], vec![changed("ana", &[("city", "Paris")]), changed("cy", &[])]);
        let deltas = stage.settle().await;
        assert_eq!(told(&deltas), ["ana:live:all:Paris", "dee:live:deleted"]);
        let version = |deltas: &[UserDelta]| deltas.iter().find(|delta| delta.user.as_str() == "ana").unwrap().version;
        assert!(version(&deltas) > version(&after));
    }
}
