//! The state table, row by row.

mod deletion_grace;

use super::super::testing::*;
use super::*;
use crate::link::{Condition, ConditionKind, GracePeriod, Override, Veto};
use crate::shadow::Object;
use crate::{Desired, Timestamp};

fn young(stage: Stage) -> Shadow {
    Shadow::Object(Account { created_at: ago(MINUTE), ..account(stage) })
}

fn old(stage: Stage) -> Shadow {
    Shadow::Object(account(stage))
}

fn disabled(stage: Stage, disabled_by: DisabledBy, sessions: Sessions) -> Shadow {
    Shadow::Object(Account { enabled: false, disabled_by, sessions, ..account(stage) })
}

fn owned() -> Observed {
    Observed::Owned(object("a1", Some(ANCHOR)))
}

fn soft_deleted() -> Observed {
    Observed::OwnedSoftDeleted(soft_deleted_object(object("a1", Some(ANCHOR))))
}

fn unanchored() -> Observed {
    Observed::Unanchored(object("a1", None))
}

fn foreign() -> Observed {
    Observed::Foreign(Conflict { kind: ConflictKind::AddressTaken, others: vec!["other".into()], is_passing: false })
}

fn former() -> Observed {
    Observed::Former { owner: "us/maria".into(), account: of_former(account(Stage::SoftDeleted { since: NOW })) }
}

/// As it is taken over from the link of a former account, which took the sign-in before the deletion.
fn of_former(account: Account) -> Account {
    let former_anchor = Some("us-id/maria".to_owned());
    Account {
        former_anchor,
        enabled: false,
        disabled_by: DisabledBy::Xtsync,
        sessions: Sessions::Ended,
        creation_incomplete: true,
        ..account
    }
}

/// A step in a few words.
fn describe(step: &Step) -> String {
    match step {
        Step::Call(call) => describe_call(call),
        Step::UpdateRow(RowUpdate::TakeOver(Object { id, soft_deleted, .. })) => {
            format!("take over {id}{}", if soft_deleted.is_some() { " in the bin" } else { "" })
        }
        Step::UpdateRow(RowUpdate::Identify(id)) => format!("identify {id}"),
        Step::Inherit { owner, account } => format!("inherit {} of {owner}", account.id),
        Step::UpdateRow(RowUpdate::Forget) => "forget".into(),
        Step::UpdateRow(RowUpdate::Veto(object)) => format!("veto {}", object.as_ref().map_or("gone", |_| "in the bin")),
        Step::AwaitVisibility => "await".into(),
        Step::GracePeriod(GracePeriod::Scope, due) => format!("grace period {}s", due.since(NOW).as_secs()),
        Step::GracePeriod(GracePeriod::Deletion, due) => format!("deletion in {}s", due.since(NOW).as_secs()),
        Step::Hold(Hold::Conflict(conflict)) => format!("conflict {} {}", conflict.kind.code(), conflict.others.join(",")),
        Step::Hold(hold) => format!("hold {hold:?}").to_lowercase(),
        Step::Converged => "converged".into(),
    }
}

fn describe_call(call: &Call) -> String {
    let names = |attributes: &Attributes| attributes.names().collect::<Vec<_>>().join(",");
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
        Call::ResetRedemption { id, address } => format!("reset {id} for {address}"),
        Call::Put { address, attributes } => format!("put {address} with [{}]", names(attributes)),
        Call::Delete { id } => format!("delete {id} for good"),
    }
}

