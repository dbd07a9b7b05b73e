//! A cache of the hashes of all subscriptions' client states, so that an anonymous request causes no query of the database.
//!
//! It is read again when it has expired, and when a request has an unknown client state, because that may belong to a new subscription.
//! It is read at most once a second, whatever is posted; a request with an unknown state that comes sooner waits until then.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use xtsync_domain::TenantName;

use crate::error::Error;

/// The shortest interval between two reads.
pub(super) const READ_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// When the cache expires: a subscription that was deleted is accepted no longer than this.
const AGE_MAX: Duration = Duration::from_secs(30);

/// The hashes of the client states, by tenant.
pub(crate) type Hashes = HashMap<TenantName, HashSet<String>>;

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Compared {
    /// The hashes that belong to subscriptions of the tenant.
    pub(super) known: HashSet<String>,
    /// Whether another hash may belong to a new subscription, because it was too soon to read the cache again.
    pub(super) may_be_new: bool,
}

#[derive(Debug, Default)]
pub(super) struct States(Mutex<Cache>);

#[derive(Debug, Default)]
struct Cache {
    hashes: Hashes,
    read_at: Option<Instant>,
}

impl States {
    /// Compares hashes with those of the tenant's subscriptions; `read` asks the store.
    pub(super) async fn compare(
        &self,
        tenant: &TenantName,
        hashes: &HashSet<String>,
        now: Instant,
        read: impl AsyncFnOnce() -> Result<Hashes, Error>,
    ) -> Result<Compared, Error> {
        let mut cache = self.0.lock().await;
        let age = cache.read_at.map(|read_at| now.saturating_duration_since(read_at));
        let has_unknown = hashes.iter().any(|hash| !cache.contains(tenant, hash));
        let is_read = age.is_none_or(|age| age >= AGE_MAX || (age >= READ_INTERVAL_MIN && has_unknown));
        if is_read {
            // Also if the read fails: a failing store is not queried by each request.
            cache.read_at = Some(now);
            cache.hashes = read().await?;
        }
        let known = hashes.iter().filter(|hash| cache.contains(tenant, hash)).cloned().collect();
        Ok(Compared { known, may_be_new: has_unknown && !is_read })
    }
}

impl Cache {
    fn contains(&self, tenant: &TenantName, hash: &str) -> bool {
        self.hashes.get(tenant).is_some_and(|hashes| hashes.contains(hash))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn posts_query_the_store_once_a_second_at_most() {
        let (states, emea, reads) = (States::default(), TenantName::new("emea").unwrap(), Cell::new(0));
        let stored = std::cell::RefCell::new(Hashes::from([(emea.clone(), HashSet::from(["a".to_owned()]))]));
        let time = Cell::new(Instant::now());
        let known = async |hashes: &[&str]| {
            let read = async || {
                reads.set(reads.get() + 1);
                Ok(stored.borrow().clone())
            };
            let given = hashes.iter().map(|hash| (*hash).to_owned()).collect();
            let Compared { known, may_be_new } = states.compare(&emea, &given, time.get(), read).await.unwrap();
            let mut known: Vec<String> = known.into_iter().collect();
            known.sort();
            format!("{}{}", known.join(" "), if may_be_new { " ?" } else { "" })
        };
        assert_eq!((known(&["a"]).await.as_str(), reads.get()), ("a", 1));
        for _ in 0..1_000 {
            assert_eq!(known(&["a", "guessed"]).await, "a ?", "it may belong to a new subscription");
        }
        assert_eq!(reads.get(), 1, "it is too soon to read again");
        time.set(time.get() + READ_INTERVAL_MIN);
        stored.borrow_mut().insert(emea.clone(), HashSet::from(["b".to_owned()]));
        assert_eq!((known(&["a"]).await.as_str(), reads.get()), ("a", 1), "a known state causes no read");
        assert_eq!((known(&["b"]).await.as_str(), reads.get()), ("b", 2), "a new subscription is found");
        assert_eq!((known(&["a"]).await.as_str(), reads.get()), (" ?", 2), "the former state is unknown");
        time.set(time.get() + AGE_MAX);
        stored.borrow_mut().clear();
        assert_eq!((known(&["b"]).await.as_str(), reads.get()), ("", 3), "an expired cache is read again");
    }

    #[tokio::test]
    async fn a_failing_store_is_not_queried_by_each_post() {
        let (states, emea, reads) = (States::default(), TenantName::new("emea").unwrap(), Cell::new(0));
        let now = Instant::now();
        for _ in 0..100 {
            let read = async || {
                reads.set(reads.get() + 1);
                Err(Error::from(xtsync_store::Error::Corrupt("away".to_owned())))
            };
            drop(states.compare(&emea, &HashSet::from(["guessed".to_owned()]), now, read).await);
        }
        assert_eq!(reads.get(), 1);
    }
}
