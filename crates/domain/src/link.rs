//! A link: one source user and his shadow in one target.
//!
//! Everything the provisioner knows of the pair is plain data here; what follows from it is said by the modules below, each a pure
//! function: [`decide`] takes a newer decision in, [`next`] is the state table, [`classify`] reads what a directory showed,
//! [`record`] folds a call's answer in, [`reach`] closes a link that is as desired.

pub mod class;
pub mod classify;
pub mod decide;
pub mod next;
pub mod outcome;
pub mod reach;
pub mod record;
pub mod shadow;
pub mod step;

#[cfg(test)]
mod testing;

use std::collections::BTreeSet;

pub use class::Class;
pub use classify::Seen;
pub use next::next;
pub use outcome::{Change, Ending, Outcome};
pub use reach::{State, Verb};
pub use record::Answer;
pub use shadow::{Account, Inviting, LoweredBy, Sessions, Shadow, Stage};
pub use step::{Call, Conflict, ConflictKind, Hold, Note, Step};

use crate::decision::Departure;
use crate::value::Digest;
use crate::{Attributes, Decision, Desired, DirectoryAnswer, Refusal, TenantName, Timestamp, UserId, Version};

/// One source user and his shadow in one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The target tenant.
    pub target: TenantName,
    /// The newest decision; it also names the source and the user. Its `first_seen` is that of the oldest change not applied yet.
    pub desired: Decision,
    /// Since when that decision's state is wanted; settling counts from here.
    pub desired_since: Timestamp,
    /// `{home directory id}/{home object id}`: what makes an object ours. Known once the source tenant's directory id is.
    pub anchor: Option<String>,
    /// The object in the target.
    pub shadow: Shadow,
    /// What the target was last brought to.
    pub applied: Applied,
    /// The target's no.
    pub veto: Option<Veto>,
    /// An operator's reject.
    pub reject: Option<Override>,
    /// For whose sake the shadow user exists: synchronizations and packages.
    pub holders: BTreeSet<String>,
    /// Why it is not as desired.
    pub trouble: Option<Trouble>,
}

/// What the target was last brought to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The decision that was reached.
    pub version: Version,
    /// What of it was told last.
    pub state: State,
    /// The attributes as they were asked for or read back; those in `failed` were refused.
    pub attributes: Attributes,
    /// What they were when that was told; `None` before anything was.
    pub told: Option<Digest>,
    /// Attributes that the target refused while it took the others; tried again when their value changes.
    pub failed: BTreeSet<String>,
    /// When it was reached.
    pub at: Option<Timestamp>,
}

/// The target's no: survives changes, replays and restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veto {
    /// Who said it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it ends; `None` where somebody must lift it.
    pub until: Option<Timestamp>,
}

/// An operator's reject: in force until the decision changes or somebody lifts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Who said it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The decision it stands against.
    pub against: Version,
}

/// Why a link is not as desired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Who or what helps.
    pub kind: TroubleKind,
    /// A stable code such as `address_taken`, or the target's own.
    pub code: String,
    /// Other links or objects concerned.
    pub others: Vec<String>,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// When it is tried again; `None` when only a change or a person helps.
    pub due: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
    /// What the target said, where it refused.
    pub answer: Option<DirectoryAnswer>,
}

/// The kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// Time: it is tried again by itself.
    Retry,
    /// Somebody opens the gate, lifts a veto or a reject.
    Held,
    /// Another object or person must move.
    Conflict,
    /// The target's word: it refused this decision. It is asked again now and then, for its word may change.
    Refused,
}

/// By which a user is known again.
const EMPLOYEE_ID: &str = "employeeId";

impl Link {
    /// The user's home tenant.
    #[must_use]
    pub fn source(&self) -> &TenantName {
        &self.desired.source
    }

