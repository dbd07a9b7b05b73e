//! Compiles syntax trees: names become functions and attributes, kinds are checked, what is constant is evaluated, and what is said twice
//! becomes one node.

use std::collections::HashMap;

use crate::date::DateTime;
use crate::error::{Code, Error, nearest};
use crate::evaluate::{Context, NoAttributes, Run};
use crate::function::{Accepts, Depends, Function, Prepared, Written};
use crate::functions::{self, REDACT};
use crate::parse::{parse, word_alone};
use crate::program::{Call, Node, NodeId, Op, Program};
use crate::span::Span;
use crate::tree::{self, Comparison, Tree};
use crate::value::{Kind, Value};

/// What is known of the attributes that expressions may read.
pub trait Schema {
    /// What an attribute holds; `None` if there is none of that name, or it cannot be read.
    fn kind(&self, name: &str) -> Option<Kind>;

    /// All names, so that a misspelt one can be corrected.
    fn names(&self) -> Vec<&str>;
}

/// A schema in which every name is an attribute of any kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyAttribute;

impl Schema for AnyAttribute {
    fn kind(&self, _: &str) -> Option<Kind> {
        Some(Kind::Any)
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Compiles the expressions of a set.
pub struct Compiler<'s> {
    schema: &'s dyn Schema,
    program: Program,
    known: HashMap<Key, NodeId>,
    uses: Vec<u32>,
    /// How many calls depend on chance.
    chances: u32,
    /// Whether functions that no mapping may use are compiled.
    is_unrestricted: bool,
}

/// What makes two nodes the same one.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Constant(Kind, String),
    Attribute(u32),
    Call(&'static str, Vec<Option<NodeId>>),
    Compare(Comparison, NodeId, NodeId),
}

impl<'s> Compiler<'s> {
    /// A compiler of expressions over such attributes.
    #[must_use]
    pub fn new(schema: &'s dyn Schema) -> Self {
        Self { schema, program: Program::default(), known: HashMap::new(), uses: Vec::new(), chances: 0, is_unrestricted: false }
    }

    /// The same, of functions too that can be evaluated, but that no mapping may use.
    #[must_use]
    pub fn unrestricted(schema: &'s dyn Schema) -> Self {
        Self { is_unrestricted: true, ..Self::new(schema) }
    }

    /// Adds an expression; returns its number.
    ///
    /// # Errors
    /// Why it is none, with the place in its text.
    pub fn add(&mut self, text: &str) -> Result<usize, Error> {
        let root = self.tree(&parse(text)?)?;
        self.program.roots.push(root);
        self.uses[root.0 as usize] += 1;
        Ok(self.program.roots.len() - 1)
    }

    /// The compiled set.
    #[must_use]
    pub fn finish(mut self) -> Program {
        for (node, uses) in self.program.nodes.iter_mut().zip(self.uses) {
            // What is read as fast as it is kept is not kept.
            if uses > 1 && matches!(node.op, Op::Call(_)) {
                node.kept = u32::try_from(self.program.shared).ok();
                self.program.shared += 1;
            }
        }
        self.program
    }

    fn tree(&mut self, tree: &Tree) -> Result<NodeId, Error> {
        match &tree.node {
            tree::Node::Text(text) => Ok(self.constant(text.clone().into(), tree.span)),
            tree::Node::Integer(number) => Ok(self.constant((*number).into(), tree.span)),
            tree::Node::Attribute(name) => self.attribute(name, tree.span),
            tree::Node::Word(word) => Err(word_alone(word, tree.span)),
            tree::Node::Call { name, name_span, arguments } => self.call(name, *name_span, arguments, tree.span),
            tree::Node::Compare { comparison, left, right } => self.compare(*comparison, left, right, tree.span),
        }
    }

    fn constant(&mut self, value: Value<'static>, span: Span) -> NodeId {
        let kind = value.kind().unwrap_or(Kind::Any);
        let key = Key::Constant(kind, format!("{value:?}"));
        self.node(key, Node { op: Op::Constant(value), kind, span, kept: None })
    }

