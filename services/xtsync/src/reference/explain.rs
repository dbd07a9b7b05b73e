//! What `xtsync explain-field` prints: one field, or the tree of fields below it.

use std::fmt::Write as _;

use super::choice::Choice;
use super::field::Field;
use super::flow::flow;

/// A field of a kind, with a line for each field in it.
#[must_use]
pub fn explained(kind: &str, field: &Field) -> String {
    let mut text = head(kind, field);
    if !field.meaning.is_empty() {
        write!(text, "\n{}\n", field.meaning).expect("writing to a string does not fail");
    }
    section(&mut text, "VALUES", field.values.iter().map(row));
    section(&mut text, "KEYS", field.keys.iter().map(row));
    section(&mut text, "FIELDS", field.fields.iter().map(|field| [field.name.clone(), summary(field), first_sentence(&field.meaning)]));
    text
}

/// The tree of fields below a field, each with what it holds.
#[must_use]
pub fn tree(field: &Field) -> String {
    fn add(text: &mut String, depth: usize, fields: &[Field]) {
        for field in fields {
            let indent = "  ".repeat(depth);
            writeln!(text, "{indent}{}  {}", field.name, summary(field)).expect("writing to a string does not fail");
            add(text, depth + 1, &field.fields);
        }
    }
    let mut text = format!("{}  {}\n", field.name, summary(field));
    add(&mut text, 1, &field.fields);
    text
}

/// What a field holds, and whether it must be given.
pub(super) fn summary(field: &Field) -> String {
    if field.is_required { format!("{}, required", field.holds) } else { field.holds.clone() }
}

/// The first sentence of a text.
pub(super) fn first_sentence(text: &str) -> String {
    text.split_once(". ").map_or_else(|| text.to_owned(), |(first, _)| format!("{first}."))
}

fn head(kind: &str, field: &Field) -> String {
    let example = field.example.as_ref().map(|example| format!("{}: {}", field.name, flow(example)));
    let limits = Some(field.limits.join("; ")).filter(|limits| !limits.is_empty());
    let path = Some(field.path.clone()).filter(|path| !path.is_empty());
    let lines = [
        ("KIND", Some(kind.to_owned())),
        ("FIELD", path),
        ("TYPE", Some(summary(field))),
        ("DEFAULT", field.default.clone()),
        ("LIMITS", limits),
        ("EXAMPLE", example),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| value.map(|value| format!("{:<9}{value}\n", format!("{name}:"))));
    lines.collect()
}

fn row(choice: &Choice) -> [String; 2] {
    [choice.value.clone(), choice.meaning.clone()]
}

/// Adds rows in columns below a title.
fn section<const COLUMNS: usize>(text: &mut String, title: &str, rows: impl Iterator<Item = [String; COLUMNS]>) {
    let rows: Vec<[String; COLUMNS]> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..COLUMNS).map(widest).collect();
    write!(text, "\n{title}:\n").expect("writing to a string does not fail");
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(text, "  {}", cells.join("  ").trim_end()).expect("writing to a string does not fail");
    }
}
