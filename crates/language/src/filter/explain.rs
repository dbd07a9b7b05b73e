//! Says how a filter came to its result: each part with what it gave, in the order in which it is written.

use super::compile::Filter;
use super::tree::{Node, Tree};
use crate::compile::Schema;
use crate::error::Error;
use crate::evaluate::{Failure, Read, Source};
use crate::explain::Explained;
use crate::value::Value;

/// Says what each part of a filter gave for a user. Every part is evaluated, also where another decides.
///
/// # Errors
/// As [`Filter::compile`].
pub fn explain(tree: &Tree, schema: &dyn Schema, source: &dyn Source) -> Result<Explained, Error> {
    let parts = match &tree.node {
        Node::And(parts) | Node::Or(parts) => parts.iter().map(|part| explain(part, schema, source)).collect::<Result<_, _>>()?,
        Node::Not(part) => vec![explain(part, schema, source)?],
        Node::Clause { attribute, attribute_span, .. } => {
            let value = match source.read(attribute) {
                Read::Value(value) => Ok(value.into_owned()),
                Read::Unread => Err(Failure::Unread(attribute.clone())),
            };
            vec![Explained {
                text: format!("[{attribute}]"),
                span: *attribute_span,
                value: Some(value),
                is_redacted: source.is_sensitive(attribute),
                parts: Vec::new(),
            }]
        }
    };
    let passes = Filter::compile(tree, schema)?.passes(source).map(Value::Flag).map_err(|unknown| unknown.failure);
    let is_redacted = parts.iter().any(|part| part.is_redacted);
    Ok(Explained { text: tree.to_string(), span: tree.span, value: Some(passes), is_redacted, parts })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::compile::AnyAttribute;

    struct Ana;

    impl Source for Ana {
        fn read(&self, name: &str) -> Read<'_> {
            match name {
                "department" => Read::Value("Sales".into()),
                "city" => Read::Unread,
                _ => Read::Value(Value::Null),
            }
        }
    }

    fn show(part: &Explained, depth: usize) -> String {
        let value = match &part.value {
            Some(Ok(value)) => format!("{value:?}"),
            Some(Err(failure)) => failure.to_string(),
            None => "not evaluated".to_owned(),
        };
        let parts: String = part.parts.iter().map(|part| show(part, depth + 1)).collect();
        format!("{}{} → {value}\n{parts}", "  ".repeat(depth), part.text)
    }

    #[test]
    fn every_part_is_shown_in_the_order_in_which_it_is_written() {
        let tree = parse(r#"NOT (city EQUALS "Rome") OR department EQUALS "Sales""#).unwrap();
        let want = r#"NOT (city EQUALS "Rome") OR department EQUALS "Sales" → Flag(true)
  NOT (city EQUALS "Rome") → the newest value of `city` was not taken
    city EQUALS "Rome" → the newest value of `city` was not taken
      [city] → the newest value of `city` was not taken
  department EQUALS "Sales" → Flag(true)
    [department] → Text("Sales")
"#;
        assert_eq!(show(&explain(&tree, &AnyAttribute, &Ana).unwrap(), 0), want);
    }
}
