//! What a function is: its parameters, its result, and what it does.
//!
//! One file a function in `functions/`, and one row in the table of `functions.rs`.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::date::{DateTime, Format, Interval, Styles};
use crate::error::Code;
use crate::evaluate::{Failure, Run};
use crate::limits::{LIST_MAX, TEXT_MAX};
use crate::pattern::Pattern;
use crate::program::{Call, NodeId, Op, Program};
use crate::value::{Kind, Value};

/// A function of the language.
pub(crate) struct Function {
    /// As it is written; names are case-sensitive.
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// How many of the last parameters may be repeated, together; 0 for none.
    pub(crate) repeated: usize,
    /// What it returns; [`Kind::Any`] where that depends on its arguments.
    pub(crate) result: Kind,
    pub(crate) depends: Depends,
    /// Why no mapping may use it, though it can be evaluated; such a function can only be the outermost call.
    pub(crate) refused: Option<&'static str>,
    /// Checks and prepares what is constant, once, when the expression is compiled.
    pub(crate) prepare: fn(&Written<'_>) -> Result<Prepared, Problem>,
    /// What it does. Arguments are evaluated when it asks for them.
    pub(crate) call: for<'a> fn(&Arguments<'_, 'a>) -> Result<Value<'a>, Failure>,
}

/// A parameter.
pub(crate) struct Parameter {
    /// As the reference names it.
    pub(crate) name: &'static str,
    pub(crate) accepts: Accepts,
    /// Whether the argument may be left empty, or out at the end.
    pub(crate) is_optional: bool,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// Anything that can be written as one text.
    Text,
    /// A whole number, or a text that is one.
    Integer,
    /// A moment, or a text that is one.
    Time,
    /// A list; a text is a list of one.
    List,
    /// Anything.
    Any,
    /// A truth value, a text that is one, or a comparison.
    Condition,
    /// One of these words, written without quotes, or its number from 0.
    Word(&'static [&'static str]),
}

/// What a result depends on besides the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depends {
    /// Nothing: the same arguments give the same result.
    Nothing,
    /// The moment of the evaluation, or the tenant: the same within one evaluation.
    Context,
    /// Chance, from a seed: another at each place in the text.
    Chance,
}

/// What a function made of its constant arguments.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// Nothing.
    Nothing,
    /// The regular expression.
    Pattern(Box<Pattern>),
    /// The attributes that a condition reads.
    Attributes(Vec<NodeId>),
    /// The interval between two dates.
    Interval(Interval),
    /// How a date is read and written; each `None` where it is no constant.
    Formats {
        /// How strictly it is read.
        styles: Option<Styles>,
        /// How it is read.
        input: Option<Format>,
        /// How it is written.
        output: Option<Format>,
    },
}

/// What is wrong with a constant argument.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Which argument, from 0.
    pub(crate) argument: usize,
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Problem {
    /// A constant that the function cannot take.
    pub(crate) fn constant(argument: usize, message: impl Into<String>) -> Self {
        Self { argument, code: Code::Constant, message: message.into() }
    }
}

impl Parameter {
    /// A parameter that is needed.
    pub(crate) const fn required(name: &'static str, accepts: Accepts) -> Self {
        Self { name, accepts, is_optional: false }
    }

    /// A parameter that may be left empty, or out at the end.
    pub(crate) const fn optional(name: &'static str, accepts: Accepts) -> Self {
        Self { name, accepts, is_optional: true }
    }
}

impl Function {
    /// A function of its arguments alone, with nothing to prepare.
    pub(crate) const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        result: Kind,
        call: for<'a> fn(&Arguments<'_, 'a>) -> Result<Value<'a>, Failure>,
    ) -> Self {
        Self { name, parameters, repeated: 0, result, depends: Depends::Nothing, refused: None, prepare: |_| Ok(Prepared::Nothing), call }
    }

    /// The parameter of an argument, from 0; `None` where there are too many.
    pub(crate) fn parameter(&self, argument: usize) -> Option<&Parameter> {
        let fixed = self.parameters.len() - self.repeated;
        match argument.checked_sub(fixed) {
            Some(over) if self.repeated > 0 => self.parameters.get(fixed + over % self.repeated),
            _ => self.parameters.get(argument),
        }
    }
}

