//! Writes a JSON value as YAML on one line, as examples show it.

use serde_json::Value;

/// A value in YAML's flow style, with quotes only where they are needed.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// A field with its value. A long one takes a line for each field in it.
pub(super) fn lines(name: &str, value: &Value, indent: &str) -> String {
    const WIDTH: usize = 100;
    let line = format!("{indent}{name}: {}\n", flow(value));
    match value {
        Value::Object(fields) if line.len() > WIDTH => {
            let below: String = fields.iter().map(|(key, value)| lines(&scalar(key), value, &format!("{indent}  "))).collect();
            format!("{indent}{name}:\n{below}")
        }
        Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => line,
    }
}

fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Whether YAML reads a text as this text without quotes.
fn is_plain(text: &str) -> bool {
    let is_ordinary = |c: char| c.is_alphanumeric() || "-_./%: ".contains(c);
    let is_other =
        text.parse::<f64>().is_ok() || ["true", "false", "null", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    text.starts_with(char::is_alphanumeric)
        && text.chars().all(is_ordinary)
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
        && !is_other
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_value_takes_a_line_for_each_field() {
        let long = "x".repeat(60);
        let value = json!({"a": {"source": long.as_str()}, "b": {"c": long.as_str(), "d": 1}});
        let want = format!("  m:\n    a: {{source: {long}}}\n    b: {{c: {long}, d: 1}}\n");
        assert_eq!(lines("m", &value, "  "), want);
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_value() {
        for (value, want) in [
            (json!({"groups": ["GlobalEmployees"]}), "{groups: [GlobalEmployees]}"),
            (json!("https://graph.microsoft.us"), "https://graph.microsoft.us"),
            (json!("Contoso EMEA"), "Contoso EMEA"),
            (json!("12"), "'12'"),
            (json!("no"), "'no'"),
            (json!("a: b"), "'a: b'"),
            (json!("it's [x]"), "'it''s [x]'"),
            (json!(""), "''"),
            (json!(["1%", 7, true, null]), "[1%, 7, true, null]"),
        ] {
            assert_eq!(flow(&value), want);
            assert_eq!(serde_saphyr::from_str::<Value>(want).unwrap(), value, "{want}");
        }
    }
}
