//! The seam to a directory that users come from.

use async_trait::async_trait;
use secrecy::SecretString;
use url::Url;
use xtsync_domain::delta::{Gone, Kind};
use xtsync_domain::extension::Extensions;
use xtsync_domain::fact::{AccessPolicy, GroupState, Identity};
use xtsync_domain::{Attributes, GroupId, Timestamp, UserId};

use crate::{Error, Result};

/// A directory that users come from. Every call is one request or a few, bounded in time; the caller retries.
#[async_trait]
pub trait Source: Send + Sync {
    /// One page of changes of users since a cursor; from the beginning without one. `attributes` names what some configuration needs;
    /// it is fixed within a chain of cursors, and the connector adds what it needs itself.
    ///
    /// A change holds what the directory mentioned. Whatever is read and was ever set is mentioned somewhere in the chain, so an
    /// attribute that was read and never mentioned of a user that the chain has shown is empty.
    ///
    /// # Errors
    /// [`Error::Resync`] when the cursor is void; see [`Error`] for the others.
    async fn users(&self, attributes: &[String], cursor: Option<&Cursor>) -> Result<Page<UserChange>>;

    /// One page of changes of groups and their direct members since a cursor; from the beginning without one.
    ///
    /// A directory without group membership has no groups.
    ///
    /// # Errors
    /// As for users.
    async fn groups(&self, _cursor: Option<&Cursor>) -> Result<Page<GroupChange>> {
        Ok(Page { changes: Vec::new(), rejected: Vec::new(), next: Next::Complete(Cursor("no groups".to_owned())) })
    }

    /// Whether the connector itself goes by this attribute, such as to tell a user's [`Kind`]: then it is kept whatever is asked for.
    fn needs(&self, attribute: &str) -> bool;

    /// One page of a group's direct members, users and groups, as the group itself lists them; from the beginning without a cursor.
    ///
    /// # Errors
    /// [`Error::Resync`] when the cursor is void; see [`Error`] for the others.
    async fn members(&self, _group: &GroupId, _cursor: Option<&Cursor>) -> Result<MemberPage> {
        Err(Error::Unsupported { verb: "members" })
    }

    /// The groups that bear this display name.
    ///
    /// # Errors
    /// See [`Error`].
    async fn find_groups(&self, _name: &str) -> Result<Vec<GroupId>> {
        Ok(Vec::new())
    }

    /// A group's name, and whether it and its members can be read.
    ///
    /// # Errors
    /// See [`Error`]; a group that is gone or refused is no error.
    async fn group(&self, _id: &GroupId) -> Result<(Option<String>, GroupState)> {
        Ok((None, GroupState::Unreadable))
    }

    /// How many users the directory counts; what a full read is checked against.
    ///
    /// # Errors
    /// See [`Error`].
    async fn user_count(&self) -> Result<u64>;

    /// The tenant's live cross-tenant access policy.
    ///
    /// # Errors
    /// See [`Error`].
    async fn access_policy(&self) -> Result<AccessPolicy>;

    /// Where the directory may post change notifications, as configured; `None` where changes are found by asking alone.
    fn notification_url(&self) -> Option<Url> {
        None
    }

    /// The identity of the tenant.
    ///
    /// # Errors
    /// See [`Error`].
    async fn identity(&self) -> Result<Identity>;

    /// The directory extensions of users: the attributes that an organization has registered. A directory without such has none.
    ///
    /// # Errors
    /// See [`Error`].
    async fn extensions(&self) -> Result<Extensions> {
        Ok(Extensions::default())
    }

    /// Subscribes to change notifications. The directory first validates that the endpoints are ours.
    ///
    /// # Errors
    /// See [`Error`]; after [`Error::Unknown`] the subscription may exist, until it expires.
    async fn subscribe(&self, _asked: &Subscribe) -> Result<Subscription> {
        Err(Error::Unsupported { verb: "subscribe" })
    }

    /// Renews a subscription and authorizes it again; returns when it expires.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the subscription is gone; see [`Error`] for the others.
    async fn renew(&self, _id: &str, _until: Timestamp) -> Result<Timestamp> {
        Err(Error::Unsupported { verb: "renew" })
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// See [`Error`]; one that is gone already is no error.
    async fn unsubscribe(&self, _id: &str) -> Result<()> {
        Err(Error::Unsupported { verb: "unsubscribe" })
    }

    /// Whether a user with these attributes is at home in this tenant.
    fn kind(&self, attributes: &Attributes) -> Kind;
}

/// What to subscribe to, and where notifications go.
#[derive(Debug, Clone)]
pub struct Subscribe {
    /// Users, or groups with their members.
    pub of: Collection,
    /// Where the directory posts notifications of changes and of the life of the subscription.
    pub url: Url,
    /// What every notification bears, so that its receiver knows it for the directory's.
    pub client_state: SecretString,
    /// How long.
    pub until: Timestamp,
}

/// What a subscription is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    /// The tenant's users.
    Users,
    /// The tenant's groups and their direct members.
    Groups,
}

/// A subscription in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id in the directory.
    pub id: String,
    /// Until when it lasts.
    pub expires: Timestamp,
}

/// Where a reading stands; opaque, bound to the directory that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The changes, in the directory's order. An object may occur more than once: its last word holds, here and across the pages of a
    /// cycle. One object has one spelling of its id.
    pub changes: Vec<T>,
    /// Objects of the page that make no sense and are left out of `changes`, so that one of them does not stop the rest for ever.
    pub rejected: Vec<Rejected>,
    /// Where to go on.
    pub next: Next,
}

/// One page of a group's direct members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberPage {
    /// The members.
    pub members: Vec<Member>,
    /// Where the listing goes on; none at its end.
    pub next: Option<Cursor>,
}

/// An object of a page that makes no sense, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the page, from 0.
    pub index: usize,
    /// What is wrong with it, without its contents.
    pub reason: String,
    /// Whether all of the object is left out; else a part of it is, and the rest stands among the changes.
    pub is_whole: bool,
}

/// Where to go on after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// There is another page of this round.
    Page(Cursor),
    /// The round is complete; the next one starts here.
    Complete(Cursor),
}

/// One change of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserChange {
    /// The user exists. It holds only attributes that the directory mentioned: merge them over the known ones; an explicit null clears.
    Changed {
        /// The user.
        id: UserId,
        /// What was mentioned.
        attributes: Attributes,
    },
    /// The user is deleted, softly or permanently.
    Gone {
        /// The user.
        id: UserId,
        /// In which way; an unknown reason counts as a soft deletion.
        how: Gone,
    },
}

/// One change of a group. A large group comes in several changes, each with some of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// It exists.
    Changed {
        /// Which.
        id: GroupId,
        /// Its display name, if mentioned.
        name: Option<String>,
        /// What the directory says of its direct members, in the directory's order: of one member the last word holds.
        members: Vec<MemberChange>,
    },
    /// It was deleted. Its members are not thereby out of it: see the pitfall "empty is not empty".
    Gone {
        /// Which.
        id: GroupId,
    },
}

/// One change of a group's direct members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// The member is in the group.
    Joined(Member),
    /// The member is not in the group.
    Left {
        /// The member's id; whether it was a user or a group is unknown.
        id: String,
    },
}

impl MemberChange {
    /// Which member.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Joined(member) => &member.id,
            Self::Left { id } => id,
        }
    }
}

/// A direct member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// A user's or a group's id.
    pub id: String,
    /// Which of the two.
    pub kind: MemberKind,
}

/// The kinds of member that matter; devices, contacts and applications are left out by the connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberKind {
    /// A user.
    User,
    /// A group.
    Group,
}
