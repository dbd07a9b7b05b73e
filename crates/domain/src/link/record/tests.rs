//! From any state, with an ideal target, a link becomes what is desired; and what single answers change.

use proptest::prelude::*;

use super::super::testing::*;
use super::super::{DisabledBy, GracePeriod, State, Step, Verb, next};
use super::*;
use crate::capability::Create;
use crate::link::classify::Claim;
use crate::{Capabilities, Decision, Version};

/// A target that answers at once and truly, with at most one object.
#[derive(Debug, Clone, Default)]
struct Ideal {
    object: Option<Object>,
    writes: Vec<&'static str>,
}

impl Ideal {
    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        if call.writes() {
            self.writes.push(call.name());
        }
        if matches!(call, Call::Delete { .. }) && self.object.take().is_some() {
            return Answer::Done;
        }
        let Some(object) = &mut self.object else { return self.answer_from_nothing(call, now) };
        match call {
            Call::LookUp { .. } => {
                let anchored = object.anchor.is_some();
                return Answer::Found(Found {
                    by_anchor: Vec::from_iter(anchored.then(|| object.clone())),
                    by_address: vec![object.clone()],
                });
            }
            Call::ReadBack { .. } => return Answer::Read(Some(object.clone())),
            Call::Invite { .. } | Call::Put { .. } => return Answer::Created(object.id.clone()),
            Call::WriteAnchor { attributes, .. } => {
                object.anchor = Some(ANCHOR.into());
                object.attributes.extend(attributes.clone());
                return Answer::Patched(BTreeSet::new());
            }
            Call::Patch { attributes, .. } => {
                object.attributes.extend(attributes.clone());
                return Answer::Patched(BTreeSet::new());
            }
            Call::Revoke { .. } => {}
            Call::Disable { .. } => object.enabled = false,
            Call::Enable { .. } => object.enabled = true,
            Call::SoftDelete { .. } => object.soft_deleted = Some(Some(now)),
            Call::Restore { .. } => object.soft_deleted = None,
            Call::ResetRedemption { .. } => object.redeemed = false,
            Call::Delete { .. } => unreachable!("answered above"),
        }
        Answer::Done
    }

    fn answer_from_nothing(&mut self, call: &Call, now: Timestamp) -> Answer {
        match call {
            Call::LookUp { .. } => Answer::Found(Found::default()),
            Call::ReadBack { .. } => Answer::Read(None),
            Call::Invite { .. } => {
                self.object = Some(Object { created_at: Some(now), attributes: Attributes::default(), ..object("a1", None) });
                Answer::Created("a1".into())
            }
            Call::Put { attributes, .. } => {
                self.object = Some(Object { created_at: Some(now), attributes: attributes.clone(), ..object("a1", Some(ANCHOR)) });
                Answer::Created("a1".into())
            }
            Call::WriteAnchor { .. }
            | Call::Patch { .. }
            | Call::Revoke { .. }
            | Call::Disable { .. }
            | Call::Enable { .. }
            | Call::SoftDelete { .. }
            | Call::Restore { .. }
            | Call::ResetRedemption { .. }
            | Call::Delete { .. } => Answer::NotFound,
        }
    }
}

/// Applies steps until the link rests, optionally losing the answer to one call. Returns the last step and the published verb.
fn drive(link: &mut Link, target: &mut Ideal, lost: Option<usize>) -> (Step, Option<Verb>) {
    drive_as(&INVITES, link, target, lost)
}