    fn attribute(&mut self, name: &str, span: Span) -> Result<NodeId, Error> {
        let Some(kind) = self.schema.kind(name) else {
            let message = format!("there is no attribute `{name}` that can be read");
            return Err(Error::new(Code::UnknownAttribute, span, message).hint(nearest(name, self.schema.names())));
        };
        let at = self.program.attributes.iter().position(|known| known == name).unwrap_or_else(|| {
            self.program.attributes.push(name.to_owned());
            self.program.attributes.len() - 1
        });
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        Ok(self.node(Key::Attribute(at), Node { op: Op::Attribute(at), kind, span, kept: None }))
    }

    fn call(&mut self, name: &str, name_span: Span, written: &[Option<Tree>], span: Span) -> Result<NodeId, Error> {
        let function = find(name, name_span)?;
        if let Some(why) = function.refused.filter(|_| !self.is_unrestricted) {
            return Err(unsupported(name, why, name_span));
        }
        check_count(function, written, span)?;
        let mut arguments = Vec::with_capacity(written.len());
        for (at, argument) in written.iter().enumerate() {
            let Some(parameter) = function.parameter(at) else { continue };
            let node = argument.as_ref().map(|argument| self.argument(argument, parameter.accepts)).transpose()?;
            if let (Some(tree), Some(node)) = (argument, node) {
                self.check_kind(function, parameter.name, parameter.accepts, tree, node)?;
            }
            arguments.push(node);
        }
        let prepared = (function.prepare)(&Written { program: &self.program, arguments: &arguments });
        let prepared = prepared.map_err(|problem| {
            let place = written.get(problem.argument).and_then(Option::as_ref).map_or(name_span, |tree| tree.span);
            Error::new(problem.code, place, format!("{}: {}", function.name, problem.message))
        })?;
        let call = Call { function, arguments: arguments.clone(), prepared, place: self.chances };
        if let Some(folded) = self.fold(&call, span)? {
            return Ok(folded);
        }
        for argument in arguments.iter().flatten() {
            self.uses[argument.0 as usize] += 1;
        }
        let node = Node { kind: function.result, span, kept: None, op: Op::Call(call) };
        self.program.depends_on_context |= function.depends != Depends::Nothing;
        Ok(match function.depends {
            // Another value at each place.
            Depends::Chance => {
                self.chances += 1;
                self.push(node)
            }
            Depends::Nothing | Depends::Context => self.node(Key::Call(function.name, arguments), node),
        })
    }

    /// An argument: a value, or a word that its parameter takes.
    fn argument(&mut self, tree: &Tree, accepts: Accepts) -> Result<NodeId, Error> {
        match (&tree.node, accepts) {
            (tree::Node::Word(word), Accepts::Word(words)) if words.contains(&word.as_str()) => {
                Ok(self.constant(word.clone().into(), tree.span))
            }
            (tree::Node::Word(word), Accepts::Word(words)) => {
                let message = format!("`{word}` is none of `{}`", words.join("`, `"));
                Err(Error::new(Code::Unexpected, tree.span, message).hint(nearest(word, words.iter().copied())))
            }
            _ => self.tree(tree),
        }
    }

    fn check_kind(&self, function: &Function, parameter: &str, accepts: Accepts, tree: &Tree, node: NodeId) -> Result<(), Error> {
        let Node { kind, op, .. } = self.program.node(node);
        if let Op::Call(Call { function: inner, .. }) = op
            && inner.refused.is_some()
        {
            return Err(Error::new(Code::Unexpected, tree.span, format!("{} can only be the outermost call", inner.name)));
        }
        let kind = *kind;
        let fits = match (accepts, kind) {
            (_, Kind::Any) | (Accepts::Any | Accepts::List, _) => true,
            (Accepts::Text, kind) => kind != Kind::List,
            (Accepts::Integer, kind) => matches!(kind, Kind::Integer | Kind::Text | Kind::Flag),
            (Accepts::Time, kind) => matches!(kind, Kind::Time | Kind::Text),
            (Accepts::Condition, kind) => matches!(kind, Kind::Flag | Kind::Text | Kind::Integer),
            (Accepts::Word(_), kind) => matches!(kind, Kind::Text | Kind::Integer),
        };
        let is_comparison = matches!(tree.node, tree::Node::Compare { .. });
        if is_comparison && accepts != Accepts::Condition {
            return Err(Error::new(Code::Unexpected, tree.span, format!("`{parameter}` of {} takes no comparison", function.name)));
        }
        let message = || format!("`{parameter}` of {} is not {}", function.name, kind.describe());
        if !fits {
            return Err(Error::new(Code::Kind, tree.span, message()));
        }
        match (accepts, op) {
            (Accepts::Integer, Op::Constant(Value::Text(text))) if text.trim().parse::<i64>().is_err() => Err("a whole number"),
            (Accepts::Time, Op::Constant(Value::Text(text))) if !text.trim().is_empty() && DateTime::parse(text).is_none() => Err("a date"),
            _ => Ok(()),
        }
        .map_err(|needed| Error::new(Code::Constant, tree.span, format!("`{parameter}` of {} needs {needed}", function.name)))
    }

