//! What one job of a target at a time may use: an address that is invited, or an object that an invitation has returned, until it is stored
//! whose it is.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use parking_lot::Mutex;

use crate::table::Key;

/// Addresses and ids of objects, each with the job that uses it.
#[derive(Debug, Default)]
pub(crate) struct InUse(Mutex<BTreeMap<String, User>>);

#[derive(Debug)]
struct User {
    /// Of whose link.
    key: Key,
    /// Whether a decision about the link was stored meanwhile.
    has_news: bool,
}

/// The use of one address or object; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Use<'a> {
    in_use: &'a InUse,
    what: String,
}

impl InUse {
    /// Uses an address or object for the job of a link.
    ///
    /// # Errors
    /// The link whose job uses it already.
    pub(crate) fn claim(&self, what: String, key: &Key) -> Result<Use<'_>, Key> {
        match self.0.lock().entry(what.clone()) {
            Entry::Occupied(used) => Err(used.get().key.clone()),
            Entry::Vacant(free) => {
                free.insert(User { key: key.clone(), has_news: false });
                Ok(Use { in_use: self, what })
            }
        }
    }

    /// Notes that decisions about links were stored.
    pub(crate) fn note_decided<'a>(&self, keys: impl Iterator<Item = &'a Key>) {
        let mut users = self.0.lock();
        if users.is_empty() {
            return;
        }
        let keys: HashSet<&Key> = keys.collect();
        users.values_mut().filter(|user| keys.contains(&user.key)).for_each(|user| user.has_news = true);
    }
}

impl Use<'_> {
    /// Whether a decision about the link was stored since this began.
    pub(crate) fn has_news(&self) -> bool {
        self.in_use.0.lock().get(&self.what).is_some_and(|user| user.has_news)
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.in_use.0.lock().remove(&self.what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_job_uses_is_free_again_when_that_ends() {
        let key = |user: &str| Key { target: "hub".parse().unwrap(), source: "emea".parse().unwrap(), user: user.into() };
        let in_use = InUse::default();
        let first = in_use.claim("a1".to_owned(), &key("ana")).unwrap();
        assert_eq!(in_use.claim("a1".to_owned(), &key("bo")).unwrap_err(), key("ana"));
        let second = in_use.claim("a2".to_owned(), &key("bo")).unwrap();
        in_use.note_decided([key("bo"), key("cyd")].iter());
        assert_eq!((first.has_news(), second.has_news()), (false, true));
        drop(first);
        assert!(in_use.claim("a1".to_owned(), &key("bo")).is_ok());
    }
}
