//! The topics: their names, keys and cleanup policies.
//!
//! Each tenant has its own topics, so that access control, retention and removal apply per tenant.

use std::time::Duration;

use xtsync_bus::{Cleanup, Topic, TopicKind};
use xtsync_domain::{TenantName, UserId, key};

use crate::event::Typed as _;
use crate::events::{Decision, Link, Outcome, TenantFact, UserDelta};
use crate::internal::{Command, ConfigRecord, DeadLetter, RoleStatus};
use crate::role::Role;

/// The consumer group of policy.
pub const POLICY_GROUP: &str = "xtsync-policy";

/// The consumer group under which the owners of targets commit how far they have taken decisions in. It has no members.
pub const PROVISIONER_GROUP: &str = "xtsync-provisioner";

const DAY_SECS: u64 = 24 * 60 * 60;

/// One kind of topic in the contract.
#[derive(Debug)]
pub struct Entry {
    /// The bus's description of the topics of this kind.
    pub kind: &'static TopicKind,
    /// True for one topic per tenant, false for one topic for all tenants.
    pub is_per_tenant: bool,
    /// The form of the record keys.
    pub key: &'static str,
    /// The role that writes it; `None` if every role does.
    pub writer: Option<Role>,
    /// The `ce_type` of its records.
    pub message: &'static str,
}

/// Resources and the commits of revisions.
pub static CONFIG: TopicKind = compacted("xtsync.v1.config");
/// Commands of operators.
pub static COMMANDS: TopicKind = retained("xtsync.v1.commands", 7);
/// Changes of a tenant's users.
pub static USER_DELTAS: TopicKind = TopicKind {
    cleanup: Cleanup::Compact { lag: Duration::from_secs(7 * DAY_SECS) },
    consumer_group: Some(POLICY_GROUP),
    ..compacted("xtsync.v1.user-deltas")
};
/// Facts about a tenant, besides its users.
pub static TENANT_FACTS: TopicKind = compacted("xtsync.v1.tenant-facts");
/// Decisions: the desired states of users in a target.
pub static DECISIONS: TopicKind = TopicKind { consumer_group: Some(PROVISIONER_GROUP), ..compacted("xtsync.v1.decisions") };
/// The state of every link into a target.
pub static LINKS: TopicKind = compacted("xtsync.v1.links");
/// Outcomes: the operations on a target's shadow users and their results.
pub static OUTCOMES: TopicKind = retained("xtsync.v1.outcomes", 30);
/// The heartbeats and statuses of all roles.
pub static STATUS: TopicKind = compacted("xtsync.v1.status");
/// Dead letters: records that a role could not process.
pub static DEAD_LETTERS: TopicKind = retained("xtsync.v1.dead-letters", 30);

/// Every topic of the contract.
pub static TABLE: [Entry; 9] = [
    Entry {
        kind: &CONFIG,
        is_per_tenant: false,
        key: "kind/tenant/name, or commit",
        writer: Some(Role::CONTROL),
        message: ConfigRecord::TYPE,
    },
    Entry { kind: &COMMANDS, is_per_tenant: false, key: "tenant", writer: Some(Role::CONTROL), message: Command::TYPE },
    Entry { kind: &USER_DELTAS, is_per_tenant: true, key: "user", writer: Some(Role::CHANGE_DETECTOR), message: UserDelta::TYPE },
    Entry { kind: &TENANT_FACTS, is_per_tenant: true, key: "fact", writer: Some(Role::CHANGE_DETECTOR), message: TenantFact::TYPE },
    Entry { kind: &DECISIONS, is_per_tenant: true, key: "source/user", writer: Some(Role::POLICY), message: Decision::TYPE },
    Entry { kind: &LINKS, is_per_tenant: true, key: "source/user", writer: Some(Role::PROVISIONER), message: Link::TYPE },
    Entry { kind: &OUTCOMES, is_per_tenant: true, key: "source/user", writer: Some(Role::PROVISIONER), message: Outcome::TYPE },
    Entry {
        kind: &STATUS,
        is_per_tenant: false,
        key: "role/replica/since/tenant, or role/replica",
        writer: None,
        message: RoleStatus::TYPE,
    },
    Entry { kind: &DEAD_LETTERS, is_per_tenant: false, key: "the record's own", writer: None, message: DeadLetter::TYPE },
];

const fn compacted(name: &'static str) -> TopicKind {
    TopicKind { name, cleanup: Cleanup::Compact { lag: Duration::ZERO }, consumer_group: None }
}

const fn retained(name: &'static str, days: u64) -> TopicKind {
    TopicKind { name, cleanup: Cleanup::Retain(Duration::from_secs(days * DAY_SECS)), consumer_group: None }
}

/// Returns every topic that a tenant needs, as source and as target.
pub fn of_tenant(tenant: &TenantName) -> impl Iterator<Item = Topic> {
    TABLE.iter().filter(|entry| entry.is_per_tenant).map(move |entry| entry.kind.of(tenant))
}

/// Returns every topic that a tenant needs, to be created with so many partitions.
pub fn to_create(tenant: &TenantName, partitions: u32) -> impl Iterator<Item = Topic> {
    of_tenant(tenant).map(move |topic| topic.with_partitions(partitions))
}

/// Returns the topics that belong to no tenant.
pub fn shared() -> impl Iterator<Item = Topic> {
    TABLE.iter().filter(|entry| !entry.is_per_tenant).map(|entry| entry.kind.topic())
}

/// Returns the tenant of a topic; `None` if the topic is not of this kind or its scope is not a tenant name.
#[must_use]
pub fn tenant(kind: &'static TopicKind, topic: &Topic) -> Option<TenantName> {
    TenantName::new(kind.scope(topic)?).ok()
}

/// Returns the key of a user's link, decision and outcome: `source/user`.
#[must_use]
pub fn link_key(source: &TenantName, user: &UserId) -> String {
    key::compose([source.as_str(), user.as_str()])
}

/// Returns the key of a replay marker in a target's decisions topic: `marker/source/partition`.
#[must_use]
pub fn marker_key(source: &TenantName, partition: u32) -> String {
    key::compose(["marker", source.as_str(), &partition.to_string()])
}

/// The key of the commit record that closes each revision of the configuration.
pub const COMMIT_KEY: &str = "commit";
