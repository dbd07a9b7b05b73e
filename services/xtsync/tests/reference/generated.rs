//! What is generated is what is published, and says of every field what it means.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use serde_json::Value;
use xtsync::reference::{self, Field};

use super::support::{documents, parse, validator};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn the_published_schema_is_the_one_that_the_program_prints() {
    expect_file![docs().join("resources.schema.json")].assert_eq(&reference::schema_text());
}

#[test]
fn the_published_pages_are_those_that_are_generated_and_there_is_no_other() {
    let folder = docs().join("reference");
    let pages = reference::pages(&reference::kinds());
    for page in &pages {
        expect_file![folder.join(&page.name)].assert_eq(&page.text);
    }
    let there: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, pages.into_iter().map(|page| page.name).collect());
}

#[test]
fn every_field_says_what_it_means_and_has_an_example() {
    fn check(kind: &str, field: &Field) {
        let text = &field.meaning;
        assert!(text.ends_with('.') && !text.contains("[`") && !text.contains('\n'), "{kind} {}: {text:?}", field.path);
        assert!(field.example.is_some() || !field.fields.is_empty(), "{kind} {}: no example", field.path);
        for choice in &field.values {
            assert!(choice.meaning.is_empty() || choice.meaning.ends_with('.'), "{kind} {}: {choice:?}", field.path);
        }
        field.fields.iter().for_each(|field| check(kind, field));
    }
    for kind in reference::kinds() {
        kind.fields.iter().for_each(|field| check(&kind.name, field));
    }
}

#[test]
fn every_example_and_every_default_is_valid_where_it_stands() {
    fn check(schema: &Value, definitions: &Value, count: &mut usize) {
        if let Value::Object(fields) = schema {
            let values = fields.get("examples").and_then(Value::as_array).into_iter().flatten().chain(fields.get("default"));
            for value in values {
                let mut alone = fields.clone();
                alone.insert("$defs".to_owned(), definitions.clone());
                let validator = jsonschema::draft202012::new(&alone.into()).unwrap();
                assert!(validator.is_valid(value), "{value} is not valid for {schema}");
                *count += 1;
            }
        }
        // A property may be named `default` or `examples`, but none is a scalar.
        let below: Vec<&Value> = match schema {
            Value::Object(fields) => {
                fields.iter().filter(|(key, _)| !["examples", "const", "enum"].contains(&key.as_str())).map(|(_, value)| value).collect()
            }
            Value::Array(items) => items.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        below.into_iter().for_each(|schema| check(schema, definitions, count));
    }
    let (schema, mut count) = (reference::schema(), 0);
    check(&schema, &schema["$defs"], &mut count);
    assert!(count > 40, "{count} examples");
}

#[test]
fn the_example_of_each_page_is_a_resource_that_parser_and_schema_accept() {
    let validator = validator();
    for page in reference::pages(&reference::kinds()) {
        let yaml = page.text.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
        for document in documents(yaml) {
            assert_eq!(parse(&document), Ok(()), "{}", page.name);
            assert!(
                validator.is_valid(&document),
                "{}: {:?}",
                page.name,
                validator.iter_errors(&document).map(|error| error.to_string()).collect::<Vec<_>>()
            );
        }
    }
}
