//! The seam to a directory that users appear in.

use async_trait::async_trait;
use xtsync_domain::shadow::{Found, Object};
use xtsync_domain::{Attributes, TargetId};

use crate::Result;

/// A directory that users appear in. Each verb is one write; only the provisioner holds one of these.
///
/// A write that fails with [`crate::Error::Unknown`] may have happened: the caller reads the object back before anything else.
#[async_trait]
pub trait Target: Send + Sync {
    /// Whether the directory has said since this was asked last that most of what it allows us is used up: the rest is for who must go.
    /// One that says no such thing has not.
    fn take_throttle_warning(&self) -> bool {
        false
    }

    /// Every object that bears our anchor, and every object that holds the address in any of its fields; in the directory and its bin.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn find(&self, anchor: &str, address: &str) -> Result<Found>;

    /// One object with the attributes that xtsync writes, in the directory or its bin; `None` when it is in neither.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn read(&self, id: &TargetId) -> Result<Option<Object>>;

    /// Invites a user without sending mail; returns the object's id. The object may have existed before.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn invite(&self, invitation: &Invitation) -> Result<TargetId>;

    /// Writes the anchor, and attributes with it. Attributes that the directory refuses alone are reported, not failed.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn patch(&self, id: &TargetId, anchor: Option<&str>, attributes: &Attributes) -> Result<Patched>;

    /// Allows or blocks sign-in.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn set_enabled(&self, id: &TargetId, enabled: bool) -> Result<()>;

    /// Revokes the user's sessions.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn revoke_sessions(&self, id: &TargetId) -> Result<()>;

    /// Soft-deletes the user; an object that is soft-deleted already is success.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn soft_delete(&self, id: &TargetId) -> Result<()>;

    /// Restores a soft-deleted user with the former attributes; an object that is not soft-deleted is success.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn restore(&self, id: &TargetId) -> Result<()>;

    /// Makes a user pending again, so that the account that has the address now redeems anew, without mail. The address is on the user
    /// already. A user pending already is success. A directory whose users redeem nothing has nothing to reset.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn reset_redemption(&self, _id: &TargetId, _address: &str) -> Result<()> {
        Ok(())
    }

    /// Deletes a soft-deleted user permanently.
    ///
    /// # Errors
    /// See [`crate::Error`].
    async fn purge(&self, id: &TargetId) -> Result<()>;
}

/// A user to invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The user's address at home.
    pub address: String,
    /// The display name in the target.
    pub display_name: Option<String>,
}

/// What a patch did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patched {
    /// Attributes that the directory refused while it took the others, each with its code.
    pub refused: Vec<(String, String)>,
}
