//! How the values of expressions are written: as JSON, since that tells a text from a number and nothing from an empty text.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use xtsync_language::{Explained, Failure, Value};

/// What stands for a value that is not to be shown.
const REDACTED: &str = "[Redact]";

/// A value as JSON; a moment is the text that it becomes in an attribute.
#[must_use]
pub fn as_json(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Flag(flag) => json!(flag),
        Value::Integer(number) => json!(number),
        Value::List(items) => json!(items),
        Value::Text(_) | Value::Time(_) | Value::Reference(_) => json!(value.clone().text()),
    }
}

/// What an expression gave, in one line.
#[must_use]
pub fn as_text(value: &Result<Value<'_>, Failure>) -> String {
    match value {
        Ok(value) => as_json(value).to_string(),
        Err(failure) => failure.to_string(),
    }
}

/// What kind of value it is.
#[must_use]
pub fn kind(value: &Value<'_>) -> &'static str {
    value.kind().map_or("nothing", xtsync_language::Kind::describe)
}

/// The value of a part, unless it is not to be shown.
#[must_use]
pub fn shown(part: &Explained) -> String {
    match &part.value {
        None => "not evaluated".to_owned(),
        Some(_) if part.is_redacted => REDACTED.to_owned(),
        Some(value) => as_text(value),
    }
}

/// A tree of parts, each with its value, as text: a part a line, what is in it below.
#[must_use]
pub fn trace(part: &Explained) -> String {
    fn write(part: &Explained, depth: usize, text: &mut String) {
        writeln!(text, "{}{}  {}", "  ".repeat(depth), part.text, shown(part)).expect("writing to a string does not fail");
        part.parts.iter().for_each(|part| write(part, depth + 1, text));
    }
    let mut text = String::new();
    write(part, 0, &mut text);
    text
}

/// The same as JSON.
#[must_use]
pub fn trace_as_json(part: &Explained) -> Json {
    let parts: Json = part.parts.iter().map(trace_as_json).collect();
    let mut shown = json!({"expression": part.text, "parts": parts});
    match &part.value {
        None => {}
        Some(_) if part.is_redacted => shown["redacted"] = json!(true),
        Some(Ok(value)) => shown["value"] = as_json(value),
        Some(Err(failure)) => shown["failure"] = failure_as_json(failure),
    }
    shown
}

/// Why there is no value, as JSON.
#[must_use]
pub fn failure_as_json(failure: &Failure) -> Json {
    json!({"code": failure.code(), "message": failure.to_string()})
}
