//! Maps the fields of a YAML document to lines, and positions to fields.
//!
//! The parser reports positions without paths; the rules report paths without positions. The fields are kept in the order of the text, so
//! the field at a position is the last one that begins at or before it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// The fields of one document, in the order of the text. Each field refers to its parent, and a path is built only on request: all paths
/// together may be much longer than the text.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<Field>);

#[derive(Debug)]
struct Field {
    /// The index of the parent field; `None` for a top-level field.
    parent: Option<usize>,
    part: Part,
    line: u64,
    column: u64,
}

/// The last part of a field's path.
#[derive(Debug)]
enum Part {
    Name(String),
    Index(usize),
}

impl Lines {
    /// Parses the fields of one document.
    pub(super) fn of(text: &str) -> Result<Self, serde_saphyr::Error> {
        let mut lines = Self::default();
        lines.add(None, super::parse::<Tree>(text)?);
        Ok(lines)
    }

    /// Returns the number of fields.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the line of a field, or of its nearest parent that is written; 0 if there is none.
    pub(super) fn line(&self, path: &str) -> usize {
        // For each field the length of the path that it matches. A parent comes before its fields.
        let mut shared: Vec<Option<usize>> = Vec::with_capacity(self.0.len());
        for field in &self.0 {
            let before = field.parent.map_or(Some(0), |parent| shared[parent]);
            shared.push(before.and_then(|before| field.part.after(path, before)));
        }
        let nearest = shared.iter().enumerate().filter_map(|(place, shared)| Some(((*shared)?, place))).max();
        nearest.and_then(|(_, place)| usize::try_from(self.0[place].line).ok()).unwrap_or(0)
    }

    /// The path of the field at a position. An error about a mapping as a whole, such as a missing field, has the position of the mapping's
    /// first name: `around` asks for the mapping then.
    pub(super) fn path(&self, at: Location, around: bool) -> String {
        let at = (at.line(), at.column());
        let place = self.0.iter().take_while(|field| (field.line, field.column) <= at).count().checked_sub(1);
        match place.map(|place| (place, &self.0[place])) {
            Some((_, field)) if around && matches!(field.part, Part::Name(_)) && (field.line, field.column) == at => {
                self.path_of(field.parent)
            }
            Some((place, _)) => self.path_of(Some(place)),
            None => String::new(),
        }
    }

    fn path_of(&self, place: Option<usize>) -> String {
        let mut parts = Vec::new();
        let mut next = place;
        while let Some(place) = next {
            parts.push(&self.0[place].part);
            next = self.0[place].parent;
        }
        parts.iter().rev().fold(String::new(), |path, part| part.appended_to(path))
    }

    fn add(&mut self, parent: Option<usize>, tree: Tree) {
        match tree {
            Tree::Scalar => {}
            Tree::Sequence(items) => {
                for (index, item) in items.into_iter().enumerate() {
                    self.add_at(parent, Part::Index(index), item.referenced, item.value);
                }
            }
            Tree::Mapping(fields) => {
                for (name, value) in fields {
                    self.add_at(parent, Part::Name(name.value), name.referenced, value);
                }
            }
        }
    }

    fn add_at(&mut self, parent: Option<usize>, part: Part, at: Location, tree: Tree) {
        let place = self.0.len();
        self.0.push(Field { parent, part, line: at.line(), column: at.column() });
        self.add(Some(place), tree);
    }
}

impl Part {
    /// Returns the offset in the path after this part, if the path has this part at offset `at`.
    fn after(&self, path: &str, at: usize) -> Option<usize> {
        let rest = &path[at..];
        let left = match self {
            Self::Name(name) => rest.strip_prefix('.').filter(|_| at > 0).unwrap_or(rest).strip_prefix(name.as_str())?,
            Self::Index(index) => rest.strip_prefix(format!("[{index}]").as_str())?,
        };
        (left.is_empty() || left.starts_with(['.', '['])).then(|| path.len() - left.len())
    }

    fn appended_to(&self, path: String) -> String {
        match self {
            Self::Name(name) if path.is_empty() => name.clone(),
            Self::Name(name) => format!("{path}.{name}"),
            Self::Index(index) => format!("{path}[{index}]"),
        }
    }
}

/// The structure of a document, without its values.
enum Tree {
    Scalar,
    Sequence(Vec<Spanned<Tree>>),
    Mapping(Vec<(Spanned<String>, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Shape)
    }
}

struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Tree::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = from.next_entry()? {
            fields.push(field);
        }
        Ok(Tree::Mapping(fields))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        Tree::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "kind: Tenant\nspec:\n  to: x\n  scope:\n    groups:\n      - a\n      - {id: b}\n";

    #[test]
    fn a_field_has_its_line_and_a_missing_field_the_line_of_its_parent() {
        let lines = Lines::of(YAML).unwrap();
        for (path, want) in [
            ("kind", 1),
            ("spec.to", 3),
            ("spec.scope.groups[0]", 6),
            ("spec.scope.groups[1].id", 7),
            ("spec.scope.nested", 4),
            ("spec.graph.reader.clientId", 2),
            ("metadata.name", 0),
        ] {
            assert_eq!(lines.line(path), want, "{path}");
        }
    }
}
