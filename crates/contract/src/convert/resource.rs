//! Resources of the configuration. Their specs are JSON on the wire, so that the applied, stored and published texts are identical.

use xtsync_domain::resource::{Id, Kind, Resource, Spec};

use super::{Invalid, id, tenant};
use crate::internal;
use crate::internal::config_record::Record as Wire;

impl From<&Resource> for internal::ConfigRecord {
    fn from(resource: &Resource) -> Self {
        let Id { kind, tenant, name } = &resource.id;
        let wire = internal::Resource {
            kind: kind.as_str().to_owned(),
            tenant: tenant.as_ref().map(ToString::to_string).unwrap_or_default(),
            name: name.clone(),
            spec_json: resource.spec.to_json(),
        };
        Self { revision: resource.revision, record: Some(Wire::Resource(wire)) }
    }
}

impl TryFrom<internal::ConfigRecord> for Resource {
    type Error = Invalid;

    fn try_from(wire: internal::ConfigRecord) -> Result<Self, Invalid> {
        match wire.record.ok_or(Invalid::NewerWriter("record"))? {
            Wire::Resource(resource) => {
                let kind = Kind::of_name(&resource.kind).ok_or(Invalid::NewerWriter("resource.kind"))?;
                let tenant = if resource.tenant.is_empty() { None } else { Some(tenant("resource.tenant", resource.tenant)?) };
                let id = Id { kind, tenant, name: id("resource.name", resource.name)? };
                // A spec with an unknown field was written by a newer version. Ignoring the field could grant access that it denies.
                let spec = Spec::from_json(kind, &resource.spec_json).map_err(|_| Invalid::NewerWriter("resource.spec_json"))?;
                Ok(Self { id, revision: wire.revision, spec })
            }
            Wire::Commit(_) => Err(Invalid::Field("record", "is a commit, no resource".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(kind: Kind, tenant: Option<&str>, json: &str) -> Resource {
        let id = Id { kind, tenant: tenant.map(|name| name.parse().unwrap()), name: "x".to_owned() };
        Resource { id, revision: 4, spec: Spec::from_json(kind, json.as_bytes()).unwrap() }
    }

    #[test]
    fn a_resource_of_each_kind_survives_a_round_trip() {
        let client = r#"{"clientId":"app","clientSecret":{"file":"/run/s"}}"#;
        for resource in [
            resource(Kind::Organization, None, r#"{"tenants":["a","b"]}"#),
            resource(Kind::Tenant, None, &format!(r#"{{"organization":"o","graph":{{"domain":"a.example","reader":{client}}}}}"#)),
            resource(Kind::CrossTenantAccessPolicy, Some("b"), r#"{"partners":{"a":{"as":["Guest"],"keeps":["city"]}}}"#),
            resource(Kind::Synchronization, Some("a"), r#"{"to":"b","scope":{"groups":["G",{"id":"g1"}]},"scopeGracePeriod":"1s"}"#),
            resource(Kind::Projection, Some("a"), r#"{"attributes":["city"],"groups":["g1"]}"#),
            resource(Kind::NameResolution, Some("a"), r#"{"names":["G"],"pending":{"s":{"to":"b","scope":{"groups":["G"]}}}}"#),
            resource(Kind::Directory, Some("a"), r#"{"id":"7c1e"}"#),
            resource(Kind::DirectoryExtensions, Some("a"), r#"{"users":{"extension_e1_cost":{"dataType":"String"}},"gone":["x"]}"#),
            resource(Kind::Rename, Some("a"), r#"{"name":"b"}"#),
        ] {
            assert_eq!(Resource::try_from(internal::ConfigRecord::from(&resource)), Ok(resource));
        }
    }

    #[test]
    fn newer_writers_and_invalid_fields_are_distinguished() {
        let wire = |kind: &str, tenant: &str, name: &str, json: &str| {
            let (kind, tenant, name) = (kind.to_owned(), tenant.to_owned(), name.to_owned());
            let record = Some(Wire::Resource(internal::Resource { kind, tenant, name, spec_json: json.into() }));
            internal::ConfigRecord { revision: 1, record }
        };
        for (wire, want) in [
            (internal::ConfigRecord { revision: 1, record: None }, Invalid::NewerWriter("record")),
            (wire("Workflow", "a", "x", "{}"), Invalid::NewerWriter("resource.kind")),
            (wire("Organization", "", "x", r#"{"tenants":[],"colour":"red"}"#), Invalid::NewerWriter("resource.spec_json")),
            (wire("Organization", "", "", r#"{"tenants":[]}"#), Invalid::Field("resource.name", "is missing".to_owned())),
        ] {
            assert_eq!(Resource::try_from(wire), Err(want));
        }
    }
}
