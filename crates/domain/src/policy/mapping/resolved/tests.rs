//! What becomes of directory extensions, single-valued and multi-valued, known and not.

use std::collections::BTreeSet;

use xtsync_language::Context;

use super::*;
use crate::mapping::{Invalid, Mapped, compile, map};
use crate::resource::{DirectoryExtensions, Nulls};
use crate::{Attributes, Timestamp, Value};

/// Both directories have these extensions of one application, and each may lack some of them.
const ALL: &str = r#"{"users":{"E_cost":{"dataType":"String"},"E_skills":{"dataType":"String","isMultiValued":true},
    "E_vip":{"dataType":"Boolean"},"E_level":{"dataType":"Integer"},"E_badge":{"dataType":"LargeInteger"},
    "E_since":{"dataType":"DateTime"},"E_photo":{"dataType":"Binary"},"E_levels":{"dataType":"Integer","isMultiValued":true},
    "E_xtsyncAnchor":{"dataType":"String"}},"gone":["E_former"]}"#;

fn named(text: &str) -> String {
    text.replace("E_", "extension_0123456789abcdef0123456789abcdef_")
}

fn extensions(json: &str) -> DirectoryExtensions {
    serde_json::from_str(&named(json)).unwrap()
}

fn mapping(text: &str) -> Mapping {
    serde_json::from_str(&named(text)).unwrap()
}

fn set(pairs: &[(&str, Value)]) -> Attributes {
    pairs.iter().map(|(name, value)| (named(name), value.clone())).collect()
}

