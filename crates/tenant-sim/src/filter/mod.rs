//! `$filter`: the part of OData's grammar that Graph's directory objects support.
//!
//! `parse` reads it, `matches` evaluates it for one object, `narrowed` finds its candidates without a full scan where possible.
//! Clauses that Graph does not support are refused with `Request_UnsupportedQuery`, never ignored.

mod eval;
mod lexer;
mod narrow;
mod parser;
#[cfg(test)]
mod tests;

use time::OffsetDateTime;

pub(crate) use self::eval::matches;
pub(crate) use self::narrow::narrowed;
pub(crate) use self::parser::parse;
use crate::property::Prop;

/// A condition on one object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Test(Term, Test),
    /// At least one item of the list passes; without a test, the list is not empty.
    Any(Prop, Option<Box<Items>>),
}

/// The operand of a test: a property, or a part of a complex one such as `employeeOrgData/costCenter`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    pub(crate) prop: Prop,
    pub(crate) part: Option<String>,
}

/// A condition on one value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Compare(Comparison, Literal),
    In(Vec<Literal>),
    StartsWith(String),
    EndsWith(String),
}

/// A condition on one item of a list, or on the parts of a complex item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Items {
    And(Box<Items>, Box<Items>),
    Or(Box<Items>, Box<Items>),
    Test(Option<String>, Test),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A value written in a filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Flag(bool),
    Text(String),
    Time(OffsetDateTime),
    Number(i64),
}

impl Filter {
    /// Whether Graph supports it only as an advanced query (`ConsistencyLevel: eventual` and `$count=true`).
    pub(crate) fn is_advanced(&self) -> bool {
        match self {
            Self::And(left, right) | Self::Or(left, right) => left.is_advanced() || right.is_advanced(),
            Self::Not(_) => true,
            Self::Test(_, test) => test.is_advanced(),
            Self::Any(_, items) => items.as_ref().is_some_and(|items| items.is_advanced()),
        }
    }
}

impl Items {
    fn is_advanced(&self) -> bool {
        match self {
            Self::And(left, right) | Self::Or(left, right) => left.is_advanced() || right.is_advanced(),
            Self::Test(_, test) => test.is_advanced(),
        }
    }
}

impl Test {
    fn is_advanced(&self) -> bool {
        matches!(self, Self::EndsWith(_) | Self::Compare(Comparison::NotEqual, _))
    }
}
