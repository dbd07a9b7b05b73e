//! Objects of a target directory as they were read, before anybody says whose they are.

use crate::{Attributes, TargetId, Timestamp};

/// What a look-up by anchor and address found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Objects that bear our anchor for the user.
    pub by_anchor: Vec<Object>,
    /// Objects that hold his address in mail, principal name, proxy addresses or other mails; those by anchor among them.
    pub by_address: Vec<Object>,
}

/// One object of a target directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its id.
    pub id: TargetId,
    /// What it is.
    pub kind: ObjectKind,
    /// Whether it is in the bin, and since when if the directory says.
    pub soft_deleted: Option<Option<Timestamp>>,
    /// The anchor it bears.
    pub anchor: Option<String>,
    /// Whether he may sign in.
    pub enabled: bool,
    /// Whether he has redeemed his invitation.
    pub redeemed: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The attributes that xtsync writes.
    pub attributes: Attributes,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A user that an invitation made.
    Invited,
    /// Any other user.
    Internal,
    /// A mail contact.
    Contact,
}
