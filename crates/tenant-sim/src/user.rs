//! A user of a tenant.

use uuid::Uuid;

use crate::object::{Fields, Object, Stamp};
use crate::property::{self, ObjectKind};

/// One user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) fields: Fields,
    /// May name a user that is gone or in the bin; then there is no manager to see.
    pub(crate) manager: Option<Uuid>,
    /// The groups that this user is a direct member of; kept in the bin, so that a restored user gets them back.
    pub(crate) groups: Vec<Uuid>,
    pub(crate) stamp: Stamp,
}

impl User {
    /// Whether the user came by invitation, i.e. signs in at another tenant.
    pub(crate) fn is_external(&self) -> bool {
        self.fields.text(property::CREATION_TYPE) == Some("Invitation")
    }
}

impl Object for User {
    const KIND: ObjectKind = ObjectKind::User;

    fn id(&self) -> Uuid {
        self.id
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}
