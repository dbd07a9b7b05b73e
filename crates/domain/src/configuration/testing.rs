//! Small configurations for tests, written as administrators write them.

use std::collections::BTreeMap;

use super::Configuration;
use crate::TenantName;
use crate::resource::{Id, Kind, Resource, Spec};

/// Resources by id, each with its revision.
#[derive(Default)]
pub(crate) struct Yaml(BTreeMap<Id, (u64, Spec)>);

impl Yaml {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&mut self, revision: u64, kind: Kind, tenant: Option<&str>, name: &str, json: &str) -> &mut Self {
        let id = Id { kind, tenant: tenant.map(|tenant| TenantName::new(tenant).expect("a tenant's name")), name: name.to_owned() };
        let spec = Spec::from_json(kind, json.as_bytes()).unwrap_or_else(|error| panic!("{id}: {error}: {json}"));
        self.0.insert(id, (revision, spec));
        self
    }

    pub(crate) fn organization(&mut self, name: &str, json: &str) -> &mut Self {
        self.add(1, Kind::Organization, None, name, json)
    }

    pub(crate) fn tenant(&mut self, name: &str, organization: &str) -> &mut Self {
        let client = r#"{"clientId":"app","clientSecret":{"file":"secret"}}"#;
        let graph = format!(r#"{{"domain":"{name}.example","reader":{client},"writer":{client}}}"#);
        self.add(1, Kind::Tenant, Some(name), name, &format!(r#"{{"organization":"{organization}","graph":{graph}}}"#))
    }

    pub(crate) fn synchronization(&mut self, source: &str, name: &str, json: &str) -> &mut Self {
        self.add(1, Kind::Synchronization, Some(source), name, json)
    }

    pub(crate) fn access_policy(&mut self, tenant: &str, json: &str) -> &mut Self {
        self.add(1, Kind::CrossTenantAccessPolicy, Some(tenant), "policy", json)
    }

    pub(crate) fn projection(&mut self, tenant: &str, revision: u64) -> &mut Self {
        self.add(revision, Kind::Projection, Some(tenant), "projection", r#"{"attributes":[],"groups":[]}"#)
    }

    pub(crate) fn wanted(&self) -> BTreeMap<Id, Spec> {
        self.0.iter().map(|(id, (_, spec))| (id.clone(), spec.clone())).collect()
    }

    pub(crate) fn configuration(&self, revision: u64) -> Configuration {
        let resource = |(id, (revision, spec)): (&Id, &(u64, Spec))| Resource { id: id.clone(), revision: *revision, spec: spec.clone() };
        Configuration::new(revision, self.0.iter().map(resource))
    }
}
