//! The sorted sets of attributes that events carry.
//!
//! A name that is missing was *not read*; `Null` was read and found empty. The two are never the same.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::value::{Value, digest_value, put};

/// The name of an attribute. The names that mappings know are not copied.
pub type AttributeName = Cow<'static, str>;

/// SHA-256 over the canonical bytes of a set of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// The suffix of an attribute whose value was rejected. No attribute name contains it, because OData reserves it for annotations.
const UNREAD: &str = "@unread";

/// Attributes by name, sorted, so that equal sets have equal bytes and digests. A user has a few dozen of them: a sorted list takes fewer
/// allocations than a tree, and is searched faster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(Vec<Entry>);

/// An attribute with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The first bytes of the name, as a number in the order of names: most names differ in them.
    prefix: u64,
    name: AttributeName,
    value: Value,
}

impl Entry {
    fn new(name: AttributeName, value: Value) -> Self {
        Self { prefix: prefix(&name), name, value }
    }
}

#[inline]
fn prefix(name: &str) -> u64 {
    if let Some(first) = name.as_bytes().first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    first.iter_mut().zip(name.as_bytes()).for_each(|(byte, of_name)| *byte = *of_name);
    u64::from_be_bytes(first)
}

impl Attributes {
    /// None yet, with room for so many.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Where a name stands, or where it would stand.
    fn place(&self, name: &str) -> Result<usize, usize> {
        let prefix = prefix(name);
        self.0.binary_search_by(|entry| entry.prefix.cmp(&prefix).then_with(|| (*entry.name).cmp(name)))
    }

    /// The value under a name; `None` when it was not read.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.place(name).ok().and_then(|at| self.0.get(at)).map(|entry| &entry.value)
    }

    /// The text under a name; `None` when it was not read, is empty or is no text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The truth value under a name; `None` when it was not read, is empty or is none.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Sets a value.
    pub fn insert(&mut self, name: impl Into<AttributeName>, value: Value) {
        let name = name.into();
        // Sets are mostly built in order.
        if self.0.last().is_none_or(|last| *last.name < *name) {
            return self.0.push(Entry::new(name, value));
        }
        match self.place(&name) {
            Ok(at) => {
                if let Some(known) = self.0.get_mut(at) {
                    known.value = value;
                }
            }
            Err(at) => self.0.insert(at, Entry::new(name, value)),
        }
    }

    /// Sets the values of another set.
    pub fn extend(&mut self, other: Self) {
        for (name, value) in other {
            self.insert(name, value);
        }
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|entry| (&*entry.name, &entry.value))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| &*entry.name)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Marks the value of an attribute as rejected, for example as too large. It is neither the former value nor empty.
    pub fn set_unread(&mut self, name: &str) {
        self.remove(name);
        self.insert(format!("{name}{UNREAD}"), Value::Flag(true));
    }

    /// Whether the newest value of an attribute was rejected.
    #[must_use]
    pub fn is_unread(&self, name: &str) -> bool {
        self.get(&format!("{name}{UNREAD}")).is_some()
    }

    /// Takes over what is newer, also that a value was not taken.
    pub fn merge(&mut self, newer: Self) {
        for (name, value) in newer {
            match name.strip_suffix(UNREAD) {
                Some(name) => self.set_unread(name),
                None => {
                    self.remove(&format!("{name}{UNREAD}"));
                    self.insert(name, value);
                }
            }
        }
    }

    fn remove(&mut self, name: &str) {
        if let Ok(at) = self.place(name) {
            self.0.remove(at);
        }
    }

    /// Keeps what is under these names, also that a value was not taken.
    pub fn keep(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.0.retain(|entry| is_kept(entry.name.strip_suffix(UNREAD).unwrap_or(&entry.name)));
    }

    /// A copy of what is under these names.
    #[must_use]
    pub fn only(&self, is_kept: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|entry| is_kept(&entry.name)).cloned().collect())
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
        let changed = self.0.iter().filter(|entry| other.get(&entry.name).unwrap_or(&Value::Null) != &entry.value);
        Self(changed.cloned().collect())
    }

    /// SHA-256 over the canonical bytes: for each name in order, name and value, each with its kind and length.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        for Entry { name, value, .. } in &self.0 {
            put(&mut hash, 0, name.as_bytes());
            digest_value(&mut hash, value);
        }
        Digest(hash.finalize().into())
    }
}

/// Of two values under one name the later one counts.
impl<N: Into<AttributeName>> FromIterator<(N, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let mut set = Self::with_capacity(pairs.size_hint().0);
        pairs.for_each(|(name, value)| set.insert(name, value));
        set
    }
}

impl IntoIterator for Attributes {
    type Item = (AttributeName, Value);
    type IntoIter = std::iter::Map<std::vec::IntoIter<Entry>, fn(Entry) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|Entry { name, value, .. }| (name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&'static str, Value)]) -> Attributes {
        pairs.iter().cloned().collect()
    }

    #[test]
    fn a_set_is_sorted_and_has_one_value_under_a_name() {
        let built = set(&[("city", "Paris".into()), ("a", Value::Null), ("z", true.into()), ("city", "Rome".into())]);
        assert_eq!(built.names().collect::<Vec<_>>(), ["a", "city", "z"]);
        let alike = set(&["employeeType", "employee", "employeeId", "emp", "employeeIds"].map(|name| (name, name.into())));
        assert_eq!(alike.names().collect::<Vec<_>>(), ["emp", "employee", "employeeId", "employeeIds", "employeeType"]);
        assert!(alike.names().all(|name| alike.text(name) == Some(name)) && alike.get("employeeTyp").is_none());
        assert_eq!((built.text("city"), built.get("b"), built.len()), (Some("Rome"), None, 3));
    }

    #[test]
    fn an_unread_value_is_neither_the_old_one_nor_empty() {
        let set = |city: &str| Attributes::from_iter([("city", Value::from(city))]);
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
