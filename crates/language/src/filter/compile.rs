//! Compiles a filter: attributes are checked, patterns are compiled once, and what is tested fast is tested first.

use super::operator::Operator;
use super::tree::{Node, Tree};
use crate::compile::Schema;
use crate::error::{Code, Error, nearest};
use crate::limits::PATTERNS_MAX;
use crate::pattern::Pattern;
use crate::value::Kind;

/// What no filter can test, whatever the schema says, and why: the attributes that are documented as not supported
/// (<https://learn.microsoft.com/entra/identity/app-provisioning/define-conditional-rules-for-provisioning-user-accounts>).
const UNSUPPORTED: [(&str, &str); 10] = [
    ("IsMemberOf", "name groups in the scope instead"),
    ("StatusHireDate", A_DATE),
    ("StatusTerminationDate", A_DATE),
    ("accountExpires", A_DATE),
    ("appRoleAssignments", "users of another tenant have none here"),
    ("endDate", A_DATE),
    ("manager", "it is a reference"),
    ("members", "it has several values"),
    ("startDate", A_DATE),
    ("userType", "it is documented as not supported"),
];

const A_DATE: &str = "it is a date";

/// A compiled filter.
#[derive(Debug)]
pub struct Filter {
    pub(super) root: Test,
    attributes: Vec<String>,
}

/// A compiled part.
#[derive(Debug)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Clause { attribute: String, check: Check },
}

/// What is checked of a value.
#[derive(Debug)]
pub(super) enum Check {
    Equals(String),
    NotEquals(String),
    Includes(String),
    EndsWith(String),
    In(String),
    NotIn(String),
    GreaterThan(i64),
    GreaterThanOrEquals(i64),
    Matches(Pattern),
    MatchesNot(Pattern),
    IsTrue,
    IsFalse,
    IsNull,
    IsNotNull,
}

impl Filter {
    /// Compiles a tree over such attributes.
    ///
    /// # Errors
    /// If an attribute is unknown or cannot be filtered on, or a value does not fit its operator; with the place.
    pub fn compile(tree: &Tree, schema: &dyn Schema) -> Result<Self, Error> {
        if patterns(tree) > PATTERNS_MAX {
            let message = format!("it has more than {PATTERNS_MAX} regular expressions");
            return Err(Error::new(Code::TooLarge, tree.span, message));
        }
        let mut attributes = Vec::new();
        let (root, _) = compile(tree, schema, &mut attributes)?;
        Ok(Self { root, attributes })
    }

    /// The attributes that it reads.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(String::as_str)
    }
}

/// How many regular expressions a part has.
fn patterns(tree: &Tree) -> usize {
    match &tree.node {
        Node::And(parts) | Node::Or(parts) => parts.iter().map(patterns).sum(),
        Node::Not(part) => patterns(part),
        Node::Clause { operator, .. } => usize::from(matches!(operator, Operator::RegexMatch | Operator::NotRegexMatch)),
    }
}

/// A compiled part, and how long it takes at most.
fn compile(tree: &Tree, schema: &dyn Schema, attributes: &mut Vec<String>) -> Result<(Test, u32), Error> {
    match &tree.node {
        Node::And(parts) => list(parts, schema, attributes).map(|(parts, cost)| (Test::All(parts), cost)),
        Node::Or(parts) => list(parts, schema, attributes).map(|(parts, cost)| (Test::Any(parts), cost)),
        Node::Not(part) => compile(part, schema, attributes).map(|(part, cost)| (Test::Not(Box::new(part)), cost)),
        Node::Clause { attribute, operator, value, .. } => {
            check_attribute(tree, schema)?;
            if !attributes.contains(attribute) {
                attributes.push(attribute.clone());
            }
            Ok((Test::Clause { attribute: attribute.clone(), check: check(tree, *operator, value)? }, operator.cost()))
        }
    }
}

/// The order changes no result: what is not known is neither, whatever it stands beside.
fn list(parts: &[Tree], schema: &dyn Schema, attributes: &mut Vec<String>) -> Result<(Vec<Test>, u32), Error> {
    let mut parts: Vec<(Test, u32)> = parts.iter().map(|part| compile(part, schema, attributes)).collect::<Result<_, _>>()?;
    parts.sort_by_key(|(_, cost)| *cost);
    let cost = parts.iter().fold(0_u32, |sum, (_, cost)| sum.saturating_add(*cost));
    Ok((parts.into_iter().map(|(part, _)| part).collect(), cost))
}

fn check_attribute(tree: &Tree, schema: &dyn Schema) -> Result<(), Error> {
    let Node::Clause { attribute, attribute_span, operator, .. } = &tree.node else { return Ok(()) };
    let refused = |code, message: String| Err(Error::new(code, *attribute_span, message));
    if let Some((_, why)) = UNSUPPORTED.iter().find(|(name, _)| name == attribute) {
        return refused(Code::Unsupported, format!("`{attribute}` cannot be filtered on: {why}"));
    }
    match schema.kind(attribute) {
        None => {
            let error = Error::new(Code::UnknownAttribute, *attribute_span, format!("there is no attribute `{attribute}` to filter on"));
            Err(error.hint(nearest(attribute, schema.names())))
        }
        Some(Kind::List) => refused(Code::Kind, format!("`{attribute}` has several values, which cannot be filtered on")),
        Some(Kind::Time) => refused(Code::Kind, format!("`{attribute}` is a date, which cannot be filtered on")),
        Some(Kind::Reference) => refused(Code::Kind, format!("`{attribute}` is a reference, which cannot be filtered on")),
        Some(kind) if !operator.tests(kind) => {
            refused(Code::Kind, format!("`{attribute}` is {}, which {} cannot test", kind.describe(), operator.name()))
        }
        Some(_) => Ok(()),
    }
}

fn check(tree: &Tree, operator: Operator, value: &str) -> Result<Check, Error> {
    let Node::Clause { value_span, .. } = &tree.node else { return Ok(Check::IsNull) };
    if operator.takes_value() && value.is_empty() {
        // It would hold for every user with the attribute, or for none.
        return Err(Error::new(Code::Constant, *value_span, format!("{} needs a value", operator.name())));
    }
    let number = || {
        let message = format!("{} needs a whole number", operator.name());
        value.trim().parse().map_err(|_| Error::new(Code::Constant, *value_span, message))
    };
    // All of the value is to match: the documented patterns make sense only so.
    let pattern = || {
        let whole = Pattern::new(value).and_then(|_| Pattern::new(&format!(r"\A(?:{value})\z")));
        whole.map_err(|reason| Error::new(Code::Pattern, *value_span, reason))
    };
    let text = || value.to_owned();
    Ok(match operator {
        Operator::Equals => Check::Equals(text()),
        Operator::NotEquals => Check::NotEquals(text()),
        Operator::Includes => Check::Includes(text()),
        Operator::EndsWith => Check::EndsWith(text()),
        Operator::In => Check::In(text()),
        Operator::NotIn => Check::NotIn(text()),
        Operator::GreaterThan => Check::GreaterThan(number()?),
        Operator::GreaterThanOrEquals => Check::GreaterThanOrEquals(number()?),
        Operator::RegexMatch => Check::Matches(pattern()?),
        Operator::NotRegexMatch => Check::MatchesNot(pattern()?),
        Operator::IsTrue => Check::IsTrue,
        Operator::IsFalse => Check::IsFalse,
        Operator::IsNull => Check::IsNull,
        Operator::IsNotNull => Check::IsNotNull,
    })
}
