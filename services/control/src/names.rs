//! Names and keys of tenants: administrators write and read names, everything else uses keys.
//!
//! A tenant's key is the name under which it was first applied. A rename changes the name and never the key, so topics, tables, leases,
//! metrics, logs, secrets and events stay as they are. The control API translates at its edge: names to keys in what it is given, keys to
//! names in what it answers.

use std::collections::BTreeMap;
use std::fmt;

use xtsync_contract::control;
use xtsync_domain::resource::{CrossTenantAccessPolicy, Id, Kind, NameResolution, Organization, Resource, Spec, Synchronization};
use xtsync_domain::{TenantName, key};
use xtsync_store::{Error, Store};

use crate::manifest::Written;
use crate::problem::Problem;
use crate::resources;

/// The names of the renamed tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The names that differ from their keys, by key.
    renamed: BTreeMap<TenantName, TenantName>,
}

/// The key of a renamed tenant was given as its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    key: TenantName,
    name: TenantName,
}

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant '{}' is now named '{}'", self.key, self.name)
    }
}

impl From<Renamed> for crate::Error {
    fn from(renamed: Renamed) -> Self {
        Self::Refused(vec![Problem { place: None, message: renamed.to_string() }])
    }
}

impl Names {
    /// Returns the names in a configuration.
    pub fn of<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Self {
        let renamed = resources.into_iter().filter_map(|resource| match (&resource.spec, &resource.id.tenant) {
            (Spec::Rename(rename), Some(key)) if rename.name != *key => Some((key.clone(), rename.name.clone())),
            (_, _) => None,
        });
        Self { renamed: renamed.collect() }
    }

    /// Reads the names in the stored configuration.
    pub(crate) async fn read(store: &Store) -> Result<Self, Error> {
        Ok(Self::of(resources::read(store).await?.values()))
    }

    /// Returns the key of the tenant with this name. A name that no renamed tenant has is its own key.
    ///
    /// # Errors
    /// If the name is the key of a tenant that has another name now.
    pub fn key(&self, name: &TenantName) -> Result<TenantName, Renamed> {
        if let Some((key, _)) = self.renamed.iter().find(|(_, now)| *now == name) {
            return Ok(key.clone());
        }
        match self.renamed.get(name) {
            Some(now) => Err(Renamed { key: name.clone(), name: now.clone() }),
            None => Ok(name.clone()),
        }
    }

    /// Returns the name of the tenant with this key.
    #[must_use]
    pub fn name<'a>(&'a self, key: &'a TenantName) -> &'a TenantName {
        self.renamed.get(key).unwrap_or(key)
    }

    /// As [`Names::key`], of a text. A text that is no name stays as it is, and no tenant has it.
    pub(crate) fn key_of(&self, name: &str) -> Result<String, Renamed> {
        TenantName::new(name).map_or_else(|_| Ok(name.to_owned()), |name| self.key(&name).map(|key| key.as_str().to_owned()))
    }

    /// As [`Names::key_of`], of the source in `SOURCE/USER`. A user without a source stays as they are.
    pub(crate) fn user_key(&self, user: &str) -> Result<String, Renamed> {
        user.split_once('/').map_or_else(|| Ok(user.to_owned()), |(source, id)| Ok(format!("{}/{id}", self.key_of(source)?)))
    }

    /// As [`Names::name`], of a text.
    pub(crate) fn name_of(&self, key: &str) -> String {
        TenantName::new(key).map_or_else(|_| key.to_owned(), |key| self.name(&key).as_str().to_owned())
    }

    /// Returns `SOURCE/USER` for a record's key of a user, as an administrator writes it. Another text stays as it is.
    pub(crate) fn user_name(&self, record: &str) -> String {
        key::parse(record).map_or_else(|| record.to_owned(), |[source, id]| format!("{}/{id}", self.name_of(&source)))
    }

