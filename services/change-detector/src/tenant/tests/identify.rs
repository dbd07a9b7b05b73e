//! A domain that leads to another directory.

use super::*;

#[tokio::test]
async fn nothing_is_read_from_another_directory_and_all_goes_on_when_the_domain_leads_back() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.set_identity("other");
    fixture.advance_past_facts();
    fixture.run_cycle().await;
    fixture.directory.users(vec![changed("eve", &[]), gone("ana", Gone::Deleted)]);
    assert_eq!(summaries(&fixture.run_cycle().await), [""; 0]);
    assert_eq!(fixture.blocked(), "directory_changed");
    // Nor does the next owner, which knows of no directory.
    fixture.restart().await;
    assert_eq!(summaries(&fixture.run_cycle().await), [""; 0]);
    assert_eq!(fixture.blocked(), "directory_changed");
    fixture.directory.set_identity("EMEA");
    fixture.advance_past_facts();
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:deleted", "eve:live::-"]);
    assert_eq!((fixture.blocked(), fixture.directory.full_reads()), ("", 1));
}

#[tokio::test]
async fn what_was_pinned_counts_also_where_the_mirror_knows_no_directory() {
    let mut fixture = ana_and_bo().await;
    fixture.confirm("pinned").await;
    assert_eq!(summaries(&fixture.run_cycle().await), [""; 0]);
    assert_eq!((fixture.blocked(), fixture.directory.full_reads()), ("directory_changed", 0));
    fixture.directory.set_identity("pinned");
    fixture.advance_past_facts();
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:initial:all:Paris", "bo:initial:all:-"]);
}

#[tokio::test]
async fn a_directory_that_was_confirmed_is_read_from_the_beginning() {
    let mut fixture = ana_and_bo().await;
    fixture.run_cycle().await;
    fixture.directory.set_identity("other");
    fixture.advance_past_facts();
    assert_eq!(summaries(&fixture.run_cycle().await), [""; 0]);
    fixture.directory.full_read(
        vec![joined("all", &["ana", "bo", "cy"])],
        vec![changed("ana", &[("city", "Rome")]), changed("bo", &[]), changed("cy", &[])],
    );
    fixture.confirm("other").await;
    assert_eq!(summaries(&fixture.run_cycle().await), ["ana:live:all:Rome", "cy:replay:all:-"]);
    assert_eq!((fixture.blocked(), fixture.directory.full_reads()), ("", 2));
    // It is read once.
    fixture.restart().await;
    fixture.run_cycle().await;
    assert_eq!(fixture.directory.full_reads(), 2);
}
