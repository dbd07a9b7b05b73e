//! The pages of `docs/reference/`: one a kind, with a section for each field, and their index.

use std::fmt::Write as _;

use xtsync_control::manifest::API_VERSION;

use super::choice::Choice;
use super::explain::{first_sentence, summary};
use super::field::Field;
use super::flow::{flow, lines};

/// A generated Markdown file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The name of the file.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What stands above all generated text.
const GENERATED: &str =
    "<!-- Generated from the schema by `make reference`; its text is in the doc comments of the structs that the parser reads. -->\n";

const INDEX: &str = r"# Reference

Every kind of resource that administrators write, with all fields. The pages, `xtsync explain-field` and the JSON schema are generated from one source.

| kind | meaning |
|---|---|
";

const EDITORS: &str = r#"
`xtsync explain-field Synchronization.spec.scope` prints one field, and with `--recursive` the fields below it.

## Completion and checks in editors

The JSON schema of all kinds is [resources.schema.json](../resources.schema.json); `xtsync schema` prints the one of the installed program. An editor with
the YAML language server completes and checks a document that names the schema in a comment:

```yaml
# yaml-language-server: $schema=./xtsync.schema.json
apiVersion: xtsync.dev/v1
kind: Organization
metadata: {name: contoso}
spec: {tenants: [emea, hub]}
```

The path is relative to the file; `xtsync schema >xtsync.schema.json` writes the schema beside it. The comment counts for its document only. A setting of the
editor names the schema for all documents of a folder; in VS Code it is `"yaml.schemas": {"./xtsync.schema.json": "config/*.yaml"}`.

The schema knows one document at a time. What only the whole configuration shows, such as a tenant that does not exist, `xtsync apply` refuses. In two points
the schema is stricter than `apply`: it refuses an explicit `null`, and a duplicate in a list that is a set.
"#;

/// The index and the page of each kind.
#[must_use]
pub fn pages(kinds: &[Field]) -> Vec<Page> {
    let index = Page { name: "README.md".to_owned(), text: index(kinds) };
    let of_kind = |kind: &Field| Page { name: file(kind), text: page(kind) };
    std::iter::once(index).chain(kinds.iter().map(of_kind)).collect()
}

fn file(kind: &Field) -> String {
    format!("{}.md", kind.name.to_lowercase())
}

fn index(kinds: &[Field]) -> String {
    let rows = kinds.iter().map(|kind| format!("| [{}]({}) | {} |\n", kind.name, file(kind), cell(&first_sentence(&kind.meaning))));
    format!("{GENERATED}\n{INDEX}{}{EDITORS}", rows.collect::<String>())
}

fn page(kind: &Field) -> String {
    let all = all_fields(kind);
    let mut text = format!("{GENERATED}\n# {}\n\n{}\n\n```yaml\n{}```\n", kind.name, kind.meaning, example(kind));
    text.push_str("\n| field | type | meaning |\n|---|---|---|\n");
    for field in &all {
        let meaning = cell(&first_sentence(&field.meaning));
        writeln!(text, "| [`{0}`](#{1}) | {2} | {meaning} |", field.path, anchor(&field.path), summary(field)).expect("a string");
    }
    text.extend(all.into_iter().map(section));
    text
}

/// A resource of a kind in which every field of the spec has its example.
#[must_use]
pub(super) fn example(kind: &Field) -> String {
    let of = |name: &str| kind.fields.iter().find(|field| field.name == name).into_iter().flat_map(|field| &field.fields);
    let named = |field: &Field| field.example.as_ref().map(|value| format!("{}: {}", field.name, flow(value)));
    let metadata: Vec<String> = of("metadata").filter(|field| field.is_required).filter_map(named).collect();
    let spec: String = of("spec").filter_map(|field| written(field, 1)).collect();
    format!("apiVersion: {API_VERSION}\nkind: {}\nmetadata: {{{}}}\nspec:\n{spec}", kind.name, metadata.join(", "))
}

/// A field with its example, or with the examples of the fields in it.
fn written(field: &Field, depth: usize) -> Option<String> {
    let indent = "  ".repeat(depth);
    if let Some(value) = &field.example {
        return Some(lines(&field.name, value, &indent));
    }
    let below: String = field.fields.iter().filter_map(|field| written(field, depth + 1)).collect();
    (!below.is_empty()).then(|| format!("{indent}{}:\n{below}", field.name))
}

fn all_fields(field: &Field) -> Vec<&Field> {
    field.fields.iter().flat_map(|field| std::iter::once(field).chain(all_fields(field))).collect()
}

fn section(field: &Field) -> String {
    let example = field.example.as_ref().map(|value| format!("`{}: {}`", field.name, flow(value)));
    let limits = Some(field.limits.join("; ")).filter(|limits| !limits.is_empty());
    let rows = [("type", Some(summary(field))), ("default", field.default.clone()), ("limits", limits), ("example", example)];
    let rows = rows.into_iter().filter_map(|(name, value)| value.map(|value| format!("| {name} | {} |\n", cell(&value))));
    let mut text = format!("\n### `{}`\n\n{}\n\n| | |\n|---|---|\n{}", field.path, field.meaning, rows.collect::<String>());
    text.push_str(&choices("value", &field.values));
    text.push_str(&choices("key", &field.keys));
    text
}

/// A table of values, or a list of them where their names say what they mean.
fn choices(title: &str, choices: &[Choice]) -> String {
    let described = choices.iter().any(|choice| !choice.meaning.is_empty());
    if choices.is_empty() {
        String::new()
    } else if described {
        let rows = choices.iter().map(|choice| format!("| `{}` | {} |\n", cell(&choice.value), cell(&choice.meaning)));
        format!("\n| {title} | meaning |\n|---|---|\n{}", rows.collect::<String>())
    } else {
        let names: Vec<String> = choices.iter().map(|choice| format!("`{}`", choice.value)).collect();
        format!("\nValues: {}.\n", names.join(", "))
    }
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', r"\|").replace('\n', " ")
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}
