//! Applies events to a link: what must be committed before a call, what its answer changes, and the steps without a call.
//!
//! Before and after are separate functions. What [`Link::begin`] records is durable when the call starts, so that after a crash
//! at any point the state table can recover from the row.

use std::collections::BTreeSet;

use super::classify::{Claimed, VISIBILITY_TIMEOUT, classify, recognise};
use super::{
    Account, Call, ConditionKind, Conflict, ConflictKind, DisabledBy, Hold, Inviting, Link, Observed, RowUpdate, Sessions, Shadow, Stage,
    State, Veto,
};
use crate::shadow::{Found, Object};
use crate::{Attributes, TargetId, Timestamp, Wanted};

/// What the target answered to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a look-up.
    Found(Found),
    /// To a reading.
    Read(Option<Object>),
    /// To a creation: an id, perhaps of an object that was there before.
    Created(TargetId),
    /// To a patch: the attributes it refused while it took the others.
    Patched(BTreeSet<String>),
    /// To any other write.
    Done,
    /// The object does not exist, or is not visible yet.
    NotFound,
    /// No answer, or an inconclusive one: the call may have taken effect.
    Unknown,
    /// The target refused the call permanently; it had no effect.
    Refused,
    /// The call had no effect and must be repeated.
    NotDone,
}

impl Link {
    /// Records what must be durable before a call starts.
    pub fn begin(&mut self, call: &Call, now: Timestamp) {
        match call {
            Call::Invite { address, .. } | Call::Put { address, .. } => self.begin_creation(address, now),
            Call::Revoke { .. } => self.amend_account(|account| account.access_taken_at = None),
            Call::Disable { .. } => self.amend_account(|account| {
                account.disabled_by = DisabledBy::Xtsync;
                account.access_taken_at = None;
            }),
            Call::SoftDelete { .. } | Call::Delete { .. } => {
                self.amend_account(|account| account.stage = Stage::Deprovisioning { since: now });
            }
            Call::Restore { .. } => self.amend_account(|account| account.stage = Stage::Restoring { since: now }),
            Call::LookUp { .. }
            | Call::ReadBack { .. }
            | Call::WriteAnchor { .. }
            | Call::Patch { .. }
            | Call::Enable { .. }
            | Call::ResetRedemption { .. } => {}
        }
    }

    /// Applies an answer, and returns what it showed.
    pub fn record(&mut self, call: &Call, answer: Answer, claimed: &Claimed, now: Timestamp) -> Observed {
        match answer {
            Answer::Found(found) => return classify(&found, claimed, self),
            Answer::Read(object) => return recognise(object.as_ref(), claimed, self),
            Answer::Created(id) => return self.created(id, claimed),
            Answer::Patched(refused) => self.patched(call, refused),
            Answer::Done if matches!(call, Call::Delete { .. }) => self.forget(),
            Answer::Done => self.done(call, now),
            Answer::NotFound | Answer::Unknown => self.mark_unverified(),
            Answer::Refused if matches!(call, Call::Revoke { .. }) => self.amend_account(|account| account.sessions = Sessions::Refused),
            Answer::Refused | Answer::NotDone => self.undo(call, now),
        }
        Observed::NotObserved
    }

    /// Marks the object as unverified after a lost answer, so that it is read before any other call.
    pub fn mark_unverified(&mut self) {
        self.amend_account(|account| {
            if account.stage == Stage::Live {
                account.stage = Stage::Unverified;
            }
        });
    }

    /// Applies a row update of the state table.
    pub fn update_row(&mut self, update: &RowUpdate, now: Timestamp) {
        match update {
            RowUpdate::TakeOver(object) => self.take_over(object, now),
            RowUpdate::Identify(id) => self.identify(id.clone()),
            RowUpdate::Forget => self.forget(),
            RowUpdate::Veto(object) => {
                match object {
                    Some(object) => self.take_over(object, now),
                    None => self.forget(),
                }
                self.veto = Some(Veto { by: self.target.to_string(), reason: "deleted in the target".to_owned(), until: None });
            }
        }
    }

