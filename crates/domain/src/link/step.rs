//! The next step for a link: one call, one change of the row, or nothing for now.

use crate::shadow::Object;
use crate::{Attributes, TargetId, Timestamp};

use super::{Account, Verb};

/// The next step for a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Call the target, once, if the gate is open.
    Call(Call),
    /// Change the row, without a call.
    UpdateRow(RowUpdate),
    /// Change two rows at once: this link takes over the soft-deleted object that the link of the user's former account releases.
    Inherit {
        /// The key of that link.
        owner: String,
        /// The account as it is taken over.
        account: Account,
    },
    /// Wait and read again: the directory shows a write only after a delay.
    AwaitVisibility,
    /// A grace period lasts until this time.
    GracePeriod(GracePeriod, Timestamp),
    /// Blocked until a change or an administrator removes the cause.
    Hold(Hold),
    /// It is as desired.
    Converged,
}

/// The kinds of grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GracePeriod {
    /// Of a lost scope: nothing is done, because the user may return.
    Scope,
    /// Of a deletion that is final: access is taken, and the user is kept.
    Deletion,
}

/// A change of the row without a call. The next step is computed from the changed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowUpdate {
    /// Record the observed object as owned.
    TakeOver(Object),
    /// Record the id of an object that the link's invitation created.
    Identify(TargetId),
    /// Remove the object from the row: it is permanently deleted, or never existed.
    Forget,
    /// Set a veto, because the target's administrator deleted the object. Holds the object, if it is in the recycle bin.
    Veto(Option<Object>),
}

/// One call to the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Looks for objects with the link's anchor or this address.
    LookUp {
        /// The address.
        address: String,
    },
    /// Reads one object.
    ReadBack {
        /// The object.
        id: TargetId,
    },
    /// Invites.
    Invite {
        /// The address.
        address: String,
        /// The display name.
        display_name: Option<String>,
    },
    /// Creates the user with the link's anchor and attributes, or returns the object that has the anchor.
    Put {
        /// The address.
        address: String,
        /// The attributes.
        attributes: Attributes,
    },
    /// Writes the link's anchor, together with attributes.
    WriteAnchor {
        /// The object.
        id: TargetId,
        /// The attributes.
        attributes: Attributes,
    },
    /// Writes attributes.
    Patch {
        /// The object.
        id: TargetId,
        /// Only what differs.
        attributes: Attributes,
    },
    /// Revokes the user's sessions.
    Revoke {
        /// The object.
        id: TargetId,
    },
    /// Blocks sign-in.
    Disable {
        /// The object.
        id: TargetId,
    },
    /// Allows sign-in again.
    Enable {
        /// The object.
        id: TargetId,
    },
    /// Moves the object to the recycle bin.
    SoftDelete {
        /// The object.
        id: TargetId,
    },
    /// Restores the object from the recycle bin.
    Restore {
        /// The object.
        id: TargetId,
    },
    /// Makes the object pending again, so that the account that has the address now redeems it.
    ResetRedemption {
        /// The object.
        id: TargetId,
        /// The address.
        address: String,
    },
    /// Deletes the object for good, where there is no recycle bin.
    Delete {
        /// The object.
        id: TargetId,
    },
}

/// Why the link is blocked until a change or an administrator removes the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// A veto is in force.
    Vetoed,
    /// An operator rejected this decision.
    Rejected,
    /// The target refused this decision permanently.
    Refused,
    /// Another object or link is in conflict. It may change, so it is read again.
    Conflict(Conflict),
}

/// The objects or links in conflict, and the kind of conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The kind.
    pub kind: ConflictKind,
    /// Ids of objects, or keys of links that own them.
    pub others: Vec<String>,
    /// Whether it ends by itself: the owning links have released the objects, but the directory does not show it yet.
    pub is_passing: bool,
}

/// The kind of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// An object that the link does not own has the address: a member, guest or contact, soft-deleted or not.
    AddressTaken,
    /// Several objects have the link's anchor.
    AnchorAmbiguous,
    /// An object's anchor contradicts its other properties.
    AnchorContradicts,
    /// The owned object no longer has the link's anchor, or never accepted it.
    AnchorLost,
    /// Another link has the same anchor: its source was, or is, the same directory.
    AnchorTaken,
}

