//! Mail contacts: addresses that are known here without being users.

use super::Directory;
use super::users::new_id;
use crate::object::{Fields, Stamp};
use crate::property;
use crate::user::User;
use crate::value::Value;

impl Directory {
    /// Adds a contact, as synchronizations of address books do. It has the properties of a user that a contact has, and no place in any
    /// log: nothing follows contacts.
    pub(crate) fn add_contact(&mut self, mail: &str) {
        let mut fields = Fields::with_capacity(3);
        fields.set(property::DISPLAY_NAME, Value::text(mail));
        fields.set(property::MAIL, Value::text(mail));
        fields.set(property::PROXY_ADDRESSES, Value::texts([format!("SMTP:{mail}")]));
        self.contacts.insert(Box::new(User { id: new_id(), fields, manager: None, groups: Vec::new(), stamp: Stamp::default() }));
    }

    /// Whether a contact has that address.
    pub(super) fn is_contact(&self, mail: &str) -> bool {
        self.contacts.with(property::MAIL, mail).next().is_some()
    }
}
