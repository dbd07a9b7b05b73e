//! The client states of all subscriptions, as hashes, in memory: what is posted is compared with them and asks no database.
//!
//! They are read again when they are old, and when a state is not among them, which may be that of a subscription made a moment ago; but
//! never more often than once a second, whatever is posted. What is not known and comes sooner waits for that.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use xtsync_domain::TenantName;

use crate::error::Error;

/// How often they are read at most.
pub(super) const READ_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// How old they get: one that is gone is not taken for ours for longer.
const AGE_MAX: Duration = Duration::from_secs(30);

/// The hashes of the client states, by tenant.
pub(crate) type Hashes = HashMap<TenantName, HashSet<String>>;

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Compared {
    /// Those of the hashes that are of subscriptions of the tenant.
    pub(super) ours: HashSet<String>,
    /// Whether another may be one too, since it was too soon to read them again.
    pub(super) is_unsure: bool,
}

#[derive(Debug, Default)]
pub(super) struct States(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    hashes: Hashes,
    read: Option<Instant>,
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
        let mut known = self.0.lock().await;
        let age = known.read.map(|read| now.saturating_duration_since(read));
        let has_unknown = || hashes.iter().any(|hash| !known.of(tenant, hash));
        let has_unknown = has_unknown();
        let is_read = age.is_none_or(|age| age >= AGE_MAX || (age >= READ_INTERVAL_MIN && has_unknown));
        if is_read {
            // Counted from here, also where it fails.
            known.read = Some(now);
            known.hashes = read().await?;
        }
        let ours = hashes.iter().filter(|hash| known.of(tenant, hash)).cloned().collect();
        Ok(Compared { ours, is_unsure: has_unknown && !is_read })
    }
}

impl Known {
    fn of(&self, tenant: &TenantName, hash: &str) -> bool {
        self.hashes.get(tenant).is_some_and(|hashes| hashes.contains(hash))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn posts_query_the_store_once_a_second_at_most() {
        let (states, emea, asked) = (States::default(), TenantName::new("emea").unwrap(), Cell::new(0));
        let stored = std::cell::RefCell::new(Hashes::from([(emea.clone(), HashSet::from(["a".to_owned()]))]));
        let time = Cell::new(Instant::now());
        let ours = async |hashes: &[&str]| {
            let read = async || {
                asked.set(asked.get() + 1);
                Ok(stored.borrow().clone())
            };
            let given = hashes.iter().map(|hash| (*hash).to_owned()).collect();
            let Compared { ours, is_unsure } = states.compare(&emea, &given, time.get(), read).await.unwrap();
            let mut ours: Vec<String> = ours.into_iter().collect();
            ours.sort();
            format!("{}{}", ours.join(" "), if is_unsure { " ?" } else { "" })
        };
        assert_eq!((ours(&["a"]).await.as_str(), asked.get()), ("a", 1));
        for _ in 0..1_000 {
            assert_eq!(ours(&["a", "guessed"]).await, "a ?", "it may have been made since");
        }
        assert_eq!(asked.get(), 1, "at once after it was asked");
        time.set(time.get() + READ_INTERVAL_MIN);
        stored.borrow_mut().insert(emea.clone(), HashSet::from(["b".to_owned()]));
        assert_eq!((ours(&["a"]).await.as_str(), asked.get()), ("a", 1), "what is known needs no question");
        assert_eq!((ours(&["b"]).await.as_str(), asked.get()), ("b", 2), "a new one is found");
        assert_eq!((ours(&["a"]).await.as_str(), asked.get()), (" ?", 2), "and the old one is none any more");
        time.set(time.get() + AGE_MAX);
        stored.borrow_mut().clear();
        assert_eq!((ours(&["b"]).await.as_str(), asked.get()), ("", 3), "what is old is read again");
    }

    #[tokio::test]
    async fn a_failing_store_is_not_queried_by_each_post() {
        let (states, emea, asked) = (States::default(), TenantName::new("emea").unwrap(), Cell::new(0));
        let now = Instant::now();
        for _ in 0..100 {
            let read = async || {
                asked.set(asked.get() + 1);
                Err(Error::from(xtsync_store::Error::Corrupt("away".to_owned())))
            };
            drop(states.compare(&emea, &HashSet::from(["guessed".to_owned()]), now, read).await);
        }
        assert_eq!(asked.get(), 1);
    }
}