    /// Takes over the soft-deleted object from the link of the user's former account, which releases it permanently.
    pub fn inherit(&mut self, former: &mut Self, account: Account) {
        self.shadow = Shadow::Object(account);
        self.applied.state = State::Deleted;
        self.applied.attributes = std::mem::take(&mut former.applied.attributes);
        former.forget();
    }

    fn take_over(&mut self, object: &Object, now: Timestamp) {
        let before = self.shadow.account();
        let was_enabled = before.is_some_and(|account| account.enabled);
        let disabled_by = match (object.enabled, before.map_or(DisabledBy::None, |account| account.disabled_by)) {
            (true, DisabledBy::None | DisabledBy::Xtsync | DisabledBy::Target) => DisabledBy::None,
            (false, DisabledBy::Xtsync) => DisabledBy::Xtsync,
            (false, DisabledBy::None | DisabledBy::Target) => DisabledBy::Target,
        };
        let account = Account {
            id: object.id.clone(),
            stage: object.soft_deleted.map_or(Stage::Live, |since| Stage::SoftDeleted { since: since.unwrap_or(now) }),
            enabled: object.enabled,
            disabled_by,
            sessions: before.filter(|_| was_enabled || !object.enabled).map_or(Sessions::Open, |account| account.sessions),
            redeemed: object.redeemed,
            address: self.address(),
            created_at: object.created_at.or(before.map(|account| account.created_at)).unwrap_or(now),
            creation_incomplete: before.map_or(matches!(self.shadow, Shadow::Inviting(_)), |account| account.creation_incomplete),
            former_anchor: before.and_then(|account| account.former_anchor.clone()).filter(|_| object.anchor != self.anchor),
            access_taken_at: before.and_then(|account| account.access_taken_at),
            taken_from: before.and_then(|account| account.taken_from.clone()),
        };
        self.applied.attributes.extend(self.mapped(&object.attributes));
        self.shadow = Shadow::Object(account);
    }

    fn identify(&mut self, id: TargetId) {
        if let Shadow::Inviting(inviting) = &mut self.shadow {
            inviting.id = Some(id);
        }
    }

    /// The object is permanently deleted, or never existed. The published state is kept.
    fn forget(&mut self) {
        self.shadow = Shadow::None;
        self.applied.attributes = Attributes::default();
        self.applied.failed.clear();
    }

    /// Blocks the link until something changes. If the address of a creation has a conflict, the object the creation returned is not owned.
    pub fn hold(&mut self, hold: &Hold, now: Timestamp) {
        match hold {
            Hold::Vetoed => self.set_condition(ConditionKind::Held, "vetoed", Vec::new(), now),
            Hold::Rejected => self.set_condition(ConditionKind::Held, "rejected", Vec::new(), now),
            // The condition was set when the target refused.
            Hold::Refused => {}
            Hold::Conflict(conflict) => {
                if matches!(self.shadow, Shadow::Inviting(_)) {
                    self.shadow = Shadow::None;
                }
                self.set_condition(ConditionKind::Conflict, conflict.kind.code(), conflict.others.clone(), now);
            }
        }
    }

    /// Attempts at the same address within a time limit share their start time, so that the first one's object counts as owned.
    fn begin_creation(&mut self, address: &str, now: Timestamp) {
        let began = match &self.shadow {
            Shadow::Inviting(tried) if tried.address == address && now < tried.began.plus(VISIBILITY_TIMEOUT) => tried.began,
            Shadow::Inviting(_) | Shadow::None | Shadow::Object(_) => now,
        };
        self.shadow = Shadow::Inviting(Inviting { address: address.to_owned(), began, id: None });
    }

    fn created(&mut self, id: TargetId, claimed: &Claimed) -> Observed {
        if let Some(claim) = claimed.get(&id) {
            let (kind, others) = (ConflictKind::AddressTaken, vec![claim.owner.clone()]);
            return Observed::Foreign(Conflict { kind, others, is_passing: claim.is_given_up });
        }
        self.identify(id);
        Observed::NotObserved
    }