/// The arguments of a call as they are written, when it is compiled.
pub(crate) struct Written<'p> {
    pub(crate) program: &'p Program,
    pub(crate) arguments: &'p [Option<NodeId>],
}

impl Written<'_> {
    /// A constant argument.
    pub(crate) fn constant(&self, argument: usize) -> Option<&Value<'static>> {
        match &self.program.node((*self.arguments.get(argument)?)?).op {
            Op::Constant(value) => Some(value),
            Op::Attribute(_) | Op::Call(_) | Op::Compare { .. } => None,
        }
    }

    /// A constant text argument.
    pub(crate) fn text(&self, argument: usize) -> Option<String> {
        self.constant(argument)?.clone().text().map(Cow::into_owned)
    }

    /// A constant whole number.
    ///
    /// # Errors
    /// If it is a constant of another kind.
    pub(crate) fn integer(&self, argument: usize) -> Result<Option<i64>, Problem> {
        match self.constant(argument) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(*number)),
            Some(Value::Flag(flag)) => Ok(Some((*flag).into())),
            Some(Value::Text(text)) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Problem::constant(argument, "a whole number is needed")),
            },
            Some(Value::Time(_) | Value::List(_) | Value::Reference(_)) => Err(Problem::constant(argument, "a whole number is needed")),
        }
    }

    /// Whether an argument is given.
    pub(crate) fn is_given(&self, argument: usize) -> bool {
        matches!(self.arguments.get(argument), Some(Some(_)))
    }

    /// How many arguments are written.
    pub(crate) fn count(&self) -> usize {
        self.arguments.len()
    }

    /// Whether an argument compares attributes and constants as they are.
    pub(crate) fn is_plain_comparison(&self, argument: usize) -> bool {
        let Some(Some(node)) = self.arguments.get(argument) else { return false };
        let is_plain = |node: &NodeId| matches!(self.program.node(*node).op, Op::Constant(_) | Op::Attribute(_));
        matches!(&self.program.node(*node).op, Op::Compare { left, right, .. } if is_plain(left) && is_plain(right))
    }

    /// The attributes that an argument reads, however deep.
    pub(crate) fn attributes(&self, argument: usize) -> Vec<NodeId> {
        let mut attributes = Vec::new();
        if let Some(Some(node)) = self.arguments.get(argument) {
            self.program.attributes_of(*node, &mut attributes);
        }
        attributes
    }
}

/// The arguments of a call that is evaluated. Each is evaluated when it is asked for.
pub(crate) struct Arguments<'r, 'a> {
    pub(crate) run: &'r Run<'a>,
    pub(crate) call: &'a Call,
}

