//! Closes a link that is as desired, and says what was done for it in one word.
//!
//! The word follows from the state told last and the state now, never from counting calls: a disable on the way to a deletion is no
//! disable, and a crash between two calls changes nothing.

use super::{Account, DisabledBy, Link, Shadow, Stage};
use crate::{Desired, Timestamp};

/// What a link was brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// No object.
    #[default]
    Absent,
    /// He may sign in, as far as we are concerned.
    Enabled,
    /// We took his sign-in.
    Disabled,
    /// In the bin.
    Deleted,
}

/// What was done to a target user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// He was created.
    Create,
    /// Attributes were changed.
    Update,
    /// He lost his sign-in.
    Disable,
    /// He got it back.
    Enable,
    /// He was moved to the bin.
    Delete,
    /// He was taken out of the bin.
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
    /// The link is as desired: notes it, and says what was done since that was last the case. `wrote` says that attributes were written
    /// just now; where a crash has forgotten that, they are other than those told last.
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
        if let (Desired::Wanted(_), Shadow::Object(account @ Account { stage: Stage::Live, .. })) =
            (&self.desired.desired, &mut self.shadow)
        {
            account.creation_incomplete = false;
        }
        verb(before, after, changed)
    }
}

impl Link {
    /// What would be told if the decision were reached as it stands: what is meant where it is held.
    #[must_use]
    pub fn intended(&self) -> Option<Verb> {
        let wanted = match &self.desired.desired {
            Desired::Wanted(shape) if shape.enabled => State::Enabled,
            Desired::Wanted(_) => State::Disabled,
            Desired::NotWanted(_) => State::Deleted,
            // Of a skipped user nothing is meant but the sign-in that home has blocked.
            Desired::Skipped(skip) if skip.blocked && self.applied.state == State::Enabled => State::Disabled,
            Desired::Skipped(_) => return None,
        };
        verb(self.applied.state, wanted, true)
    }
}

fn state(shadow: &Shadow) -> State {
    match shadow {
        Shadow::None | Shadow::Inviting(_) => State::Absent,
        Shadow::Object(Account { stage: Stage::SoftDeleted { .. }, .. }) => State::Deleted,
        // What the target lowered is its own affair: we did not disable him.
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
        // Who was never told to be there is not told to be gone.
        (State::Absent | State::Deleted, State::Absent | State::Deleted) => None,
    }
}
