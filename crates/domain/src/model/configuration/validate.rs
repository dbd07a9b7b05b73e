//! The rules over what would stand after an apply: every mistake at once, each with its resource and field.
//!
//! What one document can say wrongly by itself (unknown fields, wrong types) is refused where it is read; here is what only the whole
//! can show, and what would admit a user wrongly or send a secret unencrypted. A problem quotes names and attributes, never a value.

mod capabilities;
mod claims;
mod extensions;
mod filter;
mod mappings;
mod synchronization;

use std::collections::{BTreeMap, BTreeSet};

use crate::TenantName;
use crate::configuration::Configuration;
use crate::fact::Identity;
use crate::mapping::AttributeTable;
use crate::name::is_name;
use crate::resource::{CrossTenantAccessPolicy, Description, Id, Kind, Organization, Resource, Spec, Tenant, is_safe_for_secrets};

pub use extensions::{extension_problems, unread_extensions};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In which resource.
    pub id: Id,
    /// In which field, such as `spec.scope.groups[0]`.
    pub path: String,
    /// What is wrong, lower case and without a full stop. Of a mistake in an expression or a filter, two more lines show the place in its text.
    pub message: String,
}

/// Says what the connector section of a Tenant means; `None` where its connector cannot read it.
pub type Describe<'a> = &'a dyn Fn(&Tenant) -> Option<Description>;

/// What an apply would make of the configuration.
#[derive(Clone, Copy)]
pub struct Proposal<'a> {
    /// What stood before.
    pub standing: &'a BTreeMap<Id, Spec>,
    /// What would stand: what stood before, with what is applied over it.
    pub wanted: &'a BTreeMap<Id, Spec>,
    /// What is applied.
    pub written: &'a BTreeSet<Id>,
    /// Who the tenants are, as far as they were read.
    pub identities: &'a BTreeMap<TenantName, Identity>,
    /// What connector sections mean.
    pub describe: Describe<'a>,
}

/// Every mistake in what would stand.
#[must_use]
pub fn problems(proposal: &Proposal<'_>) -> Vec<Problem> {
    let wanted = proposal.wanted;
    let resources = wanted.iter().map(|(id, spec)| Resource { id: id.clone(), revision: 0, spec: spec.clone() });
    let configuration = Configuration::new(0, resources);
    let mut problems = Vec::new();
    for (id, spec) in wanted {
        let mut found = Found { id, problems: &mut problems };
        if !is_name(&id.name) {
            found.add("metadata.name", "is not a name: 1 to 40 characters of a-z, 0-9 and '-'");
        }
        namespace(id, &configuration, &mut found);
        match spec {
            Spec::Organization(organization) => check_organization(organization, &configuration, &mut found),
            Spec::Tenant(tenant) => check_tenant(tenant, proposal.describe, wanted, &mut found),
            Spec::CrossTenantAccessPolicy(policy) => {
                check_access_policy(policy, &attributes(proposal, id, spec, &configuration), &configuration, &mut found)
            }
            Spec::Synchronization(synchronization) => {
                synchronization::check(id, synchronization, &configuration, proposal.describe, &mut found);
                capabilities::check(id, synchronization, &configuration, proposal.describe, &mut found);
                if is_news(proposal, id, spec) {
                    extensions::check(id, synchronization, &configuration, &mut found);
                }
            }
            Spec::Projection(_) | Spec::NameResolution(_) | Spec::Directory(_) | Spec::DirectoryExtensions(_) | Spec::Rename(_) => {}
        }
    }
    claims::check(proposal, &mut problems);
    problems
}

/// Collects the mistakes of one resource.
struct Found<'a> {
    id: &'a Id,
    problems: &'a mut Vec<Problem>,
}

impl Found<'_> {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem { id: self.id.clone(), path: path.into(), message: message.into() });
    }

    /// Adds a mistake in the text of an expression or a filter, with its place in it.
    fn add_at(&mut self, path: &str, error: &xtsync_language::Error, text: &str) {
        let place: String = error.place(text).lines().map(|line| format!("\n    {line}")).collect();
        self.add(path, format!("{error}{place}"));
    }
}

