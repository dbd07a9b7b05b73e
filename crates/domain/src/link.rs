//! A link: one source user and the shadow user in one target.
//!
//! The link is plain data. The modules below are pure functions over it: [`decide`] takes over a newer decision, [`next()`] is the
//! state table, [`classify`] interprets what a directory returned, [`record`] applies a call's answer, [`rehire`] takes over the object of a
//! former account, and [`converge`] marks a link as converged.

pub mod class;
pub mod classify;
pub mod converge;
pub mod decide;
mod holders;
pub mod next;
pub mod outcome;
pub mod record;
pub mod rehire;
pub mod shadow;
pub mod step;

#[cfg(test)]
mod testing;

use std::collections::BTreeSet;

pub use class::Class;
pub use classify::Observed;
pub use converge::{State, Verb};
pub use next::next;
pub use outcome::{Change, Ending, Outcome};
pub use record::Answer;
pub use rehire::NotTakenOver;
pub use shadow::{Account, DisabledBy, Inviting, Sessions, Shadow, Stage};
pub use step::{Call, Conflict, ConflictKind, GracePeriod, Hold, RowUpdate, Step};

use crate::attributes::Digest;
use crate::{Attributes, Decision, DirectoryAnswer, Refusal, TenantName, Timestamp, UserId, Version, Wanted};

/// One source user and the shadow user in one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The target tenant.
    pub target: TenantName,
    /// The newest decision; it also names the source and the user. Its `first_seen` is that of the oldest change not applied yet.
    pub desired: Decision,
    /// Since when that decision's state is wanted; the scope grace period starts here.
    pub desired_since: Timestamp,
    /// `{home directory id}/{home object id}`: marks an object as owned. `None` until the source's directory id is known.
    pub anchor: Option<String>,
    /// The object in the target.
    pub shadow: Shadow,
    /// What was last applied to the target.
    pub applied: Applied,
    /// The target's veto.
    pub veto: Option<Veto>,
    /// An operator's reject.
    pub reject: Option<Override>,
    /// The holders: synchronizations and packages that require the shadow user to exist.
    pub holders: BTreeSet<String>,
    /// Why the link is not as desired.
    pub condition: Option<Condition>,
}

/// What was last applied to the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The version of the applied decision.
    pub version: Version,
    /// The last published state.
    pub state: State,
    /// The attributes as written or read back; the target refused those in `failed`.
    pub attributes: Attributes,
    /// The digest of the attributes last published; `None` before the first publication.
    pub published_digest: Option<Digest>,
    /// Attributes that the target refused while it accepted the others; retried when their value changes.
    pub failed: BTreeSet<String>,
    /// When it was applied.
    pub at: Option<Timestamp>,
}

/// A veto by the target. It survives changes, replays and restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veto {
    /// Who set it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it ends; `None` if an administrator must lift it.
    pub until: Option<Timestamp>,
}

/// An operator's reject: in force until the decision changes or an operator lifts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Who set it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The version of the rejected decision.
    pub against: Version,
}

/// Why a link is not as desired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What resolves it.
    pub kind: ConditionKind,
    /// A stable code such as `address_taken`, or the target's own.
    pub code: String,
    /// Other links or objects concerned.
    pub others: Vec<String>,
    /// The number of failed attempts.
    pub attempts: u32,
    /// When it is retried; `None` if only a change or an administrator resolves it.
    pub due: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
    /// The target's answer, if it refused.
    pub answer: Option<DirectoryAnswer>,
}

/// The kinds of condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionKind {
    /// It is retried automatically.
    Retry,
    /// An administrator opens the gate, or lifts a veto or a reject.
    Held,
    /// Another object or link must change first.
    Conflict,
    /// The target refused this decision. It is retried from time to time, because the target may accept it later.
    Refused,
}

/// The code of the condition of a link whose user is deleted later, because a deletion is final.
pub const DELETION_DEFERRED: &str = "deletion_deferred";

impl Link {
    /// The user's home tenant.
    #[must_use]
    pub fn source(&self) -> &TenantName {
        &self.desired.source
    }

