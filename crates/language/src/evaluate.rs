//! Evaluates compiled expressions for one user.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::HashSet;

use crate::date::DateTime;
use crate::function::Arguments;
use crate::limits::STEPS_MAX;
use crate::program::{Call, NodeId, Op, Program};
use crate::tree::Comparison;
use crate::value::Value;

/// The attributes of one user.
pub trait Source {
    /// The value of an attribute. A name that is missing has none.
    fn read(&self, name: &str) -> Read<'_>;

    /// Whether the value of an attribute is not to be shown.
    fn is_sensitive(&self, _name: &str) -> bool {
        false
    }
}

/// What is known of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Read<'a> {
    /// Its value.
    Value(Value<'a>),
    /// Its newest value was not taken: neither the former value nor empty.
    Unread,
}

/// No attributes.
pub(crate) struct NoAttributes;

impl Source for NoAttributes {
    fn read(&self, _: &str) -> Read<'_> {
        Read::Value(Value::Null)
    }
}

/// What an evaluation may depend on besides the attributes.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The moment of the evaluation.
    pub now: DateTime,
    /// The target's default domain, where it is known.
    pub default_domain: Option<String>,
    /// What chance is drawn from: the same seed gives the same values.
    pub seed: [u8; 32],
    /// The values that other users of the target have, for `SelectUniqueValue`; only a test knows them.
    pub taken: Vec<String>,
}

/// Why an expression gives no value for a user. It names no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The expression asks for the attribute to be left as it is.
    #[error("the attribute is left as it is")]
    Ignored,
    /// The newest value of an attribute was not taken.
    #[error("the newest value of `{0}` was not taken")]
    Unread(String),
    /// An argument that the function cannot take.
    #[error("{function}: `{parameter}` {reason}")]
    Invalid {
        /// The function.
        function: &'static str,
        /// The parameter; empty where it is none alone.
        parameter: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// Values that cannot be compared.
    #[error("a list cannot be compared")]
    NotComparable,
    /// The result of a function is too large.
    #[error("{function}: the result is too large")]
    TooLarge {
        /// The function.
        function: &'static str,
    },
    /// The evaluation takes too many steps.
    #[error("the evaluation takes too many steps")]
    TooManySteps,
}

impl Failure {
    /// Its name, such as `invalid_value`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Unread(_) => "unread",
            Self::Invalid { .. } => "invalid_value",
            Self::NotComparable => "not_comparable",
            Self::TooLarge { .. } => "too_large",
            Self::TooManySteps => "too_many_steps",
        }
    }

    /// Whether the expression asked for it.
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        *self == Self::Ignored
    }
}

/// The evaluation of a program for one user. What several expressions say is evaluated once.
pub struct Run<'a> {
    pub(crate) program: &'a Program,
    source: &'a dyn Source,
    pub(crate) context: &'a Context,
    kept: RefCell<Vec<Option<Result<Value<'a>, Failure>>>>,
    steps: Cell<usize>,
    /// The nodes that were evaluated, where that is to be explained.
    visited: Option<RefCell<HashSet<NodeId>>>,
}

impl<'a> Run<'a> {
    /// Evaluates a program for the user with these attributes.
    #[must_use]
    pub fn new(program: &'a Program, source: &'a dyn Source, context: &'a Context) -> Self {
        Self { program, source, context, kept: RefCell::new(vec![None; program.shared]), steps: Cell::new(0), visited: None }
    }

    /// The same, and it can say which parts were evaluated.
    pub(crate) fn observed(program: &'a Program, source: &'a dyn Source, context: &'a Context) -> Self {
        Self { visited: Some(RefCell::default()), ..Self::new(program, source, context) }
    }

    /// Whether a node was evaluated.
    pub(crate) fn has_visited(&self, id: NodeId) -> bool {
        self.visited.as_ref().is_some_and(|visited| visited.borrow().contains(&id))
    }

    /// Begins to count steps anew.
    pub(crate) fn restart(&self) {
        self.steps.set(0);
    }