type Row = (Desired, Shadow, Observed, &'static str);

fn check(rows: Vec<Row>) {
    check_with(&INVITES, rows);
}

fn check_with(can: &Capabilities, rows: Vec<Row>) {
    for (desired, shadow, seen, want) in rows {
        let link = link(desired.clone(), shadow.clone());
        assert_eq!(describe(&next(&link, &seen, NOW, can)), want, "{can:?}: {desired:?} × {shadow:?} × {seen:?}");
    }
}

#[test]
fn a_skipped_user_stays_unchanged() {
    let shadows = [Shadow::None, inviting(NOW, None), old(Stage::Live), old(Stage::Unverified), old(Stage::SoftDeleted { since: NOW })];
    check(shadows.into_iter().map(|shadow| (skipped(), shadow, Observed::NotObserved, "converged")).collect());
}

/// K-30: a scope that is not resolved, or whatever else a user is skipped for, keeps no access that home has taken.
#[test]
fn a_skipped_user_who_is_disabled_at_home_loses_sign_in_and_nothing_else_is_written() {
    let ended = Shadow::Object(Account { sessions: Sessions::Ended, ..account(Stage::Live) });
    let creation_incomplete = Shadow::Object(Account { creation_incomplete: true, enabled: false, ..account(Stage::Live) });
    check(vec![
        (blocked(), Shadow::None, Observed::NotObserved, "converged"),
        (blocked(), old(Stage::Live), Observed::NotObserved, "revoke a1"),
        (blocked(), ended, Observed::NotObserved, "disable a1"),
        (blocked(), disabled(Stage::Live, DisabledBy::Xtsync, Sessions::Ended), Observed::NotObserved, "converged"),
        (blocked(), disabled(Stage::Live, DisabledBy::Target, Sessions::Open), Observed::NotObserved, "converged"),
        (blocked(), creation_incomplete, Observed::NotObserved, "converged"),
        (blocked(), old(Stage::SoftDeleted { since: NOW }), Observed::NotObserved, "converged"),
        (blocked(), inviting(NOW, None), Observed::NotObserved, "look up ana@emea.example"),
        (blocked(), inviting(NOW, None), Observed::Absent, "await"),
        (blocked(), inviting(ago(5 * MINUTE), None), Observed::Absent, "forget"),
        (blocked(), inviting(NOW, Some("a1")), unanchored(), "anchor a1 with []"),
        (blocked(), old(Stage::Unverified), Observed::NotObserved, "read a1"),
        (blocked(), old(Stage::Unverified), owned(), "take over a1"),
        (blocked(), old(Stage::Unverified), Observed::Absent, "veto gone"),
        (blocked(), old(Stage::Unverified), soft_deleted(), "veto in the bin"),
        (blocked(), old(Stage::Restoring { since: NOW }), owned(), "disable a1"),
        (blocked(), old(Stage::Restoring { since: ago(MINUTE) }), soft_deleted(), "take over a1 in the bin"),
        (blocked(), old(Stage::Deprovisioning { since: NOW }), soft_deleted(), "take over a1 in the bin"),
    ]);
    let reject = Some(Override { by: "jo".into(), reason: "no".into(), against: decision(1, blocked()).version });
    let rejected = Link { reject, ..link(blocked(), old(Stage::Live)) };
    assert_eq!(describe(&next(&rejected, &Observed::NotObserved, NOW, &INVITES)), "hold rejected");
}

#[test]
fn a_loss_of_scope_does_nothing_before_its_grace_period_ends() {
    check(vec![
        (out_of_scope(30_000), Shadow::None, Observed::NotObserved, "converged"),
        (out_of_scope(30_000), old(Stage::SoftDeleted { since: NOW }), Observed::NotObserved, "converged"),
        (out_of_scope(30_000), old(Stage::Live), Observed::NotObserved, "grace period 30s"),
        (out_of_scope(30_000), inviting(NOW, None), Observed::NotObserved, "grace period 30s"),
        (out_of_scope(0), old(Stage::Live), Observed::NotObserved, "revoke a1"),
        (external(), old(Stage::Live), Observed::NotObserved, "revoke a1"),
    ]);
}

#[test]
fn no_user_is_invited_before_a_look_up_and_only_where_nothing_is_found() {
    check(vec![
        (wanted(false), Shadow::None, Observed::NotObserved, "converged"),
        (not_wanted(), Shadow::None, Observed::NotObserved, "converged"),
        (wanted(true), Shadow::None, Observed::NotObserved, "look up ana@emea.example"),
        (wanted(true), Shadow::None, Observed::Absent, "invite ana@emea.example as Ana"),
        (wanted(true), Shadow::None, owned(), "take over a1"),
        (wanted(true), Shadow::None, soft_deleted(), "take over a1 in the bin"),
        (wanted(true), Shadow::None, unanchored(), "conflict address_taken a1"),
        (wanted(true), Shadow::None, foreign(), "conflict address_taken other"),
        (wanted(true), Shadow::None, former(), "inherit a1 of us/maria"),
        (wanted(true), inviting(NOW, None), former(), "await"),
        (not_wanted(), Shadow::None, former(), "converged"),
    ]);
}

#[test]
fn an_invitation_that_may_have_happened_is_looked_for() {
    let elsewhere = |began| Shadow::Inviting(Inviting { address: "ana@old.example".into(), began, id: None });
    check(vec![
        (wanted(true), inviting(NOW, None), Observed::NotObserved, "look up ana@emea.example"),
        (wanted(true), elsewhere(NOW), Observed::NotObserved, "look up ana@old.example"),
        (not_wanted(), inviting(NOW, None), Observed::NotObserved, "look up ana@emea.example"),
        (wanted(true), inviting(NOW, None), Observed::Absent, "invite ana@emea.example as Ana"),
        (wanted(true), elsewhere(NOW), Observed::Absent, "await"),
        (wanted(true), elsewhere(ago(5 * MINUTE)), Observed::Absent, "invite ana@emea.example as Ana"),
        (not_wanted(), inviting(NOW, None), Observed::Absent, "await"),
        (not_wanted(), inviting(ago(5 * MINUTE), None), Observed::Absent, "forget"),
        (wanted(false), inviting(ago(5 * MINUTE), None), Observed::Absent, "forget"),
        (wanted(true), inviting(NOW, None), unanchored(), "identify a1"),
        (not_wanted(), inviting(NOW, None), unanchored(), "identify a1"),
        (wanted(true), inviting(NOW, None), owned(), "take over a1"),
        (not_wanted(), inviting(NOW, None), soft_deleted(), "take over a1 in the bin"),
        (wanted(true), inviting(NOW, None), foreign(), "conflict address_taken other"),
    ]);
}

#[test]
fn an_invited_object_is_read_before_it_is_written() {
    let invited = |began| inviting(began, Some("a1"));
    check(vec![
        (wanted(true), invited(NOW), Observed::NotObserved, "read a1"),
        (wanted(true), invited(NOW), Observed::Absent, "await"),
        (wanted(true), invited(ago(5 * MINUTE)), Observed::Absent, "forget"),
        (wanted(true), invited(NOW), unanchored(), "anchor a1 with [city,displayName,userType]"),
        (wanted(false), invited(NOW), unanchored(), "anchor a1 with [city,displayName,userType]"),
        (not_wanted(), invited(NOW), unanchored(), "anchor a1 with []"),
        (wanted(true), invited(NOW), owned(), "take over a1"),
        (not_wanted(), invited(NOW), soft_deleted(), "take over a1 in the bin"),
        (wanted(true), invited(NOW), foreign(), "conflict address_taken other"),
    ]);
}

#[test]
fn access_is_revoked_first_and_granted_last() {
    let ended = Shadow::Object(Account { sessions: Sessions::Ended, ..account(Stage::Live) });
    let refused = Shadow::Object(Account { sessions: Sessions::Refused, ..account(Stage::Live) });
    check(vec![
        (wanted(true), old(Stage::Live), Observed::NotObserved, "converged"),
        (wanted(false), old(Stage::Live), Observed::NotObserved, "revoke a1"),
        (wanted(false), ended.clone(), Observed::NotObserved, "disable a1"),
        (wanted(false), refused, Observed::NotObserved, "disable a1"),
        (wanted(false), disabled(Stage::Live, DisabledBy::Xtsync, Sessions::Ended), Observed::NotObserved, "converged"),
        (wanted(true), disabled(Stage::Live, DisabledBy::Xtsync, Sessions::Ended), Observed::NotObserved, "enable a1"),
        (wanted(true), disabled(Stage::Live, DisabledBy::Target, Sessions::Open), Observed::NotObserved, "converged"),
        (not_wanted(), old(Stage::Live), Observed::NotObserved, "revoke a1"),
        (not_wanted(), ended, Observed::NotObserved, "disable a1"),
        (not_wanted(), disabled(Stage::Live, DisabledBy::Xtsync, Sessions::Ended), Observed::NotObserved, "delete a1"),
        (not_wanted(), disabled(Stage::Live, DisabledBy::Target, Sessions::Open), Observed::NotObserved, "revoke a1"),
    ]);
}

#[test]
fn only_what_differs_is_written_and_on_create_never_again() {
    let rows = [
        (&[("city", "Paris"), ("displayName", "Ana")][..], true, "converged"),
        (&[("city", "Rome"), ("displayName", "Ana")], true, "patch a1 with [city]"),
        (&[("displayName", "Ana"), ("jobTitle", "Chef")], true, "patch a1 with [city]"),
        (&[("city", "Rome"), ("displayName", "Ana")], false, "patch a1 with [city]"),
    ];
    for (applied, enabled, want) in rows {
        let shadow = if enabled { old(Stage::Live) } else { disabled(Stage::Live, DisabledBy::Xtsync, Sessions::Ended) };
        let mut link = link(wanted(true), shadow);
        link.applied.attributes = text(applied);
        assert_eq!(describe(&next(&link, &Observed::NotObserved, NOW, &INVITES)), want, "{applied:?}");
    }
}

#[test]
fn an_unverified_object_is_read_before_anything_else() {
    for stage in [Stage::Unverified, Stage::Deprovisioning { since: NOW }, Stage::Restoring { since: NOW }] {
        check(
            [wanted(true), wanted(false), not_wanted()]
                .into_iter()
                .map(|want| (want, old(stage), Observed::NotObserved, "read a1"))
                .collect(),
        );
    }
    check(vec![
        (wanted(true), old(Stage::Unverified), owned(), "take over a1"),
        (not_wanted(), old(Stage::Unverified), owned(), "take over a1"),
        (wanted(true), old(Stage::Live), owned(), "take over a1"),
    ]);
}

#[test]
fn a_deletion_in_the_target_is_a_veto_unless_not_wanted_or_too_early() {
    for stage in [Stage::Live, Stage::Unverified] {
        check(vec![
            (wanted(true), old(stage), soft_deleted(), "veto in the bin"),
            (wanted(false), old(stage), soft_deleted(), "veto in the bin"),
            (not_wanted(), old(stage), soft_deleted(), "take over a1 in the bin"),
            (wanted(true), young(stage), Observed::Absent, "await"),
            (wanted(true), old(stage), Observed::Absent, "veto gone"),
            (wanted(false), old(stage), Observed::Absent, "veto gone"),
            (not_wanted(), young(stage), Observed::Absent, "await"),
            (not_wanted(), old(stage), Observed::Absent, "forget"),
        ]);
    }
}

#[test]
fn after_a_possible_own_deletion_no_veto_is_recorded() {
    let leaving = |since| old(Stage::Deprovisioning { since });
    check(vec![
        (not_wanted(), leaving(NOW), owned(), "take over a1"),
        (not_wanted(), leaving(NOW), soft_deleted(), "take over a1 in the bin"),
        (wanted(true), leaving(NOW), soft_deleted(), "take over a1 in the bin"),
        (not_wanted(), leaving(NOW), Observed::Absent, "await"),
        (not_wanted(), leaving(ago(5 * MINUTE)), Observed::Absent, "forget"),
    ]);
}

#[test]
fn a_soft_deleted_user_stays_so_until_wanted_and_enabled() {
    let bin = || old(Stage::SoftDeleted { since: NOW });
    check(vec![
        (not_wanted(), bin(), Observed::NotObserved, "converged"),
        (wanted(false), bin(), Observed::NotObserved, "converged"),
        (wanted(true), bin(), Observed::NotObserved, "restore a1"),
        (wanted(true), bin(), owned(), "take over a1"),
    ]);
}

#[test]
fn a_restored_user_is_disabled_updated_and_enabled_in_this_order() {
    let returning = |since| disabled(Stage::Restoring { since }, DisabledBy::Xtsync, Sessions::Ended);
    let disabled_object = Observed::Owned(Object { enabled: false, ..object("a1", Some(ANCHOR)) });
    check(vec![
        (wanted(true), returning(NOW), owned(), "disable a1"),
        (wanted(true), returning(NOW), disabled_object.clone(), "take over a1"),
        (not_wanted(), returning(NOW), disabled_object, "take over a1"),
        (wanted(true), returning(NOW), soft_deleted(), "await"),
        (wanted(true), returning(ago(MINUTE)), soft_deleted(), "restore a1"),
        (not_wanted(), returning(ago(MINUTE)), soft_deleted(), "take over a1 in the bin"),
        (wanted(true), returning(NOW), Observed::Absent, "await"),
        (wanted(true), returning(ago(5 * MINUTE)), Observed::Absent, "forget"),
    ]);
}

#[test]
fn without_its_anchor_nothing_is_written() {
    for stage in [Stage::Live, Stage::Unverified, Stage::Deprovisioning { since: NOW }, Stage::Restoring { since: NOW }] {
        check(vec![
            (wanted(true), young(stage), unanchored(), "await"),
            (wanted(true), old(stage), unanchored(), "conflict anchor_lost a1"),
            (not_wanted(), old(stage), foreign(), "conflict address_taken other"),
        ]);
    }
}

#[test]
fn a_veto_reject_or_refusal_holds_until_it_ends_or_the_decision_changes() {
    let vetoed = |until| Some(Veto { by: "hub".into(), reason: "deleted in the target".into(), until });
    let rejected = |delta| {
        let against = decision(delta, wanted(true)).version;
        Some(Override { by: "jo".into(), reason: "no".into(), against })
    };
    let refused = |due| {
        let code = "Request_BadRequest".into();
        Some(Condition { kind: ConditionKind::Refused, code, others: Vec::new(), attempts: 1, due, since: NOW, answer: None })
    };
    let look = "look up ana@emea.example";
    for (veto, reject, condition, want) in [
        (vetoed(None), None, None, "hold vetoed"),
        (vetoed(Some(Timestamp(NOW.0 + 1))), None, None, "hold vetoed"),
        (vetoed(Some(NOW)), None, None, look),
        (None, rejected(1), None, "hold rejected"),
        (None, rejected(0), None, look),
        (None, None, refused(None), "hold refused"),
        (None, None, refused(Some(Timestamp(NOW.0 + 1))), "hold refused"),
        (None, None, refused(Some(NOW)), look),
    ] {
        let link = Link { veto, reject, condition, ..link(wanted(true), Shadow::None) };
        assert_eq!(describe(&next(&link, &Observed::NotObserved, NOW, &INVITES)), want);
    }
}

#[test]
fn a_veto_does_not_prevent_a_deprovisioning() {
    let link = Link { veto: Some(Veto { by: "hub".into(), reason: String::new(), until: None }), ..link(not_wanted(), old(Stage::Live)) };
    assert_eq!(describe(&next(&link, &Observed::NotObserved, NOW, &INVITES)), "revoke a1");
}

/// A dismissed user often leaves the groups in the same minute. A grace period of weeks must not delay the block of sign-in.
#[test]
fn a_user_who_is_disabled_and_lost_the_scope_loses_sign_in_at_once_and_the_object_after_the_grace_period() {
    let both = || blocked_out_of_scope(60_000);
    let ended = Shadow::Object(Account { sessions: Sessions::Ended, ..account(Stage::Live) });
    check(vec![
        (both(), old(Stage::Live), Observed::NotObserved, "revoke a1"),
        (both(), ended, Observed::NotObserved, "disable a1"),
        (both(), disabled(Stage::Live, DisabledBy::Xtsync, Sessions::Ended), Observed::NotObserved, "grace period 60s"),
        (both(), old(Stage::Unverified), Observed::NotObserved, "read a1"),
        (both(), old(Stage::SoftDeleted { since: NOW }), Observed::NotObserved, "converged"),
        (both(), Shadow::None, Observed::NotObserved, "converged"),
    ]);
}

/// K-21, with `rehire: restore`.
#[test]
fn a_former_accounts_object_is_restored_then_anchored_then_enabled() {
    let inherited = |stage| Shadow::Object(of_former(account(stage)));
    let redeemed = |stage| Shadow::Object(Account { redeemed: true, ..of_former(account(stage)) });
    let restored = |enabled| Observed::Owned(Object { enabled, ..object("a1", Some("us-id/maria")) });
    check(vec![
        (wanted(true), inherited(Stage::SoftDeleted { since: NOW }), Observed::NotObserved, "restore a1"),
        (wanted(false), inherited(Stage::SoftDeleted { since: NOW }), Observed::NotObserved, "converged"),
        (not_wanted(), inherited(Stage::SoftDeleted { since: NOW }), Observed::NotObserved, "converged"),
        (wanted(true), inherited(Stage::Restoring { since: NOW }), Observed::NotObserved, "read a1"),
        (wanted(true), inherited(Stage::Restoring { since: NOW }), restored(true), "disable a1"),
        (wanted(true), inherited(Stage::Restoring { since: NOW }), restored(false), "take over a1"),
        (wanted(true), inherited(Stage::Live), Observed::NotObserved, "anchor a1 with [city,displayName,userType]"),
        (wanted(false), inherited(Stage::Live), Observed::NotObserved, "anchor a1 with [city,displayName,userType]"),
        (wanted(true), redeemed(Stage::Live), Observed::NotObserved, "reset a1 for ana@emea.example"),
        (not_wanted(), redeemed(Stage::Live), Observed::NotObserved, "delete a1"),
        (not_wanted(), inherited(Stage::Live), Observed::NotObserved, "delete a1"),
    ]);
}

#[test]
fn a_put_creates_with_anchor_and_attributes_and_is_repeated_only_where_that_gives_the_same_object() {
    let with_attribute = Capabilities { anchor: Anchor::Attribute, ..PUTS };
    let elsewhere = || Shadow::Inviting(Inviting { address: "ana@old.example".into(), began: NOW, id: None });
    let put = "put ana@emea.example with [city,displayName,userType]";
    for (can, again) in [(&PUTS, put), (&with_attribute, "await")] {
        check_with(
            can,
            vec![
                (wanted(true), Shadow::None, Observed::NotObserved, "look up ana@emea.example"),
                (wanted(true), Shadow::None, Observed::Absent, put),
                (wanted(false), Shadow::None, Observed::NotObserved, "converged"),
                (wanted(true), inviting(NOW, None), Observed::NotObserved, "look up ana@emea.example"),
                (wanted(true), inviting(NOW, None), Observed::Absent, again),
                (wanted(true), elsewhere(), Observed::Absent, again),
                (wanted(true), inviting(ago(5 * MINUTE), None), Observed::Absent, put),
                (not_wanted(), inviting(NOW, None), Observed::Absent, "await"),
                (not_wanted(), inviting(ago(5 * MINUTE), None), Observed::Absent, "forget"),
                (wanted(true), inviting(NOW, None), owned(), "take over a1"),
                (wanted(true), inviting(NOW, None), unanchored(), "conflict address_taken a1"),
                (wanted(true), inviting(NOW, Some("a1")), Observed::NotObserved, "read a1"),
                (wanted(true), inviting(NOW, Some("a1")), owned(), "take over a1"),
                (wanted(true), inviting(NOW, Some("a1")), unanchored(), "conflict address_taken a1"),
            ],
        );
    }
}

/// Disable, wait, delete; and where sign-in cannot be blocked, wait and delete. Home has blocked the sign-in by then, or will not.
#[test]
fn without_a_bin_access_is_taken_at_once_and_the_object_after_a_grace_period() {
    let disabled = || disabled(Stage::Live, DisabledBy::Xtsync, Sessions::Open);
    let ended = || Shadow::Object(Account { sessions: Sessions::Ended, ..account(Stage::Live) });
    let both = blocked_out_of_scope(30_000);
    check_with(
        &PUTS,
        vec![
            (not_wanted(), old(Stage::Live), Observed::NotObserved, "disable a1"),
            (not_wanted(), disabled(), Observed::NotObserved, "deletion in 100s"),
            (not_wanted(), Shadow::None, Observed::NotObserved, "converged"),
            (not_wanted(), inviting(NOW, None), Observed::NotObserved, "look up ana@emea.example"),
            (not_wanted(), old(Stage::Unverified), Observed::NotObserved, "read a1"),
            (not_wanted(), old(Stage::Unverified), Observed::Absent, "forget"),
            (out_of_scope(30_000), old(Stage::Live), Observed::NotObserved, "grace period 30s"),
            (out_of_scope(0), old(Stage::Live), Observed::NotObserved, "disable a1"),
            (both.clone(), old(Stage::Live), Observed::NotObserved, "disable a1"),
            (both, disabled(), Observed::NotObserved, "grace period 30s"),
        ],
    );
    let can = Capabilities { sessions: true, ..ONLY_DELETES };
    check_with(
        &can,
        vec![
            (not_wanted(), old(Stage::Live), Observed::NotObserved, "revoke a1"),
            (not_wanted(), ended(), Observed::NotObserved, "deletion in 100s"),
            (wanted(false), old(Stage::Live), Observed::NotObserved, "revoke a1"),
            (wanted(false), ended(), Observed::NotObserved, "converged"),
            (blocked(), ended(), Observed::NotObserved, "converged"),
        ],
    );
    check_with(&ONLY_DELETES, vec![(not_wanted(), old(Stage::Live), Observed::NotObserved, "deletion in 100s")]);
    for (can, shadow) in [(&PUTS, disabled()), (&can, ended()), (&ONLY_DELETES, old(Stage::Live))] {
        let mut link = link(not_wanted(), shadow);
        link.desired_since = NOW.minus(DELETION_GRACE);
        link.mark_deferred(link.desired_since);
        assert_eq!(describe(&next(&link, &Observed::NotObserved, NOW, can)), "delete a1 for good", "{can:?}");
    }
}

#[test]
fn without_sessions_their_revocation_is_skipped() {
    let can = Capabilities { sessions: false, ..INVITES };
    check_with(
        &can,
        vec![
            (wanted(false), old(Stage::Live), Observed::NotObserved, "disable a1"),
            (not_wanted(), old(Stage::Live), Observed::NotObserved, "disable a1"),
            (not_wanted(), disabled(Stage::Live, DisabledBy::Xtsync, Sessions::Open), Observed::NotObserved, "delete a1"),
        ],
    );
}

/// A link may have a row from a time when the directory had a bin.
#[test]
fn a_user_in_a_bin_that_is_no_more_is_created_anew() {
    let bin = || old(Stage::SoftDeleted { since: NOW });
    check_with(
        &PUTS,
        vec![
            (wanted(true), bin(), Observed::NotObserved, "read a1"),
            (wanted(true), bin(), Observed::Absent, "forget"),
            (not_wanted(), bin(), Observed::NotObserved, "converged"),
            (wanted(true), old(Stage::Restoring { since: ago(5 * MINUTE) }), Observed::Absent, "forget"),
        ],
    );
    check_with(&ONLY_DELETES, vec![(wanted(true), old(Stage::Restoring { since: NOW }), owned(), "take over a1")]);
}

#[test]
fn a_former_accounts_object_is_inherited_only_where_it_can_be_restored_and_anchored() {
    let native = Capabilities { anchor: Anchor::Native, ..INVITES };
    check_with(&native, vec![(wanted(true), Shadow::None, former(), "invite ana@emea.example as Ana")]);
    check_with(&PUTS, vec![(wanted(true), Shadow::None, former(), "put ana@emea.example with [city,displayName,userType]")]);
}
