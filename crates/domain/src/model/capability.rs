//! What a directory can do, as far as the rules differ by it. Plain values: a connector states them once, in its description of a section.
//!
//! Control refuses at apply what a synchronization needs and its directories lack; the state table skips or substitutes the rest.

use std::time::Duration;

/// How long a user whose deletion would be final stays disabled before it, unless the connector section says otherwise: as long as Entra
/// keeps deleted users (Microsoft Graph, "directory: deletedItems").
pub const DELETION_GRACE_PERIOD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What a directory can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// How a shadow user is created.
    pub create: Create,
    /// Where the anchor of a shadow user is.
    pub anchor: Anchor,
    /// What is left of a deleted user.
    pub recycle_bin: RecycleBin,
    /// Whether the sessions of a user can be revoked.
    pub sessions: bool,
    /// Whether the sign-in of a user can be blocked and allowed.
    pub disable: bool,
    /// Whether an attribute can refer to another object, as `manager` does. No such attribute is mapped yet.
    pub references: bool,
    /// Whether the directory lists groups and their members, by which a scope can name users.
    pub group_membership: bool,
    /// Whether a cursor lists changes only; without it, each reading is a full one.
    pub delta: bool,
    /// Whether the directory sends change notifications.
    pub notifications: bool,
    /// Where the cross-tenant access policy comes from.
    pub consent: ConsentSource,
}

/// How a shadow user is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// By an invitation to an address: it gives an object without anchor and attributes, perhaps one that existed before.
    Invite,
    /// By one call with anchor, address and attributes. An object without the anchor is never its result.
    Put,
}

/// Where the anchor of a shadow user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// In an attribute, which is written to the object and can be replaced; the directory does not keep it unique.
    Attribute,
    /// In the object's own key: unique, given at creation and never changed. A second creation by it returns the same object.
    Native,
}

/// What is left of a deleted user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecycleBin {
    /// The user can be restored for some time.
    Present,
    /// Nothing: a deletion is final.
    Absent {
        /// How long a user no longer wanted stays in the directory, without sign-in where that can be blocked.
        grace_period: Duration,
    },
}

/// Where the cross-tenant access policy of a tenant comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentSource {
    /// It is read from the directory, live.
    Live,
    /// xtsync would keep it for a directory that has none. This is not built yet, so the gate stays closed.
    Hosted,
}

impl Create {
    /// The name of the call, as in [`crate::link::Call::name`].
    #[must_use]
    pub fn call_name(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Put => "put",
        }
    }
}

impl Capabilities {
    /// Whether a deleted user can be restored.
    #[must_use]
    pub fn restores(&self) -> bool {
        match self.recycle_bin {
            RecycleBin::Present => true,
            RecycleBin::Absent { .. } => false,
        }
    }

    /// Whether the object of a user's former account can be restored for their new account, which has another anchor.
    #[must_use]
    pub fn restores_for_another(&self) -> bool {
        match self.anchor {
            Anchor::Attribute => self.restores(),
            Anchor::Native => false,
        }
    }

    /// How long a deletion waits after the user is no longer wanted.
    #[must_use]
    pub fn deletion_grace_period(&self) -> Duration {
        match self.recycle_bin {
            RecycleBin::Present => Duration::ZERO,
            RecycleBin::Absent { grace_period } => grace_period,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Two kinds of directory.

    use super::*;

    /// A directory like Entra: it invites, has a recycle bin and takes everything that the table can ask for.
    pub(crate) const INVITES: Capabilities = Capabilities {
        create: Create::Invite,
        anchor: Anchor::Attribute,
        recycle_bin: RecycleBin::Present,
        sessions: true,
        disable: true,
        references: true,
        group_membership: true,
        delta: true,
        notifications: true,
        consent: ConsentSource::Live,
    };

    /// How long [`PUTS`] waits before a deletion.
    pub(crate) const DELETION_GRACE: Duration = Duration::from_secs(100);

    /// A directory of the other kind: it takes a user in one call under the anchor, knows no sessions, and its deletions are final.
    pub(crate) const PUTS: Capabilities = Capabilities {
        create: Create::Put,
        anchor: Anchor::Native,
        recycle_bin: RecycleBin::Absent { grace_period: DELETION_GRACE },
        sessions: false,
        ..INVITES
    };

    /// As [`PUTS`], and it cannot block a sign-in either.
    pub(crate) const ONLY_DELETES: Capabilities = Capabilities { disable: false, ..PUTS };
}
