//! The state table, row by row.

use super::super::testing::*;
use super::*;
use crate::Timestamp;
use crate::link::{Override, Trouble, Veto};
use crate::shadow::Object;

fn young(stage: Stage) -> Shadow {
    Shadow::Object(Account { created_at: ago(MINUTE), ..account(stage) })
}

fn old(stage: Stage) -> Shadow {
    Shadow::Object(account(stage))
}

fn lowered(stage: Stage, lowered_by: LoweredBy, sessions: Sessions) -> Shadow {
    Shadow::Object(Account { enabled: false, lowered_by, sessions, ..account(stage) })
}

fn ours() -> Seen {
    Seen::Ours(object("a1", Some(ANCHOR)))
}

fn binned() -> Seen {
    Seen::OursInBin(in_bin(object("a1", Some(ANCHOR))))
}

fn unanchored() -> Seen {
    Seen::Unanchored(object("a1", None))
}

fn foreign() -> Seen {
    Seen::Foreign(Conflict { kind: ConflictKind::AddressTaken, others: vec!["other".into()], is_passing: false })
}

fn former() -> Seen {
    Seen::Former { owner: "us/maria".into(), account: of_former(account(Stage::Bin { since: NOW })) }
}

/// As it is taken over from the link of a former account, which took the sign-in before the deletion.
fn of_former(account: Account) -> Account {
    let former_anchor = Some("us-id/maria".to_owned());
    Account { former_anchor, enabled: false, lowered_by: LoweredBy::Us, sessions: Sessions::Ended, unfinished: true, ..account }
}

/// A step in a few words.
fn say(step: &Step) -> String {
    match step {
        Step::Call(call) => say_call(call),
        Step::Note(Note::TakeOver(Object { id, bin, .. })) => format!("take over {id}{}", if bin.is_some() { " in the bin" } else { "" }),
        Step::Note(Note::Identify(id)) => format!("identify {id}"),
        Step::Inherit { owner, account } => format!("inherit {} of {owner}", account.id),
        Step::Note(Note::Forget) => "forget".into(),
        Step::Note(Note::Veto(object)) => format!("veto {}", object.as_ref().map_or("gone", |_| "in the bin")),
        Step::Await => "await".into(),
        Step::Settle(due) => format!("settle {}s", due.since(NOW).as_secs()),
        Step::Hold(Hold::Conflict(conflict)) => format!("conflict {} {}", conflict.kind.code(), conflict.others.join(",")),
        Step::Hold(hold) => format!("hold {hold:?}").to_lowercase(),
        Step::Rest => "rest".into(),
    }
}

fn say_call(call: &Call) -> String {
    let names = |attributes: &Attributes| attributes.0.keys().cloned().collect::<Vec<_>>().join(",");
    match call {
        Call::LookUp { address } => format!("look up {address}"),
        Call::Invite { address, display_name } => format!("invite {address} as {}", display_name.as_deref().unwrap_or("-")),
        Call::WriteAnchor { id, attributes } => format!("anchor {id} with [{}]", names(attributes)),
        Call::Patch { id, attributes } => format!("patch {id} with [{}]", names(attributes)),
        Call::ReadBack { id } => format!("read {id}"),
        Call::Revoke { id } => format!("revoke {id}"),
        Call::Disable { id } => format!("disable {id}"),
        Call::Enable { id } => format!("enable {id}"),
        Call::SoftDelete { id } => format!("delete {id}"),
        Call::Restore { id } => format!("restore {id}"),
    }
}

