//! One change of one user of a source tenant, as the change-detector publishes it.

use crate::{Attributes, GroupId, TenantName, Timestamp, UserId};

/// One change of one user: the whole state after it, not a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDelta {
    /// The user's home tenant.
    pub tenant: TenantName,
    /// The user's id in that tenant.
    pub user: UserId,
    /// Grows with every change of this user; microseconds of the detector's clock, never backwards.
    pub version: u64,
    /// The configuration revision to which the attributes and groups are projected.
    pub projection: u64,
    /// Why it was published.
    pub origin: Origin,
    /// When the detector first saw this change.
    pub first_seen: Timestamp,
    /// When the directory says it happened, if it says so.
    pub changed_at: Option<Timestamp>,
    /// The user's present state.
    pub state: State,
    /// Names of what differs from the version before; informational.
    pub changed: Vec<String>,
    /// What those attributes were before; informational.
    pub before: Attributes,
}

/// Why a record was published; its class in every queue follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The initial cycle of a tenant.
    Initial,
    /// The user changed in the directory.
    Live,
    /// The configuration changed.
    Replay,
    /// The daily republication.
    Republish,
}

/// Whether a source user exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The user exists.
    Present(User),
    /// The user does not exist. The directory reported it; a missing answer is never taken for it.
    Gone(Gone),
}

/// A user who exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's attributes, projected to those the configuration names. An empty attribute is an explicit null.
    pub attributes: Attributes,
    /// The groups the user is a direct member of, projected to those the configuration names; sorted.
    pub groups: Vec<GroupId>,
    /// The groups the user is a member of through other groups only, projected likewise; sorted.
    pub nested_groups: Vec<GroupId>,
    /// Whether this tenant is the user's home.
    pub kind: Kind,
}

/// Whether a tenant is a user's home. External users are never synchronized onward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// At home here, member or guest.
    Internal,
    /// At home elsewhere.
    External,
}

/// How a user was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Soft-deleted: the user can be restored.
    SoftDeleted,
    /// Permanently deleted.
    Deleted,
}
