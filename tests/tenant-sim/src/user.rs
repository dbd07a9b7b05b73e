//! A user of a tenant, and the shelf that holds users by id with an index by what clients look people up by.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;

use uuid::Uuid;

use crate::object::{Fields, Object, Stamp};
use crate::property::{self, ObjectKind, Prop};
use crate::value::Value;

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

/// Users by id, with an index: the directory proper, or its bin.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    users: BTreeMap<Uuid, Box<User>>,
    /// Hashes of (property, value without case) with the user that has it. Hashes may collide: whoever asks looks again.
    index: BTreeSet<(u64, Uuid)>,
}

impl Shelf {
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<&User> {
        self.users.get(&id).map(Box::as_ref)
    }

    pub(crate) fn insert(&mut self, user: Box<User>) {
        for (prop, value) in user.fields.iter() {
            add_keys(&mut self.index, user.id, prop, value);
        }
        self.users.insert(user.id, user);
    }

    pub(crate) fn remove(&mut self, id: Uuid) -> Option<Box<User>> {
        let user = self.users.remove(&id)?;
        for (prop, value) in user.fields.iter() {
            remove_keys(&mut self.index, id, prop, value);
        }
        Some(user)
    }

    /// Sets one property and keeps the index true.
    pub(crate) fn set(&mut self, id: Uuid, prop: Prop, value: Value) {
        let Some(user) = self.users.get_mut(&id) else {
            return;
        };
        if let Some(old) = user.fields.get(prop) {
            remove_keys(&mut self.index, id, prop, old);
        }
        add_keys(&mut self.index, id, prop, &value);
        user.fields.set(prop, value);
    }

    /// For everything but properties, which `set` sets.
    pub(crate) fn get_mut(&mut self, id: Uuid) -> Option<&mut User> {
        self.users.get_mut(&id).map(Box::as_mut)
    }

    /// The users after `id` in the order of pages.
    pub(crate) fn after(&self, id: Option<Uuid>) -> impl Iterator<Item = &User> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.users.range((from, Bound::Unbounded)).map(|(_, user)| user.as_ref())
    }

    /// The users that may have that value: all that do, and perhaps others.
    pub(crate) fn candidates(&self, prop: Prop, text: &str) -> impl Iterator<Item = Uuid> {
        let key = hash(prop, text);
        self.index.range((key, Uuid::nil())..=(key, Uuid::max())).map(|(_, id)| *id)
    }

    /// The users with exactly that value, case aside.
    pub(crate) fn with(&self, prop: Prop, text: &str) -> impl Iterator<Item = &User> {
        let has = move |user: &&User| {
            let value = user.fields.get(prop);
            value.is_some_and(|value| value.each_text().iter().any(|known| crate::value::same_text(known, text)))
        };
        self.candidates(prop, text).filter_map(|id| self.get(id)).filter(has)
    }
}

fn add_keys(index: &mut BTreeSet<(u64, Uuid)>, id: Uuid, prop: Prop, value: &Value) {
    if property::is_indexed(prop) {
        index.extend(value.each_text().iter().map(|text| (hash(prop, text), id)));
    }
}

fn remove_keys(index: &mut BTreeSet<(u64, Uuid)>, id: Uuid, prop: Prop, value: &Value) {
    if property::is_indexed(prop) {
        for text in value.each_text() {
            index.remove(&(hash(prop, text), id));
        }
    }
}

/// FNV-1a over the property and the text in lower case.
fn hash(prop: Prop, text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ (prop.bit() as u64) ^ ((prop.bit() >> 64) as u64).rotate_left(32);
    text.chars().flat_map(char::to_lowercase).fold(start, |hash, letter| (hash ^ u64::from(letter as u32)).wrapping_mul(0x0100_0000_01b3))
}
