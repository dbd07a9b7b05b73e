//! Mistakes in written resources, and their places.

use std::fmt;

/// One mistake, with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The place; `None` if the mistake has no single place.
    pub place: Option<Place>,
    /// The message, in lower case and without a full stop.
    pub message: String,
}

/// A place in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file name that the caller gave.
    pub file: String,
    /// The number of the document in the file, from 1.
    pub document: usize,
    /// The line in the file, from 1; 0 if unknown.
    pub line: usize,
    /// The path of the field, such as `spec.scope.groups[0]`; empty for the document itself.
    pub path: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: document {}", self.file, self.document)?;
        if self.line > 0 {
            write!(f, ", line {}", self.line)?;
        }
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        Ok(())
    }
}
