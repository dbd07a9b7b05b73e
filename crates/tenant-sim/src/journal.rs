//! The journal: every write that the tenants committed, stamped at the commit under the tenant's lock.
//!
//! The demonstration and the benchmarks take their milliseconds from it, and tests prove with it that nothing was written. It can be
//! followed as a stream and asked afterwards. It holds names of properties, never values, except the anchor.

use std::collections::{HashSet, VecDeque};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::property::ObjectKind;

/// How many entries are kept; older ones are forgotten.
pub const ENTRIES_MAX: usize = 2_000_000;
/// How far a subscriber may fall behind before it gets an error that it lagged.
pub const LAG_MAX: usize = 65_536;

/// How many different lists of properties are shared; beyond that the sharing begins anew.
const LISTS_MAX: usize = 10_000;

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// A user or group was created.
    Create,
    /// A guest was invited (also when the invitation found an existing guest).
    Invite,
    /// An invitation was redeemed.
    Redeem,
    /// Properties were set.
    Patch,
    /// A manager was set or removed.
    Manager,
    /// A user went to the bin, or a group went for good.
    Delete,
    /// A user came back from the bin.
    Restore,
    /// A user was removed from the bin for good.
    Purge,
    /// The sessions of a user were revoked.
    Revoke,
    /// A member was added to a group.
    MemberAdd,
    /// A member was removed from a group.
    MemberRemove,
    /// The cross-tenant access policy was changed.
    Policy,
}

/// One committed write.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its number, from 1, over all tenants.
    pub number: u64,
    /// When it was committed.
    #[serde(skip)]
    pub at: Instant,
    /// The same moment by the wall clock, in microseconds since 1970.
    pub wall_micros: i64,
    /// The tenant's name.
    #[serde(serialize_with = "as_text")]
    pub tenant: Arc<str>,
    /// What it did.
    pub verb: Verb,
    /// The kind of the object.
    pub kind: ObjectKind,
    /// The object: a user, a group, or for policies the partner's directory id.
    #[serde(serialize_with = "as_text")]
    pub object: Uuid,
    /// The member that was added or removed, or the manager that was set.
    #[serde(serialize_with = "maybe_as_text")]
    pub other: Option<Uuid>,
    /// The user's `xtsyncAnchor` after the write.
    #[serde(serialize_with = "maybe_as_text")]
    pub anchor: Option<Arc<str>>,
    /// The names of the properties that the request named.
    #[serde(serialize_with = "as_texts")]
    pub properties: Arc<[String]>,
}

/// What a writer reports; the journal adds the rest.
pub(crate) struct Written {
    pub(crate) verb: Verb,
    pub(crate) kind: ObjectKind,
    pub(crate) object: Uuid,
    pub(crate) other: Option<Uuid>,
    pub(crate) anchor: Option<Arc<str>>,
    pub(crate) properties: Vec<String>,
}

/// The journal of one simulator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    stream: broadcast::Sender<Entry>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    last: u64,
    /// Each list of properties once: a synchronization names the same ones for all users.
    lists: HashSet<Arc<[String]>>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        let (stream, _) = broadcast::channel(LAG_MAX);
        Self(Arc::new(Inner { state: Mutex::default(), stream }))
    }

    /// The entries from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Entry> {
        self.0.stream.subscribe()
    }

    /// The entries with a number greater than `number`, oldest first.
    pub fn since(&self, number: u64) -> Vec<Entry> {
        let state = self.state();
        let first = state.entries.front().map_or(0, |entry| entry.number);
        let skip = (number + 1).saturating_sub(first) as usize;
        state.entries.iter().skip(skip).cloned().collect()
    }

    /// The number of the newest entry; 0 when nothing was written.
    pub fn last(&self) -> u64 {
        self.state().last
    }

    /// How many writes the tenant of that name committed, as far as they are kept.
    pub fn len(&self, tenant: &str) -> usize {
        self.state().entries.iter().filter(|entry| *entry.tenant == *tenant).count()
    }

    /// Whether no tenant committed any write.
    pub fn is_empty(&self) -> bool {
        self.last() == 0
    }

    /// Forgets everything, numbers too; for changes before the simulator is visible.
    pub(crate) fn clear(&self) {
        *self.state() = State::default();
    }

    /// Called with the tenant locked, so that the order of entries is the order of commits.
    pub(crate) fn record(&self, tenant: &Arc<str>, written: Written) {
        let Written { verb, kind, object, other, anchor, properties } = written;
        let wall_micros = (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000) as i64;
        let mut state = self.state();
        state.last += 1;
        let (number, tenant, at, properties) = (state.last, Arc::clone(tenant), Instant::now(), state.list(properties));
        let entry = Entry { number, at, wall_micros, tenant, verb, kind, object, other, anchor, properties };
        if state.entries.len() == ENTRIES_MAX {
            state.entries.pop_front();
        }
        state.entries.push_back(entry.clone());
        // Having no listener is not an error.
        let _ = self.0.stream.send(entry);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }
}

impl State {
    /// The list that stands for all lists of these names.
    fn list(&mut self, names: Vec<String>) -> Arc<[String]> {
        if let Some(known) = self.lists.get(names.as_slice()) {
            return Arc::clone(known);
        }
        if self.lists.len() == LISTS_MAX {
            self.lists.clear();
        }
        let list: Arc<[String]> = names.into();
        self.lists.insert(Arc::clone(&list));
        list
    }
}

fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn as_texts<S: Serializer>(texts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(texts)
}

fn maybe_as_text<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, LISTS_MAX, Verb, Written};
    use crate::property::ObjectKind;
    use std::sync::Arc;
    use uuid::Uuid;

    #[test]
    fn writes_that_name_the_same_properties_share_their_names() {
        let journal = Journal::new();
        let patch = |properties: &[String]| {
            let properties = properties.to_vec();
            let (verb, kind, object) = (Verb::Patch, ObjectKind::User, Uuid::nil());
            journal.record(&"hub".into(), Written { verb, kind, object, other: None, anchor: None, properties });
            journal.since(journal.last() - 1).remove(0).properties
        };
        let names = ["city".to_owned(), "department".to_owned()];
        let (first, second) = (patch(&names), patch(&names));
        assert!(*first == names && Arc::ptr_eq(&first, &second));
        for number in 0..=LISTS_MAX {
            assert_eq!(*patch(&[number.to_string()]), [number.to_string()]);
        }
        assert_eq!(*patch(&names), names);
    }
}
