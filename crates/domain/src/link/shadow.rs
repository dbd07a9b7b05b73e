//! The lifecycle of a shadow user, as recorded in the link.
//!
//! The calls that are not safe to repeat (invite or put, delete, restore) have a stage that means "this may have happened". The stage is
//! committed before the call. After a crash or a lost answer, the object is read before any other call.

use crate::{TargetId, Timestamp, UserId};

/// The object in the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shadow {
    /// No object exists.
    #[default]
    None,
    /// An invitation or a put may have happened.
    Inviting(Inviting),
    /// The object exists.
    Object(Account),
}

/// An invitation or a put that may have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inviting {
    /// The address invited or put.
    pub address: String,
    /// The time before the first attempt. An object created earlier is not owned by the link, with a tolerance for clocks that differ; a
    /// later time takes that tolerance back.
    pub began: Timestamp,
    /// The id that it returned; ownership is not verified yet.
    pub id: Option<TargetId>,
}

/// An object that the link owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: TargetId,
    /// Its lifecycle stage.
    pub stage: Stage,
    /// Whether the account may sign in.
    pub enabled: bool,
    /// What set `accountEnabled` to false. xtsync enables only an account that it disabled.
    pub disabled_by: DisabledBy,
    /// The state of the user's sessions since the account was last enabled.
    pub sessions: Sessions,
    /// Whether the user has redeemed the invitation.
    pub redeemed: bool,
    /// The address that was invited.
    pub address: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Attributes that are written only at creation may be missing: the user was no longer wanted, or the answer was lost.
    pub creation_incomplete: bool,
    /// The anchor of a former account of the same user, as long as the object has it. The link's own anchor replaces it.
    pub former_anchor: Option<String>,
    /// When access was taken, as far as the target can take it, from the user of a departure; the deletion grace period starts here. A
    /// time before the link's `desired_since` is that of a former departure.
    pub access_taken_at: Option<Timestamp>,
    /// The former account of the same user, where the object was taken over from it.
    pub taken_from: Option<UserId>,
}

/// The lifecycle stage of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The state is unverified; the object must be read before any other call.
    Unverified,
    /// In the directory.
    Live,
    /// A deletion may have happened.
    Deprovisioning {
        /// The time before the first attempt.
        since: Timestamp,
    },
    /// Soft-deleted: in the recycle bin.
    SoftDeleted {
        /// Since when.
        since: Timestamp,
    },
    /// A restoration may have happened; access is not restored yet.
    Restoring {
        /// The time before the last attempt.
        since: Timestamp,
    },
}

/// What set `accountEnabled` to false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledBy {
    /// Nothing; the account is enabled.
    None,
    /// xtsync disabled it, or may have.
    Xtsync,
    /// The target's administrator.
    Target,
}

/// The state of a user's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// The user may have sessions.
    Open,
    /// The sessions were revoked.
    Ended,
    /// The target refused to revoke them. The account is disabled all the same.
    Refused,
}

impl Shadow {
    /// The object's id, whether or not its ownership is verified.
    #[must_use]
    pub fn id(&self) -> Option<&TargetId> {
        match self {
            Self::None => None,
            Self::Inviting(inviting) => inviting.id.as_ref(),
            Self::Object(account) => Some(&account.id),
        }
    }

    /// The object that the link owns.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::None | Self::Inviting(_) => None,
            Self::Object(account) => Some(account),
        }
    }
}
