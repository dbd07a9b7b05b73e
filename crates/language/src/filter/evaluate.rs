//! Evaluates a filter for one user.
//!
//! A clause about an empty attribute is false, whatever it asks, but for `IS NULL`; also `NOT EQUALS` and `NOT REGEX MATCH`, as documented. `NOT`
//! before a clause or brackets is plain negation.

use super::compile::{Check, Filter, Test};
use super::operator::Operator;
use crate::evaluate::{Failure, Read, Source};
use crate::pattern::Pattern;
use crate::value::Value;

/// Why it cannot be known whether a user passes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{attribute}`: {failure}")]
pub struct Unknown<'a> {
    /// The attribute that it depends on.
    pub attribute: &'a str,
    /// What is wrong with it.
    pub failure: Failure,
}

impl Filter {
    /// Whether a user passes.
    ///
    /// # Errors
    /// If that depends on an attribute whose newest value was not taken, or on a pattern that takes too many steps.
    pub fn passes(&self, source: &dyn Source) -> Result<bool, Unknown<'_>> {
        test(&self.root, source)
    }
}

fn test<'a>(part: &'a Test, source: &dyn Source) -> Result<bool, Unknown<'a>> {
    match part {
        Test::All(parts) => decisive(parts, source, false),
        Test::Any(parts) => decisive(parts, source, true),
        Test::Not(part) => test(part, source).map(|holds| !holds),
        Test::Clause { attribute, check } => {
            let held = match source.read(attribute) {
                Read::Value(value) => holds(check, value),
                Read::Unread => Err(Failure::Unread(attribute.clone())),
            };
            held.map_err(|failure| Unknown { attribute, failure })
        }
    }
}

/// Whether any part is so; a part that cannot be known matters only if no other decides.
fn decisive<'a>(parts: &'a [Test], source: &dyn Source, wanted: bool) -> Result<bool, Unknown<'a>> {
    let mut unknown = None;
    for part in parts {
        match test(part, source) {
            Ok(holds) if holds == wanted => return Ok(wanted),
            Ok(_) => {}
            Err(failure) => unknown = Some(failure),
        }
    }
    unknown.map_or(Ok(!wanted), Err)
}

fn holds(check: &Check, value: Value<'_>) -> Result<bool, Failure> {
    if value.is_empty() {
        return Ok(matches!(check, Check::IsNull));
    }
    Ok(match check {
        Check::IsNull => false,
        Check::IsNotNull => true,
        Check::IsTrue => value == Value::Flag(true),
        Check::IsFalse => value == Value::Flag(false),
        Check::GreaterThan(bound) => number(&value).is_some_and(|number| number > *bound),
        Check::GreaterThanOrEquals(bound) => number(&value).is_some_and(|number| number >= *bound),
        Check::Equals(_)
        | Check::NotEquals(_)
        | Check::Includes(_)
        | Check::EndsWith(_)
        | Check::In(_)
        | Check::NotIn(_)
        | Check::Matches(_)
        | Check::MatchesNot(_) => match value.text() {
            Some(text) => text_holds(check, &text)?,
            None => false,
        },
    })
}

fn text_holds(check: &Check, text: &str) -> Result<bool, Failure> {
    Ok(match check {
        Check::Equals(wanted) => text == wanted,
        Check::NotEquals(wanted) => text != wanted,
        Check::Includes(part) => text.contains(&**part),
        Check::EndsWith(end) => text.ends_with(&**end),
        Check::In(whole) => whole.contains(text),
        Check::NotIn(whole) => !whole.contains(text),
        Check::Matches(pattern) => matches(pattern, text)?,
        Check::MatchesNot(pattern) => !matches(pattern, text)?,
        Check::GreaterThan(_) | Check::GreaterThanOrEquals(_) | Check::IsTrue | Check::IsFalse | Check::IsNull | Check::IsNotNull => false,
    })
}

fn matches(pattern: &Pattern, text: &str) -> Result<bool, Failure> {
    pattern.is_match(text).map_err(|reason| Failure::Invalid { function: Operator::RegexMatch.name(), parameter: "pattern", reason })
}

/// A whole number, also one in a text.
fn number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Null | Value::Flag(_) | Value::Time(_) | Value::List(_) | Value::Reference(_) => None,
    }
}
