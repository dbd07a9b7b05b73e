//! The syntax tree of an expression: what is written, with its places and nothing more.

use std::fmt;

use crate::lexer::quoted;
use crate::span::Span;

/// A part of an expression.
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
    /// `[name]`.
    Attribute(String),
    /// `"text"`.
    Text(String),
    /// `12`.
    Integer(i64),
    /// `vbTextCompare`: a word where a parameter takes one.
    Word(String),
    /// `Name(argument, , argument)`: an argument may be left empty.
    Call {
        /// The function's name.
        name: String,
        /// Where that is written.
        name_span: Span,
        /// The arguments, `None` where one is left empty.
        arguments: Vec<Option<Tree>>,
    },
    /// `left = right`, in a condition.
    Compare {
        /// How they are compared.
        comparison: Comparison,
        /// The left side.
        left: Box<Tree>,
        /// The right side.
        right: Box<Tree>,
    },
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Comparison {
    const ALL: [Self; 6] = [Self::Equal, Self::NotEqual, Self::Greater, Self::GreaterOrEqual, Self::Less, Self::LessOrEqual];

    /// The comparison of a sign.
    pub(crate) fn of(sign: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|comparison| comparison.sign() == sign)
    }

    /// Its sign.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

/// Equal when they say the same, wherever it is written.
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        match (&self.node, &other.node) {
            (Node::Call { name, arguments, .. }, Node::Call { name: other_name, arguments: other_arguments, .. }) => {
                name == other_name && arguments == other_arguments
            }
            (node, other) => node == other,
        }
    }
}

/// The canonical text, which reads back as the same tree.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Attribute(name) => write!(f, "[{name}]"),
            Node::Text(text) => f.write_str(&quoted(text)),
            Node::Integer(number) => write!(f, "{number}"),
            Node::Word(word) => f.write_str(word),
            Node::Call { name, arguments, .. } => {
                write!(f, "{name}(")?;
                for (at, argument) in arguments.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    argument.as_ref().map_or(Ok(()), |argument| argument.fmt(f))?;
                }
                f.write_str(")")
            }
            Node::Compare { comparison, left, right } => write!(f, "{left} {} {right}", comparison.sign()),
        }
    }
}
