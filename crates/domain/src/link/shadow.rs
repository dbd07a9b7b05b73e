//! The life of a shadow user, as far as the link knows it.
//!
//! The verbs that may not be repeated blindly (invite, delete, restore) have a stage that says "this may have happened". It is
//! committed before the call, so that after a crash or a lost answer the object is looked at before anything else is done.

use crate::{TargetId, Timestamp};

/// The object in the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shadow {
    /// There is none.
    #[default]
    None,
    /// An invitation may have happened.
    Inviting(Inviting),
    /// There is one.
    Object(Account),
}

/// An invitation that may have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inviting {
    /// The address invited.
    pub address: String,
    /// Before the first attempt: an object older than this is not ours.
    pub began: Timestamp,
    /// What the invitation answered, not proven to be ours yet.
    pub id: Option<TargetId>,
}

/// An object that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: TargetId,
    /// Where it is in its life.
    pub stage: Stage,
    /// Whether he may sign in.
    pub enabled: bool,
    /// Who set `accountEnabled` to false. We raise only what we lowered.
    pub disabled_by: DisabledBy,
    /// What became of the sessions he had since he was last enabled.
    pub sessions: Sessions,
    /// Whether he has signed in there.
    pub redeemed: bool,
    /// The address he was invited by.
    pub address: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// What is written at creation alone may not have been: he was wanted no more by then, or the answer was lost.
    pub creation_incomplete: bool,
    /// The anchor that the object bears as yet: it belonged to a former account of the same user, and is to get the link's own.
    pub former_anchor: Option<String>,
}

/// Where an object is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In the directory, or was: to be read back before anything else.
    Unverified,
    /// In the directory.
    Live,
    /// A deletion may have happened.
    Deprovisioning {
        /// Before the first attempt.
        since: Timestamp,
    },
    /// In the bin.
    SoftDeleted {
        /// Since when.
        since: Timestamp,
    },
    /// A restoration may have happened; he is not given back his access yet.
    Restoring {
        /// Before the last attempt.
        since: Timestamp,
    },
}

/// Who set `accountEnabled` to false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledBy {
    /// Nobody: he is enabled.
    None,
    /// We did, or may have.
    Xtsync,
    /// The target's administrator.
    Target,
}

/// What became of a user's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// He may have some.
    Open,
    /// They were ended.
    Ended,
    /// The target refused to end them; that must not keep him enabled.
    Refused,
}

impl Shadow {
    /// The object's id, proven to be ours or not.
    #[must_use]
    pub fn id(&self) -> Option<&TargetId> {
        match self {
            Self::None => None,
            Self::Inviting(inviting) => inviting.id.as_ref(),
            Self::Object(account) => Some(&account.id),
        }
    }

    /// The object that is ours.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::None | Self::Inviting(_) => None,
            Self::Object(account) => Some(account),
        }
    }
}
