//! Reads resources as administrators write them: YAML files of one or more documents.
//!
//! `apiVersion` is inherited within a file. A file is read to its end, so that every mistake is told at once, each with file,
//! document, line and field. Nothing here knows what else is configured: rules over several resources are the domain's.

mod document;
mod lines;

use std::collections::BTreeMap;

use xtsync_domain::resource::{Id, Spec};

use crate::problem::{Place, Problem};

/// The version that resources are written in.
pub const API_VERSION: &str = "xtsync.dev/v1";

/// The most bytes that one apply may bring.
pub const BYTES_MAX: usize = 4 << 20;

/// The most documents that one apply may bring.
pub const DOCUMENTS_MAX: usize = 5_000;

/// One file of configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// How error messages call it.
    pub name: String,
    /// Its text.
    pub yaml: String,
}

/// A resource as it was written, with the places of its fields.
#[derive(Debug)]
pub struct Written {
    /// Which one.
    pub id: Id,
    /// What it says.
    pub spec: Spec,
    source: document::Source,
}

impl Written {
    /// Where a field of it stands.
    #[must_use]
    pub fn place(&self, path: &str) -> Place {
        self.source.place(path)
    }
}

/// Reads files.
///
/// # Errors
/// Every mistake in all of them, in the order of the text.
pub fn read(files: &[File]) -> Result<Vec<Written>, Vec<Problem>> {
    let bytes: usize = files.iter().map(|file| file.yaml.len()).sum();
    if bytes > BYTES_MAX {
        return Err(vec![nowhere(format!("{bytes} bytes are more than the {BYTES_MAX} that one apply may bring"))]);
    }
    let (mut written, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        for read in document::read(file) {
            match read {
                Ok(resource) => written.push(resource),
                Err(problem) => problems.push(problem),
            }
        }
    }
    if written.len() > DOCUMENTS_MAX {
        problems.push(nowhere(format!("{} documents are more than the {DOCUMENTS_MAX} that one apply may bring", written.len())));
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

fn nowhere(message: String) -> Problem {
    Problem { place: None, message }
}

#[cfg(test)]
mod tests;