    /// The user's id in the home tenant.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.desired.user
    }

    /// The address that the link occupies, because it has, or may have, an object in the directory.
    #[must_use]
    pub fn occupied_address(&self) -> Option<&str> {
        match &self.shadow {
            Shadow::None | Shadow::Object(Account { stage: Stage::SoftDeleted { .. }, .. }) => None,
            Shadow::Inviting(inviting) => Some(&inviting.address),
            Shadow::Object(account) => Some(&account.address),
        }
    }

    /// Whether the link has released its object: its user is not wanted, and the object no longer occupies the address.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        matches!(self.wanted(), Wanted::No(_)) && self.occupied_address().is_none()
    }

    /// Whether the newest decision is applied.
    #[must_use]
    pub fn is_converged(&self) -> bool {
        self.applied.version == self.desired.version
    }

    /// Whether the link can be removed: the user is not wanted and has no live object, since before that time. A link
    /// with a veto, reject, holder or condition is kept.
    #[must_use]
    pub fn is_expired(&self, before: Timestamp) -> bool {
        let is_gone = matches!(self.wanted(), Wanted::No(_)) && self.is_converged();
        let has_no_object = match &self.shadow {
            Shadow::None => true,
            Shadow::Object(Account { stage: Stage::SoftDeleted { since }, .. }) => *since < before,
            Shadow::Object(_) | Shadow::Inviting(_) => false,
        };
        let is_held = self.veto.is_some() || self.reject.is_some() || !self.holders.is_empty() || self.condition.is_some();
        is_gone && has_no_object && !is_held && self.applied.at.is_some_and(|at| at < before)
    }

    /// Sets the condition. `since` and `attempts` continue if the same condition lasts.
    pub fn set_condition(&mut self, kind: ConditionKind, code: &str, others: Vec<String>, now: Timestamp) {
        // A refusal for which the link then waits with others is the same condition.
        let same = self.condition.take().filter(|condition| condition.code == code);
        let (attempts, since) = same.map_or((0, now), |condition| (condition.attempts, condition.since));
        self.condition =
            Some(Condition { kind, code: code.to_owned(), others, attempts: attempts.saturating_add(1), due: None, since, answer: None });
    }

    /// Sets the condition for a decision that the target refused, with its answer.
    pub fn refused(&mut self, refusal: &Refusal, now: Timestamp) {
        self.set_condition(ConditionKind::Refused, &refusal.code, Vec::new(), now);
        if let Some(condition) = &mut self.condition {
            condition.answer = refusal.answer.as_deref().cloned();
        }
    }

    /// Whether the shadow user, still unredeemed, was invited by another address than the one now decided. Another user who gets the
    /// former address could redeem the invitation.
    #[must_use]
    pub fn address_differs(&self) -> bool {
        let Wanted::Yes(shape) = self.wanted() else { return false };
        let is_pending = |account: &&Account| !account.redeemed && !matches!(account.stage, Stage::SoftDeleted { .. });
        self.shadow.account().filter(is_pending).is_some_and(|account| !account.address.eq_ignore_ascii_case(&shape.address))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{SECOND, account, ago, link, not_wanted, out_of_scope, wanted};
    use super::*;

    #[test]
    fn a_link_expires_when_user_and_object_are_long_gone_and_no_veto_stands() {
        let bin = |since| Shadow::Object(account(Stage::SoftDeleted { since }));
        let converged = |desired, shadow, at| {
            let mut link = link(desired, shadow);
            link.mark_converged(false, at);
            link
        };
        let (long_ago, before) = (ago(9 * SECOND), ago(5 * SECOND));
        let vetoed = |link: Link| Link { veto: Some(Veto { by: "hub".into(), reason: "no".into(), until: None }), ..link };
        for (link, want) in [
            (converged(not_wanted(), Shadow::None, long_ago), true),
            (converged(out_of_scope(0), bin(long_ago), long_ago), true),
            (converged(not_wanted(), Shadow::None, before), false),
            (converged(not_wanted(), bin(before), long_ago), false),
            (converged(not_wanted(), Shadow::Object(account(Stage::Live)), long_ago), false),
            (converged(wanted(true), Shadow::None, long_ago), false),
            (vetoed(converged(out_of_scope(0), Shadow::None, long_ago)), false),
            (link(not_wanted(), Shadow::None), false),
        ] {
            assert_eq!(link.is_expired(before), want, "{link:?}");
        }
    }
}