/// As [`drive`], with a target of this kind.
fn drive_as(can: &Capabilities, link: &mut Link, target: &mut Ideal, mut lost: Option<usize>) -> (Step, Option<Verb>) {
    let mut seen = Observed::NotObserved;
    let mut now = NOW;
    for _ in 0..40 {
        match next(link, &seen, now, can) {
            Step::Call(call) => {
                link.begin(&call, now);
                let answer = target.answer(&call, now);
                let is_lost = lost.take_if(|left| *left == 0).is_some();
                lost = lost.map(|left| left - 1);
                seen = link.record(&call, if is_lost { Answer::Unknown } else { answer }, &Claimed::new(), now);
                continue;
            }
            Step::UpdateRow(update) => link.update_row(&update, now),
            Step::AwaitVisibility => now = now.plus(VISIBILITY_TIMEOUT),
            Step::GracePeriod(GracePeriod::Scope, due) => now = due,
            Step::GracePeriod(GracePeriod::Deletion, due) => {
                link.mark_deferred(now);
                now = due;
            }
            Step::Hold(hold) => {
                link.hold(&hold, now);
                return (Step::Hold(hold), None);
            }
            Step::Inherit { .. } => panic!("this target knows of no former account"),
            Step::Converged => return (Step::Converged, link.mark_converged(false, now)),
        }
        seen = Observed::NotObserved;
    }
    panic!("no rest after 40 steps: {link:?} {target:?}");
}

fn ana(link: &Link) -> Option<Object> {
    let id = link.shadow.id()?;
    Some(object(id.as_str(), Some(ANCHOR)))
}

fn stages() -> impl Strategy<Value = Stage> {
    let since = (0..20 * MINUTE).prop_map(ago);
    prop_oneof![
        Just(Stage::Live),
        Just(Stage::Unverified),
        since.clone().prop_map(|since| Stage::Deprovisioning { since }),
        since.clone().prop_map(|since| Stage::SoftDeleted { since }),
        since.prop_map(|since| Stage::Restoring { since }),
    ]
}

fn shadows() -> impl Strategy<Value = Shadow> {
    let account = (stages(), any::<bool>(), any::<bool>()).prop_map(|(stage, enabled, ended)| {
        let disabled_by = if enabled { DisabledBy::None } else { DisabledBy::Xtsync };
        let sessions = if ended { Sessions::Ended } else { Sessions::Open };
        Shadow::Object(Account { enabled, disabled_by, sessions, ..account(stage) })
    });
    let tried = (0..20 * MINUTE, any::<bool>()).prop_map(|(past, known)| inviting(ago(past), known.then_some("a1")));
    prop_oneof![Just(Shadow::None), tried, account]
}

/// An object as the row knows it, or as a lost answer may have left it.
fn target_of(can: &Capabilities, link: &Link, happened: bool) -> Ideal {
    let mut object = ana(link);
    if let (Some(object), Shadow::Object(account)) = (&mut object, &link.shadow) {
        object.enabled = account.enabled;
        object.soft_deleted = match account.stage {
            Stage::Live | Stage::Unverified => None,
            Stage::Deprovisioning { since } => happened.then_some(Some(since)),
            Stage::Restoring { since } => (!happened).then_some(Some(since)),
            Stage::SoftDeleted { since } => Some(Some(since)),
        };
    }
    // Without a bin, what is not in the directory is gone.
    object = object.filter(|object| can.restores() || object.soft_deleted.is_none());
    if let Shadow::Inviting(Inviting { began, id: None, .. }) = &link.shadow {
        let anchor = (can.create == Create::Put).then_some(ANCHOR);
        object = happened.then(|| Object { created_at: Some(*began), ..super::super::testing::object("a1", anchor) });
    }
    Ideal { object, writes: Vec::new() }
}

proptest! {
    #[test]
    fn from_any_state_a_link_becomes_what_is_desired(
        kind in 0_usize..3, shadow in shadows(), desired in 0_usize..5, happened: bool, lost in proptest::option::of(0_usize..8),
    ) {
        let can = &[INVITES, PUTS, ONLY_DELETES][kind];
        let desired = [wanted(true), wanted(false), not_wanted(), out_of_scope(30_000), blocked()][desired].clone();
        let mut link = link(desired.clone(), shadow);
        let mut target = target_of(can, &link, happened);
        let (last, _) = drive_as(can, &mut link, &mut target, lost);
        prop_assert_eq!(last, Step::Converged);
        prop_assert!(link.is_converged());
        let live = target.object.as_ref().filter(|object| object.soft_deleted.is_none());
        match desired.wanted {
            Wanted::Yes(shape) if !desired.sign_in_blocked => {
                let ana = live.expect("the object exists");
                prop_assert!(ana.enabled);
                prop_assert!(shape.attributes.differing_from(&ana.attributes).is_empty());
                prop_assert_eq!(ana.anchor.as_deref(), Some(ANCHOR));
            }
            Wanted::Yes(_) | Wanted::Skipped(_) => prop_assert!(live.is_none_or(|ana| !ana.enabled || !can.disable)),
            Wanted::No(_) => prop_assert!(live.is_none()),
        }
        prop_assert!(target.writes.iter().filter(|name| matches!(**name, "invite" | "put")).count() <= 1);
    }
}

