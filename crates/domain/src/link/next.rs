//! The state table: what follows for a link.
//!
//! Total and pure. The worker asks it before each call and knows no order of calls of its own. A row is *wanted* ×
//! *what the row knows of the object* × *what a look showed*; where one of them is `_` it does not matter, given the rows above. The
//! leaves below the table build calls and compare attributes, nothing more.

use std::time::Duration;

use super::classify::{Observed, VISIBILITY_TIMEOUT};
use super::{
    Account, Call, Condition, ConditionKind, Conflict, ConflictKind, DisabledBy, Hold, Inviting, Link, RowUpdate, Sessions, Shadow, Stage,
    Step,
};
use crate::decision::{DeprovisionReason, Desired, Shape};
use crate::shadow::Object;
use crate::{Attributes, TargetId, Timestamp};

/// How long a restored object may still show as soft-deleted before it is restored again.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(60);

/// What follows for a link, given what the last look showed.
#[must_use]
#[rustfmt::skip]
pub fn next(link: &Link, observed: &Observed, now: Timestamp) -> Step {
    use {ObjectState::*, Observed::*, Want::*};
    let is_old = |since: Timestamp| now >= since.plus(VISIBILITY_TIMEOUT);
    match (want(link, now), object_state(&link.shadow), observed) {
        // A veto, a reject or a skip: nothing changes. During the scope grace period nothing is done, because the user may return.
        // A skipped user disabled at home is `Blocked`: as `Disabled`, but without attributes to write.
        (OnHold(hold), _, _)                                            => Step::Hold(hold),
        (Skipped, _, _)                                               => Step::Converged,
        (InGracePeriod(_), NoObject | SoftDeleted(_), _)                              => Step::Converged,
        (InGracePeriod(due), Inviting(_) | Invited(..) | Live(_) | Unverified(_) | Deprovisioning(..) | Restoring(..), _) => Step::GracePeriod(due),

        // No object. None is created for a user who may not sign in. For others, look up first and invite only if nothing is found.
        (NotWanted | Disabled(_) | Blocked, NoObject, _)                      => Step::Converged,
        (Enabled(shape), NoObject, NotObserved)                             => look_up(&shape.address),
        (Enabled(shape), NoObject, Absent)                                => invite(shape),
        (Enabled(_), NoObject, Owned(object) | OwnedSoftDeleted(object))         => take_over(object),
        (Enabled(_), NoObject, Former { owner, account })                => inherit(owner, account),
        (Enabled(_), NoObject, Unanchored(object))                       => conflict_with(ConflictKind::AddressTaken, &object.id),

        // An invitation may have happened: look for what it made before another one goes out.
        (_, Inviting(tried), NotObserved)                                 => look_up(&tried.address),
        (Enabled(shape), Inviting(tried), Absent) if shape.address == tried.address || is_old(tried.began) => invite(shape),
        (NotWanted | Disabled(_) | Blocked, Inviting(tried), Absent) if is_old(tried.began) => Step::UpdateRow(RowUpdate::Forget),
        (_, Inviting(_), Absent)                                        => Step::AwaitVisibility,
        (_, Inviting(_), Unanchored(object))                            => Step::UpdateRow(RowUpdate::Identify(object.id.clone())),

        // It gave an id: read it, and only then write to it. An object that never shows is given up.
        (_, Invited(_, id), NotObserved)                                  => read_back(id),
        (_, Invited(tried, _), Absent) if is_old(tried.began)           => Step::UpdateRow(RowUpdate::Forget),
        (_, Invited(..), Absent)                                        => Step::AwaitVisibility,
        (Enabled(shape) | Disabled(shape), Invited(_, id), Unanchored(_)) => write_anchor(id, created_with(shape)),
        (NotWanted | Blocked, Invited(_, id), Unanchored(_))                 => write_anchor(id, Attributes::default()),

        // There is one. The row is trusted, unless an answer was lost or a deletion or restoration may have happened.
        (Enabled(shape) | Disabled(shape), Live(account), NotObserved)      => amend(link, shape, account),
        (Blocked, Live(account), NotObserved)                             => block(account),
        (NotWanted, Live(account), NotObserved)                                => remove(account),
        (_, Unverified(account) | Deprovisioning(account, _) | Restoring(account, _), NotObserved) => read_back(&account.id),
        (_, Live(_) | Unverified(_), Owned(object))                        => take_over(object),
        // A young object may not be visible yet. An old one was deleted in the target: forgotten if not wanted, else a veto.
        (_, Live(account) | Unverified(account), Absent) if !is_old(account.created_at) => Step::AwaitVisibility,
        (NotWanted, Live(_) | Unverified(_), Absent)                           => Step::UpdateRow(RowUpdate::Forget),
        (Enabled(_) | Disabled(_) | Blocked, Live(_) | Unverified(_), Absent) => Step::UpdateRow(RowUpdate::Veto(None)),
        (NotWanted, Live(_) | Unverified(_), OwnedSoftDeleted(object))                => take_over(object),
        (Enabled(_) | Disabled(_) | Blocked, Live(_) | Unverified(_), OwnedSoftDeleted(object)) => Step::UpdateRow(RowUpdate::Veto(Some(object.clone()))),
        // After xtsync's own deletion or invitation, the observed state is its result, and the row takes it over.
        (_, Inviting(_) | Invited(..) | Deprovisioning(..), Owned(object) | OwnedSoftDeleted(object)) => take_over(object),
        (_, Deprovisioning(_, since) | Restoring(_, since), Absent) if is_old(since) => Step::UpdateRow(RowUpdate::Forget),
        (_, Deprovisioning(..) | Restoring(..), Absent) | (_, _, Former { .. }) => Step::AwaitVisibility,

        // A soft-deleted user stays so until wanted with sign-in.
        (NotWanted | Disabled(_) | Blocked, SoftDeleted(_), NotObserved | Absent | OwnedSoftDeleted(_) | Unanchored(_)) => Step::Converged,
        (Enabled(_), SoftDeleted(account), NotObserved | Absent | OwnedSoftDeleted(_) | Unanchored(_)) => restore(account),
        (_, SoftDeleted(_), Owned(object))                                       => take_over(object),

        // A restoration may have happened. It brings old access back, so sign-in is blocked until all is as wanted (R10).
        // What no holder wants is stripped between the two; there is nothing to strip yet.
        (_, Restoring(account, _), Owned(object)) if object.enabled      => disable(account),
        (_, Restoring(..), Owned(object))                                => take_over(object),
        (_, Restoring(_, since), OwnedSoftDeleted(_)) if now < since.plus(RESTORE_TIMEOUT) => Step::AwaitVisibility,
        (Enabled(_), Restoring(account, _), OwnedSoftDeleted(_))               => restore(account),
        (NotWanted | Disabled(_) | Blocked, Restoring(..), OwnedSoftDeleted(object)) => take_over(object),

        // Without our anchor nothing more is written, and with a foreign one never.
        (_, Live(account) | Unverified(account) | Deprovisioning(account, _) | Restoring(account, _), Unanchored(_)) if is_old(account.created_at)
                                                                        => conflict_with(ConflictKind::AnchorLost, &account.id),
        (_, Live(_) | Unverified(_) | Deprovisioning(..) | Restoring(..), Unanchored(_)) => Step::AwaitVisibility,
        (_, _, Foreign(conflict))                                       => Step::Hold(Hold::Conflict(conflict.clone())),
    }
}

