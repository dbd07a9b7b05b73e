//! The state table: what follows for a link.
//!
//! Total and pure. The worker asks it before each call and knows no order of calls of its own. A row is *wanted* ×
//! *what the row knows of the object* × *what a look showed*; where one of them is `_` it does not matter, given the rows above. The
//! leaves below the table build calls and compare attributes, nothing more.

use std::time::Duration;

use super::classify::{Seen, VISIBLE_WITHIN};
use super::{
    Account, Call, Conflict, ConflictKind, Hold, Inviting, Link, LoweredBy, Note, Sessions, Shadow, Stage, Step, Trouble, TroubleKind,
};
use crate::decision::{Departure, Desired, Present};
use crate::shadow::Object;
use crate::{Attributes, TargetId, Timestamp};

/// How long a restored object may still show in the bin before it is restored again.
const RESTORED_WITHIN: Duration = Duration::from_secs(60);

/// What follows for a link, given what the last look showed.
#[must_use]
#[rustfmt::skip]
pub fn next(link: &Link, seen: &Seen, now: Timestamp) -> Step {
    use {Place::*, Seen::*, Want::*};
    let is_old = |since: Timestamp| now >= since.plus(VISIBLE_WITHIN);
    match (want(link, now), place(&link.shadow), seen) {
        // Somebody's no, and what is not ours to say: everything stays. A loss of scope may pass, so until it is due nothing is done.
        // A skipped user who is disabled at home is `Blocked`: as `Disabled`, but nothing is known that could be written.
        (Barred(hold), _, _)                                            => Step::Hold(hold),
        (Untouched, _, _)                                               => Step::Rest,
        (Settling(_), Nowhere | Bin(_), _)                              => Step::Rest,
        (Settling(due), Inviting(_) | Invited(..) | Live(_) | Doubtful(_) | Leaving(..) | Returning(..), _) => Step::Settle(due),

        // No object. Nothing is created for somebody who may not sign in; for the others look first, invite only into emptiness.
        (Gone | Disabled(_) | Blocked, Nowhere, _)                      => Step::Rest,
        (Enabled(wish), Nowhere, NotLooked)                             => look_up(&wish.address),
        (Enabled(wish), Nowhere, Absent)                                => invite(wish),
        (Enabled(_), Nowhere, Ours(object) | OursInBin(object))         => take_over(object),
        (Enabled(_), Nowhere, Former { owner, account })                => inherit(owner, account),
        (Enabled(_), Nowhere, Unanchored(object))                       => in_the_way(ConflictKind::AddressTaken, &object.id),

        // An invitation may have happened: look for what it made before another one goes out.
        (_, Inviting(tried), NotLooked)                                 => look_up(&tried.address),
        (Enabled(wish), Inviting(tried), Absent) if wish.address == tried.address || is_old(tried.began) => invite(wish),
        (Gone | Disabled(_) | Blocked, Inviting(tried), Absent) if is_old(tried.began) => Step::Note(Note::Forget),
        (_, Inviting(_), Absent)                                        => Step::Await,
        (_, Inviting(_), Unanchored(object))                            => Step::Note(Note::Identify(object.id.clone())),

        // It gave an id: read it, and only then write to it. An object that never shows is given up.
        (_, Invited(_, id), NotLooked)                                  => read_back(id),
        (_, Invited(tried, _), Absent) if is_old(tried.began)           => Step::Note(Note::Forget),
        (_, Invited(..), Absent)                                        => Step::Await,
        (Enabled(wish) | Disabled(wish), Invited(_, id), Unanchored(_)) => write_anchor(id, created_with(wish)),
        (Gone | Blocked, Invited(_, id), Unanchored(_))                 => write_anchor(id, Attributes::default()),

        // There is one. The row is trusted, unless an answer was lost or a deletion or restoration may have happened.
        (Enabled(wish) | Disabled(wish), Live(account), NotLooked)      => amend(link, wish, account),
        (Blocked, Live(account), NotLooked)                             => block(account),
        (Gone, Live(account), NotLooked)                                => remove(account),
        (_, Doubtful(account) | Leaving(account, _) | Returning(account, _), NotLooked) => read_back(&account.id),
        (_, Live(_) | Doubtful(_), Ours(object))                        => take_over(object),
        // Missing is too early to tell; then it is what we want, or somebody deleted him in the target, which is a no.
        (_, Live(account) | Doubtful(account), Absent) if !is_old(account.created_at) => Step::Await,
        (Gone, Live(_) | Doubtful(_), Absent)                           => Step::Note(Note::Forget),
        (Enabled(_) | Disabled(_) | Blocked, Live(_) | Doubtful(_), Absent) => Step::Note(Note::Veto(None)),
        (Gone, Live(_) | Doubtful(_), OursInBin(object))                => take_over(object),
        (Enabled(_) | Disabled(_) | Blocked, Live(_) | Doubtful(_), OursInBin(object)) => Step::Note(Note::Veto(Some(object.clone()))),
        // Where he is after a deletion of ours, he is by our word; the same holds for what an invitation of ours made.
        (_, Inviting(_) | Invited(..) | Leaving(..), Ours(object) | OursInBin(object)) => take_over(object),
        (_, Leaving(_, since) | Returning(_, since), Absent) if is_old(since) => Step::Note(Note::Forget),
        (_, Leaving(..) | Returning(..), Absent) | (_, _, Former { .. }) => Step::Await,

        // In the bin he stays until he is wanted with his access.
        (Gone | Disabled(_) | Blocked, Bin(_), NotLooked | Absent | OursInBin(_) | Unanchored(_)) => Step::Rest,
        (Enabled(_), Bin(account), NotLooked | Absent | OursInBin(_) | Unanchored(_)) => restore(account),
        (_, Bin(_), Ours(object))                                       => take_over(object),

        // A restoration may have happened. It brings old access back: his sign-in is taken until all is as wanted (R10).
        // What no holder wants is stripped between the two; there is nothing to strip yet.
        (_, Returning(account, _), Ours(object)) if object.enabled      => disable(account),
        (_, Returning(..), Ours(object))                                => take_over(object),
        (_, Returning(_, since), OursInBin(_)) if now < since.plus(RESTORED_WITHIN) => Step::Await,
        (Enabled(_), Returning(account, _), OursInBin(_))               => restore(account),
        (Gone | Disabled(_) | Blocked, Returning(..), OursInBin(object)) => take_over(object),

        // Without our anchor nothing more is written, and with a foreign one never.
        (_, Live(account) | Doubtful(account) | Leaving(account, _) | Returning(account, _), Unanchored(_)) if is_old(account.created_at)
                                                                        => in_the_way(ConflictKind::AnchorLost, &account.id),
        (_, Live(_) | Doubtful(_) | Leaving(..) | Returning(..), Unanchored(_)) => Step::Await,
        (_, _, Foreign(conflict))                                       => Step::Hold(Hold::Conflict(conflict.clone())),
    }
}