    /// The user, as his home tenant names him.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.desired.user
    }

    /// The address that the link keeps others from: it has, or may have, an object in the directory.
    #[must_use]
    pub fn occupies(&self) -> Option<&str> {
        match &self.shadow {
            Shadow::None | Shadow::Object(Account { stage: Stage::Bin { .. }, .. }) => None,
            Shadow::Inviting(inviting) => Some(&inviting.address),
            Shadow::Object(account) => Some(&account.address),
        }
    }

    /// Whether the link's object is left to the bin: its user is not wanted any more.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        matches!(self.desired.desired, Desired::Gone(_)) && self.occupies().is_none()
    }

    /// The account as a link for the same user's new account takes it over: in the bin, and with a former anchor as yet. `None` where it has
    /// not been given up, where it still exists at home, where a person has said no, or where the two are not known to be one user: they are
    /// where both have one `employeeId`, as home said it.
    #[must_use]
    pub fn former_of(&self, rehired: &Self) -> Option<Account> {
        let Desired::Present(wanted) = &rehired.desired.desired else { return None };
        let known = self.applied.attributes.text(EMPLOYEE_ID).filter(|id| !id.trim().is_empty())?;
        let claimed = wanted.attributes.text(EMPLOYEE_ID).or_else(|| wanted.on_create.text(EMPLOYEE_ID))?;
        let is_deleted = matches!(self.desired.desired, Desired::Gone(Departure::Deleted));
        let is_free = is_deleted && self.has_given_up() && self.veto.is_none() && self.reject.is_none();
        let account = self.shadow.account().filter(|_| is_free && self.source() == rehired.source() && known == claimed)?;
        let borne = account.former_anchor.clone().or_else(|| self.anchor.clone())?;
        Some(Account { address: wanted.address.clone(), unfinished: true, former_anchor: Some(borne), ..account.clone() })
    }

    /// Whether the newest decision has been reached.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.applied.version == self.desired.version
    }

    /// Whether nothing is left to be known of the link: he has been gone since before that moment, as is wanted, and so has his object. What
    /// a person has said of him is kept.
    #[must_use]
    pub fn is_over(&self, before: Timestamp) -> bool {
        let is_gone = matches!(self.desired.desired, Desired::Gone(_)) && self.is_reached();
        let has_no_object = match &self.shadow {
            Shadow::None => true,
            Shadow::Object(Account { stage: Stage::Bin { since }, .. }) => *since < before,
            Shadow::Object(_) | Shadow::Inviting(_) => false,
        };
        let is_held = self.veto.is_some() || self.reject.is_some() || !self.holders.is_empty() || self.trouble.is_some();
        is_gone && has_no_object && !is_held && self.applied.at.is_some_and(|at| at < before)
    }

    /// Notes why the link is not as desired; `since` and `attempts` go on where the same trouble lasts.
    pub fn trouble(&mut self, kind: TroubleKind, code: &str, others: Vec<String>, now: Timestamp) {
        // A refusal for which the link then waits with others is the same trouble.
        let same = self.trouble.take().filter(|trouble| trouble.code == code);
        let (attempts, since) = same.map_or((0, now), |trouble| (trouble.attempts, trouble.since));
        self.trouble =
            Some(Trouble { kind, code: code.to_owned(), others, attempts: attempts.saturating_add(1), due: None, since, answer: None });
    }

    /// Notes that the target refused what is decided, and what it said.
    pub fn refused(&mut self, refusal: &Refusal, now: Timestamp) {
        self.trouble(TroubleKind::Refused, &refusal.code, Vec::new(), now);
        if let Some(trouble) = &mut self.trouble {
            trouble.answer = refusal.answer.as_deref().cloned();
        }
    }

    /// Whether the shadow user, whom nobody has redeemed yet, was invited by another address than is decided now. The one who redeems the
    /// invitation would be the one who has that address by then.
    #[must_use]
    pub fn address_differs(&self) -> bool {
        let Desired::Present(present) = &self.desired.desired else { return false };
        let is_pending = |account: &&Account| !account.redeemed && !matches!(account.stage, Stage::Bin { .. });
        self.shadow.account().filter(is_pending).is_some_and(|account| !account.address.eq_ignore_ascii_case(&present.address))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{SECOND, account, ago, gone, link, out_of_scope, present};
    use super::*;

    #[test]
    fn a_link_is_over_when_he_and_his_object_are_long_gone_and_nobody_has_said_anything_of_him() {
        let bin = |since| Shadow::Object(account(Stage::Bin { since }));
        let reached = |desired, shadow, at| {
            let mut link = link(desired, shadow);
            link.reach(false, at);
            link
        };
        let (long_ago, before) = (ago(9 * SECOND), ago(5 * SECOND));
        let vetoed = |link: Link| Link { veto: Some(Veto { by: "hub".into(), reason: "no".into(), until: None }), ..link };
        for (link, want) in [
            (reached(gone(), Shadow::None, long_ago), true),
            (reached(out_of_scope(0), bin(long_ago), long_ago), true),
            (reached(gone(), Shadow::None, before), false),
            (reached(gone(), bin(before), long_ago), false),
            (reached(gone(), Shadow::Object(account(Stage::Live)), long_ago), false),
            (reached(present(true), Shadow::None, long_ago), false),
            (vetoed(reached(out_of_scope(0), Shadow::None, long_ago)), false),
            (link(gone(), Shadow::None), false),
        ] {
            assert_eq!(link.is_over(before), want, "{link:?}");
        }
    }
}
