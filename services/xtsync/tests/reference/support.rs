//! Documents as values, and the schema and the parser as one verdict each.

use jsonschema::Validator;
use serde_json::Value;
use xtsync::reference;
use xtsync_control::manifest::{self, File};

/// The validator of the schema that is published.
pub fn validator() -> Validator {
    jsonschema::draft202012::new(&reference::schema()).unwrap()
}

/// The documents of a YAML text.
pub fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// What the parser says of a document. JSON is YAML.
pub fn parse(document: &Value) -> Result<(), String> {
    let mut document = document.clone();
    document.as_object_mut().unwrap().entry("apiVersion").or_insert_with(|| manifest::API_VERSION.into());
    let file = File { name: "f".to_owned(), yaml: document.to_string() };
    manifest::read(&[file]).map(drop).map_err(|problems| format!("{problems:?}"))
}

/// A valid document of each kind in which every field is written, as far as fields do not exclude each other.
pub fn full() -> Vec<Value> {
    documents(include_str!("full.yaml"))
}