/// A tenant is a namespace. An Organization has none, a Tenant is its own, and any other resource belongs to an existing tenant.
fn namespace(id: &Id, configuration: &Configuration, found: &mut Found<'_>) {
    match (id.kind, &id.tenant) {
        (Kind::Organization, None) | (Kind::Tenant, None) => {}
        (Kind::Organization, Some(_)) => found.add("metadata.tenant", "an Organization belongs to no tenant"),
        (Kind::Tenant, Some(tenant)) if tenant.as_str() == id.name => {}
        (Kind::Tenant, Some(_)) => found.add("metadata.tenant", "a Tenant belongs to itself"),
        (
            Kind::CrossTenantAccessPolicy
            | Kind::Synchronization
            | Kind::Projection
            | Kind::NameResolution
            | Kind::Directory
            | Kind::DirectoryExtensions
            | Kind::Rename,
            owner,
        ) => match owner {
            None => found.add("metadata.tenant", format!("a {} belongs to a tenant", id.kind)),
            Some(tenant) if configuration.tenant(tenant).is_none() => found.add("metadata.tenant", no_tenant(tenant)),
            Some(_) => {}
        },
    }
}

fn check_organization(organization: &Organization, configuration: &Configuration, found: &mut Found<'_>) {
    for tenant in organization.tenants.iter().filter(|tenant| configuration.tenant(tenant).is_none()) {
        found.add("spec.tenants", no_tenant(tenant));
    }
}

fn check_tenant(tenant: &Tenant, describe: Describe<'_>, wanted: &BTreeMap<Id, Spec>, found: &mut Found<'_>) {
    let organization = Id { kind: Kind::Organization, tenant: None, name: tenant.organization.clone() };
    if !wanted.contains_key(&organization) {
        found.add("spec.organization", format!("there is no Organization '{}'", tenant.organization));
    }
    // A section that its connector cannot read is reported by the caller, who knows why.
    let Some(description) = describe(tenant) else { return };
    let connector = &tenant.connector.connector;
    for described in &description.urls {
        if !is_safe_for_secrets(&described.url) {
            let message = "would send a secret in the clear: use https, or http to this machine";
            found.add(format!("spec.{connector}.{}", described.field), message);
        }
        if !described.is_plain() {
            let message = "holds credentials, a query or a fragment: write scheme, host, port and path only";
            found.add(format!("spec.{connector}.{}", described.field), message);
        }
    }
    for (field, _) in description.secrets.iter().filter(|(_, secret)| !secret.is_below()) {
        let message = "is not a relative path without '..': it is looked up in the tenant's secrets directory";
        found.add(format!("spec.{connector}.{field}"), message);
    }
    if description.location.directory.is_empty() {
        found.add(format!("spec.{connector}.{}", description.directory_field), "is empty");
    }
}

/// Whether a resource is written and says what it did not say before. What stands may name an extension that is gone since, and that must
/// not block other applies.
fn is_news(proposal: &Proposal<'_>, id: &Id, spec: &Spec) -> bool {
    proposal.written.contains(id) && proposal.standing.get(id) != Some(spec)
}

/// The attributes that a tenant's own resource may name.
fn attributes<'a>(proposal: &Proposal<'_>, id: &Id, spec: &Spec, configuration: &'a Configuration) -> AttributeTable<'a> {
    let tenant = id.tenant.as_ref().filter(|_| is_news(proposal, id, spec));
    tenant.map_or_else(AttributeTable::default, |tenant| configuration.attributes(tenant))
}

fn check_access_policy(policy: &CrossTenantAccessPolicy, table: &AttributeTable<'_>, configuration: &Configuration, found: &mut Found<'_>) {
    for (partner, terms) in &policy.partners {
        if configuration.tenant(partner).is_none() {
            found.add(format!("spec.partners.{partner}"), no_tenant(partner));
        }
        for attribute in terms.keeps.iter().filter(|attribute| !table.is_writable(attribute)) {
            found.add(format!("spec.partners.{partner}.keeps"), format!("'{attribute}' is no attribute that is ever written"));
        }
    }
}

fn no_tenant(name: &TenantName) -> String {
    format!("there is no Tenant '{name}'")
}

#[cfg(test)]
mod tests;
