//! What filters say of users, as documented for scoping filters.

use super::{Clause, Filter, Tree, parse};
use crate::compile::{AnyAttribute, Schema};
use crate::evaluate::{Failure, Read, Source};
use crate::value::{Kind, Value};

/// A user with one attribute; `other` is empty, and the value of `unread` was not taken.
struct One(&'static str, Value<'static>);

impl Source for One {
    fn read(&self, name: &str) -> Read<'_> {
        match name {
            "unread" => Read::Unread,
            name if name == self.0 => Read::Value(self.1.clone()),
            _ => Read::Value(Value::Null),
        }
    }
}

fn passes(filter: &str, source: &dyn Source) -> Result<bool, Failure> {
    Filter::compile(&parse(filter).unwrap(), &AnyAttribute).unwrap().passes(source).map_err(|unknown| unknown.failure)
}

fn of(text: &'static str) -> Value<'static> {
    text.into()
}

#[test]
fn every_operator_does_what_is_documented() {
    let null = || Value::Null;
    let cases: Vec<(&str, Vec<Value<'_>>, Vec<Value<'_>>)> = vec![
        (r#"a EQUALS "Sales""#, vec![of("Sales")], vec![of("sales"), of("Sales "), null(), of("")]),
        (r#"a NOT EQUALS "Sales""#, vec![of("sales"), of("Legal")], vec![of("Sales"), null(), of("")]),
        (r#"a INCLUDES "Engineer""#, vec![of("Senior Engineer II")], vec![of("senior engineer"), null(), of("")]),
        (r#"a ENDS_WITH "@contoso.com""#, vec![of("a@contoso.com")], vec![of("a@fabrikam.com"), null(), of("")]),
        (r#"a & "Sales;Marketing""#, vec![of("Sales")], vec![of("Legal"), null(), of("")]),
        (r#"a !& "Sales;Marketing""#, vec![of("Legal")], vec![of("Sales"), null(), of("")]),
        (r#"a Greater_Than 5"#, vec![6.into(), 10.into(), of("6")], vec![5.into(), 4.into(), (-1).into(), of("abc"), null()]),
        (r#"a Greater_Than_OR_EQUALS 5"#, vec![5.into(), 6.into()], vec![4.into(), of("abc"), null()]),
        (r#"a REGEX MATCH ".*\@domain.com""#, vec![of("a@domain.com")], vec![of("a@other.com"), null(), of("")]),
        (r#"a REGEX MATCH "([1-9][0-9])""#, vec![of("10"), of("99"), 50.into()], vec![of("9"), of("0"), of("100"), null()]),
        (r#"a REGEX MATCH "ES|FR""#, vec![of("ES"), of("FR")], vec![of("ESX"), of("XFR")]),
        (r#"a NOT REGEX MATCH ".*\@domain.com""#, vec![of("a@other.com")], vec![of("a@domain.com"), null(), of("")]),
        ("a IS TRUE", vec![true.into()], vec![false.into(), null()]),
        ("a IS FALSE", vec![false.into()], vec![true.into(), null()]),
        ("a IS NULL", vec![null(), of("")], vec![of("x")]),
        ("a IS NOT NULL", vec![of("x"), false.into()], vec![null(), of("")]),
    ];
    for (filter, matching, others) in cases {
        for (values, want) in [(matching, true), (others, false)] {
            for value in values {
                assert_eq!(passes(filter, &One("a", value.clone())), Ok(want), "{filter} of {value:?}");
            }
        }
    }
}

#[test]
fn parts_are_combined_and_what_is_not_known_matters_only_if_it_decides() {
    let user = One("a", of("x"));
    let unread = Err(Failure::Unread("unread".to_owned()));
    for (filter, want) in [
        (r#"a EQUALS "x" AND b IS NULL"#, Ok(true)),
        (r#"a EQUALS "y" OR b IS NULL"#, Ok(true)),
        (r#"a EQUALS "y" AND b IS NULL"#, Ok(false)),
        (r#"NOT (b EQUALS "y")"#, Ok(true)),
        (r#"unread EQUALS "x" AND a EQUALS "y""#, Ok(false)),
        (r#"unread EQUALS "x" OR a EQUALS "x""#, Ok(true)),
        (r#"unread EQUALS "x" AND a EQUALS "x""#, unread.clone()),
        (r#"NOT (unread IS NULL)"#, unread),
    ] {
        assert_eq!(passes(filter, &user), want, "{filter}");
    }
}

#[test]
fn groups_of_clauses_are_the_same_filter() {
    let clause = |attribute: &str, operator: &str, value: &str| Clause {
        attribute: attribute.to_owned(),
        operator: operator.to_owned(),
        value: value.to_owned(),
    };
    let tree = Tree::of_groups(&[vec![clause("a", "EQUALS", "x"), clause("b", "IS NULL", "")], vec![clause("a", "EQUALS", "y")]]);
    let tree = tree.unwrap().unwrap();
    assert_eq!(tree, parse(r#"a EQUALS "x" AND b IS NULL OR a EQUALS "y""#).unwrap());
    assert_eq!(Filter::compile(&tree, &AnyAttribute).unwrap().passes(&One("a", of("y"))), Ok(true));
}

/// Attributes named after their kinds.
struct Named;

impl Schema for Named {
    fn kind(&self, name: &str) -> Option<Kind> {
        [("text", Kind::Text), ("flag", Kind::Flag), ("list", Kind::List), ("time", Kind::Time), ("reference", Kind::Reference)]
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| kind)
    }

    fn names(&self) -> Vec<&str> {
        vec!["text", "flag", "list", "time", "reference"]
    }
}

#[test]
fn what_cannot_be_filtered_on_is_refused_with_its_place() {
    for (filter, want) in [
        (r#"list EQUALS "x""#, "kind at 0..4: `list` has several values, which cannot be filtered on"),
        (r#"text IS NULL OR time IS NULL"#, "kind at 16..20: `time` is a date, which cannot be filtered on"),
        ("reference IS NULL", "kind at 0..9: `reference` is a reference, which cannot be filtered on"),
        (r#"flag EQUALS "True""#, "kind at 0..4: `flag` is a truth value, which EQUALS cannot test"),
        ("text IS TRUE", "kind at 0..4: `text` is a text, which IS TRUE cannot test"),
        ("txet IS NULL", "unknown_attribute at 0..4: there is no attribute `txet` to filter on, did you mean `text`?"),
        (r#"text GREATER_THAN "many""#, "constant at 18..24: GREATER THAN needs a whole number"),
        ("userType EQUALS \"Member\"", "unsupported at 0..8: `userType` cannot be filtered on: it is documented as not supported"),
        ("NOT (hireDate IS NULL) AND StatusHireDate IS NULL", "unknown_attribute at 5..13: there is no attribute `hireDate` to filter on"),
        ("StatusHireDate IS NULL", "unsupported at 0..14: `StatusHireDate` cannot be filtered on: it is a date"),
        (r#"text REGEX MATCH "a)(b""#, "pattern at 17..23: at character 2 of the pattern: this bracket closes none"),
    ] {
        let error = Filter::compile(&parse(filter).unwrap(), &Named).unwrap_err();
        assert_eq!(format!("{} at {}..{}: {error}", error.code.name(), error.span.start, error.span.end), want, "{filter}");
    }
}