    /// The value of a call whose arguments are all constants.
    fn fold(&mut self, call: &Call, span: Span) -> Result<Option<NodeId>, Error> {
        let is_constant = |node: &NodeId| matches!(self.program.node(*node).op, Op::Constant(_));
        // What is redacted is not to become part of another constant.
        let is_redacted = call.function.name == REDACT.name;
        let reads = is_redacted || matches!(&call.prepared, Prepared::Attributes(attributes) if !attributes.is_empty());
        if call.function.depends != Depends::Nothing || reads || !call.arguments.iter().flatten().all(is_constant) {
            return Ok(None);
        }
        let context = Context::default();
        match Run::new(&self.program, &NoAttributes, &context).call(call) {
            Ok(value) => Ok(Some(self.constant(value, span))),
            Err(failure) if failure.is_ignored() => Ok(None),
            Err(failure) => Err(Error::new(Code::Constant, span, failure.to_string())),
        }
    }

    fn compare(&mut self, comparison: Comparison, left: &Tree, right: &Tree, span: Span) -> Result<NodeId, Error> {
        let (left_id, right_id) = (self.tree(left)?, self.tree(right)?);
        for (tree, id) in [(left, left_id), (right, right_id)] {
            if self.program.node(id).kind == Kind::List {
                return Err(Error::new(Code::Kind, tree.span, "a list cannot be compared"));
            }
            self.uses[id.0 as usize] += 1;
        }
        let node = Node { op: Op::Compare { comparison, left: left_id, right: right_id }, kind: Kind::Flag, span, kept: None };
        Ok(self.node(Key::Compare(comparison, left_id, right_id), node))
    }

    fn node(&mut self, key: Key, node: Node) -> NodeId {
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let id = self.push(node);
        self.known.insert(key, id);
        id
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.program.nodes.push(node);
        self.uses.push(0);
        NodeId(u32::try_from(self.program.nodes.len() - 1).unwrap_or(u32::MAX))
    }
}

fn find(name: &str, span: Span) -> Result<&'static Function, Error> {
    if let Some(function) = functions::find(name) {
        return Ok(function);
    }
    if let Some(why) = functions::unsupported(name) {
        return Err(unsupported(name, why, span));
    }
    let error = Error::new(Code::UnknownFunction, span, format!("unknown function `{name}`"));
    Err(error.hint(nearest(name, functions::names())))
}

fn unsupported(name: &str, why: &str, span: Span) -> Error {
    Error::new(Code::Unsupported, span, format!("`{name}` cannot be used: {why}"))
}

fn check_count(function: &Function, written: &[Option<Tree>], span: Span) -> Result<(), Error> {
    let error = |message: String| Err(Error::new(Code::Arguments, span, message));
    let fixed = function.parameters.len() - function.repeated;
    if function.repeated == 0 && written.len() > function.parameters.len() {
        return error(format!("{} takes at most {} arguments, not {}", function.name, function.parameters.len(), written.len()));
    }
    if function.repeated > 1 && written.len() > fixed && !(written.len() - fixed).is_multiple_of(function.repeated) {
        return error(format!("{} takes its last arguments in groups of {}", function.name, function.repeated));
    }
    let needed = function.parameters.iter().enumerate().filter(|(_, parameter)| !parameter.is_optional);
    for (at, parameter) in needed {
        match written.get(at) {
            Some(Some(_)) => {}
            Some(None) => return error(format!("`{}` of {} cannot be left empty", parameter.name, function.name)),
            None => return error(format!("{} needs `{}`", function.name, parameter.name)),
        }
    }
    Ok(())
}
