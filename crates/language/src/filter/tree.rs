//! The syntax tree of a filter.

use std::fmt;

use super::operator::Operator;
use crate::lexer::quoted;
use crate::span::Span;

/// A part of a filter.
#[derive(Debug, Clone)]
pub struct Tree {
    /// What it is.
    pub node: Node,
    /// Where it is written.
    pub span: Span,
}

/// The kinds of parts.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// All of these hold.
    And(Vec<Tree>),
    /// Any of these holds.
    Or(Vec<Tree>),
    /// This does not hold.
    Not(Box<Tree>),
    /// An attribute passes a test.
    Clause {
        /// The attribute.
        attribute: String,
        /// Where that is written.
        attribute_span: Span,
        /// The test.
        operator: Operator,
        /// Its value; empty for a test without one.
        value: String,
        /// Where that is written.
        value_span: Span,
    },
}

impl Tree {
    /// The attributes that its clauses test, in order and as often as they stand there.
    #[must_use]
    pub fn attributes(&self) -> Vec<&str> {
        match &self.node {
            Node::And(parts) | Node::Or(parts) => parts.iter().flat_map(Self::attributes).collect(),
            Node::Not(part) => part.attributes(),
            Node::Clause { attribute, .. } => vec![attribute],
        }
    }
}

/// Equal when they say the same, wherever it is written.
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        match (&self.node, &other.node) {
            (
                Node::Clause { attribute, operator, value, .. },
                Node::Clause { attribute: other_attribute, operator: other_operator, value: other_value, .. },
            ) => (attribute, operator, value) == (other_attribute, other_operator, other_value),
            (node, other) => node == other,
        }
    }
}

/// The canonical text, which reads back as the same tree.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::And(parts) => list(f, parts, " AND ", |part| matches!(part, Node::And(_) | Node::Or(_))),
            Node::Or(parts) => list(f, parts, " OR ", |part| matches!(part, Node::Or(_))),
            Node::Not(part) => write!(f, "NOT ({part})"),
            Node::Clause { attribute, operator, value, .. } => {
                let is_plain = attribute.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
                if is_plain && attribute.starts_with(|first: char| first.is_ascii_alphabetic()) && !is_reserved(attribute) {
                    write!(f, "{attribute} {}", operator.name())?;
                } else {
                    write!(f, "[{attribute}] {}", operator.name())?;
                }
                if operator.takes_value() {
                    write!(f, " {}", quoted(value))?;
                }
                Ok(())
            }
        }
    }
}

/// Whether a word has a meaning of its own, so that an attribute of that name needs brackets.
pub(super) fn is_reserved(word: &str) -> bool {
    ["AND", "OR", "NOT"].iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

fn list(f: &mut fmt::Formatter<'_>, parts: &[Tree], between: &str, needs_brackets: impl Fn(&Node) -> bool) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { between })?;
        if needs_brackets(&part.node) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}
