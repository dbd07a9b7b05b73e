//! The topics: their names, keys, partitions and how they are cleaned.
//!
//! One topic a tenant, so that access control, retention and removal work a tenant.

use std::fmt;
use std::time::Duration;

use xtsync_domain::{TenantName, UserId};

/// Partitions of every topic but `config`. Immutable per topic and compared with the broker's at start.
pub const PARTITIONS: u32 = 6;

/// The consumer group of policy.
pub const POLICY_GROUP: &str = "xtsync-policy";

/// The consumer group of provisioners, under which they take decisions in.
pub const PROVISIONER_GROUP: &str = "xtsync-provisioner";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A topic of the contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Resources and commits of revisions; by control.
    Config,
    /// What operators ask for; by control.
    Commands,
    /// Changes of a tenant's users; by change-detector.
    UserDeltas(TenantName),
    /// What is known of a tenant besides its users; by change-detector.
    TenantFacts(TenantName),
    /// What synchronizations want in a target; by policy.
    Decisions(TenantName),
    /// The state of every link into a target; by provisioner.
    Links(TenantName),
    /// What was done in a target; by provisioner.
    Outcomes(TenantName),
    /// What each role knows of itself; by every role.
    Status,
    /// Records that could not be used; by every consumer.
    DeadLetters,
}

/// How a topic's records are cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// The newest record of a key stays; an older one stays at least `lag`.
    Compact {
        /// How long an older record stays at least.
        lag: Duration,
    },
    /// Records stay for a while.
    Retain(Duration),
}

impl Topic {
    /// How many partitions it has.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        match self {
            Self::Config => 1,
            Self::Commands
            | Self::UserDeltas(_)
            | Self::TenantFacts(_)
            | Self::Decisions(_)
            | Self::Links(_)
            | Self::Outcomes(_)
            | Self::Status
            | Self::DeadLetters => PARTITIONS,
        }
    }

    /// The consumer group that its records are for first, where there is one: who publishes a lot waits for it.
    #[must_use]
    pub fn taken_by(&self) -> Option<&'static str> {
        match self {
            Self::UserDeltas(_) => Some(POLICY_GROUP),
            Self::Decisions(_) => Some(PROVISIONER_GROUP),
            Self::Config
            | Self::Commands
            | Self::TenantFacts(_)
            | Self::Links(_)
            | Self::Outcomes(_)
            | Self::Status
            | Self::DeadLetters => None,
        }
    }

    /// How its records are cleaned.
    #[must_use]
    pub fn cleanup(&self) -> Cleanup {
        match self {
            Self::UserDeltas(_) => Cleanup::Compact { lag: 7 * DAY },
            Self::Config | Self::TenantFacts(_) | Self::Decisions(_) | Self::Links(_) | Self::Status => {
                Cleanup::Compact { lag: Duration::ZERO }
            }
            Self::Commands => Cleanup::Retain(7 * DAY),
            Self::Outcomes(_) | Self::DeadLetters => Cleanup::Retain(30 * DAY),
        }
    }

    /// Every topic a tenant needs, as source and as target.
    #[must_use]
    pub fn of_tenant(tenant: &TenantName) -> [Self; 5] {
        [
            Self::UserDeltas(tenant.clone()),
            Self::TenantFacts(tenant.clone()),
            Self::Decisions(tenant.clone()),
            Self::Links(tenant.clone()),
            Self::Outcomes(tenant.clone()),
        ]
    }

    /// The topics that belong to no tenant.
    #[must_use]
    pub fn shared() -> [Self; 4] {
        [Self::Config, Self::Commands, Self::Status, Self::DeadLetters]
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => f.write_str("xtsync.v1.config"),
            Self::Commands => f.write_str("xtsync.v1.commands"),
            Self::UserDeltas(tenant) => write!(f, "xtsync.v1.user-deltas.{tenant}"),
            Self::TenantFacts(tenant) => write!(f, "xtsync.v1.tenant-facts.{tenant}"),
            Self::Decisions(target) => write!(f, "xtsync.v1.decisions.{target}"),
            Self::Links(target) => write!(f, "xtsync.v1.links.{target}"),
            Self::Outcomes(target) => write!(f, "xtsync.v1.outcomes.{target}"),
            Self::Status => f.write_str("xtsync.v1.status"),
            Self::DeadLetters => f.write_str("xtsync.v1.dead-letters"),
        }
    }
}

/// The key of a user's link, decision and outcome: `source/user`. Tenant names hold no slash, so it reads back.
#[must_use]
pub fn link_key(source: &TenantName, user: &UserId) -> String {
    format!("{source}/{user}")
}

/// The key of a replay marker among a target's decisions: `marker/source/partition`.
#[must_use]
pub fn marker_key(source: &TenantName, partition: u32) -> String {
    format!("marker/{source}/{partition}")
}

/// The key of the record that closes each revision of the configuration.
pub const COMMIT_KEY: &str = "commit";
