//! Users by id, with an index of the properties by which clients look users up.
//!
//! The index is kept here and nowhere else: properties change only through `insert`, `set` and `remove`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use uuid::Uuid;

use crate::property::{self, Prop};
use crate::user::User;
use crate::value::{Value, folded, same_text, starts_with};

/// The directory proper, its bin, or its contacts.
#[derive(Debug, Default)]
pub(crate) struct UserIndex {
    users: BTreeMap<Uuid, Box<User>>,
    index: Index,
}

#[derive(Debug, Default)]
struct Index {
    /// Hashes of (property, value without case) with the user that has it. Hashes may collide: the caller compares the value.
    values: BTreeSet<(u64, Uuid)>,
    /// Principal names, for searches by prefix.
    names: BTreeSet<(Name, Uuid)>,
}

/// A name that is ordered without regard to case; it shares its text with the user.
#[derive(Debug)]
struct Name(Arc<str>);

impl UserIndex {
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<&User> {
        self.users.get(&id).map(Box::as_ref)
    }

    pub(crate) fn insert(&mut self, user: Box<User>) {
        for (prop, value) in user.fields.iter() {
            self.index.add(user.id, prop, value);
        }
        self.users.insert(user.id, user);
    }

    pub(crate) fn remove(&mut self, id: Uuid) -> Option<Box<User>> {
        let user = self.users.remove(&id)?;
        for (prop, value) in user.fields.iter() {
            self.index.remove(id, prop, value);
        }
        Some(user)
    }

    /// Sets one property and keeps the index true.
    pub(crate) fn set(&mut self, id: Uuid, prop: Prop, value: Value) {
        let Some(user) = self.users.get_mut(&id) else {
            return;
        };
        if let Some(old) = user.fields.get(prop) {
            self.index.remove(id, prop, old);
        }
        self.index.add(id, prop, &value);
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

    /// The users that may have that value of an indexed property: all that do, and perhaps others.
    pub(crate) fn candidates(&self, prop: Prop, text: &str) -> impl Iterator<Item = Uuid> {
        let key = hash(prop, text);
        self.index.values.range((key, Uuid::nil())..=(key, Uuid::max())).map(|(_, id)| *id)
    }

    /// The users whose principal name begins so.
    pub(crate) fn named(&self, prefix: &str) -> impl Iterator<Item = Uuid> {
        let names = self.index.names.range((Name(prefix.into()), Uuid::nil())..);
        names.take_while(move |(name, _)| starts_with(&name.0, prefix)).map(|(_, id)| *id)
    }

    /// The users with exactly that value, case aside.
    pub(crate) fn with(&self, prop: Prop, text: &str) -> impl Iterator<Item = &User> {
        let has = move |user: &&User| {
            let value = user.fields.get(prop);
            value.is_some_and(|value| value.each_text().iter().any(|known| same_text(known, text)))
        };
        self.candidates(prop, text).filter_map(|id| self.get(id)).filter(has)
    }
}

impl Index {
    fn add(&mut self, id: Uuid, prop: Prop, value: &Value) {
        self.values.extend(keys(prop, value).map(|key| (key, id)));
        self.names.extend(name(prop, value).map(|name| (name, id)));
    }

    fn remove(&mut self, id: Uuid, prop: Prop, value: &Value) {
        for key in keys(prop, value) {
            self.values.remove(&(key, id));
        }
        if let Some(name) = name(prop, value) {
            self.names.remove(&(name, id));
        }
    }
}

fn keys(prop: Prop, value: &Value) -> impl Iterator<Item = u64> {
    let texts = if property::is_indexed(prop) { value.each_text() } else { &[] };
    texts.iter().map(move |text| hash(prop, text))
}

fn name(prop: Prop, value: &Value) -> Option<Name> {
    let named = value.each_text().first().filter(|_| prop == property::UPN)?;
    Some(Name(Arc::clone(named)))
}

/// FNV-1a over the property and the text in lower case.
fn hash(prop: Prop, text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ (prop.bit() as u64) ^ ((prop.bit() >> 64) as u64).rotate_left(32);
    folded(text).fold(start, |hash, letter| (hash ^ u64::from(letter as u32)).wrapping_mul(0x0100_0000_01b3))
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        folded(&self.0).cmp(folded(&other.0))
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Name {}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::UserIndex;
    use crate::object::{Fields, Stamp};
    use crate::property;
    use crate::user::User;
    use crate::value::Value;

    #[test]
    fn a_removed_user_leaves_nothing_in_the_index() {
        let mut user_index = UserIndex::default();
        for id in (1..20).map(Uuid::from_u128) {
            let mut fields = Fields::default();
            fields.set(property::UPN, Value::text("ana"));
            fields.set(property::OTHER_MAILS, Value::texts(["ana@home", "ANA@HOME", "eva@home"]));
            user_index.insert(Box::new(User { id, fields, manager: None, groups: Vec::new(), stamp: Stamp::default() }));
            for value in [Value::text("Ana"), Value::Null, Value::text("ANA"), Value::text("ANA")] {
                user_index.set(id, property::UPN, value);
            }
            user_index.set(id, property::OTHER_MAILS, Value::texts(["eva@home", "ina@home"]));
        }
        assert_eq!((user_index.named("an").count(), user_index.candidates(property::OTHER_MAILS, "Ina@home").count()), (19, 19));
        for id in (1..20).map(Uuid::from_u128) {
            user_index.remove(id);
        }
        assert!(user_index.index.names.is_empty() && user_index.index.values.is_empty(), "{:?}", user_index.index);
    }
}