/// What is wanted of a link now.
enum Want<'a> {
    OnHold(Hold),
    Skipped,
    InGracePeriod(Timestamp),
    NotWanted,
    Enabled(&'a Shape),
    Disabled(&'a Shape),
    Blocked,
}

fn want(link: &Link, now: Timestamp) -> Want<'_> {
    let is_rejected = link.reject.as_ref().is_some_and(|reject| reject.against == link.desired.version);
    // A refusal with a due time is retried then, because it leaves access to a user who must lose it.
    let is_in_force = |condition: &Condition| condition.kind == ConditionKind::Refused && condition.due.is_none_or(|due| now < due);
    let is_refused = link.condition.as_ref().is_some_and(is_in_force);
    let is_vetoed = link.veto.as_ref().is_some_and(|veto| veto.until.is_none_or(|until| now < until));
    match &link.desired.desired {
        Desired::Skipped(skip) if !skip.blocked => Want::Skipped,
        Desired::Wanted(_) | Desired::NotWanted(_) | Desired::Skipped(_) if is_rejected => Want::OnHold(Hold::Rejected),
        Desired::Wanted(_) | Desired::NotWanted(_) | Desired::Skipped(_) if is_refused => Want::OnHold(Hold::Refused),
        Desired::Wanted(_) if is_vetoed => Want::OnHold(Hold::Vetoed),
        Desired::Wanted(shape) if shape.enabled => Want::Enabled(shape),
        Desired::Wanted(shape) => Want::Disabled(shape),
        Desired::NotWanted(reason) => match due_at(link, *reason) {
            due if now < due && link.desired.desired.blocks_at_once() && may_sign_in(link) => Want::Blocked,
            due if now < due => Want::InGracePeriod(due),
            _ => Want::NotWanted,
        },
        Desired::Skipped(_) => Want::Blocked,
    }
}

/// Whether the link's user may be able to sign in: an object that is not known for certain may be enabled.
fn may_sign_in(link: &Link) -> bool {
    match &link.shadow {
        Shadow::None | Shadow::Object(Account { stage: Stage::SoftDeleted { .. }, .. }) => false,
        Shadow::Object(Account { stage: Stage::Live, enabled, .. }) => *enabled,
        Shadow::Inviting(_) | Shadow::Object(_) => true,
    }
}

/// When a departure is acted on.
fn due_at(link: &Link, reason: DeprovisionReason) -> Timestamp {
    match reason {
        DeprovisionReason::OutOfScope { grace_period_ms, .. } => link.desired_since.plus(Duration::from_millis(grace_period_ms)),
        DeprovisionReason::External | DeprovisionReason::Deleted => link.desired_since,
    }
}

