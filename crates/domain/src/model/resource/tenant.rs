//! A tenant: one directory, and how to reach it.
//!
//! The settings of the connection belong to a connector, which alone reads them; see [`super::ConnectorSection`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ConnectorSection;

/// One directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Tenant {
    /// The organization it says it belongs to.
    pub organization: String,
    /// How to reach it: the one connector section of the spec.
    pub connector: ConnectorSection,
}

/// The fields as they are written: the organization, and one section named for its connector.
#[derive(Clone, Serialize, Deserialize)]
struct Fields {
    organization: String,
    #[serde(flatten)]
    sections: BTreeMap<String, Value>,
}

impl TryFrom<Fields> for Tenant {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let Fields { organization, mut sections } = fields;
        match (sections.pop_first(), sections.pop_first()) {
            (Some((connector, Value::Object(settings))), None) => {
                Ok(Self { organization, connector: ConnectorSection { connector, settings } })
            }
            (Some((connector, _)), None) => Err(format!("the connector section `{connector}` must hold fields, such as {{name: value}}")),
            (None, _) => Err("missing a connector section, such as `graph`".to_owned()),
            (Some((first, _)), Some((second, _))) => {
                Err(format!("a Tenant has exactly one connector section, not both `{first}` and `{second}`"))
            }
        }
    }
}

impl From<Tenant> for Fields {
    fn from(tenant: Tenant) -> Self {
        let ConnectorSection { connector, settings } = tenant.connector;
        Self { organization: tenant.organization, sections: BTreeMap::from([(connector, Value::Object(settings))]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_exactly_one_connector_section() {
        for (json, want) in [
            (r#"{"organization":"o","graph":{"domain":"d"}}"#, Ok("graph")),
            (r#"{"organization":"o","ldap":{}}"#, Ok("ldap")),
            (r#"{"organization":"o"}"#, Err("missing a connector section, such as `graph`")),
            (
                r#"{"organization":"o","graph":{},"ldap":{}}"#,
                Err("a Tenant has exactly one connector section, not both `graph` and `ldap`"),
            ),
            (r#"{"organization":"o","graph":7}"#, Err("the connector section `graph` must hold fields, such as {name: value}")),
            (r#"{"graph":{}}"#, Err("missing field `organization`")),
        ] {
            let got = serde_json::from_str::<Tenant>(json).map_err(|error| error.to_string());
            match (&got, want) {
                (Ok(tenant), Ok(connector)) => {
                    assert_eq!(tenant.connector.connector, connector);
                    assert_eq!(serde_json::to_string(tenant).unwrap(), json);
                }
                (Err(error), Err(want)) => assert!(error.starts_with(want), "{error}"),
                (got, want) => panic!("{got:?} instead of {want:?}"),
            }
        }
    }
}