#[test]
fn each_transition_takes_its_writes_and_gives_one_verb() {
    let mut link = link(wanted(true), Shadow::None);
    let mut target = Ideal::default();
    let mut rome = wanted(true);
    if let Wanted::Yes(shape) = &mut rome.wanted {
        shape.attributes = text(&[("city", "Rome"), ("displayName", "Ana")]);
    }
    let cases = [
        (wanted(true), Some(Verb::Create), vec!["invite", "write_anchor"]),
        (wanted(true), None, vec![]),
        (rome, Some(Verb::Update), vec!["patch"]),
        (wanted(false), Some(Verb::Disable), vec!["revoke", "disable", "patch"]),
        (wanted(true), Some(Verb::Enable), vec!["enable"]),
        (not_wanted(), Some(Verb::Delete), vec!["revoke", "disable", "soft_delete"]),
        (wanted(false), None, vec![]),
        (wanted(true), Some(Verb::Restore), vec!["restore", "enable"]),
        (wanted(false), Some(Verb::Disable), vec!["revoke", "disable"]),
        (not_wanted(), Some(Verb::Delete), vec!["soft_delete"]),
        (wanted(true), Some(Verb::Restore), vec!["restore", "enable"]),
        (blocked(), Some(Verb::Disable), vec!["revoke", "disable"]),
        (skipped(), None, vec![]),
        (wanted(true), Some(Verb::Enable), vec!["enable"]),
    ];
    for (delta, (desired, verb, writes)) in (1..).zip(cases) {
        link.decide(decision(delta, desired), NOW);
        target.writes.clear();
        let (_, verb_done) = drive(&mut link, &mut target, None);
        assert_eq!((verb_done, &target.writes), (verb, &writes), "case {delta}");
    }
}

#[test]
fn a_directory_that_puts_and_has_no_bin_takes_its_own_writes_for_the_same_transitions() {
    let lifetime = [
        (wanted(true), Some(Verb::Create), vec!["put"]),
        (wanted(true), None, vec![]),
        (wanted(false), Some(Verb::Disable), vec!["disable"]),
        (wanted(true), Some(Verb::Enable), vec!["enable"]),
        (not_wanted(), Some(Verb::Delete), vec!["disable", "delete"]),
        (wanted(false), None, vec![]),
        (wanted(true), Some(Verb::Create), vec!["put"]),
    ];
    for can in [PUTS, ONLY_DELETES] {
        let mut link = link(wanted(true), Shadow::None);
        let mut target = Ideal::default();
        for (delta, (desired, verb, writes)) in (1..).zip(lifetime.clone()) {
            link.decide(decision(delta, desired), NOW);
            target.writes.clear();
            let (_, verb_done) = drive_as(&can, &mut link, &mut target, None);
            let sign_in = |name: &&str| ["disable", "enable"].contains(name);
            let writes: Vec<&str> = writes.into_iter().filter(|name| can.disable || !sign_in(name)).collect();
            let verb = verb.filter(|verb| can.disable || !matches!(verb, Verb::Disable | Verb::Enable));
            assert_eq!((verb_done, &target.writes), (verb, &writes), "case {delta}, {can:?}");
        }
    }
}