/// What the row knows of the object, flat, so that a row of the table can name it.
enum ObjectState<'a> {
    NoObject,
    Inviting(&'a Inviting),
    Invited(&'a Inviting, &'a TargetId),
    Unverified(&'a Account),
    Live(&'a Account),
    Deprovisioning(&'a Account, Timestamp),
    SoftDeleted(&'a Account),
    Restoring(&'a Account, Timestamp),
}

fn object_state(shadow: &Shadow) -> ObjectState<'_> {
    match shadow {
        Shadow::None => ObjectState::NoObject,
        Shadow::Inviting(inviting) => match &inviting.id {
            None => ObjectState::Inviting(inviting),
            Some(id) => ObjectState::Invited(inviting, id),
        },
        Shadow::Object(account) => match account.stage {
            Stage::Unverified => ObjectState::Unverified(account),
            Stage::Live => ObjectState::Live(account),
            Stage::Deprovisioning { since } => ObjectState::Deprovisioning(account, since),
            Stage::SoftDeleted { .. } => ObjectState::SoftDeleted(account),
            Stage::Restoring { since } => ObjectState::Restoring(account, since),
        },
    }
}

/// Makes a live object what is wanted: access is taken first and given last. What the target lowered stays lowered, and an applied
/// attribute that no mapping names any more is left alone.
fn amend(link: &Link, shape: &Shape, account: &Account) -> Step {
    if account.enabled && !shape.enabled {
        return revoke_or_disable(account);
    }
    if account.former_anchor.is_some() {
        return take_from_former(account, shape);
    }
    let all = if account.creation_incomplete { &created_with(shape) } else { &shape.attributes };
    let attributes = all.differing_from(&link.applied.attributes);
    if !attributes.is_empty() {
        return Step::Call(Call::Patch { id: account.id.clone(), attributes });
    }
    match account.disabled_by {
        DisabledBy::Xtsync if shape.enabled && !account.enabled => Step::Call(Call::Enable { id: account.id.clone() }),
        DisabledBy::Xtsync | DisabledBy::Target | DisabledBy::None => Step::Converged,
    }
}

/// Makes the object of a former account this link's own. The former account redeemed it, so the new one could not sign in to it; the
/// anchor is written last, because it ends the taking over.
fn take_from_former(account: &Account, shape: &Shape) -> Step {
    match account.redeemed {
        true => Step::Call(Call::ResetRedemption { id: account.id.clone(), address: account.address.clone() }),
        false => write_anchor(&account.id, created_with(shape)),
    }
}

/// Removes a live object: sessions, sign-in, object, in this order (R9 puts roles before them once there are any).
fn remove(account: &Account) -> Step {
    match account.sessions {
        Sessions::Open => revoke_or_disable(account),
        Sessions::Ended | Sessions::Refused if account.enabled => revoke_or_disable(account),
        Sessions::Ended | Sessions::Refused => Step::Call(Call::SoftDelete { id: account.id.clone() }),
    }
}

/// Takes the sign-in from a live object, and nothing else.
fn block(account: &Account) -> Step {
    if account.enabled { revoke_or_disable(account) } else { Step::Converged }
}

fn revoke_or_disable(account: &Account) -> Step {
    match account.sessions {
        Sessions::Open => Step::Call(Call::Revoke { id: account.id.clone() }),
        Sessions::Ended | Sessions::Refused => disable(account),
    }
}

fn created_with(shape: &Shape) -> Attributes {
    Attributes(shape.attributes.0.iter().chain(&shape.on_create.0).map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn look_up(address: &str) -> Step {
    Step::Call(Call::LookUp { address: address.to_owned() })
}

fn invite(shape: &Shape) -> Step {
    let display_name = shape.attributes.text("displayName").or_else(|| shape.on_create.text("displayName")).map(str::to_owned);
    Step::Call(Call::Invite { address: shape.address.clone(), display_name })
}

fn read_back(id: &TargetId) -> Step {
    Step::Call(Call::ReadBack { id: id.clone() })
}

fn write_anchor(id: &TargetId, attributes: Attributes) -> Step {
    Step::Call(Call::WriteAnchor { id: id.clone(), attributes })
}

fn disable(account: &Account) -> Step {
    Step::Call(Call::Disable { id: account.id.clone() })
}

fn restore(account: &Account) -> Step {
    Step::Call(Call::Restore { id: account.id.clone() })
}

fn take_over(object: &Object) -> Step {
    Step::UpdateRow(RowUpdate::TakeOver(object.clone()))
}

fn inherit(owner: &str, account: &Account) -> Step {
    Step::Inherit { owner: owner.to_owned(), account: account.clone() }
}

fn conflict_with(kind: ConflictKind, id: &TargetId) -> Step {
    Step::Hold(Hold::Conflict(Conflict { kind, others: vec![id.to_string()], is_passing: false }))
}

#[cfg(test)]
mod tests;
