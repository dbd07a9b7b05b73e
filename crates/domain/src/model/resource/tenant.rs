//! A tenant: one directory, and how to reach it.
//!
//! The settings of the connection belong to a connector, which alone reads them; see [`super::ConnectorSection`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ConnectorSection;

/// The most partitions that a Tenant may say. Replicas of policy share the partitions of a source, and a few dozen of them decide more than
/// any directory changes.
pub const PARTITIONS_MAX: u32 = 100;

/// The partitions where a Tenant says none.
const PARTITIONS_DEFAULT: u32 = 1;

/// One directory, and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Tenant {
    /// The organization it says it belongs to.
    pub organization: String,
    /// How many partitions each topic of the tenant is created with, 1 to [`PARTITIONS_MAX`]; `None` where it does not say.
    partitions: Option<u32>,
    /// How to reach it: the one connector section of the spec.
    pub connector: ConnectorSection,
}

impl Tenant {
    /// How many partitions each topic of the tenant is created with. How many the topics have is known to the bus.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.partitions.unwrap_or(PARTITIONS_DEFAULT)
    }
}

/// The fields as they are written: those of every Tenant, and one section named for its connector. The schemas of sections are
/// added where the connectors are known.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Fields {
    /// The name of the Organization that the tenant belongs to. The Organization lists the tenant, too.
    #[schemars(schema_with = "crate::schema::name", example = &"contoso")]
    organization: String,
    /// How many partitions each Kafka topic of the tenant is created with. Topics that exist keep their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = PARTITIONS_MAX), example = 6, extend("default" = PARTITIONS_DEFAULT))]
    partitions: Option<u32>,
    #[serde(flatten)]
    #[schemars(skip)]
    sections: BTreeMap<String, Value>,
}

impl TryFrom<Fields> for Tenant {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let Fields { organization, partitions, mut sections } = fields;
        if partitions.is_some_and(|partitions| !(1..=PARTITIONS_MAX).contains(&partitions)) {
            return Err(format!("`partitions` is a number from 1 to {PARTITIONS_MAX}"));
        }
        match (sections.pop_first(), sections.pop_first()) {
            (Some((connector, Value::Object(settings))), None) => {
                Ok(Self { organization, partitions, connector: ConnectorSection { connector, settings } })
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
        Self {
            organization: tenant.organization,
            partitions: tenant.partitions,
            sections: BTreeMap::from([(connector, Value::Object(settings))]),
        }
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

    #[test]
    fn a_tenant_may_say_how_many_partitions_its_topics_get() {
        for (json, want) in [
            (r#"{"organization":"o","graph":{}}"#, Ok(1)),
            (r#"{"organization":"o","partitions":1,"graph":{}}"#, Ok(1)),
            (r#"{"organization":"o","partitions":100,"graph":{}}"#, Ok(100)),
            (r#"{"organization":"o","partitions":0,"graph":{}}"#, Err("`partitions` is a number from 1 to 100")),
            (r#"{"organization":"o","partitions":101,"graph":{}}"#, Err("`partitions` is a number from 1 to 100")),
            (r#"{"organization":"o","partitions":"many","graph":{}}"#, Err("invalid type: string \"many\", expected u32")),
        ] {
            match (serde_json::from_str::<Tenant>(json).map_err(|error| error.to_string()), want) {
                (Ok(tenant), Ok(partitions)) => {
                    assert_eq!(tenant.partitions(), partitions);
                    assert_eq!(serde_json::to_string(&tenant).unwrap(), json, "what is not written stays so");
                }
                (Err(error), Err(want)) => assert!(error.starts_with(want), "{error}"),
                (got, want) => panic!("{got:?} instead of {want:?}"),
            }
        }
    }
}
