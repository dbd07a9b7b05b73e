//! Reads a JSON schema as this program writes it: references, alternatives and maps.

use serde_json::{Map, Value};

/// A subschema with its references resolved.
pub(super) type Schema = Map<String, Value>;

/// The definitions that references lead to.
#[derive(Clone, Copy)]
pub(super) struct Definitions<'a>(pub(super) &'a Value);

impl Definitions<'_> {
    /// A subschema; what stands beside a reference replaces what the definition says.
    pub(super) fn resolve(self, schema: &Value) -> Schema {
        let own = schema.as_object().cloned().unwrap_or_default();
        let name = own.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix("#/$defs/"));
        let mut resolved = name.and_then(|name| self.0.get(name)).map(|definition| self.resolve(definition)).unwrap_or_default();
        resolved.extend(own.into_iter().filter(|(key, _)| key != "$ref"));
        resolved
    }

    /// The shapes that a value may have: those of `anyOf`, or the schema itself.
    pub(super) fn alternatives(self, schema: &Schema) -> Vec<Schema> {
        let Some(Value::Array(options)) = schema.get("anyOf") else { return vec![schema.clone()] };
        let whole = schema.get("type");
        let inherit = |option: &Value| {
            let mut option = self.resolve(option);
            if let Some(name) = whole {
                option.entry("type").or_insert_with(|| name.clone());
            }
            option
        };
        options.iter().map(inherit).collect()
    }

    /// The schema of a list's items.
    pub(super) fn items(self, schema: &Schema) -> Option<Schema> {
        schema.get("items").map(|items| self.resolve(items))
    }
}

/// A text of a schema.
pub(super) fn text<'a>(schema: &'a Schema, key: &str) -> Option<&'a str> {
    schema.get(key).and_then(Value::as_str)
}

/// The subschemas of a schema, by name.
pub(super) fn members<'a>(schema: &'a Schema, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// The names that `required` lists.
pub(super) fn required(schema: &Value) -> Vec<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