    fn patched(&mut self, call: &Call, refused: BTreeSet<String>) {
        let Some(attributes) = call.attributes() else { return };
        if let Call::WriteAnchor { id, .. } = call {
            self.anchored(id, attributes.is_empty());
            self.amend_account(|account| account.former_anchor = None);
            self.applied.attributes = Attributes::default();
            self.applied.failed.clear();
        }
        self.applied.failed.retain(|name| attributes.get(name).is_none());
        self.applied.failed.extend(refused);
        self.applied.attributes.extend(attributes.clone());
    }

    /// The invited object took our anchor, as it says; only reading it back proves that, and shows what else it is.
    fn anchored(&mut self, id: &TargetId, creation_incomplete: bool) {
        if let Shadow::Inviting(inviting) = &self.shadow {
            self.shadow = Shadow::Object(Account {
                id: id.clone(),
                stage: Stage::Unverified,
                enabled: true,
                disabled_by: DisabledBy::None,
                sessions: Sessions::Open,
                redeemed: false,
                address: inviting.address.clone(),
                created_at: inviting.began,
                creation_incomplete,
                former_anchor: None,
                access_taken_at: None,
                taken_from: None,
            });
        }
    }

    fn done(&mut self, call: &Call, now: Timestamp) {
        self.amend_account(|account| match call {
            Call::Revoke { .. } => account.sessions = Sessions::Ended,
            Call::Disable { .. } => account.enabled = false,
            Call::Enable { .. } => {
                account.enabled = true;
                account.disabled_by = DisabledBy::None;
                account.sessions = Sessions::Open;
            }
            Call::SoftDelete { .. } => account.stage = Stage::SoftDeleted { since: now },
            Call::ResetRedemption { .. } => account.redeemed = false,
            // Restored objects are read back first; the stage was set before the call.
            Call::Restore { .. }
            | Call::Delete { .. }
            | Call::LookUp { .. }
            | Call::ReadBack { .. }
            | Call::Invite { .. }
            | Call::Put { .. }
            | Call::WriteAnchor { .. }
            | Call::Patch { .. } => {}
        });
    }

    /// Takes back what [`Link::begin`] noted. A creation stays possible: an earlier attempt may have happened.
    fn undo(&mut self, call: &Call, now: Timestamp) {
        self.amend_account(|account| match call {
            Call::Disable { .. } if account.enabled => account.disabled_by = DisabledBy::None,
            Call::SoftDelete { .. } | Call::Delete { .. } => account.stage = Stage::Live,
            Call::Restore { .. } => account.stage = Stage::SoftDeleted { since: now },
            // An administrator of the target may do it by hand meanwhile, which only a reading shows.
            Call::ResetRedemption { .. } if account.stage == Stage::Live => account.stage = Stage::Unverified,
            Call::LookUp { .. }
            | Call::ReadBack { .. }
            | Call::Invite { .. }
            | Call::Put { .. }
            | Call::WriteAnchor { .. }
            | Call::Patch { .. }
            | Call::Revoke { .. }
            | Call::Disable { .. }
            | Call::Enable { .. }
            | Call::ResetRedemption { .. } => {}
        });
    }

    fn amend_account(&mut self, amend: impl FnOnce(&mut Account)) {
        if let Shadow::Object(account) = &mut self.shadow {
            amend(account);
        }
    }

    /// The address the object was invited by, as far as known.
    fn address(&self) -> String {
        match (&self.shadow, self.wanted()) {
            (Shadow::Object(account), _) => account.address.clone(),
            (Shadow::Inviting(inviting), _) => inviting.address.clone(),
            (Shadow::None, Wanted::Yes(shape)) => shape.address.clone(),
            (Shadow::None, Wanted::No(_) | Wanted::Skipped(_)) => String::new(),
        }
    }

    /// Those of an object's attributes that concern this link; the row is no copy of the target's directory.
    fn mapped(&self, attributes: &Attributes) -> Attributes {
        let is_wanted = |name: &str| match self.wanted() {
            Wanted::Yes(shape) => shape.attributes.get(name).is_some() || shape.on_create.get(name).is_some(),
            Wanted::No(_) | Wanted::Skipped(_) => false,
        };
        let concerns = |name: &str| self.applied.attributes.get(name).is_some() || is_wanted(name);
        attributes.only(concerns)
    }
}

#[cfg(test)]
mod tests;
