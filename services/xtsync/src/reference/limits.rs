//! What a field accepts, in words.

use serde_json::Value;

use super::flow::flow;
use super::resolve::{Definitions, Schema, required, text};

/// The limits of a field, one phrase each.
pub(super) fn limits(schema: &Schema, definitions: Definitions<'_>) -> Vec<String> {
    if let (Some(words), Some(_)) = (text(schema, "x-limits"), schema.get("anyOf")) {
        return vec![words.to_owned()];
    }
    let mut limits: Vec<String> = definitions.alternatives(schema).iter().flat_map(|one| of_one(one, definitions)).collect();
    limits.dedup();
    limits
}

fn of_one(schema: &Schema, definitions: Definitions<'_>) -> Vec<String> {
    let words = text(schema, "x-limits").map(str::to_owned);
    let pattern = || text(schema, "pattern").map(|pattern| format!("matches `{pattern}`"));
    let of_items = definitions.items(schema).map(|items| limits(&items, definitions)).unwrap_or_default();
    let numbers = if words.is_some() { None } else { range(schema, "minimum", "maximum", "") };
    let characters = range(schema, "minLength", "maxLength", " characters");
    let is_set = schema.get("uniqueItems") == Some(&Value::Bool(true));
    let constant = schema.get("const").filter(|constant| constant.is_boolean()).map(|constant| format!("only `{}`", flow(constant)));
    words
        .or_else(pattern)
        .into_iter()
        .chain(numbers)
        .chain(characters)
        .chain(range(schema, "minItems", "maxItems", " items"))
        .chain(is_set.then(|| "no duplicates".to_owned()))
        .chain(constant)
        .chain(exactly_one(schema))
        .chain(of_items.into_iter().map(|limit| format!("each: {limit}")))
        .collect()
}

fn range(schema: &Schema, min: &str, max: &str, unit: &str) -> Option<String> {
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    match (number(min), number(max)) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}{unit}")),
        (None, Some(max)) => Some(format!("at most {max}{unit}")),
        (Some(1), None) if !unit.is_empty() => Some("not empty".to_owned()),
        (Some(min), None) => Some(format!("at least {min}{unit}")),
        (None, None) => None,
    }
}

/// The fields of which a resource has exactly one.
fn exactly_one(schema: &Schema) -> Option<String> {
    let names: Vec<String> = one_of(schema).into_iter().map(|name| format!("`{name}`")).collect();
    (names.len() > 1).then(|| format!("exactly one of {}", names.join(", ")))
}

/// The fields that alternatives of an object require.
pub(super) fn one_of(schema: &Schema) -> Vec<&str> {
    schema.get("oneOf").and_then(Value::as_array).into_iter().flatten().flat_map(required).collect()
}