type Row = (Desired, Shadow, Seen, &'static str);

fn check(rows: Vec<Row>) {
    for (desired, shadow, seen, want) in rows {
        let link = link(desired.clone(), shadow.clone());
        assert_eq!(say(&next(&link, &seen, NOW)), want, "{desired:?} × {shadow:?} × {seen:?}");
    }
}

#[test]
fn whom_we_may_not_speak_of_stays_as_he_is() {
    let shadows = [Shadow::None, inviting(NOW, None), old(Stage::Live), old(Stage::Doubtful), old(Stage::Bin { since: NOW })];
    check(shadows.into_iter().map(|shadow| (untouched(), shadow, Seen::NotLooked, "rest")).collect());
}

/// K-30: a scope that is not resolved, or whatever else a user is skipped for, keeps no access that home has taken.
#[test]
fn a_skipped_user_who_is_disabled_at_home_loses_sign_in_and_nothing_else_is_written() {
    let ended = Shadow::Object(Account { sessions: Sessions::Ended, ..account(Stage::Live) });
    let unfinished = Shadow::Object(Account { unfinished: true, enabled: false, ..account(Stage::Live) });
    check(vec![
        (blocked(), Shadow::None, Seen::NotLooked, "rest"),
        (blocked(), old(Stage::Live), Seen::NotLooked, "revoke a1"),
        (blocked(), ended, Seen::NotLooked, "disable a1"),
        (blocked(), lowered(Stage::Live, LoweredBy::Us, Sessions::Ended), Seen::NotLooked, "rest"),
        (blocked(), lowered(Stage::Live, LoweredBy::Target, Sessions::Open), Seen::NotLooked, "rest"),
        (blocked(), unfinished, Seen::NotLooked, "rest"),
        (blocked(), old(Stage::Bin { since: NOW }), Seen::NotLooked, "rest"),
        (blocked(), inviting(NOW, None), Seen::NotLooked, "look up ana@emea.example"),
        (blocked(), inviting(NOW, None), Seen::Absent, "await"),
        (blocked(), inviting(ago(5 * MINUTE), None), Seen::Absent, "forget"),
        (blocked(), inviting(NOW, Some("a1")), unanchored(), "anchor a1 with []"),
        (blocked(), old(Stage::Doubtful), Seen::NotLooked, "read a1"),
        (blocked(), old(Stage::Doubtful), ours(), "take over a1"),
        (blocked(), old(Stage::Doubtful), Seen::Absent, "veto gone"),
        (blocked(), old(Stage::Doubtful), binned(), "veto in the bin"),
        (blocked(), old(Stage::Returning { since: NOW }), ours(), "disable a1"),
        (blocked(), old(Stage::Returning { since: ago(MINUTE) }), binned(), "take over a1 in the bin"),
        (blocked(), old(Stage::Leaving { since: NOW }), binned(), "take over a1 in the bin"),
    ]);
    let reject = Some(Override { by: "jo".into(), reason: "no".into(), against: decision(1, blocked()).version });
    let rejected = Link { reject, ..link(blocked(), old(Stage::Live)) };
    assert_eq!(say(&next(&rejected, &Seen::NotLooked, NOW)), "hold rejected");
}

#[test]
fn a_loss_of_scope_does_nothing_until_it_has_settled() {
    check(vec![
        (out_of_scope(30_000), Shadow::None, Seen::NotLooked, "rest"),
        (out_of_scope(30_000), old(Stage::Bin { since: NOW }), Seen::NotLooked, "rest"),
        (out_of_scope(30_000), old(Stage::Live), Seen::NotLooked, "settle 30s"),
        (out_of_scope(30_000), inviting(NOW, None), Seen::NotLooked, "settle 30s"),
        (out_of_scope(0), old(Stage::Live), Seen::NotLooked, "revoke a1"),
        (Desired::Gone(Departure::External), old(Stage::Live), Seen::NotLooked, "revoke a1"),
    ]);
}

#[test]
fn nobody_is_invited_before_a_look_and_only_into_emptiness() {
    check(vec![
        (present(false), Shadow::None, Seen::NotLooked, "rest"),
        (gone(), Shadow::None, Seen::NotLooked, "rest"),
        (present(true), Shadow::None, Seen::NotLooked, "look up ana@emea.example"),
        (present(true), Shadow::None, Seen::Absent, "invite ana@emea.example as Ana"),
        (present(true), Shadow::None, ours(), "take over a1"),
        (present(true), Shadow::None, binned(), "take over a1 in the bin"),
        (present(true), Shadow::None, unanchored(), "conflict address_taken a1"),
        (present(true), Shadow::None, foreign(), "conflict address_taken other"),
        (present(true), Shadow::None, former(), "inherit a1 of us/maria"),
        (present(true), inviting(NOW, None), former(), "await"),
        (gone(), Shadow::None, former(), "rest"),
    ]);
}

#[test]
fn an_invitation_that_may_have_happened_is_looked_for() {
    let elsewhere = |began| Shadow::Inviting(Inviting { address: "ana@old.example".into(), began, id: None });
    check(vec![
        (present(true), inviting(NOW, None), Seen::NotLooked, "look up ana@emea.example"),
        (present(true), elsewhere(NOW), Seen::NotLooked, "look up ana@old.example"),
        (gone(), inviting(NOW, None), Seen::NotLooked, "look up ana@emea.example"),
        (present(true), inviting(NOW, None), Seen::Absent, "invite ana@emea.example as Ana"),
        (present(true), elsewhere(NOW), Seen::Absent, "await"),
        (present(true), elsewhere(ago(5 * MINUTE)), Seen::Absent, "invite ana@emea.example as Ana"),
        (gone(), inviting(NOW, None), Seen::Absent, "await"),
        (gone(), inviting(ago(5 * MINUTE), None), Seen::Absent, "forget"),
        (present(false), inviting(ago(5 * MINUTE), None), Seen::Absent, "forget"),
        (present(true), inviting(NOW, None), unanchored(), "identify a1"),
        (gone(), inviting(NOW, None), unanchored(), "identify a1"),
        (present(true), inviting(NOW, None), ours(), "take over a1"),
        (gone(), inviting(NOW, None), binned(), "take over a1 in the bin"),
        (present(true), inviting(NOW, None), foreign(), "conflict address_taken other"),
    ]);
}

#[test]
fn an_invited_object_is_read_before_it_is_written() {
    let invited = |began| inviting(began, Some("a1"));
    check(vec![
        (present(true), invited(NOW), Seen::NotLooked, "read a1"),
        (present(true), invited(NOW), Seen::Absent, "await"),
        (present(true), invited(ago(5 * MINUTE)), Seen::Absent, "forget"),
        (present(true), invited(NOW), unanchored(), "anchor a1 with [city,displayName,userType]"),
        (present(false), invited(NOW), unanchored(), "anchor a1 with [city,displayName,userType]"),
        (gone(), invited(NOW), unanchored(), "anchor a1 with []"),
        (present(true), invited(NOW), ours(), "take over a1"),
        (gone(), invited(NOW), binned(), "take over a1 in the bin"),
        (present(true), invited(NOW), foreign(), "conflict address_taken other"),
    ]);
}

#[test]
fn access_is_taken_first_and_given_last() {
    let ended = Shadow::Object(Account { sessions: Sessions::Ended, ..account(Stage::Live) });
    let refused = Shadow::Object(Account { sessions: Sessions::Refused, ..account(Stage::Live) });
    check(vec![
        (present(true), old(Stage::Live), Seen::NotLooked, "rest"),
        (present(false), old(Stage::Live), Seen::NotLooked, "revoke a1"),
        (present(false), ended.clone(), Seen::NotLooked, "disable a1"),
        (present(false), refused, Seen::NotLooked, "disable a1"),
        (present(false), lowered(Stage::Live, LoweredBy::Us, Sessions::Ended), Seen::NotLooked, "rest"),
        (present(true), lowered(Stage::Live, LoweredBy::Us, Sessions::Ended), Seen::NotLooked, "enable a1"),
        (present(true), lowered(Stage::Live, LoweredBy::Target, Sessions::Open), Seen::NotLooked, "rest"),
        (gone(), old(Stage::Live), Seen::NotLooked, "revoke a1"),
        (gone(), ended, Seen::NotLooked, "disable a1"),
        (gone(), lowered(Stage::Live, LoweredBy::Us, Sessions::Ended), Seen::NotLooked, "delete a1"),
        (gone(), lowered(Stage::Live, LoweredBy::Target, Sessions::Open), Seen::NotLooked, "revoke a1"),
    ]);
}

#[test]
fn only_what_differs_is_written_and_on_create_never_again() {
    let rows = [
        (&[("city", "Paris"), ("displayName", "Ana")][..], true, "rest"),
        (&[("city", "Rome"), ("displayName", "Ana")], true, "patch a1 with [city]"),
        (&[("displayName", "Ana"), ("jobTitle", "Chef")], true, "patch a1 with [city]"),
        (&[("city", "Rome"), ("displayName", "Ana")], false, "patch a1 with [city]"),
    ];
    for (applied, enabled, want) in rows {
        let shadow = if enabled { old(Stage::Live) } else { lowered(Stage::Live, LoweredBy::Us, Sessions::Ended) };
        let mut link = link(present(true), shadow);
        link.applied.attributes = text(applied);
        assert_eq!(say(&next(&link, &Seen::NotLooked, NOW)), want, "{applied:?}");
    }
}

#[test]
fn a_doubt_is_read_away_before_anything_else() {
    for stage in [Stage::Doubtful, Stage::Leaving { since: NOW }, Stage::Returning { since: NOW }] {
        check([present(true), present(false), gone()].into_iter().map(|want| (want, old(stage), Seen::NotLooked, "read a1")).collect());
    }
    check(vec![
        (present(true), old(Stage::Doubtful), ours(), "take over a1"),
        (gone(), old(Stage::Doubtful), ours(), "take over a1"),
        (present(true), old(Stage::Live), ours(), "take over a1"),
    ]);
}

#[test]
fn who_was_deleted_in_the_target_is_vetoed_unless_that_is_wanted_or_too_early_to_tell() {
    for stage in [Stage::Live, Stage::Doubtful] {
        check(vec![
            (present(true), old(stage), binned(), "veto in the bin"),
            (present(false), old(stage), binned(), "veto in the bin"),
            (gone(), old(stage), binned(), "take over a1 in the bin"),
            (present(true), young(stage), Seen::Absent, "await"),
            (present(true), old(stage), Seen::Absent, "veto gone"),
            (present(false), old(stage), Seen::Absent, "veto gone"),
            (gone(), young(stage), Seen::Absent, "await"),
            (gone(), old(stage), Seen::Absent, "forget"),
        ]);
    }
}

#[test]
fn where_a_deletion_of_ours_may_have_happened_nobody_is_blamed() {
    let leaving = |since| old(Stage::Leaving { since });
    check(vec![
        (gone(), leaving(NOW), ours(), "take over a1"),
        (gone(), leaving(NOW), binned(), "take over a1 in the bin"),
        (present(true), leaving(NOW), binned(), "take over a1 in the bin"),
        (gone(), leaving(NOW), Seen::Absent, "await"),
        (gone(), leaving(ago(5 * MINUTE)), Seen::Absent, "forget"),
    ]);
}

#[test]
fn who_is_in_the_bin_stays_until_he_is_wanted_with_his_access() {
    let bin = || old(Stage::Bin { since: NOW });
    check(vec![
        (gone(), bin(), Seen::NotLooked, "rest"),
        (present(false), bin(), Seen::NotLooked, "rest"),
        (present(true), bin(), Seen::NotLooked, "restore a1"),
        (present(true), bin(), ours(), "take over a1"),
    ]);
}

#[test]
fn who_is_restored_is_disabled_mapped_and_enabled_in_this_order() {
    let returning = |since| lowered(Stage::Returning { since }, LoweredBy::Us, Sessions::Ended);
    let lowered_object = Seen::Ours(Object { enabled: false, ..object("a1", Some(ANCHOR)) });
    check(vec![
        (present(true), returning(NOW), ours(), "disable a1"),
        (present(true), returning(NOW), lowered_object.clone(), "take over a1"),
        (gone(), returning(NOW), lowered_object, "take over a1"),
        (present(true), returning(NOW), binned(), "await"),
        (present(true), returning(ago(MINUTE)), binned(), "restore a1"),
        (gone(), returning(ago(MINUTE)), binned(), "take over a1 in the bin"),
        (present(true), returning(NOW), Seen::Absent, "await"),
        (present(true), returning(ago(5 * MINUTE)), Seen::Absent, "forget"),
    ]);
}

#[test]
fn without_our_anchor_nothing_is_written() {
    for stage in [Stage::Live, Stage::Doubtful, Stage::Leaving { since: NOW }, Stage::Returning { since: NOW }] {
        check(vec![
            (present(true), young(stage), unanchored(), "await"),
            (present(true), old(stage), unanchored(), "conflict anchor_lost a1"),
            (gone(), old(stage), foreign(), "conflict address_taken other"),
        ]);
    }
}

#[test]
fn a_no_is_kept_until_it_ends_or_the_decision_changes() {
    let vetoed = |until| Some(Veto { by: "hub".into(), reason: "deleted in the target".into(), until });
    let rejected = |delta| {
        let against = decision(delta, present(true)).version;
        Some(Override { by: "jo".into(), reason: "no".into(), against })
    };
    let refused = |due| {
        let code = "Request_BadRequest".into();
        Some(Trouble { kind: TroubleKind::Refused, code, others: Vec::new(), attempts: 1, due, since: NOW, answer: None })
    };
    let look = "look up ana@emea.example";
    for (veto, reject, trouble, want) in [
        (vetoed(None), None, None, "hold vetoed"),
        (vetoed(Some(Timestamp(NOW.0 + 1))), None, None, "hold vetoed"),
        (vetoed(Some(NOW)), None, None, look),
        (None, rejected(1), None, "hold rejected"),
        (None, rejected(0), None, look),
        (None, None, refused(None), "hold refused"),
        (None, None, refused(Some(Timestamp(NOW.0 + 1))), "hold refused"),
        (None, None, refused(Some(NOW)), look),
    ] {
        let link = Link { veto, reject, trouble, ..link(present(true), Shadow::None) };
        assert_eq!(say(&next(&link, &Seen::NotLooked, NOW)), want);
    }
}

#[test]
fn a_veto_keeps_nobody_in() {
    let link = Link { veto: Some(Veto { by: "hub".into(), reason: String::new(), until: None }), ..link(gone(), old(Stage::Live)) };
    assert_eq!(say(&next(&link, &Seen::NotLooked, NOW)), "revoke a1");
}

/// Who is dismissed often leaves the groups in the same minute: a grace period of weeks must not keep the sign-in.
#[test]
fn a_user_who_is_disabled_and_lost_the_scope_loses_sign_in_at_once_and_the_object_after_the_grace_period() {
    let both = || Desired::Gone(Departure::OutOfScope { settle_ms: 60_000, blocked: true });
    let ended = Shadow::Object(Account { sessions: Sessions::Ended, ..account(Stage::Live) });
    check(vec![
        (both(), old(Stage::Live), Seen::NotLooked, "revoke a1"),
        (both(), ended, Seen::NotLooked, "disable a1"),
        (both(), lowered(Stage::Live, LoweredBy::Us, Sessions::Ended), Seen::NotLooked, "settle 60s"),
        (both(), old(Stage::Doubtful), Seen::NotLooked, "read a1"),
        (both(), old(Stage::Bin { since: NOW }), Seen::NotLooked, "rest"),
        (both(), Shadow::None, Seen::NotLooked, "rest"),
    ]);
}

/// K-21, with `rehire: restore`.
#[test]
fn what_belonged_to_a_former_account_is_restored_then_gets_the_anchor_and_access_last() {
    let inherited = |stage| Shadow::Object(of_former(account(stage)));
    let restored = |enabled| Seen::Ours(Object { enabled, ..object("a1", Some("us-id/maria")) });
    check(vec![
        (present(true), inherited(Stage::Bin { since: NOW }), Seen::NotLooked, "restore a1"),
        (present(false), inherited(Stage::Bin { since: NOW }), Seen::NotLooked, "rest"),
        (gone(), inherited(Stage::Bin { since: NOW }), Seen::NotLooked, "rest"),
        (present(true), inherited(Stage::Returning { since: NOW }), Seen::NotLooked, "read a1"),
        (present(true), inherited(Stage::Returning { since: NOW }), restored(true), "disable a1"),
        (present(true), inherited(Stage::Returning { since: NOW }), restored(false), "take over a1"),
        (present(true), inherited(Stage::Live), Seen::NotLooked, "anchor a1 with [city,displayName,userType]"),
        (present(false), inherited(Stage::Live), Seen::NotLooked, "anchor a1 with [city,displayName,userType]"),
        (gone(), inherited(Stage::Live), Seen::NotLooked, "delete a1"),
    ]);
}
