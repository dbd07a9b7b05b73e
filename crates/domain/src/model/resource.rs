//! Configuration as resources: what administrators write, one kind a file.
//!
//! A tenant is a namespace: `metadata.tenant` says whose administrator may write a resource, so a veto cannot be configured from the
//! other side. An Organization belongs to no tenant; a Tenant belongs to the namespace of its own name.

mod access_policy;
mod connector;
mod directory;
mod directory_extensions;
mod hosts;
mod name_resolution;
mod organization;
mod projection;
mod rename;
mod synchronization;
mod tenant;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use access_policy::{Authority, CrossTenantAccessPolicy, PartnerTerms, UserType};
pub use connector::{ConnectorSection, DescribedUrl, Description, Location, SecretRef, SectionProblem, UrlPurpose, is_safe_for_secrets};
pub use directory::Directory;
pub use directory_extensions::DirectoryExtensions;
pub use hosts::{AllowedHosts, InvalidHost};
pub use name_resolution::NameResolution;
pub use organization::Organization;
pub use projection::Projection;
pub use rename::Rename;
pub use synchronization::{
    Apply, Clause, ClauseGroup, GroupRef, Limit, Limits, Live, Mapping, MappingSource, Mode, Nulls, PinnedGroup, Rehire, Requirement,
    Scope, ScopeLoss, Synchronization, Where,
};
pub(crate) use synchronization::{GROUP_CHARS_MAX, GROUPS_MAX, SCOPE_GRACE_PERIOD_MAX};
pub use tenant::{PARTITIONS_MAX, Tenant};

use crate::{TenantName, key};

/// The kinds of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Tenants that belong together.
    Organization,
    /// One directory.
    Tenant,
    /// A target's terms for those who synchronize into it.
    CrossTenantAccessPolicy,
    /// A source's request to provision its users into a target.
    Synchronization,
    /// What the configuration needs of a tenant; derived by control, never applied by a user.
    Projection,
    /// Which group names of a tenant are looked up, and what waits for them; derived by control, never applied by a user.
    NameResolution,
    /// Which directory a tenant is; derived by control, never applied by a user.
    Directory,
    /// Which directory extensions the users of a tenant have; derived by control, never applied by a user.
    DirectoryExtensions,
    /// The name of a renamed tenant; made by a command, never applied by a user.
    Rename,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Organization,
        Self::Tenant,
        Self::CrossTenantAccessPolicy,
        Self::Synchronization,
        Self::Projection,
        Self::NameResolution,
        Self::Directory,
        Self::DirectoryExtensions,
        Self::Rename,
    ];

    /// The kind of that name; `None` where there is none.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind's name as it stands in YAML and keys.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Tenant => "Tenant",
            Self::CrossTenantAccessPolicy => "CrossTenantAccessPolicy",
            Self::Synchronization => "Synchronization",
            Self::Projection => "Projection",
            Self::NameResolution => "NameResolution",
            Self::Directory => "Directory",
            Self::DirectoryExtensions => "DirectoryExtensions",
            Self::Rename => "Rename",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names one resource: `kind/tenant/name`, the tenant `-` where it belongs to none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Its kind.
    pub kind: Kind,
    /// The tenant whose administrator owns it.
    pub tenant: Option<TenantName>,
    /// Its name within kind and tenant.
    pub name: String,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key::compose([self.kind.as_str(), self.tenant.as_ref().map_or("-", TenantName::as_str), &self.name]))
    }
}

/// A resource as it stands in one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Which one.
    pub id: Id,
    /// The revision that last changed it.
    pub revision: u64,
    /// What it says.
    pub spec: Spec,
}

/// What a resource says, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// See [`Organization`].
    Organization(Organization),
    /// See [`Tenant`].
    Tenant(Tenant),
    /// See [`CrossTenantAccessPolicy`].
    CrossTenantAccessPolicy(CrossTenantAccessPolicy),
    /// See [`Synchronization`].
    Synchronization(Synchronization),
    /// See [`Projection`].
    Projection(Projection),
    /// See [`NameResolution`].
    NameResolution(NameResolution),
    /// See [`Directory`].
    Directory(Directory),
    /// See [`DirectoryExtensions`].
    DirectoryExtensions(DirectoryExtensions),
    /// See [`Rename`].
    Rename(Rename),
}

impl Spec {
    /// The Tenant, if it is one.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        if let Self::Tenant(spec) = self { Some(spec) } else { None }
    }

    /// The Synchronization, if it is one.
    #[must_use]
    pub fn synchronization(&self) -> Option<&Synchronization> {
        if let Self::Synchronization(spec) = self { Some(spec) } else { None }
    }

    /// The Directory, if it is one.
    #[must_use]
    pub fn directory(&self) -> Option<&Directory> {
        if let Self::Directory(spec) = self { Some(spec) } else { None }
    }

    /// The DirectoryExtensions, if it is one.
    #[must_use]
    pub fn directory_extensions(&self) -> Option<&DirectoryExtensions> {
        if let Self::DirectoryExtensions(spec) = self { Some(spec) } else { None }
    }

    /// Reads a spec of a kind from JSON.
    ///
    /// # Errors
    /// When a field is unknown, missing or of the wrong shape; the error names it.
    pub fn from_json(kind: Kind, json: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Organization => Self::Organization(serde_json::from_slice(json)?),
            Kind::Tenant => Self::Tenant(serde_json::from_slice(json)?),
            Kind::CrossTenantAccessPolicy => Self::CrossTenantAccessPolicy(serde_json::from_slice(json)?),
            Kind::Synchronization => Self::Synchronization(serde_json::from_slice(json)?),
            Kind::Projection => Self::Projection(serde_json::from_slice(json)?),
            Kind::NameResolution => Self::NameResolution(serde_json::from_slice(json)?),
            Kind::Directory => Self::Directory(serde_json::from_slice(json)?),
            Kind::DirectoryExtensions => Self::DirectoryExtensions(serde_json::from_slice(json)?),
            Kind::Rename => Self::Rename(serde_json::from_slice(json)?),
        })
    }

    /// The spec as JSON, fields in a fixed order, so that equal specs have equal bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        match self {
            Self::Organization(spec) => serde_json::to_vec(spec),
            Self::Tenant(spec) => serde_json::to_vec(spec),
            Self::CrossTenantAccessPolicy(spec) => serde_json::to_vec(spec),
            Self::Synchronization(spec) => serde_json::to_vec(spec),
            Self::Projection(spec) => serde_json::to_vec(spec),
            Self::NameResolution(spec) => serde_json::to_vec(spec),
            Self::Directory(spec) => serde_json::to_vec(spec),
            Self::DirectoryExtensions(spec) => serde_json::to_vec(spec),
            Self::Rename(spec) => serde_json::to_vec(spec),
        }
        .expect("specs have string keys and no failing serializers")
    }

    /// The kind of it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Organization(_) => Kind::Organization,
            Self::Tenant(_) => Kind::Tenant,
            Self::CrossTenantAccessPolicy(_) => Kind::CrossTenantAccessPolicy,
            Self::Synchronization(_) => Kind::Synchronization,
            Self::Projection(_) => Kind::Projection,
            Self::NameResolution(_) => Kind::NameResolution,
            Self::Directory(_) => Kind::Directory,
            Self::DirectoryExtensions(_) => Kind::DirectoryExtensions,
            Self::Rename(_) => Kind::Rename,
        }
    }
}
