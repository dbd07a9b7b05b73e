//! The state table: what follows for a link.
//!
//! Total and pure. The worker asks it before each call and knows no order of calls of its own. A row is *wanted* ×
//! *what the row knows of the object* × *what a look showed*; where one of them is `_` it does not matter, given the rows above. What
//! directories differ in is a guard of a row, or in the leaves below the table, which build calls and compare attributes, nothing more.
//!
//! A directory without a recycle bin needs no rows of its own: until its grace period ends, `want` says `Blocked` and then
//! `InGracePeriod` of a user no longer wanted.

mod want;

use std::time::Duration;

use self::want::{Want, want};
use super::classify::{Observed, VISIBILITY_TIMEOUT};
use super::{Account, Call, Conflict, ConflictKind, DisabledBy, Hold, Inviting, Link, RowUpdate, Sessions, Shadow, Stage, Step};
use crate::capability::{Anchor, Capabilities, Create, RecycleBin};
use crate::decision::{Shape, Wanted};
use crate::shadow::Object;
use crate::{Attributes, TargetId, Timestamp};

/// How long a restored object may still show as soft-deleted before it is restored again.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(60);

/// What follows for a link, given what the last look showed and what the target can do.
#[must_use]
#[rustfmt::skip]
pub fn next(link: &Link, observed: &Observed, now: Timestamp, can: &Capabilities) -> Step {
    use {ObjectState::*, Observed::*, Want::*};
    let is_old = |since: Timestamp| now >= since.plus(VISIBILITY_TIMEOUT);
    let is_departing = matches!(link.wanted(), Wanted::No(_));
    match (want(link, now, can), object_state(&link.shadow), observed) {
        // A veto, a reject or a skip: nothing changes. During the scope grace period nothing is done, because the user may return.
        // A skipped user disabled at home is `Blocked`: as `Disabled`, but without attributes to write.
        (OnHold(hold), _, _)                                            => Step::Hold(hold),
        (Skipped, _, _)                                               => Step::Converged,
        (InGracePeriod(..), NoObject | SoftDeleted(_), _)                             => Step::Converged,
        (InGracePeriod(of, due), Inviting(_) | Invited(..) | Live(_) | Unverified(_) | Deprovisioning(..) | Restoring(..), _) => Step::GracePeriod(of, due),

        // No object. None is created for a user who may not sign in. For others, look up first and create only if nothing is found.
        (NotWanted | Disabled(_) | Blocked, NoObject, _)                      => Step::Converged,
        (Enabled(shape), NoObject, NotObserved)                             => look_up(&shape.address),
        (Enabled(_), NoObject, Owned(object) | OwnedSoftDeleted(object))         => take_over(object),
        (Enabled(_), NoObject, Former { owner, account }) if can.restores_for_another() => inherit(owner, account),
        (Enabled(shape), NoObject, Absent | Former { .. })                => create(shape, can),
        (Enabled(_), NoObject, Unanchored(object))                       => conflict_with(ConflictKind::AddressTaken, &object.id),

        // A creation may have happened: look for what it made before another one goes out. What never shows is given up.
        (_, Inviting(tried), NotObserved)                                 => look_up(&tried.address),
        (_, Inviting(_) | Invited(..), Unanchored(object)) if can.create == Create::Put => conflict_with(ConflictKind::AddressTaken, &object.id),
        (Enabled(shape), Inviting(tried), Absent) if may_repeat(shape, tried, can) || is_old(tried.began) => create(shape, can),
        (NotWanted | Disabled(_) | Blocked, Inviting(tried), Absent) | (_, Invited(tried, _), Absent) if is_old(tried.began) => Step::UpdateRow(RowUpdate::Forget),
        (_, Inviting(_) | Invited(..), Absent)                          => Step::AwaitVisibility,
        (_, Inviting(_), Unanchored(object))                            => Step::UpdateRow(RowUpdate::Identify(object.id.clone())),

        // It gave an id: read it, and only then write to it.
        (_, Invited(_, id), NotObserved)                                  => read_back(id),
        (Enabled(shape) | Disabled(shape), Invited(_, id), Unanchored(_)) => write_anchor(id, created_with(shape)),
        (NotWanted | Blocked, Invited(_, id), Unanchored(_))                 => write_anchor(id, Attributes::default()),

        // There is one. The row is trusted, unless an answer was lost or a deletion or restoration may have happened.
        (Enabled(shape) | Disabled(shape), Live(account), NotObserved)      => amend(link, shape, account, can),
        (Blocked, Live(account), NotObserved)                             => block(account, can),
        (NotWanted, Live(account), NotObserved)                                => remove(account, can),
        (_, Unverified(account) | Deprovisioning(account, _) | Restoring(account, _), NotObserved) => read_back(&account.id),
        (_, Live(_) | Unverified(_) | SoftDeleted(_), Owned(object))       => take_over(object),
        // A young object may not be visible yet. An old one was deleted in the target: forgotten of a user who departs, else a veto.
        (_, Live(account) | Unverified(account), Absent) if !is_old(account.created_at) => Step::AwaitVisibility,
        (_, Live(_) | Unverified(_), Absent) if is_departing               => Step::UpdateRow(RowUpdate::Forget),
        (_, Live(_) | Unverified(_), Absent)                               => Step::UpdateRow(RowUpdate::Veto(None)),
        (_, Live(_) | Unverified(_), OwnedSoftDeleted(object)) if is_departing => take_over(object),
        (_, Live(_) | Unverified(_), OwnedSoftDeleted(object))             => Step::UpdateRow(RowUpdate::Veto(Some(object.clone()))),
        // After xtsync's own deletion or invitation, the observed state is its result, and the row takes it over.
        (_, Inviting(_) | Invited(..) | Deprovisioning(..), Owned(object) | OwnedSoftDeleted(object)) => take_over(object),
        (_, Deprovisioning(_, since) | Restoring(_, since), Absent) if is_old(since) => Step::UpdateRow(RowUpdate::Forget),
        (_, Deprovisioning(..) | Restoring(..), Absent) | (_, _, Former { .. }) => Step::AwaitVisibility,

        // A soft-deleted user stays so until wanted with sign-in. Where there is no bin any more, the user is gone.
        (Enabled(_), SoftDeleted(account), NotObserved) if !can.restores() => read_back(&account.id),
        (Enabled(_), SoftDeleted(_), Absent) if !can.restores()          => Step::UpdateRow(RowUpdate::Forget),
        (NotWanted | Disabled(_) | Blocked, SoftDeleted(_), NotObserved | Absent | OwnedSoftDeleted(_) | Unanchored(_)) => Step::Converged,
        (Enabled(_), SoftDeleted(account), NotObserved | Absent | OwnedSoftDeleted(_) | Unanchored(_)) => restore(account),

        // A restoration may have happened. It brings old access back, so sign-in is blocked until all is as wanted (R10).
        // What no holder wants is stripped between the two; there is nothing to strip yet.
        (_, Restoring(account, _), Owned(object)) if object.enabled && can.disable => disable(account),
        (_, Restoring(..), Owned(object))                                => take_over(object),
        (_, Restoring(_, since), OwnedSoftDeleted(_)) if now < since.plus(RESTORE_TIMEOUT) => Step::AwaitVisibility,
        (Enabled(_), Restoring(account, _), OwnedSoftDeleted(_))               => restore(account),
        (NotWanted | Disabled(_) | Blocked, Restoring(..), OwnedSoftDeleted(object)) => take_over(object),

        // Without our anchor nothing more is written, and with a foreign one never.
        (_, Live(account) | Unverified(account) | Deprovisioning(account, _) | Restoring(account, _), Unanchored(_)) if is_old(account.created_at) => conflict_with(ConflictKind::AnchorLost, &account.id),
        (_, Live(_) | Unverified(_) | Deprovisioning(..) | Restoring(..), Unanchored(_)) => Step::AwaitVisibility,
        (_, _, Foreign(conflict))                                       => Step::Hold(Hold::Conflict(conflict.clone())),
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
fn amend(link: &Link, shape: &Shape, account: &Account, can: &Capabilities) -> Step {
    let is_blocked = link.desired.desired.sign_in_blocked;
    if let Some(step) = take_access(account, can).filter(|_| account.enabled && is_blocked) {
        return step;
    }
    if account.former_anchor.is_some() {
        return take_from_former(account, shape, can);
    }
    let all = if account.creation_incomplete { &created_with(shape) } else { &shape.attributes };
    let attributes = all.differing_from(&link.applied.attributes);
    if !attributes.is_empty() {
        return Step::Call(Call::Patch { id: account.id.clone(), attributes });
    }
    match account.disabled_by {
        DisabledBy::Xtsync if !is_blocked && !account.enabled => Step::Call(Call::Enable { id: account.id.clone() }),
        DisabledBy::Xtsync | DisabledBy::Target | DisabledBy::None => Step::Converged,
    }
}

/// Makes the object of a former account this link's own. The former account redeemed it, so the new one could not sign in to it; the
/// anchor is written last, because it ends the taking over.
fn take_from_former(account: &Account, shape: &Shape, can: &Capabilities) -> Step {
    match account.redeemed && can.create == Create::Invite {
        true => Step::Call(Call::ResetRedemption { id: account.id.clone(), address: account.address.clone() }),
        false => write_anchor(&account.id, created_with(shape)),
    }
}

/// Removes a live object: sessions, sign-in, object, in this order (R9 puts roles before them once there are any).
fn remove(account: &Account, can: &Capabilities) -> Step {
    take_access(account, can).unwrap_or_else(|| match can.recycle_bin {
        RecycleBin::Present => Step::Call(Call::SoftDelete { id: account.id.clone() }),
        RecycleBin::Absent { .. } => Step::Call(Call::Delete { id: account.id.clone() }),
    })
}

/// Takes the sign-in from a live object, and nothing else.
fn block(account: &Account, can: &Capabilities) -> Step {
    take_access(account, can).filter(|_| account.enabled).unwrap_or(Step::Converged)
}

/// Takes access from a live object as far as the target can: sessions, then sign-in. `None` when no more can be taken.
fn take_access(account: &Account, can: &Capabilities) -> Option<Step> {
    match account.sessions {
        Sessions::Open if can.sessions => Some(Step::Call(Call::Revoke { id: account.id.clone() })),
        Sessions::Open | Sessions::Ended | Sessions::Refused => (account.enabled && can.disable).then(|| disable(account)),
    }
}

/// Whether a creation may go out again while what an earlier one made may not show yet: because it gives the same object.
fn may_repeat(shape: &Shape, tried: &Inviting, can: &Capabilities) -> bool {
    match (can.create, can.anchor) {
        (Create::Invite, Anchor::Attribute | Anchor::Native) => shape.address == tried.address,
        (Create::Put, Anchor::Native) => true,
        (Create::Put, Anchor::Attribute) => false,
    }
}

fn created_with(shape: &Shape) -> Attributes {
    let mut attributes = shape.attributes.clone();
    attributes.extend(shape.on_create.clone());
    attributes
}

fn look_up(address: &str) -> Step {
    Step::Call(Call::LookUp { address: address.to_owned() })
}

fn create(shape: &Shape, can: &Capabilities) -> Step {
    let address = shape.address.clone();
    Step::Call(match can.create {
        Create::Invite => {
            let display_name = shape.attributes.text("displayName").or_else(|| shape.on_create.text("displayName"));
            Call::Invite { address, display_name: display_name.map(str::to_owned) }
        }
        Create::Put => Call::Put { address, attributes: created_with(shape) },
    })
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
