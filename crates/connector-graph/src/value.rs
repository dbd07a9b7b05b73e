//! Values of attributes between Graph's JSON and the domain.
//!
//! Graph says "empty" in three ways, as null, as an empty list and as an empty text; here all three are `Null`.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use xtsync_domain::{Timestamp, Value};

use super::attribute::{self, Kind};

/// A value that Graph gave; `None` when it is not of the attribute's kind.
pub(super) fn from_json(kind: Kind, json: &Json) -> Option<Value> {
    match (kind, json) {
        (_, Json::Null) => Some(Value::Null),
        (Kind::Text | Kind::Open, Json::String(text)) if text.is_empty() => Some(Value::Null),
        (Kind::Text | Kind::Open, Json::String(text)) => Some(Value::Text(storable(text))),
        (Kind::Flag | Kind::Open, Json::Bool(flag)) => Some(Value::Flag(*flag)),
        (Kind::Texts | Kind::Set | Kind::Open, Json::Array(items)) if items.is_empty() => Some(Value::Null),
        (Kind::Set, Json::Array(items)) => {
            let texts: Option<BTreeSet<String>> = items.iter().map(|item| item.as_str().map(storable)).collect();
            texts.map(|texts| Value::Texts(texts.into_iter().collect()))
        }
        (Kind::Texts | Kind::Open, Json::Array(items)) => {
            items.iter().map(|item| item.as_str().map(storable)).collect::<Option<_>>().map(Value::Texts)
        }
        (Kind::Open, Json::Number(number)) => number.as_i64().map(Value::Number),
        (Kind::Time, Json::String(text)) => Timestamp::parse(text).map(Value::Time),
        (Kind::Text | Kind::Flag | Kind::Texts | Kind::Set | Kind::Time | Kind::Open, _) => None,
    }
}

/// A text as any database holds it: PostgreSQL takes no NUL, so the replacement character stands in its place (Unicode, U+FFFD).
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A value of another kind than its attribute's, as it came: who decides by it must see that it is neither empty nor the expected.
pub(super) fn unexpected(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::String(text) => Value::Text(storable(text)),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Text(number.to_string()), Value::Number),
        Json::Array(_) | Json::Object(_) => Value::Text("(no value of a user's)".to_owned()),
    }
}

/// A value as Graph takes it; `None` when Graph has no form for it.
pub(super) fn to_json(name: &str, value: &Value) -> Option<Json> {
    match value {
        // Graph's lists cannot be null.
        Value::Null if attribute::kind(name) == Kind::Texts => Some(json!([])),
        Value::Null => Some(Json::Null),
        Value::Text(text) => Some(json!(text)),
        Value::Flag(flag) => Some(json!(flag)),
        Value::Number(number) => Some(json!(number)),
        Value::Texts(texts) => Some(json!(texts)),
        Value::Time(time) => Some(json!(time.to_string())),
        // A reference is written as a link of its own, and bytes have no place in a user.
        Value::Reference(_) | Value::Binary(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_the_kind_of_their_attribute() {
        let time = Timestamp::parse("2026-11-21T08:00:00Z").unwrap();
        for (name, json, want) in [
            ("city", json!("Paris"), Some("Paris".into())),
            ("city", json!(""), Some(Value::Null)),
            ("city", json!(null), Some(Value::Null)),
            ("city", json!(7), None),
            ("city", json!("a\u{0}b"), Some("a\u{fffd}b".into())),
            ("businessPhones", json!(["1\u{0}"]), Some(Value::Texts(vec!["1\u{fffd}".to_owned()]))),
            ("accountEnabled", json!(true), Some(true.into())),
            ("accountEnabled", json!("true"), None),
            ("businessPhones", json!(["1", "2"]), Some(Value::Texts(vec!["1".to_owned(), "2".to_owned()]))),
            ("businessPhones", json!([]), Some(Value::Null)),
            ("businessPhones", json!([7]), None),
            ("businessPhones", json!("1"), None),
            ("createdDateTime", json!("2026-11-21T08:00:00Z"), Some(Value::Time(time))),
            ("createdDateTime", json!("yesterday"), None),
            ("extension_1_cost", json!("100"), Some("100".into())),
            ("extension_1_cost", json!(100), Some(Value::Number(100))),
            ("extension_1_cost", json!(1.5), None),
            ("extension_1_cost", json!(false), Some(false.into())),
            ("extension_1_cost", json!({"a": 1}), None),
        ] {
            assert_eq!(from_json(attribute::kind(name), &json), want, "{name} {json}");
        }
    }

    #[test]
    fn a_set_is_read_in_one_order() {
        let texts = |texts: &[&str]| Some(Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect()));
        for (json, want) in [
            (json!(["b", "a", "b"]), texts(&["a", "b"])),
            (json!([]), Some(Value::Null)),
            (json!(null), Some(Value::Null)),
            (json!([7]), None),
            (json!("a"), None),
        ] {
            assert_eq!(from_json(Kind::Set, &json), want, "{json}");
        }
    }

    #[test]
    fn values_are_written_as_graph_takes_them() {
        let time = Timestamp::parse("2026-11-21T08:00:00Z").unwrap();
        for (name, value, want) in [
            ("city", "Paris".into(), Some(json!("Paris"))),
            ("city", Value::Null, Some(json!(null))),
            ("businessPhones", Value::Null, Some(json!([]))),
            ("businessPhones", Value::Texts(vec!["1".to_owned()]), Some(json!(["1"]))),
            ("accountEnabled", false.into(), Some(json!(false))),
            ("employeeHireDate", Value::Time(time), Some(json!("2026-11-21T08:00:00Z"))),
            ("extension_1_cost", Value::Number(7), Some(json!(7))),
            ("thumbnailPhoto", Value::Binary(vec![1]), None),
        ] {
            assert_eq!(to_json(name, &value), want, "{name} {value:?}");
        }
    }
}