/// The substitute of a restoration: the user who returns in time finds the object as it was.
#[test]
fn without_a_bin_a_user_who_returns_within_the_grace_period_keeps_the_object() {
    let mut link = link(wanted(true), Shadow::None);
    let mut target = Ideal::default();
    drive_as(&PUTS, &mut link, &mut target, None);
    link.decide(decision(2, not_wanted()), NOW);
    target.writes.clear();
    while let Step::Call(call) = next(&link, &Observed::NotObserved, NOW, &PUTS) {
        link.begin(&call, NOW);
        let answer = target.answer(&call, NOW);
        link.record(&call, answer, &Claimed::new(), NOW);
    }
    assert_eq!(next(&link, &Observed::NotObserved, NOW, &PUTS), Step::GracePeriod(GracePeriod::Deletion, NOW.plus(DELETION_GRACE)));
    assert_eq!(link.mark_deferred(NOW), Some(Verb::Disable));
    link.decide(decision(3, wanted(true)), NOW.plus(DELETION_GRACE / 2));
    assert_eq!(drive_as(&PUTS, &mut link, &mut target, None).1, Some(Verb::Enable));
    assert_eq!(target.writes, ["disable", "enable"]);
    assert!(target.object.unwrap().enabled);
}

/// A removal that is called off after its first call: what the user signed in to since is revoked at the next.
#[test]
fn a_revocation_counts_for_one_removal() {
    let ended = Account { sessions: Sessions::Ended, ..account(Stage::Live) };
    let mut link = link(wanted(true), Shadow::Object(ended));
    link.mark_converged(false, NOW);
    link.decide(decision(2, not_wanted()), NOW);
    let mut target = Ideal { object: Some(object("a1", Some(ANCHOR))), writes: Vec::new() };
    drive(&mut link, &mut target, None);
    assert_eq!(target.writes, ["revoke", "disable", "soft_delete"]);
}

#[test]
fn an_incomplete_creation_is_completed_when_the_user_is_wanted_again() {
    for lost in [None, Some(0), Some(1)] {
        let mut link = link(not_wanted(), inviting(NOW, Some("a1")));
        let mut target = Ideal { object: Some(object("a1", None)), writes: Vec::new() };
        drive(&mut link, &mut target, lost);
        for (delta, desired) in [(2, wanted(false)), (3, wanted(true))] {
            link.decide(decision(delta, desired), NOW);
            drive(&mut link, &mut target, None);
        }
        assert_eq!(target.object.as_ref().unwrap().attributes.text("userType"), Some("Member"), "answer lost: {lost:?}");
        // Only once: what the target makes of it later is its own affair.
        link.applied.attributes.insert("userType", "Guest".into());
        target.writes.clear();
        drive(&mut link, &mut target, None);
        assert_eq!(target.writes, Vec::<&str>::new());
    }
}

#[test]
fn a_refused_disable_does_not_claim_the_targets_own_disable() {
    let mut link = link(wanted(false), Shadow::Object(Account { sessions: Sessions::Ended, ..account(Stage::Live) }));
    let call = Call::Disable { id: "a1".into() };
    link.begin(&call, NOW);
    assert_eq!(link.shadow.account().unwrap().disabled_by, DisabledBy::Xtsync);
    link.record(&call, Answer::Refused, &Claimed::new(), NOW);
    assert_eq!(link.shadow.account().unwrap().disabled_by, DisabledBy::None);
    link.take_over(&Object { enabled: false, ..object("a1", Some(ANCHOR)) }, NOW);
    assert_eq!(link.shadow.account().unwrap().disabled_by, DisabledBy::Target);
    assert_eq!(link.mark_converged(false, NOW), Some(Verb::Create), "an account that the target disabled is not published as disabled");
    assert_eq!(link.applied.state, State::Enabled);
}

