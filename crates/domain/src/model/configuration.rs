//! One revision of the configuration: its resources, and what services ask of them.
//!
//! It is built anew for each revision and shared from then on. What decisions need of it is compiled by policy
//! ([`crate::decide::CompiledRules`]).

pub mod needs;
pub mod validate;

use std::collections::{BTreeMap, BTreeSet};

use crate::mapping::{self, AttributeTable, Tables};
use crate::resource::{
    CrossTenantAccessPolicy, Directory, DirectoryExtensions, Id, Kind, NameResolution, Organization, PartnerTerms, Projection, Resource,
    Spec, Synchronization, Tenant,
};
use crate::{DirectoryId, TenantName, scope};

/// One revision of the configuration. The empty one, revision 0, stands before the first `apply`.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    revision: u64,
    organizations: BTreeMap<String, Revised<Organization>>,
    tenants: BTreeMap<TenantName, Revised<Tenant>>,
    policies: BTreeMap<TenantName, Revised<CrossTenantAccessPolicy>>,
    /// In order of source and name.
    synchronizations: Vec<NamedSynchronization>,
    projections: BTreeMap<TenantName, Revised<Projection>>,
    resolutions: BTreeMap<TenantName, Revised<NameResolution>>,
    directories: BTreeMap<TenantName, Revised<Directory>>,
    extensions: BTreeMap<TenantName, Revised<DirectoryExtensions>>,
}

/// A synchronization with its name.
#[derive(Debug, Clone)]
pub struct NamedSynchronization {
    /// The source, whose administrator wrote it.
    pub source: TenantName,
    /// Its name, unique within the source.
    pub name: String,
    /// The revision that last changed it.
    pub revision: u64,
    /// What it says.
    pub spec: Synchronization,
}

impl NamedSynchronization {
    /// The id of its resource.
    #[must_use]
    pub fn id(&self) -> Id {
        Id { kind: Kind::Synchronization, tenant: Some(self.source.clone()), name: self.name.clone() }
    }
}

/// What a resource says, and the revision that last changed it.
#[derive(Debug, Clone)]
struct Revised<T> {
    revision: u64,
    spec: T,
}

impl Configuration {
    /// The configuration of a revision. Of two resources with one id the later in order counts.
    #[must_use]
    pub fn new(revision: u64, resources: impl IntoIterator<Item = Resource>) -> Self {
        let mut configuration = Self { revision, ..Self::default() };
        let mut synchronizations = BTreeMap::new();
        for Resource { id, revision, spec } in resources {
            match (spec, id.tenant) {
                (Spec::Organization(spec), _) => {
                    configuration.organizations.insert(id.name, Revised { revision, spec });
                }
                (Spec::Tenant(spec), _) => {
                    let name = TenantName::new(id.name).ok();
                    name.and_then(|name| configuration.tenants.insert(name, Revised { revision, spec }));
                }
                (Spec::CrossTenantAccessPolicy(spec), Some(tenant)) => {
                    configuration.policies.insert(tenant, Revised { revision, spec });
                }
                (Spec::Synchronization(spec), Some(tenant)) => {
                    synchronizations.insert((tenant, id.name), Revised { revision, spec });
                }
                (Spec::Projection(spec), Some(tenant)) => {
                    configuration.projections.insert(tenant, Revised { revision, spec });
                }
                (Spec::NameResolution(spec), Some(tenant)) => {
                    configuration.resolutions.insert(tenant, Revised { revision, spec });
                }
                (Spec::Directory(spec), Some(tenant)) => {
                    configuration.directories.insert(tenant, Revised { revision, spec });
                }
                (Spec::DirectoryExtensions(spec), Some(tenant)) => {
                    configuration.extensions.insert(tenant, Revised { revision, spec });
                }
                // Only the control API knows names beside keys.
                (Spec::Rename(_), _) => {}
                // Validation refuses these: they belong to a tenant and name none.
                (
                    Spec::CrossTenantAccessPolicy(_)
                    | Spec::Synchronization(_)
                    | Spec::Projection(_)
                    | Spec::NameResolution(_)
                    | Spec::Directory(_)
                    | Spec::DirectoryExtensions(_),
                    None,
                ) => {}
            }
        }
        let named = |((source, name), Revised { revision, spec })| NamedSynchronization { source, name, revision, spec };
        configuration.synchronizations = synchronizations.into_iter().map(named).collect();
        configuration
    }

    /// Whether anything that concerns a pair of tenants was changed after a revision.
    #[must_use]
    pub fn changed_since(&self, source: &TenantName, target: &TenantName, revision: u64) -> bool {
        let tenants = [source, target].into_iter();
        let theirs = tenants.flat_map(|tenant| {
            let (tenants, policies) = (self.tenants.get(tenant), self.policies.get(tenant));
            tenants.map(|one| one.revision).into_iter().chain(policies.map(|one| one.revision))
        });
        let pair = self.synchronization(source, target).map(|synchronization| synchronization.revision);
        theirs.chain(pair).any(|changed| changed > revision)
    }

    /// The revision.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Every tenant, by name.
    pub fn tenants(&self) -> impl Iterator<Item = (&TenantName, &Tenant)> {
        self.tenants.iter().map(|(name, tenant)| (name, &tenant.spec))
    }

    /// The tenant of a name.
    #[must_use]
    pub fn tenant(&self, name: &TenantName) -> Option<&Tenant> {
        self.tenants.get(name).map(|tenant| &tenant.spec)
    }