/// What is wanted of a link now.
enum Want<'a> {
    Barred(Hold),
    Untouched,
    Settling(Timestamp),
    Gone,
    Enabled(&'a Present),
    Disabled(&'a Present),
    Blocked,
}

fn want(link: &Link, now: Timestamp) -> Want<'_> {
    let is_rejected = link.reject.as_ref().is_some_and(|reject| reject.against == link.desired.version);
    // A refusal with a due time is asked about again then: it keeps somebody in who shall go.
    let bars = |trouble: &Trouble| trouble.kind == TroubleKind::Refused && trouble.due.is_none_or(|due| now < due);
    let is_refused = link.trouble.as_ref().is_some_and(bars);
    let is_vetoed = link.veto.as_ref().is_some_and(|veto| veto.until.is_none_or(|until| now < until));
    match &link.desired.desired {
        Desired::Untouched(skip) if !skip.blocked => Want::Untouched,
        Desired::Present(_) | Desired::Gone(_) | Desired::Untouched(_) if is_rejected => Want::Barred(Hold::Rejected),
        Desired::Present(_) | Desired::Gone(_) | Desired::Untouched(_) if is_refused => Want::Barred(Hold::Refused),
        Desired::Present(_) if is_vetoed => Want::Barred(Hold::Vetoed),
        Desired::Present(present) if present.enabled => Want::Enabled(present),
        Desired::Present(present) => Want::Disabled(present),
        Desired::Gone(departure) => match settled_at(link, *departure) {
            due if now < due && link.desired.desired.blocks_at_once() && may_sign_in(link) => Want::Blocked,
            due if now < due => Want::Settling(due),
            _ => Want::Gone,
        },
        Desired::Untouched(_) => Want::Blocked,
    }
}