fn texts(texts: &[&str]) -> Value {
    Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn ana() -> Attributes {
    set(&[
        ("E_cost", "4711".into()),
        ("E_skills", texts(&["sql", "rust", "sql"])),
        ("E_vip", Value::Flag(true)),
        ("E_level", Value::Number(7)),
        ("E_since", Value::Time(Timestamp(1_000_000))),
        ("E_badge", Value::Null),
        ("department", "Sales, Law".into()),
    ])
}

/// What the mappings make of Ana, besides the defaults.
fn mapped(written: &[(&str, &str)], source: Option<&DirectoryExtensions>, target: Option<&DirectoryExtensions>) -> Mapped {
    let written = written.iter().map(|(name, text)| (named(name), mapping(text))).collect();
    let tables = Tables { source: AttributeTable::new(source), target: AttributeTable::new(target) };
    let mut mapped = map(&compile(&written, Nulls::Clear, &BTreeSet::new(), &tables), &ana(), &Context::default());
    mapped.attributes.keep(|name| written.contains_key(name));
    mapped
}

#[test]
fn an_extension_is_read_and_written_by_its_type_and_cleared_with_its_source() {
    let all = extensions(ALL);
    for (target, from, want) in [
        ("E_cost", r#"{"source":"E_cost"}"#, Value::from("4711")),
        ("E_cost", r#"{"constant":"none"}"#, "none".into()),
        ("E_cost", r#"{"expression":"Append(\"C\", [E_cost])"}"#, "C4711".into()),
        ("E_cost", r#"{"expression":"CStr([E_level])"}"#, "7".into()),
        ("jobTitle", r#"{"source":"E_cost"}"#, "4711".into()),
        ("jobTitle", r#"{"expression":"Item([E_skills], 1)"}"#, "sql".into()),
        ("E_skills", r#"{"source":"E_skills"}"#, texts(&["rust", "sql"])),
        ("E_skills", r#"{"expression":"Split([department], \",\")"}"#, texts(&["Law", "Sales"])),
        ("E_skills", r#"{"expression":"[E_cost]"}"#, texts(&["4711"])),
        ("E_vip", r#"{"source":"E_vip"}"#, Value::Flag(true)),
        ("E_vip", r#"{"expression":"CBool([E_level] > 5)"}"#, Value::Flag(true)),
        ("E_level", r#"{"source":"E_level"}"#, Value::Number(7)),
        ("E_badge", r#"{"expression":"\"-12\""}"#, Value::Number(-12)),
        ("E_badge", r#"{"source":"E_badge"}"#, Value::Null),
        ("E_since", r#"{"source":"E_since"}"#, Value::Time(Timestamp(1_000_000))),
        ("E_since", r#"{"expression":"DateAdd(\"s\", 1, [E_since])"}"#, Value::Time(Timestamp(2_000_000))),
    ] {
        let got = mapped(&[(target, from)], Some(&all), Some(&all));
        assert_eq!(got.attributes, set(&[(target, want)]), "{target} {from} {:?}", got.invalid);
    }
}

#[test]
fn a_value_that_does_not_fit_leaves_its_attribute_alone() {
    let all = extensions(ALL);
    let got = mapped(&[("E_level", r#"{"expression":"[department]"}"#), ("E_cost", r#"{"source":"E_cost"}"#)], Some(&all), Some(&all));
    assert_eq!(got.attributes, set(&[("E_cost", "4711".into())]));
    assert_eq!(got.invalid, [Invalid { attribute: named("E_level"), code: "wrong_type" }]);
}

#[test]
fn what_is_unread_gone_unknown_or_not_to_be_mapped_is_neither_read_nor_written() {
    let (all, none) = (extensions(ALL), DirectoryExtensions::default());
    for (target, from, source, into) in [
        ("E_cost", r#"{"source":"E_cost"}"#, None, Some(&all)),
        ("E_cost", r#"{"source":"E_cost"}"#, Some(&all), None),
        ("E_cost", r#"{"source":"E_cost"}"#, Some(&none), Some(&all)),
        ("E_cost", r#"{"source":"E_cost"}"#, Some(&all), Some(&none)),
        ("E_former", r#"{"source":"E_cost"}"#, Some(&all), Some(&all)),
        ("E_cost", r#"{"source":"E_former"}"#, Some(&all), Some(&all)),
        ("jobTitle", r#"{"expression":"[E_former]"}"#, Some(&all), Some(&all)),
        ("jobTitle", r#"{"expression":"[E_cost]"}"#, None, None),
        ("E_photo", r#"{"source":"E_photo"}"#, Some(&all), Some(&all)),
        ("E_levels", r#"{"source":"E_levels"}"#, Some(&all), Some(&all)),
        ("E_xtsyncAnchor", r#"{"source":"E_cost"}"#, Some(&all), Some(&all)),
        ("jobTitle", r#"{"source":"E_xtsyncAnchor"}"#, Some(&all), Some(&all)),
    ] {
        let got = mapped(&[(target, from)], source, into);
        assert_eq!((got.attributes, got.invalid), (Attributes::default(), vec![]), "{target} {from}");
        let written = BTreeMap::from([(named(target), mapping(from))]);
        let tables = Tables { source: AttributeTable::new(source), target: AttributeTable::new(into) };
        let mappings = compile(&written, Nulls::Clear, &BTreeSet::new(), &tables);
        assert!(!mappings.reads().any(is_extension), "{target} {from}: a directory would refuse to be asked for it");
    }
}

#[test]
fn mappings_are_resolved_where_every_extension_is_known_to_fit_or_gone() {
    let all = extensions(ALL);
    let (known, unread) = (Some(&all), None);
    for (target, from, source, into, want) in [
        ("city", r#"{"source":"city"}"#, unread, unread, true),
        ("city", r#"{"expression":"no expression"}"#, unread, unread, true),
        ("E_cost", r#"{"source":"E_cost"}"#, known, known, true),
        ("E_cost", r#"{"source":"E_cost"}"#, unread, known, false),
        ("E_cost", r#"{"source":"E_cost"}"#, known, unread, false),
        ("E_cost", r#"{"source":"city"}"#, unread, known, true),
        ("E_cost", r#"{"constant":"x"}"#, unread, unread, false),
        ("jobTitle", r#"{"expression":"[E_cost]"}"#, unread, unread, false),
        ("jobTitle", r#"{"expression":"[E_cost]"}"#, known, unread, true),
        ("jobTitle", r#"{"expression":"[E_skills]"}"#, known, unread, false),
        ("jobTitle", r#"{"source":"E_level"}"#, known, unread, false),
        ("E_cost", r#"{"source":"E_skills"}"#, known, known, false),
        ("E_unknown", r#"{"source":"city"}"#, known, known, false),
        ("E_cost", r#"{"source":"E_unknown"}"#, known, known, false),
        ("E_photo", r#"{"none":true}"#, known, known, false),
        ("E_former", r#"{"source":"city"}"#, known, known, true),
        ("E_cost", r#"{"source":"E_former"}"#, known, known, true),
        ("jobTitle", r#"{"expression":"[E_former]"}"#, known, known, true),
    ] {
        let written = BTreeMap::from([(named(target), mapping(from))]);
        let tables = Tables { source: AttributeTable::new(source), target: AttributeTable::new(into) };
        assert_eq!(is_resolved(&written, &tables), want, "{target} {from}");
    }
}