/// K-21: whatever becomes of a call, the redemption is reset before the user may sign in, and not again where it happened.
#[test]
fn a_former_accounts_redemption_is_reset_once_before_sign_in() {
    for (answer, resets) in [(None, 1), (Some(Answer::Unknown), 1), (Some(Answer::NotDone), 1), (Some(Answer::Refused), 1)] {
        let former = Account { redeemed: true, enabled: false, disabled_by: DisabledBy::Xtsync, ..account(Stage::Live) };
        let mut link = link(wanted(true), Shadow::Object(Account { former_anchor: Some("us-id/maria".into()), ..former }));
        let object = Object { redeemed: true, enabled: false, ..object("a1", Some("us-id/maria")) };
        let mut target = Ideal { object: Some(object), writes: Vec::new() };
        if let Some(answer) = answer {
            let Step::Call(call @ Call::ResetRedemption { .. }) = next(&link, &Observed::NotObserved, NOW, &INVITES) else {
                panic!("a reset")
            };
            link.begin(&call, NOW);
            // It happened, or the target's administrator did it.
            let _ = target.answer(&call, NOW);
            link.record(&call, answer, &Claimed::new(), NOW);
        }
        drive(&mut link, &mut target, None);
        let written = target.writes.iter().filter(|name| **name == "reset_redemption").count();
        assert_eq!((written, target.writes.last()), (resets, Some(&"enable")));
        assert!(target.object.is_some_and(|object| !object.redeemed && object.anchor.as_deref() == Some(ANCHOR)));
    }
}

#[test]
fn a_lost_answer_to_a_patch_is_read_back_so_that_a_return_to_the_old_value_is_written() {
    let mut link = link(wanted(true), Shadow::Object(account(Stage::Live)));
    link.applied.version = Version::default();
    let mut target = Ideal { object: Some(object("a1", Some(ANCHOR))), writes: Vec::new() };
    let rome = Call::Patch { id: "a1".into(), attributes: text(&[("city", "Rome")]) };
    link.begin(&rome, NOW);
    let _ = target.answer(&rome, NOW);
    link.record(&rome, Answer::Unknown, &Claimed::new(), NOW);
    drive(&mut link, &mut target, None);
    assert_eq!(target.object.unwrap().attributes.text("city"), Some("Paris"));
}

#[test]
fn an_invitation_that_gives_another_links_object_is_a_conflict_and_leaves_nothing() {
    let mut link = link(wanted(true), Shadow::None);
    let call = Call::Invite { address: ADDRESS.into(), display_name: None };
    link.begin(&call, NOW);
    let maria = Claimed::from([(TargetId::from("a1"), Claim { owner: "us/maria".to_owned(), is_given_up: false, former: None })]);
    let seen = link.record(&call, Answer::Created("a1".into()), &maria, NOW);
    let Step::Hold(hold) = next(&link, &seen, NOW, &INVITES) else { panic!("held") };
    link.hold(&hold, NOW);
    assert_eq!(link.shadow, Shadow::None);
    let condition = link.condition.unwrap();
    assert_eq!((condition.code.as_str(), condition.others), ("address_taken", vec!["us/maria".to_owned()]));
}

#[test]
fn a_refused_attribute_is_not_retried_until_it_changes() {
    let mut link = link(wanted(true), Shadow::Object(account(Stage::Live)));
    link.applied.attributes = text(&[("displayName", "Ana")]);
    let Step::Call(call) = next(&link, &Observed::NotObserved, NOW, &INVITES) else { panic!("a patch") };
    link.record(&call, Answer::Patched(["city".to_owned()].into()), &Claimed::new(), NOW);
    assert_eq!(next(&link, &Observed::NotObserved, NOW, &INVITES), Step::Converged);
    assert_eq!(link.applied.failed, BTreeSet::from(["city".to_owned()]));
}

#[test]
fn the_oldest_first_seen_and_the_grace_period_survive_newer_decisions() {
    let mut link = link(out_of_scope(30_000), Shadow::Object(account(Stage::Live)));
    let later = |delta, desired| Decision { first_seen: NOW.plus(VISIBILITY_TIMEOUT), ..decision(delta, desired) };
    assert!(!link.decide(later(1, not_wanted()), ago(-SECOND)), "the same version is not newer");
    assert!(link.decide(later(2, not_wanted()), ago(-SECOND)));
    assert_eq!((link.desired_since, link.desired.first_seen), (NOW, NOW));
    assert!(link.decide(later(3, wanted(true)), ago(-SECOND)));
    assert_eq!(link.desired_since, ago(-SECOND));
    link.mark_converged(false, NOW);
    assert!(link.decide(later(4, wanted(true)), ago(-SECOND)));
    assert_eq!(link.desired.first_seen, NOW.plus(VISIBILITY_TIMEOUT));
}
