//! The tables of [`stamp`] and [`pass`].

use xtsync_domain::delta::{Gone, Kind, User};
use xtsync_domain::{Attributes, Value};

use super::*;

fn user(enabled: bool, groups: &[&str]) -> State {
    let attributes: Attributes = [("accountEnabled", Value::Flag(enabled))].into_iter().collect();
    let groups = groups.iter().map(|id| (*id).into()).collect();
    State::Present(User { attributes, groups, nested_groups: vec![], kind: Kind::Internal })
}

/// A user by a word: `-` was not published.
fn state(word: &str) -> Option<State> {
    match word {
        "-" => None,
        "in" => Some(user(true, &["all"])),
        "out" => Some(user(true, &[])),
        "disabled" => Some(user(false, &["all"])),
        "gone" => Some(State::Gone(Gone::Deleted)),
        other => panic!("{other}"),
    }
}

const INITIAL: Reading = Reading::Initial;
const FULL: Reading = Reading::Full { adds_attributes: false };
const ADDS: Reading = Reading::Full { adds_attributes: true };
const CYCLE: Reading = Reading::Cycle;

#[test]
fn a_user_who_loses_access_overtakes_and_what_all_users_get_is_backlog() {
    use Class::{Bulk, Leaver, Live, Revoke};
    //   reading  before      after       reported current  want
    for (reading, before, after, is_reported, is_current, want) in [
        (CYCLE, "in", "disabled", true, true, Some((Leaver, Origin::Live))),
        (CYCLE, "in", "gone", true, true, Some((Leaver, Origin::Live))),
        (CYCLE, "disabled", "gone", true, true, Some((Leaver, Origin::Live))),
        (CYCLE, "-", "gone", true, true, Some((Leaver, Origin::Live))),
        (CYCLE, "in", "out", true, true, Some((Revoke, Origin::Live))),
        (CYCLE, "out", "in", true, true, Some((Live, Origin::Live))),
        (CYCLE, "-", "in", true, true, Some((Live, Origin::Live))),
        (CYCLE, "in", "in", true, true, None),
        // A new projection.
        (CYCLE, "in", "in", true, false, Some((Bulk, Origin::Replay))),
        (CYCLE, "in", "out", false, false, Some((Bulk, Origin::Replay))),
        (CYCLE, "in", "disabled", true, false, Some((Leaver, Origin::Live))),
        // The first publication.
        (INITIAL, "-", "in", true, false, Some((Bulk, Origin::Initial))),
        (INITIAL, "-", "disabled", true, false, Some((Bulk, Origin::Initial))),
        (INITIAL, "-", "gone", true, false, None),
        (INITIAL, "out", "in", true, true, Some((Bulk, Origin::Initial))),
        (INITIAL, "in", "disabled", true, true, Some((Leaver, Origin::Live))),
        (INITIAL, "in", "gone", true, true, Some((Leaver, Origin::Live))),
        (INITIAL, "in", "out", true, true, Some((Revoke, Origin::Live))),
        (INITIAL, "in", "out", false, false, Some((Bulk, Origin::Replay))),
        // A full read: what it finds is as urgent as in a cycle, unless the projection changed for all users.
        (FULL, "out", "in", true, true, Some((Live, Origin::Live))),
        (FULL, "out", "in", true, false, Some((Bulk, Origin::Replay))),
        (FULL, "-", "gone", true, true, Some((Leaver, Origin::Live))),
        (FULL, "in", "out", true, false, Some((Revoke, Origin::Live))),
        (ADDS, "out", "in", true, true, Some((Bulk, Origin::Replay))),
        (ADDS, "in", "gone", true, true, Some((Leaver, Origin::Live))),
    ] {
        let (before, after) = (state(before), state(after).unwrap());
        let change = Change { before: before.as_ref(), after: &after, reading, is_reported, is_current, waiting: None };
        let stamped = stamp(&change);
        assert_eq!(stamped.map(|stamp| (stamp.class, stamp.origin)), want, "{change:?}");
        assert_eq!(stamped.is_some_and(|stamp| stamp.is_live), want.is_some_and(|(_, origin)| origin == Origin::Live));
    }
}

#[test]
fn a_version_that_waits_makes_its_successor_no_less_urgent() {
    use Class::{Bulk, Leaver, Live};
    //   waiting                    reported  want
    for (waiting, is_reported, want, is_live) in [
        ((Leaver, Origin::Live), true, (Leaver, Origin::Live), true),
        ((Leaver, Origin::Live), false, (Leaver, Origin::Live), false),
        ((Bulk, Origin::Live), false, (Live, Origin::Live), false),
        ((Bulk, Origin::Initial), true, (Live, Origin::Live), true),
        ((Bulk, Origin::Initial), false, (Bulk, Origin::Replay), false),
    ] {
        let (before, after) = (user(true, &[]), user(true, &["all"]));
        let waiting = Some(waiting);
        let change = Change { before: Some(&before), after: &after, reading: CYCLE, is_reported, is_current: false, waiting };
        assert_eq!(stamp(&change), Some(Stamp { class: want.0, origin: want.1, is_live }), "{waiting:?}");
    }
}

#[test]
fn leavers_are_published_alone_and_much_of_anything_else_waits_for_capacity() {
    use Class::{Bulk, Leaver, Live, Revoke};
    for (due, count, needs_capacity, urgency) in [
        (&[Leaver, Leaver, Revoke, Bulk][..], 2, false, Urgency::Live),
        (&[Leaver; 4], 4, false, Urgency::Live),
        (&[Revoke, Live, Bulk], 2, false, Urgency::Live),
        (&[Revoke, Live, Live, Live], 4, true, Urgency::Live),
        (&[Bulk, Bulk], 2, true, Urgency::Bulk),
    ] {
        assert_eq!(pass(due, 4), Pass { count, needs_capacity }, "{due:?}");
        assert_eq!(of(due[..count].iter().copied()), urgency, "{due:?}");
    }
}
