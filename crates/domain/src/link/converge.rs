//! Marks a link as converged, and derives the one [`Verb`] that describes what was done.
//!
//! The verb follows from the last published state and the present one, not from the calls: a disable before a deletion is no
//! separate verb, and a crash between two calls does not change the result.

use super::{Account, DisabledBy, Link, Sessions, Shadow, Stage};
use crate::{Desired, Timestamp, Wanted};

/// The last published state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// No object.
    #[default]
    Absent,
    /// The account may sign in, or the target itself disabled it.
    Enabled,
    /// xtsync disabled the account.
    Disabled,
    /// Soft-deleted.
    Deleted,
}

/// What was done to a target user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// The user was created.
    Create,
    /// Attributes were changed.
    Update,
    /// Sign-in was blocked.
    Disable,
    /// Sign-in was allowed again.
    Enable,
    /// The user was deleted: softly where the target has a recycle bin.
    Delete,
    /// The user was restored from the recycle bin.
    Restore,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Create, Self::Update, Self::Disable, Self::Enable, Self::Delete, Self::Restore];

    /// The name in metrics and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
            Self::Restore => "restore",
        }
    }
}

impl Link {
    /// Marks the link as converged, and returns what was done since it last was. `wrote` means that attributes were written just now.
    /// If a crash lost that, the attributes differ from the last published digest.
    pub fn mark_converged(&mut self, wrote: bool, now: Timestamp) -> Option<Verb> {
        let before = self.applied.state;
        let after = state(&self.shadow);
        let digest = Some(self.applied.attributes.digest());
        let changed = wrote || self.applied.published_digest != digest;
        self.applied.published_digest = digest;
        self.applied.state = after;
        self.applied.version = self.desired.version;
        self.applied.at = Some(now);
        self.condition = None;
        let Desired { sign_in_blocked, .. } = self.desired.desired;
        let is_wanted = matches!(self.wanted(), Wanted::Yes(_));
        if let (true, Shadow::Object(account @ Account { stage: Stage::Live, .. })) = (is_wanted, &mut self.shadow) {
            account.creation_incomplete = false;
            // A revocation counts for the removal that it began. The user stays, and may sign in again.
            if !sign_in_blocked && account.enabled {
                account.sessions = Sessions::Open;
            }
        }
        verb(before, after, changed)
    }
}

impl Link {
    /// Marks that at this time all is done but a deletion that waits, and returns what was done since the last published state.
    pub fn mark_deferred(&mut self, now: Timestamp) -> Option<Verb> {
        let before = self.applied.state;
        self.applied.state = state(&self.shadow);
        let access_taken_at = self.access_taken_at().unwrap_or(now.max(self.desired_since));
        if let Shadow::Object(account) = &mut self.shadow {
            account.access_taken_at = Some(access_taken_at);
        }
        verb(before, self.applied.state, false)
    }

    /// When access was taken from the user in their present departure; `None` before that.
    pub(super) fn access_taken_at(&self) -> Option<Timestamp> {
        self.shadow.account()?.access_taken_at.filter(|at| *at >= self.desired_since)
    }

    /// The verb that would be published if the decision were applied now; used for outcomes that are held.
    #[must_use]
    pub fn intended(&self) -> Option<Verb> {
        let Desired { sign_in_blocked, .. } = self.desired.desired;
        let wanted = match self.wanted() {
            Wanted::Yes(_) if !sign_in_blocked => State::Enabled,
            Wanted::Yes(_) => State::Disabled,
            Wanted::No(_) => State::Deleted,
            // A skipped user is only ever disabled, when the home tenant has blocked sign-in.
            Wanted::Skipped(_) if sign_in_blocked && self.applied.state == State::Enabled => State::Disabled,
            Wanted::Skipped(_) => return None,
        };
        verb(self.applied.state, wanted, true)
    }
}

fn state(shadow: &Shadow) -> State {
    match shadow {
        Shadow::None | Shadow::Inviting(_) => State::Absent,
        Shadow::Object(Account { stage: Stage::SoftDeleted { .. }, .. }) => State::Deleted,
        // An account that the target disabled counts as enabled, because xtsync did not disable it.
        Shadow::Object(account) if account.enabled || account.disabled_by == DisabledBy::Target => State::Enabled,
        Shadow::Object(_) => State::Disabled,
    }
}

fn verb(before: State, after: State, changed: bool) -> Option<Verb> {
    match (before, after) {
        (State::Absent, State::Enabled | State::Disabled) => Some(Verb::Create),
        (State::Enabled, State::Disabled) => Some(Verb::Disable),
        (State::Disabled, State::Enabled) => Some(Verb::Enable),
        (State::Enabled | State::Disabled, State::Deleted | State::Absent) => Some(Verb::Delete),
        (State::Deleted, State::Enabled | State::Disabled) => Some(Verb::Restore),
        (State::Enabled, State::Enabled) | (State::Disabled, State::Disabled) => changed.then_some(Verb::Update),
        // No deletion is published for a user who was never published as present.
        (State::Absent | State::Deleted, State::Absent | State::Deleted) => None,
    }
}
