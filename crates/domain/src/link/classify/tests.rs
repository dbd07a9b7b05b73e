//! Whose an object is, case by case.

use super::super::testing::*;
use super::super::{Account, Stage};
use super::*;
use crate::Timestamp;

fn describe(seen: &Observed) -> String {
    match seen {
        Observed::NotObserved => "not looked".into(),
        Observed::Absent => "absent".into(),
        Observed::Owned(object) => format!("ours {}", object.id),
        Observed::OwnedSoftDeleted(object) => format!("ours in the bin {}", object.id),
        Observed::Unanchored(object) => format!("unanchored {}", object.id),
        Observed::Former { owner, account } => format!("former {} of {owner}", account.id),
        Observed::Foreign(conflict) => format!("{} {}", conflict.kind.code(), conflict.others.join(",")),
    }
}

fn found(by_anchor: &[&Object], by_address: &[&Object]) -> Found {
    let owned = |objects: &[&Object]| objects.iter().copied().cloned().collect();
    Found { by_anchor: owned(by_anchor), by_address: owned(by_address) }
}

fn created(created_at: Timestamp) -> Object {
    Object { created_at: Some(created_at), ..object("a1", None) }
}

fn claim(is_given_up: bool) -> Claim {
    Claim { owner: "us/maria".to_owned(), is_given_up, former: None }
}

#[test]
fn an_anchored_object_is_owned_when_nothing_contradicts() {
    let ana = object("a1", Some(ANCHOR));
    let twin = object("a2", Some(ANCHOR));
    let internal = Object { kind: ObjectKind::Internal, ..ana.clone() };
    let bin = soft_deleted_object(ana.clone());
    let unclaimed = Claimed::new();
    let maria = Claimed::from([(TargetId::from("a1"), claim(false))]);
    for (look, claimed, want) in [
        (found(&[], &[]), &unclaimed, "absent"),
        (found(&[&ana], &[&ana]), &unclaimed, "ours a1"),
        (found(&[&bin], &[&bin]), &unclaimed, "ours in the bin a1"),
        (found(&[&ana], &[]), &unclaimed, "anchor_contradicts a1"),
        (found(&[&internal], &[&internal]), &unclaimed, "anchor_contradicts a1"),
        (found(&[&ana], &[&ana]), &maria, "anchor_contradicts us/maria"),
        (found(&[&ana, &twin], &[&ana]), &unclaimed, "anchor_ambiguous a1,a2"),
    ] {
        assert_eq!(describe(&classify(&look, claimed, &link(wanted(true), Shadow::None))), want);
    }
}

/// A crash between the writing of the anchor and the recording of it: a mapping has overwritten the address by which the user was invited.
#[test]
fn an_anchored_object_without_the_address_is_owned_when_the_invitation_created_it() {
    let anchored = |created_at| Object { created_at: Some(created_at), ..object("a1", Some(ANCHOR)) };
    let bin = soft_deleted_object(anchored(NOW));
    for (object, shadow, want) in [
        (anchored(NOW), inviting(ago(MINUTE), None), "ours a1"),
        (anchored(NOW), Shadow::None, "anchor_contradicts a1"),
        (anchored(ago(10 * MINUTE)), inviting(ago(MINUTE), None), "anchor_contradicts a1"),
        (Object { created_at: None, ..anchored(NOW) }, inviting(ago(MINUTE), None), "anchor_contradicts a1"),
        (bin, inviting(ago(MINUTE), None), "anchor_contradicts a1"),
    ] {
        let seen = classify(&found(&[&object], &[]), &Claimed::new(), &link(wanted(true), shadow.clone()));
        assert_eq!(describe(&seen), want, "{object:?} {shadow:?}");
    }
}

