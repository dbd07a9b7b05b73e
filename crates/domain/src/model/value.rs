//! Attribute values, and the sorted sets of them that events carry.
//!
//! A name that is missing was *not read*; `Null` was read and found empty. The two are never the same.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::{TenantName, Timestamp, UserId};

/// The value of one attribute. Attribute names are Microsoft Graph's user properties.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Read and found empty.
    Null,
    /// A text.
    Text(String),
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Several texts, in the directory's order.
    Texts(Vec<String>),
    /// A point in time.
    Time(Timestamp),
    /// A reference to another user of a source tenant.
    Reference(Reference),
    /// Bytes.
    Binary(Vec<u8>),
}

/// A reference to a user of a source tenant, such as a user's manager.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The user's home tenant.
    pub tenant: TenantName,
    /// The user's id in that tenant.
    pub user: UserId,
}

/// SHA-256 over the canonical bytes of a set of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// The suffix of an attribute whose value was rejected. No attribute name contains it, because OData reserves it for annotations.
const UNREAD: &str = "@unread";

/// Attributes by name, sorted, so that equal sets have equal bytes and digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(pub BTreeMap<String, Value>);

impl Value {
    /// The approximate size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Null | Self::Flag(_) => 1,
            Self::Number(_) | Self::Time(_) => 8,
            Self::Text(text) => text.len(),
            Self::Texts(texts) => texts.iter().map(|text| text.len() + 4).sum(),
            Self::Reference(reference) => reference.user.as_str().len() + 48,
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

impl Attributes {
    /// The value under a name; `None` when it was not read.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The text under a name; `None` when it was not read, is empty or is no text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The truth value under a name; `None` when it was not read, is empty or is none.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Sets a value.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        self.0.insert(name.into(), value);
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Marks the value of an attribute as rejected, for example as too large. It is neither the former value nor empty.
    pub fn set_unread(&mut self, name: &str) {
        self.0.remove(name);
        self.0.insert(format!("{name}{UNREAD}"), Value::Flag(true));
    }

    /// Whether the newest value of an attribute was rejected.
    #[must_use]
    pub fn is_unread(&self, name: &str) -> bool {
        self.0.contains_key(&format!("{name}{UNREAD}"))
    }

    /// Takes over what is newer, also that a value was not taken.
    pub fn merge(&mut self, newer: Self) {
        for (name, value) in newer.0 {
            match name.strip_suffix(UNREAD) {
                Some(name) => self.set_unread(name),
                None => {
                    self.0.remove(&format!("{name}{UNREAD}"));
                    self.0.insert(name, value);
                }
            }
        }
    }

    /// Keeps what is under these names, also that a value was not taken.
    pub fn keep(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_kept(name.strip_suffix(UNREAD).unwrap_or(name)));
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What of `self` is not already so in `other`: the patch that turns `other` into `self`, for the names of `self`.
    ///
    /// An attribute that `other` never had counts as null there, so clearing what was never set is no change.
    #[must_use]
    pub fn differing_from(&self, other: &Self) -> Self {
        let changed = self.0.iter().filter(|(name, value)| other.0.get(*name).unwrap_or(&Value::Null) != *value);
        Self(changed.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// SHA-256 over the canonical bytes: for each name in order, name and value, each with its kind and length.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        for (name, value) in &self.0 {
            put(&mut hash, 0, name.as_bytes());
            digest_value(&mut hash, value);
        }
        Digest(hash.finalize().into())
    }
}

impl<N: Into<String>> FromIterator<(N, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

fn digest_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => put(hash, 1, b""),
        Value::Text(text) => put(hash, 2, text.as_bytes()),
        Value::Flag(flag) => put(hash, 3, &[u8::from(*flag)]),
        Value::Number(number) => put(hash, 4, &number.to_be_bytes()),
        Value::Texts(texts) => {
            put(hash, 5, &(texts.len() as u64).to_be_bytes());
            texts.iter().for_each(|text| put(hash, 2, text.as_bytes()));
        }
        Value::Time(time) => put(hash, 6, &time.0.to_be_bytes()),
        Value::Reference(reference) => {
            put(hash, 7, reference.tenant.as_str().as_bytes());
            put(hash, 7, reference.user.as_str().as_bytes());
        }
        Value::Binary(bytes) => put(hash, 8, bytes),
    }
}

/// Adds bytes with their kind and length, so that no two sequences of them are the same to a digest.
pub(crate) fn put(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, Value)]) -> Attributes {
        pairs.iter().cloned().collect()
    }

    #[test]
    fn an_unread_value_is_neither_the_old_one_nor_empty() {
        let set = |city: &str| [("city", Value::from(city))].into_iter().collect::<Attributes>();
        let mut unread = Attributes::default();
        unread.set_unread("city");
        let mut user = set("Paris");
        user.merge(unread.clone());
        assert_eq!((user.get("city"), user.is_unread("city"), user.is_unread("mail")), (None, true, false));
        user.keep(|name| name == "city");
        assert!(user.is_unread("city"));
        user.merge(set("Rome"));
        assert_eq!(user, set("Rome"));
        user.merge(unread);
        user.keep(|name| name == "mail");
        assert!(user.is_empty());
    }

    #[test]
    fn equal_sets_have_equal_digests_and_different_ones_do_not() {
        let ana = set(&[("city", "Paris".into()), ("department", Value::Null)]);
        let same = set(&[("department", Value::Null), ("city", "Paris".into())]);
        assert_eq!(ana.digest(), same.digest());
        for other in [
            set(&[("city", "Paris".into())]),
            set(&[("city", "Pari".into()), ("department", "s".into())]),
            set(&[("city", Value::Texts(vec!["Paris".into()])), ("department", Value::Null)]),
        ] {
            assert_ne!(ana.digest(), other.digest());
        }
    }

    #[test]
    fn a_patch_holds_only_what_differs() {
        let wanted = set(&[("city", "Rome".into()), ("department", Value::Null), ("jobTitle", "Chef".into())]);
        let there = set(&[("city", "Paris".into()), ("jobTitle", "Chef".into())]);
        assert_eq!(wanted.differing_from(&there), set(&[("city", "Rome".into())]));
        let there = set(&[("city", "Rome".into()), ("department", "Sales".into()), ("jobTitle", "Chef".into())]);
        assert_eq!(wanted.differing_from(&there), set(&[("department", Value::Null)]));
    }
}
