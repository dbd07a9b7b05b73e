//! The JSON schema of the documents that [`super::read`] reads, for editors and for the reference.
//!
//! The header is written here, beside its parser. The specs are derived from the structs that the parser reads, and the section of each
//! connector comes from the connector. The schema is stricter than the parser in two points, which are mistakes more often than not: it refuses
//! an explicit null, as an editor leaves it where a value is forgotten, and a duplicate in a set.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use xtsync_directory::Connectors;
use xtsync_domain::resource::{CrossTenantAccessPolicy, Kind, Organization, Synchronization, Tenant};
use xtsync_domain::schema::name;

use super::{API_VERSION, KINDS};

/// The JSON schema of a document of any kind that administrators write.
#[must_use]
pub fn schema(connectors: &Connectors) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let branches: Vec<Value> = KINDS.iter().filter_map(|kind| branch(*kind, &mut generator)).collect();
    let sections = connectors.schemas(&mut generator);
    let mut definitions = generator.take_definitions(false);
    add_sections(&mut definitions, sections);
    let kinds: Vec<Value> = KINDS.iter().map(|kind| described(*kind, &definitions)).collect();
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "xtsync resource",
        "description": "A resource of xtsync. A file holds one or more of them, each a YAML document.",
        "type": "object",
        "required": ["kind", "metadata", "spec"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {
                "description": "The version of the format. The first document of a file needs it; a document without it has that of the document before it.",
                "const": API_VERSION,
                "examples": [API_VERSION],
            },
            "kind": {"description": "The kind of the resource.", "oneOf": kinds, "examples": [Kind::Synchronization.as_str()]},
            "metadata": {"description": "What names the resource.", "type": "object"},
            "spec": {"description": "What the resource says.", "type": "object"},
        },
        "allOf": branches,
        "$defs": definitions,
    });
    RecursiveTransform(plain).transform(&mut schema);
    schema.to_value()
}

/// What differs between the documents of the kinds.
struct Document {
    spec: Schema,
    owner: Owner,
    /// A name for examples.
    name: &'static str,
}

/// Whose administrator owns a resource.
enum Owner {
    /// It belongs to no tenant.
    None,
    /// A Tenant belongs to itself.
    Itself,
    /// It belongs to the tenant that it names; one for examples.
    Tenant(&'static str),
}

/// The documents of a kind; `None` for a kind that is derived and never written.
fn document(kind: Kind, generator: &mut SchemaGenerator) -> Option<Document> {
    let (spec, owner, name) = match kind {
        Kind::Organization => (generator.subschema_for::<Organization>(), Owner::None, "contoso"),
        Kind::Tenant => (generator.subschema_for::<Tenant>(), Owner::Itself, "emea"),
        Kind::CrossTenantAccessPolicy => (generator.subschema_for::<CrossTenantAccessPolicy>(), Owner::Tenant("hub"), "terms"),
        Kind::Synchronization => (generator.subschema_for::<Synchronization>(), Owner::Tenant("emea"), "to-hub"),
        Kind::Projection | Kind::NameResolution | Kind::Directory | Kind::DirectoryExtensions | Kind::Rename => return None,
    };
    Some(Document { spec, owner, name })
}

/// What holds for the documents of a kind.
fn branch(kind: Kind, generator: &mut SchemaGenerator) -> Option<Value> {
    let document = document(kind, generator)?;
    Some(json!({
        "if": {"required": ["kind"], "properties": {"kind": {"const": kind.as_str()}}},
        "then": {"properties": {"metadata": metadata(kind, &document, generator), "spec": document.spec}},
    }))
}

/// What names a resource.
fn metadata(kind: Kind, document: &Document, generator: &mut SchemaGenerator) -> Value {
    let mut field = |text: &str, example: &str| {
        let mut field = name(generator);
        field.insert("description".to_owned(), text.into());
        field.insert("examples".to_owned(), json!([example]));
        field.to_value()
    };
    let mut required = vec!["name"];
    let mut properties = Map::new();
    let text = format!("The name of the {kind}, unique among those of its tenant and kind.");
    properties.insert("name".to_owned(), field(&text, document.name));
    match document.owner {
        Owner::None => {}
        Owner::Itself => {
            let text = "The name of the Tenant again, as a Tenant belongs to itself. It can be left out.";
            properties.insert("tenant".to_owned(), field(text, document.name));
        }
        Owner::Tenant(tenant) => {
            let text = "The name of the Tenant whose administrator owns the resource.";
            properties.insert("tenant".to_owned(), field(text, tenant));
            required.push("tenant");
        }
    }
    json!({
        "description": "What names the resource.",
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

/// A kind with its meaning, which is that of its spec.
fn described(kind: Kind, definitions: &Map<String, Value>) -> Value {
    let spec = definitions.get(kind.as_str()).and_then(|definition| definition.get("description"));
    json!({"const": kind.as_str(), "description": spec})
}

/// Adds the connector sections to a Tenant, which has exactly one of them.
fn add_sections(definitions: &mut Map<String, Value>, sections: Vec<(&'static str, Schema)>) {
    let Some(tenant) = definitions.get_mut(Kind::Tenant.as_str()).and_then(Value::as_object_mut) else { return };
    let one: Vec<Value> = sections.iter().map(|(name, _)| json!({"required": [name]})).collect();
    tenant.insert("oneOf".to_owned(), one.into());
    tenant.insert("additionalProperties".to_owned(), false.into());
    if let Some(properties) = tenant.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(sections.into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value())));
    }
}

/// Adapts a schema to its readers. Nulls that stand for a field that is left out go, as do the widths of integers and the line breaks of comments.
/// An editor that knows `patternErrorMessage` says in words what a pattern asks for.
fn plain(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(options)) = object.get_mut("anyOf") {
        options.retain(|option| option != &json!({"type": "null"}));
        if let [Value::Object(only)] = options.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
    object.remove("format");
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    }
    if let (Some(words), true) = (object.get("x-limits").and_then(Value::as_str), object.contains_key("pattern")) {
        let message = format!("expected {words}");
        object.insert("patternErrorMessage".to_owned(), message.into());
    }
}