#[test]
fn an_object_with_the_address_is_foreign_unless_the_invitation_created_it() {
    let tried = inviting(ago(MINUTE), None);
    let unclaimed = Claimed::new();
    let maria = Claimed::from([(TargetId::from("a1"), claim(false))]);
    let taken = "address_taken a1";
    for (object, shadow, claimed, want) in [
        (created(NOW), Shadow::None, &unclaimed, taken),
        (created(NOW), tried.clone(), &unclaimed, "unanchored a1"),
        (created(ago(90 * SECOND)), tried.clone(), &unclaimed, "unanchored a1"),
        (created(ago(3 * MINUTE)), tried.clone(), &unclaimed, taken),
        (created(NOW), inviting(ago(30 * MINUTE), None), &unclaimed, taken),
        (created(NOW), tried.clone(), &maria, "address_taken us/maria"),
        (soft_deleted_object(created(NOW)), tried.clone(), &unclaimed, taken),
        (object("a1", Some("home/bo")), tried.clone(), &unclaimed, taken),
        (Object { kind: ObjectKind::Contact, ..created(NOW) }, tried.clone(), &unclaimed, taken),
        (Object { kind: ObjectKind::Internal, ..created(NOW) }, tried.clone(), &unclaimed, taken),
        (Object { created_at: None, ..created(NOW) }, tried, &unclaimed, taken),
    ] {
        let look = found(&[], &[&object]);
        assert_eq!(describe(&classify(&look, claimed, &link(wanted(true), shadow))), want, "{object:?}");
    }
    let two = found(&[], &[&created(NOW), &object("c1", None)]);
    assert_eq!(describe(&classify(&two, &unclaimed, &link(wanted(true), inviting(NOW, None)))), "address_taken a1,c1");
}

#[test]
fn an_invited_object_is_owned_only_if_it_did_not_exist_before() {
    let maria = Claimed::from([(TargetId::from("a1"), claim(false))]);
    let unclaimed = Claimed::new();
    let tried = inviting(ago(MINUTE), Some("a1"));
    for (object, claimed, want) in [
        (None, &unclaimed, "absent"),
        (Some(created(NOW)), &unclaimed, "unanchored a1"),
        (Some(created(ago(60 * MINUTE))), &unclaimed, "address_taken a1"),
        (Some(object("a1", Some("home/bo"))), &unclaimed, "address_taken a1"),
        (Some(created(NOW)), &maria, "address_taken us/maria"),
        (Some(object("a1", Some(ANCHOR))), &unclaimed, "ours a1"),
    ] {
        assert_eq!(describe(&recognise(object.as_ref(), claimed, &link(wanted(true), tried.clone()))), want, "{object:?}");
    }
}

#[test]
fn a_known_object_is_recognised_by_its_id_unless_its_anchor_says_otherwise() {
    let known = Shadow::Object(account(Stage::Unverified));
    for (object, want) in [
        (object("a1", Some(ANCHOR)), "ours a1"),
        (soft_deleted_object(object("a1", Some(ANCHOR))), "ours in the bin a1"),
        (soft_deleted_object(object("a1", None)), "ours in the bin a1"),
        (object("a1", None), "unanchored a1"),
        (object("a1", Some("home/bo")), "anchor_contradicts a1"),
    ] {
        assert_eq!(describe(&recognise(Some(&object), &Claimed::new(), &link(wanted(true), known.clone()))), want, "{object:?}");
    }
}

