//! Reads resources from YAML files of one or more documents.
//!
//! A document without `apiVersion` inherits that of the document before it in the file. Reading continues after a mistake, so that every
//! mistake is reported at once, with file, document, line and field. Rules over several resources are not checked here but in the domain.

mod document;
mod lines;
mod schema;

use std::collections::BTreeMap;

pub use schema::schema;
use serde::de::DeserializeOwned;
use xtsync_domain::resource::{Id, Kind, Spec};

use crate::problem::{Place, Problem};

/// The `apiVersion` of resources.
pub const API_VERSION: &str = "xtsync.dev/v1";

/// The kinds that administrators write; control derives the others.
pub const KINDS: [Kind; 4] = [Kind::Organization, Kind::Tenant, Kind::CrossTenantAccessPolicy, Kind::Synchronization];

/// The maximum number of bytes of one apply.
pub const BYTES_MAX: usize = 4 << 20;

/// The maximum number of documents of one apply.
pub const DOCUMENTS_MAX: usize = 5_000;

/// The maximum number of fields in all documents of one apply. Each field is kept in memory with its line.
const FIELDS_MAX: usize = 400_000;

/// The maximum number of reported mistakes. Reading stops there.
const PROBLEMS_MAX: usize = 200;

/// The maximum length of a file name in bytes.
const NAME_BYTES_MAX: usize = 1_024;

/// One file of configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name that error messages use.
    pub name: String,
    /// The text.
    pub yaml: String,
}

/// A written resource, with the places of its fields.
#[derive(Debug)]
pub struct Written {
    /// The resource's id.
    pub id: Id,
    /// The spec.
    pub spec: Spec,
    source: document::Source,
}

impl Written {
    fn fields(&self) -> usize {
        self.source.fields()
    }

    /// Returns the place of a field, or of its nearest parent that is written.
    #[must_use]
    pub fn place(&self, path: &str) -> Place {
        self.source.place(path)
    }
}

/// Reads the resources of all files.
///
/// # Errors
/// Every mistake, in the order of the text, followed by duplicates. Reading stops at a limit.
pub fn read(files: &[File]) -> Result<Vec<Written>, Vec<Problem>> {
    let bytes: usize = files.iter().map(|file| file.yaml.len()).sum();
    if bytes > BYTES_MAX {
        return Err(vec![nowhere(format!("{bytes} bytes exceed the limit of {BYTES_MAX} per apply"))]);
    }
    if files.iter().any(|file| file.name.len() > NAME_BYTES_MAX) {
        return Err(vec![nowhere(format!("a file's name is longer than {NAME_BYTES_MAX} bytes"))]);
    }
    // A leading `---` counts as one document more, in each file.
    let documents: usize = files.iter().map(|file| document::count(&file.yaml)).sum();
    if documents > DOCUMENTS_MAX + files.len() {
        return Err(vec![nowhere(format!("{documents} documents exceed the limit of {DOCUMENTS_MAX} per apply"))]);
    }
    let (mut written, mut problems, mut fields) = (Vec::<Written>::new(), Vec::new(), 0);
    for read in files.iter().flat_map(document::read) {
        match read {
            Ok(resource) => {
                fields += resource.fields();
                written.push(resource);
            }
            Err(problem) => problems.push(problem),
        }
        if fields > FIELDS_MAX {
            return Err(vec![nowhere(format!("the documents exceed the limit of {FIELDS_MAX} fields per apply"))]);
        }
        if problems.len() == PROBLEMS_MAX {
            problems.push(nowhere("further mistakes are not reported".to_owned()));
            return Err(problems);
        }
    }
    if written.len() > DOCUMENTS_MAX {
        problems.push(nowhere(format!("{} documents exceed the limit of {DOCUMENTS_MAX} per apply", written.len())));
    }
    if written.is_empty() && problems.is_empty() {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        problems.push(nowhere(format!(
            "nothing to apply: no resource in {}",
            if names.is_empty() { "no file".to_owned() } else { names.join(", ") }
        )));
    }
    problems.extend(duplicates(&written));
    if problems.is_empty() { Ok(written) } else { Err(problems) }
}

fn duplicates(written: &[Written]) -> Vec<Problem> {
    let mut first: BTreeMap<&Id, &Written> = BTreeMap::new();
    let mut problems = Vec::new();
    for resource in written {
        if let Some(before) = first.get(&resource.id) {
            let place = before.place("metadata.name");
            let message = format!("{} is written twice, first in {} on line {}", resource.id, place.file, place.line);
            problems.push(Problem { place: Some(resource.place("metadata.name")), message });
        } else {
            first.insert(&resource.id, resource);
        }
    }
    problems
}

/// Parses a document within limits, so that aliases cannot expand a small text to large values. The schema itself is a few levels deep.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 32, max_nodes: 100_000, max_events: 400_000, max_aliases: 1_000, max_anchors: 1_000 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
    };
    serde_saphyr::from_str_with_options(text, options)
}

fn nowhere(message: String) -> Problem {
    Problem { place: None, message }
}

#[cfg(test)]
mod tests;
