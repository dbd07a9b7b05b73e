//! The compiled form: the calls of all expressions of a set, each different one once.

use crate::function::{Function, Prepared};
use crate::span::Span;
use crate::tree::Comparison;
use crate::value::{Kind, Value};

/// The compiled expressions of a set, such as a synchronization: what several of them say is evaluated once for a user.
#[derive(Debug, Default)]
pub struct Program {
    pub(crate) nodes: Vec<Node>,
    /// The attributes that are read, by number.
    pub(crate) attributes: Vec<String>,
    /// The expressions, in the order in which they were added.
    pub(crate) roots: Vec<NodeId>,
    /// How many values are used more than once.
    pub(crate) shared: usize,
    pub(crate) depends_on_context: bool,
}

/// The number of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) u32);

/// A value, a call or a comparison.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) kind: Kind,
    /// Where it is written first.
    pub(crate) span: Span,
    /// Its place among the values that are kept, if it is used more than once.
    pub(crate) kept: Option<u32>,
}

#[derive(Debug)]
pub(crate) enum Op {
    Constant(Value<'static>),
    /// By number.
    Attribute(u32),
    Call(Call),
    Compare {
        comparison: Comparison,
        left: NodeId,
        right: NodeId,
    },
}

/// A call with what was prepared for it.
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    pub(crate) arguments: Vec<Option<NodeId>>,
    pub(crate) prepared: Prepared,
    /// How many calls that depend on chance come before it: what tells two of them apart.
    pub(crate) place: u32,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple(self.function.name).field(&self.arguments).finish()
    }
}

impl Program {
    /// The attributes that its expressions read.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(String::as_str)
    }

    /// How many expressions it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether any of them depends on more than the attributes: on the moment, on the tenant or on chance.
    #[must_use]
    pub fn depends_on_context(&self) -> bool {
        self.depends_on_context
    }

    /// Whether any of them calls a function.
    #[must_use]
    pub fn calls(&self, function: &str) -> bool {
        self.nodes.iter().any(|node| matches!(&node.op, Op::Call(call) if call.function.name == function))
    }

    /// Whether it has no expression.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// What an expression gives, by its number.
    #[must_use]
    pub fn kind(&self, expression: usize) -> Option<Kind> {
        self.roots.get(expression).map(|root| self.node(*root).kind)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The nodes below a node, directly.
    pub(crate) fn children(&self, id: NodeId) -> Vec<NodeId> {
        match &self.node(id).op {
            Op::Constant(_) | Op::Attribute(_) => Vec::new(),
            Op::Call(call) => call.arguments.iter().copied().flatten().collect(),
            Op::Compare { left, right, .. } => vec![*left, *right],
        }
    }

    /// The attributes below a node, however deep.
    pub(crate) fn attributes_of(&self, id: NodeId, found: &mut Vec<NodeId>) {
        if let Op::Attribute(_) = self.node(id).op {
            found.push(id);
        }
        for child in self.children(id) {
            self.attributes_of(child, found);
        }
    }
}