/// Whether the link's user may be able to sign in: an object that is not known for certain may be enabled.
fn may_sign_in(link: &Link) -> bool {
    match &link.shadow {
        Shadow::None | Shadow::Object(Account { stage: Stage::Bin { .. }, .. }) => false,
        Shadow::Object(Account { stage: Stage::Live, enabled, .. }) => *enabled,
        Shadow::Inviting(_) | Shadow::Object(_) => true,
    }
}

/// When a departure is acted on.
fn settled_at(link: &Link, departure: Departure) -> Timestamp {
    match departure {
        Departure::OutOfScope { settle_ms, .. } => link.desired_since.plus(Duration::from_millis(settle_ms)),
        Departure::External | Departure::Deleted => link.desired_since,
    }
}

/// What the row knows of the object, flat, so that a row of the table can name it.
enum Place<'a> {
    Nowhere,
    Inviting(&'a Inviting),
    Invited(&'a Inviting, &'a TargetId),
    Doubtful(&'a Account),
    Live(&'a Account),
    Leaving(&'a Account, Timestamp),
    Bin(&'a Account),
    Returning(&'a Account, Timestamp),
}

fn place(shadow: &Shadow) -> Place<'_> {
    match shadow {
        Shadow::None => Place::Nowhere,
        Shadow::Inviting(inviting) => match &inviting.id {
            None => Place::Inviting(inviting),
            Some(id) => Place::Invited(inviting, id),
        },
        Shadow::Object(account) => match account.stage {
            Stage::Doubtful => Place::Doubtful(account),
            Stage::Live => Place::Live(account),
            Stage::Leaving { since } => Place::Leaving(account, since),
            Stage::Bin { .. } => Place::Bin(account),
            Stage::Returning { since } => Place::Returning(account, since),
        },
    }
}

/// Makes a live object what is wanted: access is taken first and given last. What the target lowered stays lowered, and an applied
/// attribute that no mapping names any more is left alone.
fn amend(link: &Link, wish: &Present, account: &Account) -> Step {
    if account.enabled && !wish.enabled {
        return lower(account);
    }
    if account.former_anchor.is_some() {
        return write_anchor(&account.id, created_with(wish));
    }
    let whole = if account.unfinished { &created_with(wish) } else { &wish.attributes };
    let attributes = whole.differing_from(&link.applied.attributes);
    if !attributes.is_empty() {
        return Step::Call(Call::Patch { id: account.id.clone(), attributes });
    }
    match account.lowered_by {
        LoweredBy::Us if wish.enabled && !account.enabled => Step::Call(Call::Enable { id: account.id.clone() }),
        LoweredBy::Us | LoweredBy::Target | LoweredBy::Nobody => Step::Rest,
    }
}

/// Removes a live object: sessions, sign-in, object, in this order (R9 puts roles before them once there are any).
fn remove(account: &Account) -> Step {
    match account.sessions {
        Sessions::Open => lower(account),
        Sessions::Ended | Sessions::Refused if account.enabled => lower(account),
        Sessions::Ended | Sessions::Refused => Step::Call(Call::SoftDelete { id: account.id.clone() }),
    }
}

/// Takes the sign-in from a live object, and nothing else.
fn block(account: &Account) -> Step {
    if account.enabled { lower(account) } else { Step::Rest }
}

fn lower(account: &Account) -> Step {
    match account.sessions {
        Sessions::Open => Step::Call(Call::Revoke { id: account.id.clone() }),
        Sessions::Ended | Sessions::Refused => disable(account),
    }
}

fn created_with(wish: &Present) -> Attributes {
    Attributes(wish.attributes.0.iter().chain(&wish.on_create.0).map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn look_up(address: &str) -> Step {
    Step::Call(Call::LookUp { address: address.to_owned() })
}

fn invite(wish: &Present) -> Step {
    let display_name = wish.attributes.text("displayName").or_else(|| wish.on_create.text("displayName")).map(str::to_owned);
    Step::Call(Call::Invite { address: wish.address.clone(), display_name })
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
    Step::Note(Note::TakeOver(object.clone()))
}

fn inherit(owner: &str, account: &Account) -> Step {
    Step::Inherit { owner: owner.to_owned(), account: account.clone() }
}

fn in_the_way(kind: ConflictKind, id: &TargetId) -> Step {
    Step::Hold(Hold::Conflict(Conflict { kind, others: vec![id.to_string()], is_passing: false }))
}

#[cfg(test)]
mod tests;
