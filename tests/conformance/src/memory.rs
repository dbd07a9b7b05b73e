//! A directory in memory of another kind than Entra: a user is put in one call under a native anchor, changes list single attributes, and
//! there is no recycle bin, no session, no group and no notification. It exists to prove that nothing assumes Graph.

mod connector;
mod source;
mod target;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use xtsync_directory::{Error, Result};
use xtsync_domain::capability::{Anchor, Capabilities, ConsentSource, Create, DELETION_GRACE_PERIOD, RecycleBin};
use xtsync_domain::fact::{AccessPolicy, Partner, Redemption};
use xtsync_domain::{Attributes, DirectoryId, TargetId, Timestamp, UserId, Value};

pub use connector::MemoryConnector;

/// What the directory can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    create: Create::Put,
    anchor: Anchor::Native,
    recycle_bin: RecycleBin::Absent { grace_period: DELETION_GRACE_PERIOD },
    sessions: false,
    disable: true,
    references: false,
    group_membership: false,
    delta: true,
    notifications: false,
    consent: ConsentSource::Live,
};

/// The attribute of a user that holds the anchor; the directory sets it, and a user with it is at home elsewhere.
const KEY: &str = "externalKey";

/// A tenant.
#[derive(Clone)]
pub struct Memory {
    domain: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    users: BTreeMap<String, User>,
    /// Every change so far, oldest first.
    log: Vec<Entry>,
    /// How many ids were given out.
    ids: usize,
    /// How often cursors were lost; a cursor names the number it belongs to.
    generation: usize,
    repeats: bool,
    policy: AccessPolicy,
    writes: usize,
    read_faults: VecDeque<Error>,
    creation_faults: VecDeque<CreationFault>,
}

/// What goes wrong with a creation.
enum CreationFault {
    /// Nothing happened.
    Before(Error),
    /// It happened, and the answer is lost.
    After,
}

#[derive(Clone)]
struct User {
    /// Its native key, for a user of another directory.
    anchor: Option<String>,
    address: String,
    attributes: Attributes,
}

/// One change of one user: which attributes; none for a deletion.
struct Entry {
    user: String,
    attributes: Option<Vec<String>>,
}

impl Memory {
    /// An empty tenant of this domain.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self { domain: domain.to_owned(), state: Arc::default() }
    }

    /// What other tenants' policies know it by.
    #[must_use]
    pub fn directory_id(&self) -> DirectoryId {
        format!("memory-{}", self.domain).into()
    }

    /// Lets users of that tenant in, and users of this one out to it.
    pub fn allow(&self, partner: &Self) {
        let redemption = Redemption { inbound: Some(true), outbound: Some(true) };
        let partner = (partner.directory_id(), Partner { sync_allowed: Some(true), redemption });
        self.state().policy.partners.extend([partner]);
    }

    /// Adds a user at home here, with an address in the tenant's domain.
    #[must_use]
    pub fn add_user(&self, name: &str) -> UserId {
        let address = format!("{name}@{}", self.domain);
        let attributes = [("displayName", name.into()), ("mail", address.as_str().into()), ("city", "Paris".into())];
        UserId(self.state().add(None, &address, attributes.into_iter().collect()))
    }

    /// Adds a user at home here who holds a foreign address.
    pub fn occupy(&self, address: &str) {
        let attributes = [("mail", address.into())].into_iter().collect();
        self.state().add(None, address, attributes);
    }

    /// Sets an attribute of a user, or clears it.
    pub fn set(&self, user: &UserId, attribute: &str, value: Value) {
        self.state().change(&user.0, [(attribute.to_owned(), value)].into_iter().collect()).unwrap();
    }

    /// Deletes a user, for good.
    pub fn remove(&self, user: &UserId) {
        assert!(self.state().remove(&user.0), "the user was there");
    }

    /// Every user of another directory, by address: the address, whether the sign-in is allowed, the city.
    #[must_use]
    pub fn shadow_users(&self) -> Vec<(String, bool, Option<String>)> {
        let state = self.state();
        let users = state.users.values().filter(|user| user.anchor.is_some());
        let mut shown: Vec<_> =
            users.map(|user| (user.address.clone(), user.is_enabled(), user.attributes.text("city").map(str::to_owned))).collect();
        shown.sort();
        shown
    }

    /// The ids of the users of another directory.
    #[must_use]
    pub fn shadow_user_ids(&self) -> Vec<TargetId> {
        self.state().users.iter().filter(|(_, user)| user.anchor.is_some()).map(|(id, _)| id.as_str().into()).collect()
    }

    /// Makes every cursor given out so far void.
    pub fn lose_cursors(&self) {
        self.state().generation += 1;
    }

    /// Mentions each object twice from now on.
    pub fn repeat_objects(&self) {
        self.state().repeats = true;
    }

    /// Refuses the next request for users.
    pub fn throttle_reading(&self, wait: Duration) {
        self.state().read_faults.push_back(Error::Throttled { wait });
    }

    /// Refuses the next creation.
    pub fn throttle_creation(&self, wait: Duration) {
        self.state().creation_faults.push_back(CreationFault::Before(Error::Throttled { wait }));
    }

    /// Carries out the next creation, and loses the answer.
    pub fn lose_creation_answer(&self) {
        self.state().creation_faults.push_back(CreationFault::After);
    }

    /// How many writes the connector made.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.state().writes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl User {
    fn is_enabled(&self) -> bool {
        self.attributes.get("accountEnabled") != Some(&Value::Flag(false))
    }
}

impl State {
    fn add(&mut self, anchor: Option<String>, address: &str, attributes: Attributes) -> String {
        self.ids += 1;
        let id = format!("m{}", self.ids);
        let mut attributes = attributes;
        attributes.insert("accountEnabled", true.into());
        if let Some(anchor) = &anchor {
            attributes.insert(KEY, anchor.as_str().into());
        }
        let names = attributes.names().map(str::to_owned).collect();
        self.users.insert(id.clone(), User { anchor, address: address.to_owned(), attributes });
        self.log.push(Entry { user: id.clone(), attributes: Some(names) });
        id
    }

    fn change(&mut self, id: &str, changed: Attributes) -> Result<()> {
        let user = self.users.get_mut(id).ok_or(Error::NotFound)?;
        let names = changed.names().map(str::to_owned).collect();
        user.attributes.extend(changed);
        self.log.push(Entry { user: id.to_owned(), attributes: Some(names) });
        Ok(())
    }

    fn remove(&mut self, id: &str) -> bool {
        let was_there = self.users.remove(id).is_some();
        if was_there {
            self.log.push(Entry { user: id.to_owned(), attributes: None });
        }
        was_there
    }
}

/// When nothing says so: the directory keeps no times.
const NO_TIME: Option<Timestamp> = None;
