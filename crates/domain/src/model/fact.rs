//! Facts that the detector publishes about a tenant, besides its users.

use std::collections::BTreeMap;

use crate::extension::Extensions;
use crate::{DirectoryId, GroupId, Timestamp, key};

/// The key of a tenant's identity.
pub const IDENTITY: &str = "tenant/self";

/// The key of a tenant's live access policy.
pub const ACCESS_POLICY: &str = "access-policy/live";

/// The key of the detection progress.
pub const FRESHNESS: &str = "freshness/users";

/// The key of the directory extensions of users.
pub const EXTENSIONS: &str = "extensions/users";

const GROUP_NAME: &str = "group-name";

/// The key of a group.
#[must_use]
pub fn group_key(id: &GroupId) -> String {
    key::compose(["group", id.as_str()])
}

/// The key of a group name's look-up.
#[must_use]
pub fn group_name_key(name: &str) -> String {
    key::compose([GROUP_NAME, name])
}

/// Whether a key is that of a group's name.
#[must_use]
pub fn is_group_name_key(key: &str) -> bool {
    key::parse(key).is_some_and(|[kind, _]| kind == GROUP_NAME)
}

/// A fact about one tenant, with the time it was read: a fact that is too old counts as not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantFact {
    /// Grows with every change of this fact.
    pub version: u64,
    /// When it was read from the directory.
    pub read_at: Timestamp,
    /// The fact.
    pub fact: Fact,
}

/// The kinds of fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A group that some configuration refers to, without its members.
    Group(Group),
    /// The groups with a name that some configuration uses: none, one or several.
    GroupName {
        /// The name as the configuration writes it.
        name: String,
        /// The ids found.
        ids: Vec<GroupId>,
        /// For which revision of the tenant's name resolution they were looked up: what was found for an older one may be long outdated.
        resolution: u64,
    },
    /// The tenant's live cross-tenant access policy.
    AccessPolicy(AccessPolicy),
    /// The tenant's identity.
    Identity(Identity),
    /// The directory extensions of users.
    Extensions(Extensions),
    /// The detection progress.
    Freshness {
        /// The number of cycles completed since the initial one.
        round: u64,
        /// When the last one was complete.
        completed_at: Timestamp,
    },
}

/// A group without its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its display name.
    pub name: String,
    /// Whether the group can be read. While it cannot, no membership changes.
    pub state: GroupState,
}

/// Whether a group can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupState {
    /// It exists and can be read.
    Present,
    /// It was deleted.
    Gone,
    /// The directory refuses it.
    Unreadable,
}

/// A tenant's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The directory's own id of the tenant; partners are keyed by it.
    pub directory_id: DirectoryId,
    /// Domains the tenant has proven to own.
    pub verified_domains: Vec<String>,
    /// That of them which is the default, if the directory names one.
    pub default_domain: Option<String>,
}

/// A tenant's cross-tenant access policy as its administrator has it, reduced to what consent depends on.
///
/// See Microsoft Graph, `crossTenantAccessPolicy`, its `default` and `partners` with `identitySynchronization`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessPolicy {
    /// What holds where a partner's own setting is null.
    pub default: Redemption,
    /// Settings for one partner, by its directory id.
    pub partners: BTreeMap<DirectoryId, Partner>,
}

/// Whether an invitation redeems by itself; `None` inherits from the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Redemption {
    /// `automaticUserConsentSettings.inboundAllowed`.
    pub inbound: Option<bool>,
    /// `automaticUserConsentSettings.outboundAllowed`.
    pub outbound: Option<bool>,
}

/// One partner's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Partner {
    /// `identitySynchronization.userSyncInbound.isSyncAllowed`; `None` where it was never set.
    pub sync_allowed: Option<bool>,
    /// The partner's own redemption switches.
    pub redemption: Redemption,
}

impl Fact {
    /// The key of the fact within its tenant: `kind/id`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Group(group) => group_key(&group.id),
            Self::GroupName { name, .. } => group_name_key(name),
            Self::AccessPolicy(_) => ACCESS_POLICY.to_owned(),
            Self::Identity(_) => IDENTITY.to_owned(),
            Self::Extensions(_) => EXTENSIONS.to_owned(),
            Self::Freshness { .. } => FRESHNESS.to_owned(),
        }
    }
}
