//! The scoping filter of a synchronization, as an administrator writes it: one line, or groups of clauses as Entra shows them.
//!
//! Which attributes there are, and whether a value fits its operator, is not known here (`configuration/validate/filter.rs`).

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use xtsync_language::Error;
use xtsync_language::filter::{self, Tree};
use xtsync_language::limits::CHARS_MAX;

/// A scoping filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Where {
    /// On one line, such as `department EQUALS "Sales" AND NOT (country REGEX MATCH "ES|FR")`.
    Line(String),
    /// As groups: a user passes if all clauses of any group hold.
    Groups(Vec<ClauseGroup>),
}

/// Clauses that hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClauseGroup {
    /// The title of the group, for readers of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Sales in Europe")]
    pub name: Option<String>,
    /// The clauses, which must all hold; a clause about an empty attribute does not hold, but for `IS NULL`.
    #[schemars(length(min = 1), example = clauses_example())]
    pub clauses: Vec<Clause>,
}

/// One test of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// The source attribute. Attributes with several values, dates, references and `userType` cannot be tested.
    #[schemars(schema_with = "crate::mapping::schema::readable_name", example = &"department")]
    pub attribute: String,
    /// The operator: `EQUALS`, `NOT EQUALS`, `INCLUDES`, `ENDS WITH`, `&`, `!&`, `GREATER THAN`, `GREATER THAN OR EQUALS`, `REGEX MATCH`,
    /// `NOT REGEX MATCH`, `IS TRUE`, `IS FALSE`, `IS NULL` or `IS NOT NULL`. Small letters, and `_` for a blank, mean the same.
    #[schemars(length(min = 1), example = &"EQUALS")]
    pub operator: String,
    /// What the operator compares with; left out for an operator without a value.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "text")]
    #[schemars(length(min = 1), example = &"Sales", extend("x-default" = "none"))]
    pub value: String,
}

impl Where {
    /// The filter's syntax tree; `None` where it has no group. Places in a line are places in its text; groups have none.
    ///
    /// # Errors
    /// If it is not written as the grammar says, names an operator that does not exist, or has a group without a clause.
    pub fn tree(&self) -> Result<Option<Tree>, Error> {
        match self {
            Self::Line(text) => filter::parse(text).map(Some),
            Self::Groups(groups) => {
                let groups: Vec<Vec<_>> = groups.iter().map(|group| group.clauses.iter().map(filter::Clause::from).collect()).collect();
                Tree::of_groups(&groups)
            }
        }
    }
}

impl From<&Clause> for filter::Clause {
    fn from(clause: &Clause) -> Self {
        let Clause { attribute, operator, value } = clause.clone();
        Self { attribute, operator, value }
    }
}

/// As [`Where`] is read.
impl JsonSchema for Where {
    fn schema_name() -> Cow<'static, str> {
        "Where".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let group = generator.subschema_for::<ClauseGroup>();
        json_schema!({
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": CHARS_MAX},
                {"type": "array", "items": group, "minItems": 1},
            ],
        })
    }
}

fn clauses_example() -> [Clause; 1] {
    [Clause { attribute: "department".to_owned(), operator: "EQUALS".to_owned(), value: "Sales".to_owned() }]
}

/// A filter that is named is given: nothing behind `where:` must not put everyone in scope.
pub(super) fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Where>, D::Error> {
    Where::deserialize(from).map(Some)
}

/// By hand, because an untagged enum would not say which field of which clause is wrong.
impl<'de> Deserialize<'de> for Where {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WhereVisitor)
    }
}

struct WhereVisitor;

impl<'de> Visitor<'de> for WhereVisitor {
    type Value = Where;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a filter: a text such as `department EQUALS \"Sales\"`, or a list of groups, each with its `clauses`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Where, E> {
        Ok(Where::Line(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, groups: A) -> Result<Where, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(groups)).map(Where::Groups)
    }
}

/// A text. YAML reads `NO`, `01234` and `1.10` as something else, so that what is no text is refused and not turned into one.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(_)
        | serde_json::Value::Bool(_)
        | serde_json::Value::Null
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => Err(D::Error::custom("`value` is a text: put it in quotes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Where, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_and_groups_of_clauses_are_the_same_filter() {
        let clause = |operator: &str, value: &str| format!(r#"{{"attribute":"department","operator":"{operator}"{value}}}"#);
        for (json, want) in [
            (r#""department EQUALS \"Sales\"""#.to_owned(), r#"department EQUALS "Sales""#),
            (format!(r#"[{{"clauses":[{}]}}]"#, clause("EQUALS", r#","value":"Sales""#)), r#"department EQUALS "Sales""#),
            (
                format!(r#"[{{"name":"All","clauses":[{},{}]}}]"#, clause("Greater_Than", r#","value":"5""#), clause("IS NOT NULL", "")),
                r#"department GREATER THAN "5" AND department IS NOT NULL"#,
            ),
            (
                format!(r#"[{{"clauses":[{}]}},{{"clauses":[{}]}}]"#, clause("IS NULL", ""), clause("&", r#","value":"a;b""#)),
                r#"department IS NULL OR department & "a;b""#,
            ),
        ] {
            let filter = read(&json).unwrap();
            assert_eq!(filter.tree().unwrap().unwrap().to_string(), want);
            assert_eq!(serde_json::to_string(&filter).unwrap(), json, "it is written as it was read");
        }
        assert_eq!(read("[]").unwrap().tree().unwrap(), None);
    }

    #[test]
    fn a_filter_of_another_shape_is_refused_in_clear_words() {
        for (json, word) in [
            ("7", "a filter: a text such as"),
            (r#"{"clauses":[]}"#, "a filter: a text such as"),
            (r#"[{"clauses":[{"attribut":"a"}]}]"#, "unknown field `attribut`"),
            (r#"[{"clauses":[{"attribute":"a"}]}]"#, "missing field `operator`"),
            (r#"[{"clauses":[{"attribute":"a","operator":"EQUALS","value":[]}]}]"#, "`value` is a text: put it in quotes"),
            (r#"[{"clauses":[{"attribute":"a","operator":"EQUALS","value":5}]}]"#, "`value` is a text: put it in quotes"),
            (r#"[{"clauses":[{"attribute":"a","operator":"EQUALS","value":false}]}]"#, "`value` is a text: put it in quotes"),
            (r#"[{"clauses":[{"attribute":"a","operator":"IS NULL","value":null}]}]"#, "`value` is a text: put it in quotes"),
            ("null", "a filter: a text such as"),
            (r#"[{"name":"x"}]"#, "missing field `clauses`"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(word), "{json}: {error}");
        }
    }
}