impl<'a> Arguments<'_, 'a> {
    /// The value of an argument; null where it is left empty.
    pub(crate) fn value(&self, argument: usize) -> Result<Value<'a>, Failure> {
        match self.call.arguments.get(argument) {
            Some(Some(node)) => self.run.value(*node),
            Some(None) | None => Ok(Value::Null),
        }
    }

    /// How many arguments are written.
    pub(crate) fn count(&self) -> usize {
        self.call.arguments.len()
    }

    /// The arguments as they are written.
    pub(crate) fn written(&self) -> Written<'a> {
        Written { program: self.run.program, arguments: &self.call.arguments }
    }

    /// Bytes of chance without end: the same for the same seed, others at each place in the texts of a program.
    pub(crate) fn chance(&self) -> impl Iterator<Item = u8> + use<> {
        let (seed, place) = (self.run.context.seed, self.call.place);
        (0_u64..).flat_map(move |block| {
            let digest = Sha256::new().chain_update(seed).chain_update(place.to_le_bytes()).chain_update(block.to_le_bytes());
            <[u8; 32]>::from(digest.finalize())
        })
    }

    /// What was prepared when the call was compiled.
    pub(crate) fn prepared(&self) -> &'a Prepared {
        &self.call.prepared
    }

    /// An argument as a text; `None` where there is no value.
    pub(crate) fn text(&self, argument: usize) -> Result<Option<Cow<'a, str>>, Failure> {
        match self.value(argument)? {
            Value::List(_) => Err(self.invalid(argument, "is a list, where one text is needed")),
            value => Ok(value.text()),
        }
    }

    /// An argument as a whole number; `None` where there is no value.
    pub(crate) fn integer(&self, argument: usize) -> Result<Option<i64>, Failure> {
        match self.value(argument)? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(number)),
            Value::Flag(flag) => Ok(Some(flag.into())),
            Value::Text(text) => text.trim().parse().map(Some).map_err(|_| self.invalid(argument, "is no whole number")),
            Value::Time(_) | Value::List(_) | Value::Reference(_) => Err(self.invalid(argument, "is no whole number")),
        }
    }

    /// An argument as a moment; `None` where there is no value.
    pub(crate) fn time(&self, argument: usize) -> Result<Option<DateTime>, Failure> {
        match self.value(argument)? {
            Value::Null => Ok(None),
            Value::Time(time) => Ok(Some(time)),
            Value::Text(text) if text.trim().is_empty() => Ok(None),
            Value::Text(text) => DateTime::parse(&text).map(Some).ok_or_else(|| self.invalid(argument, "is no date that can be read")),
            Value::Flag(_) | Value::Integer(_) | Value::List(_) | Value::Reference(_) => Err(self.invalid(argument, "is no date")),
        }
    }

    /// An argument as a list: of a list its items, of one value one text, of none nothing.
    pub(crate) fn list(&self, argument: usize) -> Result<Vec<Cow<'a, str>>, Failure> {
        Ok(match self.value(argument)? {
            Value::List(items) => items,
            value => value.text().into_iter().collect(),
        })
    }

    /// An argument as a condition: `true` and numbers other than zero, also as texts, hold; everything else does not.
    pub(crate) fn condition(&self, argument: usize) -> Result<bool, Failure> {
        Ok(match self.value(argument)? {
            Value::Flag(flag) => flag,
            Value::Integer(number) => number != 0,
            Value::Text(text) => text.eq_ignore_ascii_case("true") || text.trim().parse::<i64>().is_ok_and(|number| number != 0),
            Value::Null | Value::Time(_) | Value::List(_) | Value::Reference(_) => false,
        })
    }

    /// A text as a result.
    ///
    /// # Errors
    /// If it is too large.
    pub(crate) fn sized(&self, text: impl Into<Cow<'a, str>>) -> Result<Value<'a>, Failure> {
        let text = text.into();
        if text.len() > TEXT_MAX { Err(self.too_large()) } else { Ok(Value::Text(text)) }
    }

    /// A list as a result.
    ///
    /// # Errors
    /// If it is too long.
    pub(crate) fn listed(&self, items: Vec<Cow<'a, str>>) -> Result<Value<'a>, Failure> {
        if items.len() > LIST_MAX { Err(self.too_large()) } else { Ok(Value::List(items)) }
    }

    /// The failure of this call because its result would be too large.
    pub(crate) fn too_large(&self) -> Failure {
        Failure::TooLarge { function: self.call.function.name }
    }

    /// The failure of this call because of an argument. The reason names no value.
    pub(crate) fn invalid(&self, argument: usize, reason: &'static str) -> Failure {
        let parameter = self.call.function.parameter(argument).map_or("", |parameter| parameter.name);
        Failure::Invalid { function: self.call.function.name, parameter, reason }
    }
}
