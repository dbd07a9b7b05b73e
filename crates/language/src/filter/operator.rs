//! The operators: **this is the table where one is added**.

use crate::value::Kind;

/// How a clause tests an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The attribute is the value, letter by letter.
    Equals,
    /// It is something else.
    NotEquals,
    /// It contains the value.
    Includes,
    /// It ends with the value.
    EndsWith,
    /// It is part of the value.
    In,
    /// It is no part of the value.
    NotIn,
    /// It is a number above the value.
    GreaterThan,
    /// It is the value or a number above it.
    GreaterThanOrEquals,
    /// All of it matches a regular expression.
    RegexMatch,
    /// It does not match.
    NotRegexMatch,
    /// It is true.
    IsTrue,
    /// It is false.
    IsFalse,
    /// It is empty.
    IsNull,
    /// It is not empty.
    IsNotNull,
}

/// What is known of an operator.
struct Row {
    operator: Operator,
    /// As it is written, in capitals and with blanks. Small letters and `_` instead of a blank read as the same.
    name: &'static str,
    /// Whether a value follows.
    takes_value: bool,
    /// The kinds of attribute that it can test.
    kinds: &'static [Kind],
    /// How much longer a test takes than the fastest.
    cost: u32,
}

const TEXTS: &[Kind] = &[Kind::Text, Kind::Integer];
const FLAGS: &[Kind] = &[Kind::Flag];
const ALL_KINDS: &[Kind] = &[Kind::Text, Kind::Integer, Kind::Flag];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(Operator::Equals,              "EQUALS",                 true,  TEXTS,     1),
    row(Operator::NotEquals,           "NOT EQUALS",             true,  TEXTS,     1),
    row(Operator::Includes,            "INCLUDES",               true,  TEXTS,     3),
    row(Operator::EndsWith,            "ENDS WITH",              true,  TEXTS,     1),
    row(Operator::In,                  "&",                      true,  TEXTS,     3),
    row(Operator::NotIn,               "!&",                     true,  TEXTS,     3),
    row(Operator::GreaterThan,         "GREATER THAN",           true,  TEXTS,     2),
    row(Operator::GreaterThanOrEquals, "GREATER THAN OR EQUALS", true,  TEXTS,     2),
    row(Operator::RegexMatch,          "REGEX MATCH",            true,  TEXTS,     20),
    row(Operator::NotRegexMatch,       "NOT REGEX MATCH",        true,  TEXTS,     20),
    row(Operator::IsTrue,              "IS TRUE",                false, FLAGS,     0),
    row(Operator::IsFalse,             "IS FALSE",               false, FLAGS,     0),
    row(Operator::IsNull,              "IS NULL",                false, ALL_KINDS, 0),
    row(Operator::IsNotNull,           "IS NOT NULL",            false, ALL_KINDS, 0),
];

const fn row(operator: Operator, name: &'static str, takes_value: bool, kinds: &'static [Kind], cost: u32) -> Row {
    Row { operator, name, takes_value, kinds, cost }
}

impl Operator {
    /// The operator of a name, however it is capitalized, with blanks or `_` between its words.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let words = |name: &str| name.split(['_', ' ']).filter(|word| !word.is_empty()).map(str::to_uppercase).collect::<Vec<_>>();
        let wanted = words(name);
        ROWS.iter().find(|row| words(row.name) == wanted).map(|row| row.operator)
    }

    /// All names.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|row| row.name)
    }

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether a value follows.
    #[must_use]
    pub fn takes_value(self) -> bool {
        self.row().takes_value
    }

    /// Whether it can test an attribute of a kind.
    pub(super) fn tests(self, kind: Kind) -> bool {
        kind == Kind::Any || self.row().kinds.contains(&kind)
    }

    pub(super) fn cost(self) -> u32 {
        self.row().cost
    }

    fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.operator == self).unwrap_or(&ROWS[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_found_however_it_is_capitalized() {
        for (name, want) in [
            ("EQUALS", Some(Operator::Equals)),
            ("Greater_Than_OR_EQUALS", Some(Operator::GreaterThanOrEquals)),
            ("is not  null", Some(Operator::IsNotNull)),
            ("!&", Some(Operator::NotIn)),
            ("LIKE", None),
            ("", None),
        ] {
            assert_eq!(Operator::of(name), want, "{name}");
        }
        for row in ROWS {
            assert_eq!((Operator::of(row.name), row.operator.name()), (Some(row.operator), row.name));
        }
    }
}
