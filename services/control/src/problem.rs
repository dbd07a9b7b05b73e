//! What is wrong with what an administrator wrote, and where.

use std::fmt;

/// One mistake, with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands; `None` where no single place is at fault.
    pub place: Option<Place>,
    /// What is wrong, lower case and without a full stop.
    pub message: String,
}

/// A place in a file of configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the caller named it.
    pub file: String,
    /// Which of its documents, from 1.
    pub document: usize,
    /// The line in the file, from 1; 0 where it is not known.
    pub line: usize,
    /// The field's path such as `spec.scope.groups[0]`; empty for the document itself.
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