    /// Returns the written resources with keys.
    ///
    /// # Errors
    /// With a mistake for each place that names a renamed tenant by its key.
    pub(crate) fn keyed(&self, written: &[Written]) -> Result<Vec<(Id, Spec)>, Vec<Problem>> {
        let mut problems = Vec::new();
        let keyed = written.iter().map(|resource| {
            replace(&resource.id, &resource.spec, |path, name| {
                self.key(name).unwrap_or_else(|renamed| {
                    let taken = if path == OWN_NAME { ", and its former name stays its key" } else { "" };
                    problems.push(Problem { place: Some(resource.place(path)), message: format!("{renamed}{taken}") });
                    name.clone()
                })
            })
        });
        let keyed = keyed.collect();
        if problems.is_empty() { Ok(keyed) } else { Err(problems) }
    }

    /// Returns a resource with names.
    pub(crate) fn named(&self, id: &Id, spec: &Spec) -> (Id, Spec) {
        replace(id, spec, |_, key| self.name(key).clone())
    }

    /// Returns resources with names.
    pub(crate) fn all_named(&self, resources: &BTreeMap<Id, Spec>) -> BTreeMap<Id, Spec> {
        resources.iter().map(|(id, spec)| self.named(id, spec)).collect()
    }

    /// Replaces the keys in what is shown of a user by names. The link stays as it is published.
    pub(crate) fn name_link(&self, shown: &mut control::ShownLink) {
        shown.source = self.name_of(&shown.source);
        shown.target = self.name_of(&shown.target);
        let others = shown.reasons.iter_mut().filter_map(|reason| reason.parameters.get_mut("other"));
        others.for_each(|other| *other = self.user_name(other));
    }

    /// Replaces the keys in a status by names.
    pub(crate) fn name_status(&self, status: &mut control::FleetStatus) {
        for one in &mut status.synchronizations {
            one.source = self.name_of(&one.source);
            one.target = self.name_of(&one.target);
        }
        status.roles.iter_mut().for_each(|role| role.tenant = self.name_of(&role.tenant));
    }
}

/// The field that names a Tenant itself.
const OWN_NAME: &str = "metadata.name";

/// Returns a resource in which each name of a tenant is replaced; `with` is given the field and the name.
fn replace(id: &Id, spec: &Spec, mut with: impl FnMut(&str, &TenantName) -> TenantName) -> (Id, Spec) {
    let mut id = id.clone();
    let path = if id.kind == Kind::Tenant { OWN_NAME } else { "metadata.tenant" };
    id.tenant = id.tenant.map(|tenant| with(path, &tenant));
    if let (Kind::Tenant, Some(tenant)) = (id.kind, &id.tenant) {
        tenant.as_str().clone_into(&mut id.name);
    }
    let mut to =
        |synchronization: &Synchronization| Synchronization { to: with("spec.to", &synchronization.to), ..synchronization.clone() };
    let spec = match spec {
        Spec::Synchronization(synchronization) => Spec::Synchronization(to(synchronization)),
        Spec::NameResolution(NameResolution { names, pending }) => {
            let pending = pending.iter().map(|(name, synchronization)| (name.clone(), to(synchronization))).collect();
            Spec::NameResolution(NameResolution { names: names.clone(), pending })
        }
        Spec::Organization(organization) => {
            Spec::Organization(Organization { tenants: organization.tenants.iter().map(|tenant| with("spec.tenants", tenant)).collect() })
        }
        Spec::CrossTenantAccessPolicy(policy) => {
            let partner = |(partner, terms): (&TenantName, &_)| (with(&format!("spec.partners.{partner}"), partner), Clone::clone(terms));
            let partners = policy.partners.iter().map(partner).collect();
            Spec::CrossTenantAccessPolicy(CrossTenantAccessPolicy { partners, ..policy.clone() })
        }
        Spec::Tenant(_) | Spec::Projection(_) | Spec::Directory(_) | Spec::DirectoryExtensions(_) | Spec::Rename(_) => spec.clone(),
    };
    (id, spec)
}

#[cfg(test)]
mod tests;
