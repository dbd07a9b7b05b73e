//! Objects of a target directory as they were read, before they are matched to links.

use crate::{Attributes, TargetId, Timestamp};

/// What a look-up by anchor and address found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Objects that have the link's anchor.
    pub by_anchor: Vec<Object>,
    /// Objects that have the user's address in mail, principal name, proxy addresses or other mails, including those in `by_anchor`.
    pub by_address: Vec<Object>,
}

/// One object of a target directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its id.
    pub id: TargetId,
    /// What it is.
    pub kind: ObjectKind,
    /// `Some` if the object is soft-deleted; the inner value is the time of the deletion, if the directory reports it.
    pub soft_deleted: Option<Option<Timestamp>>,
    /// Its anchor.
    pub anchor: Option<String>,
    /// Whether the account may sign in.
    pub enabled: bool,
    /// Whether the user has redeemed the invitation.
    pub redeemed: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The attributes that xtsync writes.
    pub attributes: Attributes,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A user of another directory, made by an invitation or a put.
    Invited,
    /// Any other user.
    Internal,
    /// A mail contact.
    Contact,
}
