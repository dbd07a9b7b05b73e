//! The connector: its section of a Tenant is `memory: {directory: NAME, deletionGracePeriod: 30d}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};
use xtsync_directory::{Connector, Error, Result, Source, Target};
use xtsync_domain::Capabilities;
use xtsync_domain::capability::{DELETION_GRACE_PERIOD, RecycleBin};
use xtsync_domain::duration;
use xtsync_domain::resource::{Description, Location, SectionProblem};
use xtsync_secrets::TenantSecrets;

use super::{CAPABILITIES, Memory};

/// Directories by name.
pub struct MemoryConnector(pub BTreeMap<String, Memory>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Section {
    /// Which directory.
    directory: String,
    /// How long a user who must go stays disabled before the deletion, which is final.
    #[serde(default)]
    deletion_grace_period: Option<String>,
}

impl MemoryConnector {
    fn directory(&self, settings: &Map<String, Value>) -> Result<Memory> {
        let unreadable = |problem: SectionProblem| Error::Malformed { reason: problem.message };
        let name = read(settings).map_err(unreadable)?.directory;
        self.0.get(&name).cloned().ok_or_else(|| Error::Unavailable { reason: "no such directory".to_owned() })
    }
}

fn read(settings: &Map<String, Value>) -> Result<Section, SectionProblem> {
    let problem = |error: serde_json::Error| SectionProblem { path: "memory".to_owned(), message: error.to_string() };
    serde_json::from_value(Value::Object(settings.clone())).map_err(problem)
}

impl Connector for MemoryConnector {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Section>()
    }

    fn describe(&self, settings: &Map<String, Value>) -> Result<Description, SectionProblem> {
        let section = read(settings)?;
        let problem = |message| SectionProblem { path: "memory.deletionGracePeriod".to_owned(), message };
        let grace_period = section.deletion_grace_period.map(|text| duration::parse(&text)).transpose().map_err(problem)?;
        let recycle_bin = RecycleBin::Absent { grace_period: grace_period.unwrap_or(DELETION_GRACE_PERIOD) };
        Ok(Description {
            location: Location::new("memory", &section.directory),
            directory_field: "directory",
            urls: Vec::new(),
            secrets: Vec::new(),
            is_writable: true,
            writer_field: "directory",
            capabilities: Capabilities { recycle_bin, ..CAPABILITIES },
        })
    }

    fn source(&self, settings: &Map<String, Value>, _: TenantSecrets) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(self.directory(settings)?))
    }

    fn target(&self, settings: &Map<String, Value>, _: TenantSecrets) -> Result<Arc<dyn Target>> {
        Ok(Arc::new(self.directory(settings)?))
    }
}
