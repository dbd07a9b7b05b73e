//! The slow comparison: what delta queries lost is found, published and counted.

use super::fixture::COMPARE;
use super::*;
use crate::full::FullPhase;

/// Ana and Bo as first reported, and then a whole comparison later.
async fn at_comparison() -> Fixture {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.later(COMPARE);
    fixture
}

#[tokio::test]
async fn changes_missed_by_delta_queries_are_found_published_and_counted() {
    let mut fixture = at_comparison().await;
    fixture.directory.full_read(vec![joined("all", &["ana", "cy"])], vec![changed("ana", &[("city", "Rome")]), changed("cy", &[])]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome", "bo:live:deleted", "cy:replay:all:-"]);
    assert_eq!((fixture.directory.full_reads(), fixture.missed_changes()), (2, 3));
    fixture.run_cycle().await;
    assert_eq!((fixture.directory.full_reads(), fixture.missed_changes()), (2, 3), "not again before it is time");
}

#[tokio::test]
async fn a_change_during_a_full_read_does_not_count_as_missed() {
    let mut fixture = at_comparison().await;
    fixture.directory.full_read(vec![joined("all", &["ana"])], vec![changed("ana", &[("city", "Rome")])]);
    fixture.directory.groups(vec![left("all", &["bo"])]);
    fixture.directory.users(vec![changed("ana", &[("city", "Rome")]), gone("bo", Gone::Deleted)]);
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome", "bo:live:deleted"]);
    assert_eq!((fixture.directory.full_reads(), fixture.missed_changes()), (2, 0));
}

#[tokio::test]
async fn after_a_void_cursor_missed_changes_are_published_and_not_counted() {
    let mut fixture = at_comparison().await;
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Rome")]), changed("bo", &[])]);
    fixture.directory.answer_last(Answer::Fail(DirectoryError::Resync));
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome"]);
    assert_eq!((fixture.directory.full_reads(), fixture.missed_changes()), (2, 0));
}

#[tokio::test]
async fn a_successor_knows_when_the_last_full_read_ran() {
    let mut fixture = at_comparison().await;
    fixture.restart().await;
    fixture.directory.full_read(vec![joined("all", &["ana", "bo"])], vec![changed("ana", &[("city", "Paris")]), changed("bo", &[])]);
    assert_eq!(fixture.run_cycle().await, []);
    assert_eq!(fixture.directory.full_reads(), 2);
    fixture.restart().await;
    fixture.run_cycle().await;
    assert_eq!(fixture.directory.full_reads(), 2);
}

#[tokio::test]
async fn what_cycles_report_while_a_full_read_is_applied_does_not_count_as_missed() {
    for fixture in [Fixture::new(&["city"], &["all"]).await, Fixture::on_postgres(&["city"], &["all"]).await] {
        let mut fixture = fixture;
        let (all, newcomers) = (people(0..40), people(40..60));
        fixture.directory.groups(vec![joined("all", &names(&all))]);
        fixture.directory.users(all.iter().map(|id| changed(id, &[])).collect());
        fixture.run_cycle().await;
        fixture.later(COMPARE);
        fixture.directory.full_read(vec![joined("all", &names(&all))], all.iter().map(|id| changed(id, &[])).collect());
        fixture.trigger();
        while fixture.full_phase() != Some(FullPhase::Replace) {
            fixture.step().await.unwrap();
        }
        // So many that they wait until it is known what groups lose.
        fixture.directory.groups(vec![left("all", &names(&all[..15])), joined("all", &names(&newcomers))]);
        fixture.directory.users(newcomers.iter().map(|id| changed(id, &[])).collect());
        fixture.trigger();
        fixture.step().await.unwrap();
        let published = fixture.run_cycle().await.len();
        assert_eq!((published, fixture.full_phase(), fixture.missed_changes()), (35, None, 0));
    }
}