impl ConflictKind {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AddressTaken => "address_taken",
            Self::AnchorAmbiguous => "anchor_ambiguous",
            Self::AnchorContradicts => "anchor_contradicts",
            Self::AnchorLost => "anchor_lost",
            Self::AnchorTaken => "anchor_taken",
        }
    }
}

impl Call {
    /// The call's name in intents, logs, spans and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LookUp { .. } => "look_up",
            Self::ReadBack { .. } => "read_back",
            Self::Invite { .. } => "invite",
            Self::Put { .. } => "put",
            Self::WriteAnchor { .. } => "write_anchor",
            Self::Patch { .. } => "patch",
            Self::Revoke { .. } => "revoke",
            Self::Disable { .. } => "disable",
            Self::Enable { .. } => "enable",
            Self::SoftDelete { .. } => "soft_delete",
            Self::Restore { .. } => "restore",
            Self::ResetRedemption { .. } => "reset_redemption",
            Self::Delete { .. } => "delete",
        }
    }

    /// Whether it writes. A call that only reads needs no intent.
    #[must_use]
    pub fn writes(&self) -> bool {
        match self {
            Self::LookUp { .. } | Self::ReadBack { .. } => false,
            Self::Invite { .. }
            | Self::Put { .. }
            | Self::WriteAnchor { .. }
            | Self::Patch { .. }
            | Self::Revoke { .. }
            | Self::Disable { .. }
            | Self::Enable { .. }
            | Self::SoftDelete { .. }
            | Self::Restore { .. }
            | Self::ResetRedemption { .. }
            | Self::Delete { .. } => true,
        }
    }

    /// The address that a user is created with or redeems an invitation by; `None` for a call that gives none.
    #[must_use]
    pub fn bound_address(&self) -> Option<&str> {
        match self {
            Self::ResetRedemption { address, .. } => Some(address),
            other => other.creates(),
        }
    }

    /// The address of the user that it creates; `None` for a call that creates no user.
    #[must_use]
    pub fn creates(&self) -> Option<&str> {
        match self {
            Self::Invite { address, .. } | Self::Put { address, .. } => Some(address),
            Self::LookUp { .. }
            | Self::ReadBack { .. }
            | Self::WriteAnchor { .. }
            | Self::Patch { .. }
            | Self::Revoke { .. }
            | Self::Disable { .. }
            | Self::Enable { .. }
            | Self::SoftDelete { .. }
            | Self::Restore { .. }
            | Self::ResetRedemption { .. }
            | Self::Delete { .. } => None,
        }
    }

    /// The attributes it writes.
    #[must_use]
    pub fn attributes(&self) -> Option<&Attributes> {
        match self {
            Self::Put { attributes, .. } | Self::WriteAnchor { attributes, .. } | Self::Patch { attributes, .. } => Some(attributes),
            Self::LookUp { .. }
            | Self::ReadBack { .. }
            | Self::Invite { .. }
            | Self::Revoke { .. }
            | Self::Disable { .. }
            | Self::Enable { .. }
            | Self::SoftDelete { .. }
            | Self::Restore { .. }
            | Self::ResetRedemption { .. }
            | Self::Delete { .. } => None,
        }
    }

    /// The verb whose limit this call counts against.
    #[must_use]
    pub fn verb(&self) -> Option<Verb> {
        match self {
            Self::LookUp { .. } | Self::ReadBack { .. } | Self::Revoke { .. } | Self::WriteAnchor { .. } | Self::ResetRedemption { .. } => {
                None
            }
            Self::Invite { .. } | Self::Put { .. } => Some(Verb::Create),
            Self::Patch { .. } => Some(Verb::Update),
            Self::Disable { .. } => Some(Verb::Disable),
            Self::Enable { .. } => Some(Verb::Enable),
            Self::SoftDelete { .. } | Self::Delete { .. } => Some(Verb::Delete),
            Self::Restore { .. } => Some(Verb::Restore),
        }
    }
}
