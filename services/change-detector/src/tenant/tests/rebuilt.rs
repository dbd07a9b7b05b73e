//! A mirror that was lost or restored is made whole from its topic and one reading of the directory.

use super::*;

/// Ana, Bo and Cy as published, on both databases; on one of them in several partitions.
async fn fixtures() -> [Fixture; 2] {
    let mut fixtures = [Fixture::partitioned(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await];
    for fixture in &mut fixtures {
        fixture.directory.groups(vec![joined("all", &["ana", "bo", "cy"])]);
        fixture.directory.users(vec![changed("ana", &[("city", "Paris")]), changed("bo", &[]), changed("cy", &[])]);
        fixture.run_cycle().await;
    }
    fixtures
}

#[tokio::test]
async fn a_lost_mirror_publishes_only_changes_and_deletions_since() {
    for mut fixture in fixtures().await {
        fixture.lose_store().await;
        fixture.earlier(Duration::from_secs(3600));
        let users = vec![changed("ana", &[("city", "Rome")]), changed("cy", &[]), changed("dee", &[])];
        fixture.directory.full_read(vec![joined("all", &["ana", "cy", "dee"])], users);
        let deltas = fixture.run_cycle().await;
        assert_eq!(summaries(&deltas), ["ana:live:all:Rome", "bo:live:deleted", "dee:replay:all:-"]);
        let first = Timestamp(1_000_000_000_000);
        let is_newer = |delta: &&UserDelta| delta.version > u64::try_from(first.0).unwrap();
        assert_eq!(deltas.iter().filter(is_newer).count(), 2, "versions of known users do not fall back, whatever the clock says");
        assert_eq!(fixture.run_cycle().await, []);
    }
}

#[tokio::test]
async fn a_lost_mirror_with_most_users_missing_removes_and_publishes_no_user() {
    let mut fixture = thirty().await;
    fixture.lose_store().await;
    fixture.directory.full_read(vec![], vec![]);
    assert_eq!((fixture.run_cycle().await, fixture.held()), (vec![], [30, 0]));
    fixture.configure(&["city", "department"], &["all"], 2).await;
    fixture.directory.full_read(vec![], vec![]);
    assert_eq!(fixture.run_cycle().await, [], "nor where more is requested of all users: it was not read of them");
    let mut fixture = thirty().await;
    fixture.lose_store().await;
    fixture.directory.full_read(vec![], people(0..30).iter().map(|id| changed(id, &[])).collect());
    assert_eq!((fixture.run_cycle().await, fixture.held()), (vec![], [0, 30]), "nor does their group lose them");
}

#[tokio::test]
async fn a_restored_mirror_publishes_versions_newer_than_those_after_the_backup() {
    for mut fixture in fixtures().await {
        fixture.back_up().await;
        fixture.directory.users(vec![changed("ana", &[("city", "Rome")]), changed("dee", &[]), gone("bo", Gone::Deleted)]);
        let after = fixture.run_cycle().await;
        assert_eq!(summaries(&after), ["ana:live:all:Rome", "bo:live:deleted", "dee:live::-"]);
        fixture.restore().await;
        // Ana went back to Paris unobserved: that is the state in the backup.
        fixture.directory.full_read(vec![joined("all", &["ana", "cy"])], vec![changed("ana", &[("city", "Paris")]), changed("cy", &[])]);
        let deltas = fixture.run_cycle().await;
        assert_eq!(summaries(&deltas), ["ana:live:all:Paris", "dee:live:deleted"]);
        let version = |deltas: &[UserDelta]| deltas.iter().find(|delta| delta.user.as_str() == "ana").unwrap().version;
        assert!(version(&deltas) > version(&after));
    }
}
