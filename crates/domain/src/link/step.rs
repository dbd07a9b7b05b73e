//! What is to be done for a link: one call, one change of the row, or nothing for now.

use crate::shadow::Object;
use crate::{Attributes, TargetId, Timestamp};

use super::{Account, Verb};

/// What follows for a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Call the target, once, if the gate is open.
    Call(Call),
    /// Change the row; nobody is called.
    UpdateRow(RowUpdate),
    /// Change two rows at once: this link gets the object in the bin that the link of the user's former account gives up for good.
    Inherit {
        /// The key of that link.
        owner: String,
        /// The account as it is taken over.
        account: Account,
    },
    /// Directories show what was written after a while: look again soon.
    AwaitVisibility,
    /// A loss of scope is not acted on before this moment.
    GracePeriod(Timestamp),
    /// Something stands in the way that a change or a person must remove.
    Hold(Hold),
    /// It is as desired.
    Converged,
}

/// A change of the row alone, after which the table is asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowUpdate {
    /// The row becomes what was seen: this object is ours.
    TakeOver(Object),
    /// The row gets the id of an object that our invitation made.
    Identify(TargetId),
    /// The row forgets the object: it is gone for good, or never was.
    Forget,
    /// Somebody deleted the object in the target: his no is final. The object, if it is in the bin.
    Veto(Option<Object>),
}

/// One call to the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Looks for objects with our anchor or this address.
    LookUp {
        /// The address.
        address: String,
    },
    /// Reads one object.
    ReadBack {
        /// Which.
        id: TargetId,
    },
    /// Invites.
    Invite {
        /// Whom.
        address: String,
        /// What to call him.
        display_name: Option<String>,
    },
    /// Writes our anchor, and attributes with it.
    WriteAnchor {
        /// To which object.
        id: TargetId,
        /// The attributes.
        attributes: Attributes,
    },
    /// Writes attributes.
    Patch {
        /// To which object.
        id: TargetId,
        /// Only what differs.
        attributes: Attributes,
    },
    /// Ends his sessions.
    Revoke {
        /// Whose.
        id: TargetId,
    },
    /// Takes his sign-in.
    Disable {
        /// Whose.
        id: TargetId,
    },
    /// Gives his sign-in back.
    Enable {
        /// Whose.
        id: TargetId,
    },
    /// Moves him to the bin.
    SoftDelete {
        /// Whom.
        id: TargetId,
    },
    /// Takes him out of the bin.
    Restore {
        /// Whom.
        id: TargetId,
    },
}

/// Why nothing is done until a change or a person helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The target said no.
    Vetoed,
    /// An operator rejected this decision.
    Rejected,
    /// The target refused this decision for good.
    Refused,
    /// Another object stands in the way; it may move, so it is looked at again.
    Conflict(Conflict),
}

/// Which objects or links stand in the way, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// How.
    pub kind: ConflictKind,
    /// Ids of objects, or keys of links that own them.
    pub others: Vec<String>,
    /// Whether it ends by itself in a moment: the links that own the objects have given them up, and the directory does not show it yet.
    pub is_passing: bool,
}

/// How something stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// Something that is not ours holds the address: a member, guest or contact, in the bin or not.
    AddressTaken,
    /// Several objects bear our anchor.
    AnchorAmbiguous,
    /// An object's anchor contradicts what else is known of it.
    AnchorContradicts,
    /// Our object does not bear our anchor any more, or never took it.
    AnchorLost,
    /// Another link bears our anchor: its source was, or is, the same directory.
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
            Self::WriteAnchor { .. } => "write_anchor",
            Self::Patch { .. } => "patch",
            Self::Revoke { .. } => "revoke",
            Self::Disable { .. } => "disable",
            Self::Enable { .. } => "enable",
            Self::SoftDelete { .. } => "soft_delete",
            Self::Restore { .. } => "restore",
        }
    }

    /// Whether it writes; what only reads needs no intent.
    #[must_use]
    pub fn writes(&self) -> bool {
        match self {
            Self::LookUp { .. } | Self::ReadBack { .. } => false,
            Self::Invite { .. }
            | Self::WriteAnchor { .. }
            | Self::Patch { .. }
            | Self::Revoke { .. }
            | Self::Disable { .. }
            | Self::Enable { .. }
            | Self::SoftDelete { .. }
            | Self::Restore { .. } => true,
        }
    }

    /// The attributes it writes.
    #[must_use]
    pub fn attributes(&self) -> Option<&Attributes> {
        match self {
            Self::WriteAnchor { attributes, .. } | Self::Patch { attributes, .. } => Some(attributes),
            Self::LookUp { .. }
            | Self::ReadBack { .. }
            | Self::Invite { .. }
            | Self::Revoke { .. }
            | Self::Disable { .. }
            | Self::Enable { .. }
            | Self::SoftDelete { .. }
            | Self::Restore { .. } => None,
        }
    }

    /// The verb whose limit this call alone would use up.
    #[must_use]
    pub fn verb(&self) -> Option<Verb> {
        match self {
            Self::LookUp { .. } | Self::ReadBack { .. } | Self::Revoke { .. } | Self::WriteAnchor { .. } => None,
            Self::Invite { .. } => Some(Verb::Create),
            Self::Patch { .. } => Some(Verb::Update),
            Self::Disable { .. } => Some(Verb::Disable),
            Self::Enable { .. } => Some(Verb::Enable),
            Self::SoftDelete { .. } => Some(Verb::Delete),
            Self::Restore { .. } => Some(Verb::Restore),
        }
    }
}
