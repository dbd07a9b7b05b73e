//! What the repository shows as YAML is valid by the schema.

use std::path::Path;
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};
use xtsync::reference::{self, Field};

use super::support::{documents, full, parse, validator};

/// What stands in examples and templates in place of values, and values for it.
const PLACEHOLDERS: [(&str, &str); 6] = [
    ("{address}", "http://127.0.0.1:8700"),
    ("{secret}", "secret"),
    ("ADDRESS", "http://127.0.0.1:8700"),
    ("CLIENT", "{clientId: app, clientSecret: {file: secret}}"),
    ("graph: {…}", "graph: {domain: d, reader: {clientId: app, clientSecret: {file: secret}}}"),
    ("https://…", "https://xtsync.example"),
];

#[test]
fn all_yaml_of_the_repository_that_shows_resources_is_valid() {
    let (validator, mut resources, mut fragments) = (validator(), 0, 0);
    for (path, text) in texts() {
        let text = PLACEHOLDERS.iter().fold(text, |text, (placeholder, value)| text.replace(placeholder, value));
        // A list is a file of `xtsync test`.
        for document in documents(&text).into_iter().filter(Value::is_object) {
            if document.get("kind").is_some() {
                check(&validator, &document, &path);
                resources += 1;
            } else {
                check(&validator, &spec_with(&document), &path);
                fragments += 1;
            }
        }
    }
    assert!(resources >= 20 && fragments >= 1, "{resources} resources, {fragments} fragments");
}

#[test]
fn a_document_with_every_field_is_valid_for_parser_and_schema() {
    let validator = validator();
    for document in full() {
        assert_eq!(parse(&document), Ok(()));
        check(&validator, &document, "full.yaml");
    }
}

#[test]
fn the_document_with_every_field_lacks_none() {
    fn has(value: &Value, path: &[&str]) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        match value {
            Value::Array(items) => items.iter().any(|item| has(item, path)),
            Value::Object(fields) if name.starts_with('<') => fields.values().any(|value| has(value, rest)),
            Value::Object(fields) => fields.get(name.trim_end_matches("[]")).is_some_and(|value| has(value, rest)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    fn check(document: &Value, field: &Field) {
        assert!(has(document, &field.path.split('.').collect::<Vec<_>>()), "{} is missing in full.yaml", field.path);
        field.fields.iter().for_each(|field| check(document, field));
    }
    for (kind, document) in reference::kinds().iter().zip(full()) {
        assert_eq!(document["kind"], *kind.name);
        kind.fields.iter().for_each(|field| check(&document, field));
    }
}

#[test]
fn every_duration_that_the_parser_reads_is_valid() {
    let validator = validator();
    let texts = ["30s", "1m 30s", "1h30m", "500ms", "7d", "2 weeks", "PT5M", "P1DT12H", "0s", "1.5h", "1 day, 2 hours", " 5m"];
    for text in texts {
        check(&validator, &spec_with(&json!({"scopeGracePeriod": text})), text);
        assert_eq!(parse(&spec_with(&json!({"scopeGracePeriod": text}))), Ok(()));
    }
}

fn check(validator: &Validator, document: &Value, path: &str) {
    let errors: Vec<String> = validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{path}: {errors:#?}\n{document}");
}

/// A Synchronization with fields of a fragment in its spec.
fn spec_with(fragment: &Value) -> Value {
    let mut document =
        json!({"kind": "Synchronization", "metadata": {"name": "a", "tenant": "a"}, "spec": {"to": "b", "scope": {"everyone": true}}});
    document["spec"].as_object_mut().unwrap().extend(fragment.as_object().unwrap().clone());
    document
}

/// The YAML files under version control, and the YAML blocks of documents.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new("git").args(["ls-files", "*.yaml", "*.md"]).current_dir(&root).output().unwrap();
    let mut texts = Vec::new();
    for path in String::from_utf8(listed.stdout).unwrap().lines().filter(|path| !path.starts_with("proto/")) {
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        if path.ends_with(".md") {
            texts.extend(text.split("```yaml\n").skip(1).map(|block| (path.to_owned(), block.split("```").next().unwrap().to_owned())));
        } else {
            texts.push((path.to_owned(), text));
        }
    }
    texts
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::meta::is_valid(&reference::schema()));
}
