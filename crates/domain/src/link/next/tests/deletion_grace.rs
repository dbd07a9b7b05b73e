//! When a user no longer wanted is deleted where that is final: a grace period after their access was taken, whatever was decided when.

use super::*;
use crate::link::Answer;
use crate::link::classify::Claimed;

fn at(second: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(second))
}

/// What is done for a link at one time, until nothing is left to do then.
fn work(link: &mut Link, now: Timestamp, can: &Capabilities) -> String {
    let mut steps = Vec::new();
    loop {
        let step = next(link, &Observed::NotObserved, now, can);
        steps.push(describe(&step));
        match step {
            Step::Call(call) => {
                link.begin(&call, now);
                link.record(&call, Answer::Done, &Claimed::new(), now);
                continue;
            }
            Step::GracePeriod(GracePeriod::Deletion, _) => drop(link.mark_deferred(now)),
            _ => {}
        }
        return steps.join(", ");
    }
}

/// A decision, or what is done for the link.
enum Event {
    Decide(Desired),
    Does(&'static str),
}

use Event::{Decide, Does};

/// A scope grace period of 1,000 seconds.
fn long_out_of_scope(blocked: bool) -> Desired {
    Desired { sign_in_blocked: blocked, ..out_of_scope(1_000_000) }
}

/// What happens at which second to an enabled user of the target.
fn check_times(can: &Capabilities, case: &str, events: Vec<(u64, Event)>) {
    let mut link = link(wanted(true), old(Stage::Live));
    for (second, event) in events {
        match event {
            Decide(desired) => {
                let version = link.desired.version.delta + 1;
                assert!(link.decide(decision(version, desired), at(second)), "{case}");
            }
            Does(want) => assert_eq!(work(&mut link, at(second), can), want, "{case}, second {second}, {can:?}"),
        }
    }
}

#[test]
fn a_departure_that_takes_effect_earlier_takes_access_at_once_and_keeps_the_whole_period() {
    for reason in [not_wanted(), out_of_scope(30_000), external()] {
        let at_500 = |taken| {
            vec![(0, Decide(long_out_of_scope(false))), (0, Does("grace period 1000s")), (500, Decide(reason.clone())), (500, Does(taken))]
        };
        let mut events = at_500("disable a1, deletion in 600s");
        events.extend([(599, Does("deletion in 600s")), (600, Does("delete a1 for good, converged"))]);
        check_times(&PUTS, &format!("{reason:?}"), events);
        let mut events = at_500("deletion in 600s");
        events.extend([(599, Does("deletion in 600s")), (600, Does("delete a1 for good, converged"))]);
        check_times(&ONLY_DELETES, &format!("{reason:?}"), events);
        check_times(&INVITES, &format!("{reason:?}"), at_500("revoke a1, disable a1, delete a1, converged"));
    }
}

#[test]
fn the_period_begins_when_access_is_taken_and_goes_on_while_the_user_is_not_wanted() {
    check_times(
        &PUTS,
        "access could not be taken before",
        vec![(0, Decide(not_wanted())), (500, Does("disable a1, deletion in 600s")), (600, Does("delete a1 for good, converged"))],
    );
    check_times(
        &PUTS,
        "decided again",
        vec![
            (0, Decide(not_wanted())),
            (0, Does("disable a1, deletion in 100s")),
            (50, Decide(out_of_scope(0))),
            (50, Does("deletion in 100s")),
            (100, Does("delete a1 for good, converged")),
        ],
    );
    check_times(
        &PUTS,
        "a scope grace period after all",
        vec![
            (0, Decide(not_wanted())),
            (0, Does("disable a1, deletion in 100s")),
            (50, Decide(long_out_of_scope(false))),
            (100, Does("grace period 1000s")),
            (1000, Does("deletion in 1100s")),
        ],
    );
    check_times(
        &PUTS,
        "blocked at home during the scope grace period",
        vec![
            (0, Decide(long_out_of_scope(true))),
            (0, Does("disable a1, grace period 1000s")),
            (1000, Does("deletion in 1100s")),
            (1100, Does("delete a1 for good, converged")),
        ],
    );
    check_times(
        &PUTS,
        "disabled at home before",
        vec![(0, Decide(wanted(false))), (0, Does("disable a1, converged")), (500, Decide(not_wanted())), (500, Does("deletion in 600s"))],
    );
}

#[test]
fn a_return_ends_the_period() {
    let departs = || vec![(0, Decide(not_wanted())), (0, Does("disable a1, deletion in 100s")), (50, Decide(wanted(true)))];
    let mut events = departs();
    events.extend([(50, Does("enable a1, converged")), (60, Decide(not_wanted())), (60, Does("disable a1, deletion in 160s"))]);
    check_times(&PUTS, "enabled again", events);
    let mut events = departs();
    events.extend([(60, Decide(not_wanted())), (60, Does("deletion in 160s")), (100, Does("deletion in 160s"))]);
    check_times(&PUTS, "left again before that", events);
}

#[test]
fn access_that_the_target_has_given_again_is_taken_and_the_period_begins_anew() {
    let mut link = link(not_wanted(), old(Stage::Live));
    assert_eq!(work(&mut link, at(0), &PUTS), "disable a1, deletion in 100s");
    link.update_row(&RowUpdate::TakeOver(object("a1", Some(ANCHOR))), at(50));
    assert_eq!(work(&mut link, at(50), &PUTS), "disable a1, deletion in 150s");
}
