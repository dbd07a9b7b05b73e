//! The state of one tenant: users, the bin, groups, the access policy, and the sequence that orders every change.
//!
//! Everything happens under the tenant's one lock, over HTTP and in process alike. Each change takes the next number of the sequence and
//! moves its object to the end of the log, so that a delta query reads the log from its token's number on, and a query without changes
//! costs nothing however large the directory is.

mod agreement;
mod change;
mod contacts;
mod delta;
mod domains;
mod encounter;
mod fresh;
mod groups;
mod invite;
mod limits;
mod manager;
mod members;
mod privileged;
mod read;
mod redeem;
mod sets;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

pub(crate) use self::delta::{DeltaPage, DeltaQuery, Place};
pub use self::domains::Domains;
use self::fresh::Fresh;
pub(crate) use self::groups::referenced_id;
pub(crate) use self::privileged::is_sensitive;
pub use self::redeem::Redemption;
use crate::extension::Extension;
use crate::faults::FaultState;
use crate::group::{Group, GroupEntry};
use crate::journal::Journal;
use crate::policy::AccessPolicy;
use crate::property::Schema;
use crate::user_index::UserIndex;

/// The object id of the application that registered the anchor extension, in every tenant.
pub const ANCHOR_APP_ID: Uuid = Uuid::from_u128(0x5f1c_3a60_7be4_4d0f_9a43_1d2c_86e0_b7f5);

/// The directory extension that holds the anchor: `extension_{app id without dashes}_xtsyncAnchor`.
pub fn anchor_property() -> String {
    format!("extension_{}_xtsyncAnchor", ANCHOR_APP_ID.simple())
}

/// One tenant's state.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    /// The verified domain of its users' addresses.
    pub(crate) domain: String,
    /// The domain it was born with, where the names of guests end.
    pub(crate) initial_domain: String,
    pub(crate) schema: Schema,
    pub(crate) users: UserIndex,
    pub(crate) deleted: UserIndex,
    pub(crate) groups: BTreeMap<Uuid, Group>,
    pub(crate) policy: AccessPolicy,
    /// Kept as users are, since they are looked up alike.
    pub(crate) contacts: UserIndex,
    pub(crate) invitations_allowed: bool,
    /// Which domains may be invited.
    pub(crate) domains: Domains,
    /// The addresses by which guests were invited. They decide who may redeem, whatever their `mail` becomes.
    invited: BTreeMap<Uuid, String>,
    /// Invitation mails sent; a synchronization must leave this at 0.
    pub(crate) messages_sent: u64,
    /// The users who were shown a consent prompt.
    pub(crate) prompted: Vec<Uuid>,
    /// Delta tokens of another epoch have expired.
    pub(crate) delta_epoch: u64,
    /// Whether each cycle of a delta query begins with an empty page.
    pub(crate) delta_starts_empty: bool,
    /// How many of the next changes no delta query lists.
    pub(crate) changes_to_lose: u32,
    /// The numbers of the changes that only an initial cycle lists.
    lost: BTreeSet<u64>,
    fresh: Fresh,
    /// The users who hold a directory role.
    role_holders: BTreeSet<Uuid>,
    seq: u64,
    user_log: BTreeMap<u64, Uuid>,
    group_log: BTreeMap<u64, GroupEntry>,
    /// (manager, report), so that those who lose their manager are found.
    reports: BTreeSet<(Uuid, Uuid)>,
    journal: Journal,
    fault_state: FaultState,
}

impl Directory {
    pub(crate) fn new(name: &str, id: Uuid, journal: Journal, fault_state: FaultState) -> Self {
        let mut schema = Schema::default();
        let anchor = Extension::new(&anchor_property(), "String", false);
        anchor.and_then(|anchor| schema.register(anchor)).expect("an empty schema has room");
        Self {
            name: Arc::from(name),
            id,
            domain: format!("{name}.example"),
            initial_domain: format!("{name}.onmicrosoft.example"),
            schema,
            users: UserIndex::default(),
            deleted: UserIndex::default(),
            groups: BTreeMap::new(),
            policy: AccessPolicy::default(),
            contacts: UserIndex::default(),
            invitations_allowed: true,
            domains: Domains::Any,
            invited: BTreeMap::new(),
            messages_sent: 0,
            prompted: Vec::new(),
            delta_epoch: 0,
            delta_starts_empty: false,
            changes_to_lose: 0,
            lost: BTreeSet::new(),
            fresh: Fresh::default(),
            role_holders: BTreeSet::new(),
            seq: 0,
            user_log: BTreeMap::new(),
            group_log: BTreeMap::new(),
            reports: BTreeSet::new(),
            journal,
            fault_state,
        }
    }

    /// Whether the domain is one of this tenant's verified domains.
    pub(crate) fn owns_domain(&self, domain: &str) -> bool {
        self.domain.eq_ignore_ascii_case(domain) || self.initial_domain.eq_ignore_ascii_case(domain)
    }
}