    /// Every synchronization, by source and name.
    pub fn synchronizations(&self) -> impl Iterator<Item = &NamedSynchronization> {
        self.synchronizations.iter()
    }

    /// The synchronizations out of a tenant.
    pub fn synchronizations_from(&self, source: &TenantName) -> impl Iterator<Item = &NamedSynchronization> {
        // They are in order of the sources.
        let from = self.synchronizations.partition_point(|synchronization| synchronization.source < *source);
        self.synchronizations[from..].iter().take_while(move |synchronization| synchronization.source == *source)
    }

    /// The tenants that some synchronization reads.
    #[must_use]
    pub fn sources(&self) -> BTreeSet<&TenantName> {
        self.synchronizations.iter().map(|synchronization| &synchronization.source).collect()
    }

    /// The synchronization between two tenants; there is one at most.
    #[must_use]
    pub fn synchronization(&self, source: &TenantName, target: &TenantName) -> Option<&NamedSynchronization> {
        self.synchronizations_from(source).find(|synchronization| synchronization.spec.to == *target)
    }

    /// What is needed of a tenant's directory, and the revision that last changed that need.
    #[must_use]
    pub fn projection(&self, tenant: &TenantName) -> Option<(u64, &Projection)> {
        self.projections.get(tenant).map(|projection| (projection.revision, &projection.spec))
    }

    /// Which group names of a tenant are looked up, and the revision that last changed that.
    #[must_use]
    pub fn name_resolution(&self, tenant: &TenantName) -> Option<(u64, &NameResolution)> {
        self.resolutions.get(tenant).map(|resolution| (resolution.revision, &resolution.spec))
    }

    /// Which directory a tenant was found to be at first contact, or was confirmed to be since.
    #[must_use]
    pub fn directory(&self, tenant: &TenantName) -> Option<&DirectoryId> {
        self.directories.get(tenant).map(|directory| &directory.spec.id)
    }

    /// The default domain of a tenant, as it was read last.
    #[must_use]
    pub fn default_domain(&self, tenant: &TenantName) -> Option<&str> {
        self.directories.get(tenant)?.spec.default_domain.as_deref()
    }

    /// What mappings know of the attributes of a tenant.
    #[must_use]
    pub fn attributes(&self, tenant: &TenantName) -> AttributeTable<'_> {
        AttributeTable::new(self.extensions.get(tenant).map(|extensions| &extensions.spec))
    }

    /// What mappings know of the attributes of a source and a target.
    #[must_use]
    pub fn tables(&self, source: &TenantName, target: &TenantName) -> Tables<'_> {
        Tables { source: self.attributes(source), target: self.attributes(target) }
    }

    /// Whether a tenant's organization lists it: one that is not listed is not read, and nothing is written for it.
    #[must_use]
    pub fn is_listed(&self, tenant: &TenantName) -> bool {
        self.one_organization(tenant, tenant)
    }

    /// Whether two tenants are confirmed members of one organization: it lists both, and both name it back.
    #[must_use]
    pub fn one_organization(&self, a: &TenantName, b: &TenantName) -> bool {
        let (Some(ours), Some(theirs)) = (self.tenant(a), self.tenant(b)) else { return false };
        let listed = |organization: &Revised<Organization>| [a, b].iter().all(|name| organization.spec.tenants.contains(name));
        ours.organization == theirs.organization && self.organizations.get(&ours.organization).is_some_and(listed)
    }

    /// A target's terms for a source; `None` where it has none beyond consent.
    #[must_use]
    pub fn terms(&self, target: &TenantName, source: &TenantName) -> Option<&PartnerTerms> {
        self.policies.get(target)?.spec.partners.get(source)
    }

    /// The newest revision of anything that decisions for a source's users are made of: where it is older than what they were decided
    /// with, deciding them again changes nothing.
    #[must_use]
    pub fn basis(&self, source: &TenantName) -> u64 {
        let of_tenant = |name: &TenantName| {
            let tenant = self.tenants.get(name);
            let organization = tenant.and_then(|tenant| self.organizations.get(&tenant.spec.organization));
            [tenant.map(|tenant| tenant.revision), organization.map(|organization| organization.revision)]
        };
        let of_synchronization = |synchronization: &NamedSynchronization| {
            let terms = self.policies.get(&synchronization.spec.to).map(|policy| policy.revision);
            let [tenant, organization] = of_tenant(&synchronization.spec.to);
            let mut mappings = synchronization.spec.mappings.iter();
            let names_extensions = scope::names_extension(&synchronization.spec.scope)
                || mappings.any(|(target, mapping)| mapping::names_extension(target, mapping));
            let extensions = [source, &synchronization.spec.to].map(|tenant| self.extensions.get(tenant).filter(|_| names_extensions));
            let [of_source, of_target] = extensions.map(|extensions| extensions.map(|extensions| extensions.revision));
            let names_domain = synchronization.spec.mappings.values().any(mapping::reads_default_domain);
            let domain = self.directories.get(&synchronization.spec.to).filter(|_| names_domain).map(|directory| directory.revision);
            [Some(synchronization.revision), terms, tenant, organization, of_source, of_target, domain]
        };
        // A delta for a newer projection than this replica's gets no decision until the replica has that projection.
        let projection = self.projection(source).map(|(revision, _)| revision);
        let parts = self.synchronizations_from(source).flat_map(of_synchronization).chain(of_tenant(source)).chain([projection]);
        parts.flatten().max().unwrap_or(0)
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
