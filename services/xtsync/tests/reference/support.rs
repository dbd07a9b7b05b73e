//! Documents as values, and the schema and the parser as one verdict each.

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;
use xtsync::reference;
use xtsync_connector_graph::GraphConnector;
use xtsync_control::manifest::{self, File};
use xtsync_directory::{Connector, Connectors};

/// The validator of the schema that is published.
pub(crate) fn validator() -> Validator {
    jsonschema::draft202012::new(&reference::schema()).unwrap()
}

/// The documents of a YAML text.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// What the parser says of a document, and the connector of its section. JSON is YAML.
pub(crate) fn parse(document: &Value) -> Result<(), String> {
    let mut document = document.clone();
    document.as_object_mut().unwrap().entry("apiVersion").or_insert_with(|| manifest::API_VERSION.into());
    let file = File { name: "f".to_owned(), yaml: document.to_string() };
    let written = manifest::read(&[file]).map_err(|problems| format!("{problems:?}"))?;
    let connectors = Connectors::new([Arc::new(GraphConnector::default()) as Arc<dyn Connector>]);
    let mut described = written.iter().filter_map(|resource| resource.spec.tenant()).map(|tenant| connectors.describe(tenant));
    described.try_for_each(|described| described.map(drop).map_err(|problem| format!("{problem:?}")))
}

/// A valid document of each kind in which every field is written, as far as fields do not exclude each other.
pub(crate) fn full() -> Vec<Value> {
    documents(include_str!("full.yaml"))
}
