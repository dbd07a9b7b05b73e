//! One change of one user of a source tenant, as the change-detector publishes it.

use crate::{Attributes, GroupId, TenantName, Timestamp, UserId};

/// One change of one user: the whole state after it, not a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDelta {
    /// His home tenant.
    pub tenant: TenantName,
    /// His id there.
    pub user: UserId,
    /// Grows with every change of this user; microseconds of the detector's clock, never backwards.
    pub version: u64,
    /// The configuration revision the attributes and groups were cut for.
    pub projection: u64,
    /// Why it was published.
    pub origin: Origin,
    /// When the detector first saw this change.
    pub first_seen: Timestamp,
    /// When the directory says it happened, if it says so.
    pub changed_at: Option<Timestamp>,
    /// What he is now.
    pub state: State,
    /// Names of what differs from the version before; informational.
    pub changed: Vec<String>,
    /// What those attributes were before; informational.
    pub before: Attributes,
}

/// Why a record was published; its class in every queue follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The first round of a tenant.
    Initial,
    /// Something happened.
    Live,
    /// The configuration changed.
    Replay,
    /// The daily republication.
    Republish,
}

/// What a source user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// He exists.
    Present(User),
    /// He does not; said by the directory, never inferred from silence.
    Gone(Gone),
}

/// A user who exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// His attributes as far as some configuration names them; an empty one is an explicit null.
    pub attributes: Attributes,
    /// The groups he is in, as far as some configuration refers to them; sorted.
    pub groups: Vec<GroupId>,
    /// The groups he is in through other groups only, likewise; sorted.
    pub nested_groups: Vec<GroupId>,
    /// Whether this tenant is his home.
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

/// How a user went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// In the directory's bin: he may come back.
    SoftDeleted,
    /// For good.
    Deleted,
}
