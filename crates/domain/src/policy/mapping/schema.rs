//! The JSON schemas of what names attributes: mappings by target attribute, and the names by themselves.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{Attribute, ByDefault, Target, ValueType, known};
use crate::extension::PATTERN as EXTENSION_PATTERN;
use crate::resource::Mapping;

/// How the name of a directory extension looks, for readers: with the id of the application that registered it.
const EXTENSION: &str = "extension_APPID_NAME";

/// Mappings by target attribute.
pub(crate) fn mappings(generator: &mut SchemaGenerator) -> Schema {
    let mapping = generator.subschema_for::<Mapping>();
    let with = |keyword: &str, text: String, mut schema: Schema| {
        schema.insert(keyword.to_owned(), text.into());
        schema
    };
    let writable = known().iter().filter(|attribute| is_writable(attribute));
    let properties: Map<String, Value> = writable
        .map(|attribute| (attribute.name.to_owned(), with("description", describe(attribute), mapping.clone()).to_value()))
        .collect();
    let extension = with("description", "A directory extension; not mapped by default.".to_owned(), mapping.clone());
    json_schema!({
        "type": "object",
        "properties": properties,
        "patternProperties": {EXTENSION_PATTERN: with("title", EXTENSION.to_owned(), extension)},
        "additionalProperties": false,
        "x-key": "attribute",
    })
}

/// The name of an attribute that can be read from a source.
pub(crate) fn readable_name(_: &mut SchemaGenerator) -> Schema {
    names(|attribute| attribute.source, "an attribute that sources have")
}

/// Names of attributes that can be written in a target.
pub(crate) fn writable_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": names(is_writable, "an attribute that mappings write"), "uniqueItems": true})
}

fn is_writable(attribute: &Attribute<'_>) -> bool {
    attribute.target.is_writable()
}

fn names(is_wanted: impl Fn(&Attribute<'_>) -> bool, what: &str) -> Schema {
    let names: Vec<&str> = known().iter().filter(|attribute| is_wanted(attribute)).map(|attribute| attribute.name).collect();
    json_schema!({
        "type": "string",
        "anyOf": [{"enum": names}, {"pattern": EXTENSION_PATTERN}],
        "x-limits": format!("{what}, or a directory extension: `{EXTENSION}`"),
    })
}

/// What an attribute holds, and what becomes of it where nothing is written.
fn describe(attribute: &Attribute<'_>) -> String {
    let holds = match attribute.value_type {
        ValueType::Text => "A text",
        ValueType::Texts => "A list of texts",
        ValueType::Flag => "True or false",
        ValueType::Number => "A whole number",
        ValueType::Time => "A moment",
        ValueType::Other | ValueType::Unread => "A value",
    };
    let default = match attribute.default {
        ByDefault::Direct => "by default the source's attribute of the same name".to_owned(),
        ByDefault::OnCreate(text) => format!("by default `{text}`, at creation only"),
        ByDefault::Unmapped => "not mapped by default".to_owned(),
    };
    let emptied = match attribute.target {
        Target::Required => " The directory does not let it be emptied.",
        Target::Clearable | Target::Never(_) => "",
    };
    format!("{holds}; {default}.{emptied}")
}

/// Mappings as JSON, for examples.
pub(crate) fn example() -> Value {
    json!({
        "department": {"source": "department"},
        "companyName": {"constant": "Contoso EMEA"},
        "displayName": {"expression": "Join(\" \", [givenName], [surname])"},
    })
}
