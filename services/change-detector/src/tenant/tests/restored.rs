//! A soft-deleted user stays a member of groups that no longer show them: neither the deletion nor the restoration is a change of the group,
//! so that a membership that is lost meanwhile would stay lost.

use super::fixture::COMPARE;
use super::*;
use crate::full::FullPhase;

/// Ana and Bo, in a group that the delta query and the group itself list; a comparison is due.
async fn at_comparison() -> [Fixture; 2] {
    let mut fixtures = [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await];
    for fixture in &mut fixtures {
        fixture.directory.groups(vec![joined("all", &["ana", "bo"])]);
        fixture.directory.users(both_users());
        fixture.directory.members("all", &["ana", "bo"]);
        fixture.run_cycle().await;
        fixture.later(COMPARE);
    }
    fixtures
}

fn both_users() -> Vec<UserChange> {
    vec![changed("ana", &[]), changed("bo", &[])]
}

/// Ana is deleted; the next cycle reports it, and the one after that that they are restored.
async fn delete_and_restore(fixture: &mut Fixture) -> Vec<String> {
    fixture.directory.users(vec![gone("ana", Gone::SoftDeleted)]);
    let mut deltas = summaries(&fixture.run_cycle().await);
    fixture.directory.users(vec![changed("ana", &[])]);
    deltas.extend(summaries(&fixture.run_cycle().await));
    deltas
}

#[tokio::test]
async fn a_listing_that_omits_a_user_before_a_cycle_reports_their_deletion_takes_them_out_of_no_group() {
    for mut fixture in at_comparison().await {
        fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], both_users());
        fixture.directory.members("all", &["bo"]);
        fixture.run_cycle().await;
        assert!(fixture.directory.listed_pages() >= 2);
        assert_eq!(delete_and_restore(&mut fixture).await, ["ana:live:bin", "ana:live:all:-"]);
        fixture.directory.members("all", &["ana", "bo"]);
        assert_eq!((later(&mut fixture).await, fixture.warning()), (vec![], ""));
    }
}

#[tokio::test]
async fn a_full_read_that_omits_a_deleted_user_takes_them_out_of_no_group() {
    for mut fixture in at_comparison().await {
        fixture.directory.users(vec![gone("ana", Gone::SoftDeleted)]);
        fixture.directory.full_read(vec![joined("all", &["bo"])], vec![changed("bo", &[])]);
        fixture.directory.members("all", &["bo"]);
        assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:bin"]);
        assert_eq!(later(&mut fixture).await, [""; 0]);
        fixture.directory.users(vec![changed("ana", &[])]);
        assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:-"]);
        fixture.directory.members("all", &["ana", "bo"]);
        assert_eq!((later(&mut fixture).await, fixture.warning()), (vec![], ""));
    }
}

#[tokio::test]
async fn a_full_read_during_which_a_user_is_deleted_and_restored_takes_them_out_of_no_group() {
    for mut fixture in at_comparison().await {
        let pages = vec![Answer::PageOfGroups(vec![joined("all", &["bo"])]), Answer::Groups(vec![]), Answer::Users(both_users())];
        fixture.directory.full_pages_of(pages, 2);
        fixture.trigger();
        while !matches!(fixture.full_phase(), Some(FullPhase::Groups(Some(_)))) {
            fixture.step().await.unwrap();
        }
        fixture.directory.members("all", &["bo"]);
        fixture.directory.users(vec![gone("ana", Gone::SoftDeleted)]);
        fixture.trigger();
        fixture.step_cycle().await;
        assert_eq!(summaries(fixture.published_before()), ["ana:live:bin"]);
        fixture.directory.users(vec![changed("ana", &[])]);
        assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:-"]);
        assert_eq!(fixture.full_phase(), None);
        fixture.directory.members("all", &["ana", "bo"]);
        assert_eq!((later(&mut fixture).await, fixture.warning()), (vec![], ""));
    }
}
