//! Classifies an object that a directory returned: owned by the link, foreign, or in conflict.
//!
//! Similarity gives no ownership. A link owns an object that has its anchor without contradiction, or that its own recent invitation
//! created and whose anchor is still to be written. Any other object with the address is a conflict (pitfalls R4 and R5).

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Account, Conflict, ConflictKind, Inviting, Link, Shadow};
use crate::TargetId;
use crate::shadow::{Found, Object, ObjectKind};

/// The maximum delay until a directory shows a write. Before that, a missing object does not count as deleted.
pub const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The tolerated difference between a directory's clock and the local one; some directories report whole seconds only.
pub const CLOCK_SKEW_LIMIT: Duration = Duration::from_secs(60);

/// Objects that other links own.
pub type Claimed = BTreeMap<TargetId, Claim>;

/// Another link's ownership of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// That link's key.
    pub owner: String,
    /// Its user is not wanted any more, and it has moved the object to the bin: the address is free for another user, also for the same
    /// person with a new account. The target says so too: it accepts an invitation of that address.
    pub is_given_up: bool,
    /// The account as it is to be taken over, where the claim is that of a former account of the same user, and is to be restored.
    pub former: Option<Account>,
}

/// What the directory returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// The target was not read; the row counts.
    NotObserved,
    /// Nothing.
    Absent,
    /// The owned object.
    Owned(Object),
    /// The owned object, soft-deleted.
    OwnedSoftDeleted(Object),
    /// An owned object without the link's anchor.
    Unanchored(Object),
    /// The object of a former account of the same user, which the link named here has given up.
    Former {
        /// The key of that link.
        owner: String,
        /// The account as it is to be taken over.
        account: Account,
    },
    /// A conflict.
    Foreign(Conflict),
}

/// Classifies a look-up by anchor and address, for a link without an object.
#[must_use]
pub fn classify(found: &Found, claimed: &Claimed, link: &Link) -> Observed {
    match found.by_anchor.as_slice() {
        [] => by_address(&found.by_address, claimed, link),
        [one] if is_confirmed(one, found, claimed, link) => owned(one),
        [_] => conflict(ConflictKind::AnchorContradicts, &found.by_anchor, claimed),
        [_, _, ..] => conflict(ConflictKind::AnchorAmbiguous, &found.by_anchor, claimed),
    }
}

/// Classifies a read of the link's object by id.
#[must_use]
pub fn recognise(object: Option<&Object>, claimed: &Claimed, link: &Link) -> Observed {
    let Some(object) = object else { return Observed::Absent };
    let conflict_of = |kind| conflict(kind, std::slice::from_ref(object), claimed);
    match &link.shadow {
        Shadow::None => conflict_of(ConflictKind::AddressTaken),
        Shadow::Inviting(_) if claimed.contains_key(&object.id) => conflict_of(ConflictKind::AddressTaken),
        Shadow::Inviting(_) if has_anchor(object, link) && object.kind == ObjectKind::Invited => owned(object),
        Shadow::Inviting(inviting) if is_created_by(object, inviting) => Observed::Unanchored(object.clone()),
        // The invitation returned an object that existed before. The link does not own it and never writes it.
        Shadow::Inviting(_) => conflict_of(ConflictKind::AddressTaken),
        Shadow::Object(account) => match &object.anchor {
            Some(anchor) if !has_anchor(object, link) && account.former_anchor.as_ref() != Some(anchor) => {
                conflict_of(ConflictKind::AnchorContradicts)
            }
            // Known by its id; a bin does not show every attribute.
            Some(_) | None if object.soft_deleted.is_some() => Observed::OwnedSoftDeleted(object.clone()),
            Some(_) => Observed::Owned(object.clone()),
            None => Observed::Unanchored(object.clone()),
        },
    }
}

fn by_address(objects: &[Object], claimed: &Claimed, link: &Link) -> Observed {
    let is_free = |object: &&Object| object.soft_deleted.is_some() && claimed.get(&object.id).is_some_and(|claim| claim.is_given_up);
    let holders: Vec<Object> = objects.iter().filter(|object| !is_free(object)).cloned().collect();
    match (holders.as_slice(), &link.shadow) {
        ([], Shadow::None) => former(objects, claimed).unwrap_or(Observed::Absent),
        ([], Shadow::Inviting(_) | Shadow::Object(_)) => Observed::Absent,
        ([one], Shadow::Inviting(inviting)) if is_created_by(one, inviting) && !claimed.contains_key(&one.id) => {
            Observed::Unanchored(one.clone())
        }
        (holders, _) => conflict(ConflictKind::AddressTaken, holders, claimed),
    }
}

/// The one object that belonged to a former account of the same user. Where several did, it cannot be said which of them is meant.
fn former(objects: &[Object], claimed: &Claimed) -> Option<Observed> {
    let former = |object: &Object| {
        let claim = claimed.get(&object.id).filter(|_| object.kind == ObjectKind::Invited)?;
        Some(Observed::Former { owner: claim.owner.clone(), account: claim.former.clone()? })
    };
    let mut all = objects.iter().filter_map(former);
    all.next().filter(|_| all.next().is_none())
}

/// Whether an object with the link's anchor also looks like one that xtsync created, because any writer in the target can forge an anchor: it
/// holds the address, or the link's own invitation can have created it, whose address was then overwritten by a mapping.
fn is_confirmed(object: &Object, found: &Found, claimed: &Claimed, link: &Link) -> bool {
    // A bin does not show every attribute.
    let has_own_anchor = object.anchor.is_none() || has_anchor(object, link);
    let holds_address = found.by_address.iter().any(|other| other.id == object.id);
    let is_created =
        matches!(&link.shadow, Shadow::Inviting(inviting) if object.soft_deleted.is_none() && is_created_in_time(object, inviting));
    object.kind == ObjectKind::Invited && has_own_anchor && (holds_address || is_created) && !claimed.contains_key(&object.id)
}

/// Whether this invitation can have created the object: it is invited, without an anchor, and was created in the time of the invitation.
fn is_created_by(object: &Object, inviting: &Inviting) -> bool {
    object.kind == ObjectKind::Invited && object.soft_deleted.is_none() && object.anchor.is_none() && is_created_in_time(object, inviting)
}

fn is_created_in_time(object: &Object, inviting: &Inviting) -> bool {
    object.created_at.is_some_and(|created| {
        created >= inviting.began.minus(CLOCK_SKEW_LIMIT) && created <= inviting.began.plus(VISIBILITY_TIMEOUT + VISIBILITY_TIMEOUT)
    })
}

fn has_anchor(object: &Object, link: &Link) -> bool {
    object.anchor.is_some() && object.anchor == link.anchor
}

fn owned(object: &Object) -> Observed {
    match object.soft_deleted {
        None => Observed::Owned(object.clone()),
        Some(_) => Observed::OwnedSoftDeleted(object.clone()),
    }
}

fn conflict(kind: ConflictKind, objects: &[Object], claimed: &Claimed) -> Observed {
    let is_passing = objects.iter().all(|object| claimed.get(&object.id).is_some_and(|claim| claim.is_given_up));
    // A link that has given up its object is waited for only where nothing else is in the way.
    let owner = |object: &Object| claimed.get(&object.id).filter(|claim| is_passing || !claim.is_given_up);
    let name = |object: &Object| owner(object).map_or_else(|| object.id.to_string(), |claim| claim.owner.clone());
    Observed::Foreign(Conflict { kind, others: objects.iter().map(name).collect(), is_passing })
}

#[cfg(test)]
mod tests;
