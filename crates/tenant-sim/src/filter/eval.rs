//! Evaluates a filter for an object.
//!
//! Texts are compared case-insensitively, as in the directory. A comparison with an absent value is false, except `eq null` and `ne`.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::{Comparison, Filter, Items, Literal, Term, Test};
use crate::object::Object;
use crate::property;
use crate::value::{Value, folded, parse_time, starts_with};

/// Whether the filter matches the object.
pub(crate) fn matches<O: Object>(filter: &Filter, object: &O) -> bool {
    match filter {
        Filter::And(left, right) => matches(left, object) && matches(right, object),
        Filter::Or(left, right) => matches(left, object) || matches(right, object),
        Filter::Not(inner) => !matches(inner, object),
        Filter::Test(term, test) => passes(test, &value_of(term, object)),
        Filter::Any(prop, items) => any(object.fields().get(*prop), items.as_deref()),
    }
}

fn value_of<O: Object>(term: &Term, object: &O) -> Value {
    if term.prop == property::ID {
        return Value::text(object.id().to_string());
    }
    match (object.fields().get(term.prop), &term.part) {
        (Some(Value::Json(json)), Some(part)) => part_of(json, part),
        (Some(value), None) => value.clone(),
        (Some(_) | None, _) => Value::Null,
    }
}

fn part_of(json: &Json, part: &str) -> Value {
    match json.get(part) {
        Some(Json::String(text)) => Value::text(text.as_str()),
        Some(Json::Bool(flag)) => Value::Flag(*flag),
        Some(_) | None => Value::Null,
    }
}

fn any(list: Option<&Value>, items: Option<&Items>) -> bool {
    match (list, items) {
        (Some(Value::Texts(texts)), None) => !texts.is_empty(),
        (Some(Value::Texts(texts)), Some(items)) => texts.iter().any(|text| item_passes(items, &Value::Text(text.clone()))),
        (Some(Value::Json(json)), None) => json.as_array().is_some_and(|array| !array.is_empty()),
        (Some(Value::Json(json)), Some(items)) => {
            json.as_array().is_some_and(|array| array.iter().any(|item| item_passes(items, &whole(item))))
        }
        (Some(Value::Null | Value::Flag(_) | Value::Number(_) | Value::Time(_) | Value::Text(_)) | None, _) => false,
    }
}

fn item_passes(items: &Items, item: &Value) -> bool {
    match items {
        Items::And(left, right) => item_passes(left, item) && item_passes(right, item),
        Items::Or(left, right) => item_passes(left, item) || item_passes(right, item),
        Items::Test(None, test) => passes(test, item),
        Items::Test(Some(part), test) => match item {
            Value::Json(json) => passes(test, &part_of(json, part)),
            Value::Null | Value::Flag(_) | Value::Number(_) | Value::Time(_) | Value::Text(_) | Value::Texts(_) => false,
        },
    }
}

fn whole(item: &Json) -> Value {
    match item {
        Json::String(text) => Value::text(text.as_str()),
        other => Value::Json(std::sync::Arc::new(other.clone())),
    }
}

fn passes(test: &Test, value: &Value) -> bool {
    match test {
        Test::Compare(comparison, literal) => compares(*comparison, value, literal),
        Test::In(literals) => literals.iter().any(|literal| compares(Comparison::Equal, value, literal)),
        Test::StartsWith(prefix) => value.as_text().is_some_and(|text| starts_with(text, prefix)),
        Test::EndsWith(suffix) => value.as_text().is_some_and(|text| lower(text).ends_with(&lower(suffix))),
    }
}

fn lower(text: &str) -> String {
    folded(text).collect()
}

fn compares(comparison: Comparison, value: &Value, literal: &Literal) -> bool {
    let order = order(value, literal);
    match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
    }
}

/// The order of the value and the literal; `None` if they cannot be compared.
fn order(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Flag(value), Literal::Flag(literal)) => Some(value.cmp(literal)),
        (Value::Text(value), Literal::Text(literal)) => Some(folded(value).cmp(folded(literal))),
        (Value::Time(value), Literal::Time(literal)) => Some(value.cmp(literal)),
        // Some clients quote times.
        (Value::Time(value), Literal::Text(literal)) => parse_time(literal).map(|literal| value.cmp(&literal)),
        (Value::Null | Value::Flag(_) | Value::Number(_) | Value::Time(_) | Value::Text(_) | Value::Texts(_) | Value::Json(_), _) => None,
    }
}
