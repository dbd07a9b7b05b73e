//! The fields of the resources as the schema describes them, for the pages and for `explain-field`.

use serde_json::{Value, json};

use super::choice::{Choice, key_prefixes, keys, values};
use super::flow::flow;
use super::limits::{limits, one_of};
use super::resolve::{Definitions, Schema, members, required, text};

/// A kind, or a field of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in its object: `groups`, or `<attribute>` for every key of a map.
    pub name: String,
    /// Its path from the document, such as `spec.scope.groups[].id`; empty for a kind.
    pub path: String,
    /// What it means.
    pub meaning: String,
    /// What it holds, such as `list of string`.
    pub holds: String,
    /// Whether it must be given.
    pub is_required: bool,
    /// What holds where it is not given.
    pub default: Option<String>,
    /// What it accepts, one phrase each.
    pub limits: Vec<String>,
    /// The values that it accepts, if they are few.
    pub values: Vec<Choice>,
    /// The keys that it knows, if it is a map.
    pub keys: Vec<Choice>,
    /// How other keys of a map begin.
    pub key_prefixes: Vec<String>,
    /// A value for it.
    pub example: Option<Value>,
    /// The fields in it.
    pub fields: Vec<Field>,
}

/// The kinds that a schema of resources describes.
pub(super) fn kinds(schema: &Value) -> Vec<Field> {
    let definitions = Definitions(&schema["$defs"]);
    let branches = schema["allOf"].as_array().into_iter().flatten();
    branches.map(|branch| kind(schema, branch, definitions)).collect()
}

fn kind(schema: &Value, branch: &Value, definitions: Definitions<'_>) -> Field {
    let name = branch["if"]["properties"]["kind"]["const"].as_str().unwrap_or_default();
    let of_kind = &branch["then"]["properties"];
    let meaning = text(&definitions.resolve(&of_kind["spec"]), "description").unwrap_or_default().to_owned();
    let document = json!({
        "type": "object",
        "description": meaning,
        "required": required(schema),
        "properties": {
            "apiVersion": schema["properties"]["apiVersion"],
            "kind": {"type": "string", "description": "The kind of the resource.", "enum": [name], "examples": [name]},
            "metadata": of_kind["metadata"],
            "spec": of_kind["spec"],
        },
    });
    let mut kind = field(name, "", &document, definitions);
    // A document begins with it, though only the first one of a file must have it.
    kind.fields.sort_by_key(|field| field.name != "apiVersion");
    kind
}

/// The field of a name at a path, which the name is the end of.
fn field(name: &str, path: &str, schema: &Value, definitions: Definitions<'_>) -> Field {
    let schema = definitions.resolve(schema);
    let alternatives = definitions.alternatives(&schema);
    Field {
        name: name.to_owned(),
        path: path.to_owned(),
        meaning: text(&schema, "description").unwrap_or_default().to_owned(),
        holds: holds(&schema, definitions),
        is_required: false,
        default: schema.get("default").map(|value| format!("`{}`", flow(value))).or(text(&schema, "x-default").map(str::to_owned)),
        limits: limits(&schema, definitions),
        values: values(&schema, definitions),
        keys: alternatives.iter().flat_map(keys).collect(),
        key_prefixes: alternatives.iter().flat_map(key_prefixes).collect(),
        example: schema.get("examples").and_then(|examples| examples.get(0)).cloned(),
        fields: alternatives.iter().flat_map(|one| fields(path, one, definitions)).collect(),
    }
}

/// The fields of one shape of a value: required ones first.
fn fields(path: &str, schema: &Schema, definitions: Definitions<'_>) -> Vec<Field> {
    if let Some(items) = definitions.items(schema) {
        let path = format!("{path}[]");
        return definitions.alternatives(&items).iter().flat_map(|one| fields(&path, one, definitions)).collect();
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(key) = text(schema, "x-key") {
        let name = format!("<{key}>");
        let value = members(schema, "patternProperties").map(|(_, value)| value).next();
        // What stands beside the reference is about one key.
        let value = value.and_then(|value| value.get("$ref")).map(|reference| json!({"$ref": reference}));
        return value.map(|value| field(&name, &below(&name), &value, definitions)).into_iter().collect();
    }
    let all = schema.get("required").map(|names| json!({"required": names})).unwrap_or_default();
    let mut first = required(&all);
    let only = one_of(schema);
    if only.len() == 1 {
        first.extend(only);
    }
    let mut fields: Vec<Field> = members(schema, "properties").map(|(name, value)| field(name, &below(name), value, definitions)).collect();
    for field in &mut fields {
        field.is_required = first.contains(&field.name.as_str());
    }
    fields.sort_by_key(|field| first.iter().position(|name| *name == field.name).unwrap_or(first.len()));
    fields
}

/// What a value of a schema is.
fn holds(schema: &Schema, definitions: Definitions<'_>) -> String {
    let mut names: Vec<String> = definitions.alternatives(schema).iter().map(|one| holds_one(one, definitions)).collect();
    names.dedup();
    names.join(" or ")
}

fn holds_one(schema: &Schema, definitions: Definitions<'_>) -> String {
    if let Some(items) = definitions.items(schema) {
        return format!("list of {}", holds(&items, definitions));
    }
    if let Some(key) = text(schema, "x-key") {
        return format!("map by {key}");
    }
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        Some(Value::String(name)) => name.clone(),
        Some(_) | None => "string".to_owned(),
    }
}
