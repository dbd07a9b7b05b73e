//! The values of a field and the keys of a map, as far as the schema lists them.

use serde_json::Value;

use super::flow::flow;
use super::resolve::{Definitions, Schema, members};

/// One of several values or keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// As it is written.
    pub value: String,
    /// What it means; empty if the name says it.
    pub meaning: String,
}

/// The values that a schema names one by one.
pub(super) fn values(schema: &Schema, definitions: Definitions<'_>) -> Vec<Choice> {
    let plain = |value: &Value| Choice { value: flow(value), meaning: String::new() };
    let of_one = |one: &Schema| {
        let listed = one.get("enum").and_then(Value::as_array).into_iter().flatten().map(plain);
        let constants = one.get("oneOf").and_then(Value::as_array).into_iter().flatten().filter_map(|option| {
            let meaning = option.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
            option.get("const").map(|value| Choice { value: flow(value), meaning })
        });
        let constant = one.get("const").filter(|constant| constant.is_string()).map(plain);
        let of_items = definitions.items(one).map(|items| values(&items, definitions)).unwrap_or_default();
        listed.chain(constants).chain(constant).chain(of_items).collect::<Vec<_>>()
    };
    definitions.alternatives(schema).iter().flat_map(of_one).collect()
}

/// The keys that a map knows.
pub(super) fn keys(schema: &Schema) -> Vec<Choice> {
    let Some(_) = schema.get("x-key") else { return Vec::new() };
    let said = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let described = |(key, value): (&String, &Value)| Choice {
        value: said(value, "title").unwrap_or_else(|| key.clone()),
        meaning: said(value, "description").unwrap_or_default(),
    };
    let patterns = members(schema, "patternProperties").filter(|(_, value)| value.get("description").is_some());
    members(schema, "properties").chain(patterns).map(described).collect()
}

/// What the keys of a map begin with that no list names.
pub(super) fn key_prefixes(schema: &Schema) -> Vec<String> {
    let Some(_) = schema.get("x-key") else { return Vec::new() };
    let literal = |pattern: &str| pattern.trim_start_matches('^').chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    members(schema, "patternProperties").map(|(pattern, _)| literal(pattern)).collect()
}
