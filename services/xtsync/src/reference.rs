//! The reference of all resources: one JSON schema, and what is generated from it.
//!
//! `docs/resources.schema.json`, the pages of `docs/reference/` and `xtsync explain-field` all read the schema. So a field is documented in one
//! place, the doc comment of the struct that the parser reads.

mod choice;
mod explain;
mod field;
mod find;
mod flow;
mod limits;
mod page;
mod resolve;

use serde_json::Value;
use xtsync_control::manifest;

pub use choice::Choice;
pub use explain::{explained, tree};
pub use field::Field;
pub use find::{NotFound, find};
pub use page::{Page, pages};

use crate::run::connectors;

/// The JSON schema of the resources that administrators write.
#[must_use]
pub fn schema() -> Value {
    manifest::schema(&connectors())
}

/// The schema as it is printed and published.
#[must_use]
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

/// The kinds, each with its fields.
#[must_use]
pub fn kinds() -> Vec<Field> {
    field::kinds(&schema())
}