/// K-21: a user who was deleted at home comes back with a new account and the former address.
#[test]
fn a_soft_deleted_object_that_its_link_released_is_no_conflict() {
    let (maria, kept) = (Claimed::from([("a1".into(), claim(true))]), Claimed::from([("a1".into(), claim(false))]));
    let found = |objects: &[Object]| Found { by_anchor: Vec::new(), by_address: objects.to_vec() };
    let (theirs, mine) = (soft_deleted_object(object("a1", Some("us-id/maria"))), object("a2", None));
    let link = |shadow| link(wanted(true), shadow);
    for (found, claimed, shadow, want) in [
        (found(std::slice::from_ref(&theirs)), &maria, Shadow::None, "absent"),
        (found(&[theirs.clone(), mine.clone()]), &maria, inviting(NOW, None), "unanchored a2"),
        // Not while the other link may still want it, nor while the directory shows it as live, nor if no link owns it.
        (found(std::slice::from_ref(&theirs)), &kept, Shadow::None, "address_taken us/maria"),
        (found(&[object("a1", Some("us-id/maria"))]), &maria, Shadow::None, "address_taken us/maria"),
        (found(std::slice::from_ref(&theirs)), &Claimed::new(), Shadow::None, "address_taken a1"),
        (found(&[theirs.clone(), object("a3", None)]), &maria, Shadow::None, "address_taken a3"),
    ] {
        assert_eq!(describe(&classify(&found, claimed, &link(shadow))), want, "{found:?} {claimed:?}");
    }
    let passing = classify(&found(&[object("a1", Some("us-id/maria"))]), &maria, &link(Shadow::None));
    assert!(matches!(passing, Observed::Foreign(Conflict { is_passing: true, .. })));
}

/// Any writer in the target can put the link's anchor on their own object.
#[test]
fn a_forged_anchor_gives_no_ownership() {
    let internal = || Object { kind: ObjectKind::Internal, ..object("a1", Some(ANCHOR)) };
    let other = || object("a1", Some("home/another"));
    for object in [internal(), other()] {
        let found = Found { by_anchor: vec![object.clone()], by_address: vec![object.clone()] };
        assert_eq!(describe(&classify(&found, &Claimed::new(), &link(wanted(true), Shadow::None))), "anchor_contradicts a1");
        let seen = recognise(Some(&object), &Claimed::new(), &link(wanted(true), inviting(NOW, Some("a1"))));
        assert_eq!(describe(&seen), "address_taken a1");
    }
}

#[test]
fn a_former_accounts_object_is_taken_over_only_when_soft_deleted_and_without_a_pending_invitation() {
    let former = Account { former_anchor: Some("us-id/maria".to_owned()), ..account(Stage::SoftDeleted { since: NOW }) };
    let claims = |is_given_up| {
        let of_same_user = Claim { former: Some(former.clone()), ..claim(is_given_up) };
        Claimed::from([("a1".into(), of_same_user.clone()), ("a2".into(), of_same_user), ("a4".into(), claim(is_given_up))])
    };
    let theirs = soft_deleted_object(object("a1", Some("us-id/maria")));
    for (objects, is_given_up, shadow, want) in [
        (vec![theirs.clone()], true, Shadow::None, "former a1 of us/maria"),
        (vec![theirs.clone()], true, inviting(NOW, None), "absent"),
        (vec![theirs.clone()], false, Shadow::None, "address_taken us/maria"),
        (vec![theirs.clone(), object("a3", None)], true, Shadow::None, "address_taken a3"),
        (vec![theirs.clone(), soft_deleted_object(object("a2", Some("us-id/mary")))], true, Shadow::None, "absent"),
        (vec![theirs.clone(), soft_deleted_object(object("a4", Some("us-id/other")))], true, Shadow::None, "former a1 of us/maria"),
    ] {
        let found = Found { by_anchor: Vec::new(), by_address: objects };
        assert_eq!(describe(&classify(&found, &claims(is_given_up), &link(wanted(true), shadow))), want);
    }
    let restored = Shadow::Object(Account { stage: Stage::Restoring { since: NOW }, ..former.clone() });
    let (theirs, strangers) = (object("a1", Some("us-id/maria")), object("a1", Some("us-id/another")));
    assert_eq!(describe(&recognise(Some(&theirs), &Claimed::new(), &link(wanted(true), restored.clone()))), "ours a1");
    assert_eq!(describe(&recognise(Some(&strangers), &Claimed::new(), &link(wanted(true), restored))), "anchor_contradicts a1");
}
