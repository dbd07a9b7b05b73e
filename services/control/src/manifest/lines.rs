//! Which field stands on which line of a YAML document.
//!
//! Two questions meet here: the parser knows positions and no paths, the rules know paths and no positions. The fields are kept in the
//! order of the text, so the field at a position is the last one that begins before it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// The fields of one document: path, line and column of each, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<(String, u64, u64)>);

impl Lines {
    /// The fields of one document.
    pub(super) fn of(text: &str) -> Result<Self, serde_saphyr::Error> {
        let mut lines = Self::default();
        lines.add("", &serde_saphyr::from_str::<Tree>(text)?);
        Ok(lines)
    }

    /// The line of a field, or of the nearest one around it.
    pub(super) fn line(&self, path: &str) -> usize {
        let around = self.0.iter().filter(|(field, _, _)| is_around(field, path)).max_by_key(|(field, _, _)| field.len());
        around.and_then(|(_, line, _)| usize::try_from(*line).ok()).unwrap_or(0)
    }

    /// The path of the field at a position. Where a field is missing, the parser points at the first one that is there: then `around`
    /// asks for what both belong to.
    pub(super) fn path(&self, at: Location, around: bool) -> &str {
        let at = (at.line(), at.column());
        match self.0.iter().take_while(|(_, line, column)| (*line, *column) <= at).last() {
            Some((path, line, column)) if around && (*line, *column) == at => path.rfind(['.', '[']).map_or("", |end| &path[..end]),
            Some((path, _, _)) => path,
            None => "",
        }
    }

    fn add(&mut self, path: &str, tree: &Tree) {
        match tree {
            Tree::Scalar => {}
            Tree::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add_at(format!("{path}[{index}]"), item.referenced, &item.value);
                }
            }
            Tree::Mapping(fields) => {
                for (name, value) in fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.add_at(format!("{path}{dot}{}", name.value), name.referenced, value);
                }
            }
        }
    }

    fn add_at(&mut self, path: String, at: Location, tree: &Tree) {
        self.0.push((path.clone(), at.line(), at.column()));
        self.add(&path, tree);
    }
}

/// Whether `path` is `field` or lies in it.
fn is_around(field: &str, path: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The shape of a document without its values.
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
    fn a_field_is_found_on_its_line_and_a_missing_one_on_the_line_of_what_it_belongs_to() {
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