    /// The value of an expression, by its number.
    ///
    /// # Errors
    /// Why there is none for this user.
    ///
    /// # Panics
    /// If the program has no such expression.
    pub fn evaluate(&self, expression: usize) -> Result<Value<'a>, Failure> {
        self.restart();
        self.value(self.program.roots[expression])
    }

    pub(crate) fn value(&self, id: NodeId) -> Result<Value<'a>, Failure> {
        let node = self.program.node(id);
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS_MAX {
            return Err(Failure::TooManySteps);
        }
        if let Some(visited) = &self.visited {
            visited.borrow_mut().insert(id);
        }
        let Some(kept) = node.kept.map(|kept| kept as usize) else { return self.op(&node.op) };
        if let Some(value) = self.kept.borrow().get(kept).cloned().flatten() {
            return value;
        }
        let value = self.op(&node.op);
        if let Some(place) = self.kept.borrow_mut().get_mut(kept) {
            *place = Some(value.clone());
        }
        value
    }

    fn op(&self, op: &'a Op) -> Result<Value<'a>, Failure> {
        match op {
            Op::Constant(value) => Ok(borrowed(value)),
            Op::Attribute(number) => self.attribute(*number),
            Op::Call(call) => (call.function.call)(&Arguments { run: self, call }),
            Op::Compare { comparison, left, right } => Ok(Value::Flag(compare(*comparison, self.value(*left)?, self.value(*right)?)?)),
        }
    }

    fn attribute(&self, number: u32) -> Result<Value<'a>, Failure> {
        let name = &self.program.attributes[number as usize];
        match self.source.read(name) {
            Read::Value(value) => Ok(value),
            Read::Unread => Err(Failure::Unread(name.clone())),
        }
    }
}

impl Run<'_> {
    /// The value of a call that is no part of the program, copied.
    pub(crate) fn call(&self, call: &Call) -> Result<Value<'static>, Failure> {
        let run = Run {
            program: self.program,
            source: self.source,
            context: self.context,
            kept: RefCell::default(),
            steps: Cell::new(0),
            visited: None,
        };
        (call.function.call)(&Arguments { run: &run, call }).map(Value::into_owned)
    }
}

/// A constant, without a copy of its texts.
fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Null => Value::Null,
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::Flag(flag) => Value::Flag(*flag),
        Value::Integer(number) => Value::Integer(*number),
        Value::Time(time) => Value::Time(*time),
        Value::List(items) => Value::List(items.iter().map(|item| Cow::Borrowed(&**item)).collect()),
        Value::Reference(text) => Value::Reference(Cow::Borrowed(text)),
    }
}

/// Compares two values: numbers as numbers and moments as moments, also where one of them is a text that says one, everything else letter by
/// letter. Nothing and an empty text compare with nothing: the check fails.
fn compare(comparison: Comparison, left: Value<'_>, right: Value<'_>) -> Result<bool, Failure> {
    if let (Value::List(_), _) | (_, Value::List(_)) = (&left, &right) {
        return Err(Failure::NotComparable);
    }
    if left.is_empty() || right.is_empty() {
        return Ok(false);
    }
    let ordering = order(left, right);
    Ok(ordering.is_some_and(|ordering| match comparison {
        Comparison::Equal => ordering == Ordering::Equal,
        Comparison::NotEqual => ordering != Ordering::Equal,
        Comparison::Greater => ordering == Ordering::Greater,
        Comparison::GreaterOrEqual => ordering != Ordering::Less,
        Comparison::Less => ordering == Ordering::Less,
        Comparison::LessOrEqual => ordering != Ordering::Greater,
    }))
}

fn order(left: Value<'_>, right: Value<'_>) -> Option<Ordering> {
    let number = |value: &Value<'_>| match value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    let time = |value: &Value<'_>| match value {
        Value::Time(time) => Some(*time),
        Value::Text(text) => DateTime::parse(text),
        _ => None,
    };
    match (&left, &right) {
        (Value::Integer(_), _) | (_, Value::Integer(_)) if number(&left).is_some() && number(&right).is_some() => {
            number(&left)?.partial_cmp(&number(&right)?)
        }
        (Value::Time(_), _) | (_, Value::Time(_)) if time(&left).is_some() && time(&right).is_some() => {
            time(&left)?.partial_cmp(&time(&right)?)
        }
        _ => Some(left.text()?.as_bytes().cmp(right.text()?.as_bytes())),
    }
}
