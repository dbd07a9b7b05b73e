//! When a census is taken, and what it says.

use super::*;

const SECOND: i64 = 1_000_000;

fn second(seconds: i64) -> Timestamp {
    Timestamp(1_000_000 * SECOND + seconds * SECOND)
}

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// A census with these keys that began then.
fn standing(listed: &[&str], began: Timestamp) -> Census {
    let mut census = Census::default();
    census.begin(began, 7);
    census.list(began, &keys(listed));
    census.complete(began, 3);
    census
}

fn absences(census: &mut Census, count: u32, now: Timestamp) {
    (0..count).for_each(|_| census.note_absence(now));
}

#[test]
fn only_a_complete_and_fresh_census_says_that_something_is_absent() {
    let (ana, bob) = (keys(&["home/ana", "ana@emea.example"]), keys(&["home/bob", "bob@emea.example"]));
    let mut census = Census::default();
    assert!(!census.lacks(&bob, second(0)), "there is none");
    census.begin(second(0), 7);
    census.list(second(0), &keys(&["ana@emea.example"]));
    assert!(!census.lacks(&bob, second(1)), "it is not complete");
    census.complete(second(0), 1);
    assert!(census.lacks(&bob, second(1)));
    assert!(!census.lacks(&ana, second(1)), "one key is enough");
    assert!(census.lacks(&bob, second(299)) && !census.lacks(&bob, second(300)), "it grows old from its beginning on");
    assert!(!census.is_wanted(second(299)) && census.is_kept());
    assert!(!census.is_wanted(second(300)) && !census.is_kept(), "and takes no memory then");
}

/// The task of a former owner may be about to end when a new one begins.
#[test]
fn what_is_left_of_a_dropped_census_completes_no_other() {
    let mut census = standing(&["ana@emea.example"], second(0));
    census.begin(second(150), 7);
    census.distrust(second(151));
    census.begin(second(160), 7);
    census.list(second(150), &keys(&["bob@emea.example"]));
    census.complete(second(150), 1);
    census.give_up(second(150), second(161));
    assert!(!census.lacks(&keys(&["eve@emea.example"]), second(161)));
    census.complete(second(160), 1);
    assert!(census.lacks(&keys(&["bob@emea.example"]), second(161)));
}

#[test]
fn what_is_created_meanwhile_is_in_both_the_old_and_the_new_census() {
    let mut census = standing(&[], second(0));
    census.begin(second(150), 7);
    census.add(keys(&["bob@emea.example"]));
    assert!(!census.lacks(&keys(&["bob@emea.example"]), second(160)));
    census.complete(second(150), 1);
    assert!(!census.lacks(&keys(&["bob@emea.example"]), second(160)));
    assert!(census.lacks(&keys(&["eve@emea.example"]), second(440)), "the new one counts from its own beginning");
}

#[test]
fn a_census_is_taken_when_look_ups_in_vain_cost_more() {
    let mut census = Census::default();
    absences(&mut census, 99, second(0));
    assert!(!census.is_wanted(second(0)));
    absences(&mut census, 1, second(299));
    assert!(census.is_wanted(second(299)));
    absences(&mut census, 1, second(300));
    assert!(!census.is_wanted(second(300)), "in a short time");

    absences(&mut census, 100, second(300));
    census.begin(second(300), 7);
    assert!(!census.is_wanted(second(300)), "one at a time");
    census.complete(second(300), 250);
    absences(&mut census, 249, second(310));
    assert!(!census.is_wanted(second(460)), "the last one took 250 requests");
    absences(&mut census, 1, second(460));
    assert!(!census.is_wanted(second(449)), "it is young");
    assert!(census.is_wanted(second(460)));
}

#[test]
fn after_one_that_fails_or_is_contradicted_none_is_taken_for_a_while() {
    for contradict in [|census: &mut Census, now| census.give_up(second(150), now), Census::distrust] {
        let mut census = standing(&[], second(0));
        census.note_creation(second(0), second(0));
        census.begin(second(150), 7);
        contradict(&mut census, second(200));
        absences(&mut census, 500, second(300));
        absences(&mut census, 500, second(599));
        assert!(!census.is_wanted(second(799)));
        absences(&mut census, 500, second(800));
        assert!(census.is_wanted(second(800)));
    }
    let mut census = standing(&[], second(0));
    census.note_creation(second(0), second(0));
    census.distrust(second(1));
    assert!(!census.lacks(&keys(&["bob@emea.example"]), second(2)) && census.earliest(second(2)).is_none());
}

#[test]
fn the_earliest_creation_follows_from_the_clocks_as_far_as_they_were_compared() {
    let mut census = Census::default();
    assert_eq!(census.earliest(second(0)), None);
    // Read 5 s after it was created, then at once: the directory's clock is 3 s ahead at least.
    for (created_at, now, ahead) in [(100, 102, -2), (200, 197, 3), (300, 305, 3)] {
        census.note_creation(second(created_at), second(now));
        assert_eq!(census.earliest(second(1_000)), Some(second(1_000 + ahead).minus(IMPRECISION)));
    }
    census.note_creation(second(400), second(300));
    assert_eq!(census.earliest(second(1_000)), None, "clocks that differ by more than what counts as ours anyway prove nothing");
}

#[test]
fn every_object_that_is_listed_is_met_and_few_others_are() {
    let mut census = Census::default();
    census.begin(second(0), 7);
    for object in 0..10_000 {
        census.list(second(0), &[format!("home/{object}"), format!("u{object}@emea.example")]);
    }
    census.complete(second(0), 11);
    let is_listed = |object: usize| !census.lacks(&[format!("home/{object}"), format!("u{object}@emea.example")], second(1));
    assert!((0..10_000).all(is_listed));
    assert!((10_000..20_000).filter(|object| is_listed(*object)).count() < 100);
}
