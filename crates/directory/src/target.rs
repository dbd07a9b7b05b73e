//! The seam to a directory that users appear in.

use async_trait::async_trait;
use xtsync_domain::shadow::{Found, Object};
use xtsync_domain::{Attributes, TargetId};

use crate::source::Cursor;
use crate::{Error, Result};

/// A directory that users appear in. Each verb is one write; only the provisioner holds one of these. A verb that a connector does not
/// implement is unsupported; its [`xtsync_domain::Capabilities`] must agree, since the rules go by them.
///
/// A write that fails with [`Error::Unknown`] may have happened: the caller reads the object back before anything else.
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
    /// See [`Error`].
    async fn find(&self, anchor: &str, address: &str) -> Result<Found>;

    /// One page of a census: the keys of every object that [`find`](Self::find) could return, in the directory and its bin; from the beginning
    /// without a cursor. An object's anchor is a key as it is, and an address that it holds has its [keys](Self::census_keys). An object that
    /// appears after the first page was asked for may be missing.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where no census can be taken; see [`Error`] for the others. A part that cannot be listed is an error, unless
    /// `find` leaves it out too: what was not listed is not absent.
    async fn census(&self, _from: Option<&Cursor>) -> Result<CensusPage> {
        Err(Error::Unsupported { verb: "census" })
    }

    /// The keys of an address in a census: an object that holds the address has one of them.
    fn census_keys(&self, address: &str) -> Vec<String> {
        vec![address.to_lowercase()]
    }

    /// One object with the attributes that xtsync writes, in the directory or its bin; `None` when it is in neither.
    ///
    /// # Errors
    /// See [`Error`].
    async fn read(&self, id: &TargetId) -> Result<Option<Object>>;

    /// Invites a user without sending mail; returns the object's id. The object may have existed before.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where users are [`put`](Self::put); see [`Error`] for the others.
    async fn invite(&self, _invitation: &Invitation) -> Result<TargetId> {
        Err(Error::Unsupported { verb: "invite" })
    }

    /// Creates a user who may sign in, with anchor and attributes, in one call; returns the object's id. Where the anchor is native and
    /// some object has it, that object is returned unchanged.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where users are [invited](Self::invite); [`Error::Refused`] with the code `already_exists` where another
    /// object holds the address; see [`Error`] for the others.
    async fn put(&self, _user: &NewUser) -> Result<TargetId> {
        Err(Error::Unsupported { verb: "put" })
    }

    /// Writes the anchor, and attributes with it. Attributes that the directory refuses alone are reported, not failed.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an anchor where it is native; see [`Error`] for the others.
    async fn patch(&self, id: &TargetId, anchor: Option<&str>, attributes: &Attributes) -> Result<Patched>;

    /// Allows or blocks sign-in.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where sign-in cannot be blocked; see [`Error`] for the others.
    async fn set_enabled(&self, _id: &TargetId, _enabled: bool) -> Result<()> {
        Err(Error::Unsupported { verb: "set_enabled" })
    }

    /// Revokes the user's sessions.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where there are no sessions to revoke; see [`Error`] for the others.
    async fn revoke_sessions(&self, _id: &TargetId) -> Result<()> {
        Err(Error::Unsupported { verb: "revoke_sessions" })
    }

    /// Soft-deletes the user; an object that is soft-deleted already is success.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where there is no recycle bin; see [`Error`] for the others.
    async fn soft_delete(&self, _id: &TargetId) -> Result<()> {
        Err(Error::Unsupported { verb: "soft_delete" })
    }

    /// Restores a soft-deleted user with the former attributes; an object that is not soft-deleted is success.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where there is no recycle bin; see [`Error`] for the others.
    async fn restore(&self, _id: &TargetId) -> Result<()> {
        Err(Error::Unsupported { verb: "restore" })
    }

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
    /// [`Error::Unsupported`] where there is no recycle bin; see [`Error`] for the others.
    async fn purge(&self, _id: &TargetId) -> Result<()> {
        Err(Error::Unsupported { verb: "purge" })
    }

    /// Deletes a user for good, where there is no recycle bin; an object that is gone already is success.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where users are [soft-deleted](Self::soft_delete); see [`Error`] for the others.
    async fn delete(&self, _id: &TargetId) -> Result<()> {
        Err(Error::Unsupported { verb: "delete" })
    }
}

/// A user to invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The user's address at home.
    pub address: String,
    /// The display name in the target.
    pub display_name: Option<String>,
}

/// A user to put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The link's anchor.
    pub anchor: String,
    /// The user's address at home.
    pub address: String,
    /// What is written besides. An attribute that the directory refuses may be left out: it differs when the object is read back.
    pub attributes: Attributes,
}

/// A page of a census.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CensusPage {
    /// The keys of its objects, in any order and any number of times.
    pub keys: Vec<String>,
    /// Where the census goes on; none at its end.
    pub next: Option<Cursor>,
}

/// What a patch did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patched {
    /// Attributes that the directory refused while it took the others, each with its code.
    pub refused: Vec<(String, String)>,
}
