//! A test of an expression: the value that it gives for a user.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use xtsync_language::date::DateTime;
use xtsync_language::{AnyAttribute, Compiler, Context, Failure, Run, Value};

use super::outcome::{Difference, Outcome};
use super::shape;
use crate::rules::user::User;
use crate::rules::value;

/// A test of an expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpressionTest {
    expression: String,
    /// The user's attributes. Beside them: `$taken` for `SelectUniqueValue`, `$now` and `$defaultDomain`.
    #[serde(default, alias = "user")]
    input: Map<String, Json>,
    output: Json,
    /// Whether the behaviour is documented; without it a test binds.
    kind: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, rename = "function")]
    _function: Option<String>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
    #[serde(default, rename = "source")]
    _source: Option<String>,
}

impl ExpressionTest {
    pub(super) fn run(self) -> Outcome {
        let differences = self.difference();
        let name = self.name.map_or_else(|| self.expression.clone(), |name| format!("{name}: {}", self.expression));
        let is_binding = self.kind.is_none_or(|kind| kind.starts_with("documented"));
        Outcome { is_binding, ..Outcome::new(name, differences) }
    }

    fn difference(&self) -> Option<Difference> {
        let difference = |seen: String| Some(Difference::new("output", self.output.to_string(), seen));
        // A function that no mapping may use is tested all the same.
        let mut compiler = Compiler::unrestricted(&AnyAttribute);
        let number = match compiler.add(&self.expression) {
            Ok(number) => number,
            Err(error) => return difference(format!("refused: {error}")),
        };
        let (program, user, context) = (compiler.finish(), User::of_json(&self.input), self.context());
        let evaluated = Run::new(&program, &user, &context).evaluate(number);
        match is_expected(&self.output, &evaluated) {
            Ok(true) => None,
            Ok(false) => difference(value::as_text(&evaluated)),
            Err(error) => difference(error.to_string()),
        }
    }

    fn context(&self) -> Context {
        let text = |name: &str| self.input.get(name).and_then(Json::as_str);
        let taken = self.input.get("$taken").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        Context {
            // Some moment, the same for each run.
            now: DateTime::parse(text("$now").unwrap_or("2026-01-02T03:04:05Z")).unwrap_or_default(),
            default_domain: text("$defaultDomain").map(str::to_owned),
            seed: [1; 32],
            taken: taken.map(str::to_owned).collect(),
        }
    }
}

/// Whether an expression gave what is expected. `null` means that the attribute is left out; a text also stands for a value that becomes this
/// text in an attribute.
fn is_expected(expected: &Json, evaluated: &Result<Value<'_>, Failure>) -> anyhow::Result<bool> {
    let value = match (evaluated, expected) {
        (Err(Failure::Ignored), expected) => return Ok(expected.is_null() || shape::is_dropped(expected)),
        (Err(_), _) => return Ok(false),
        (Ok(value), Json::Null) => return Ok(matches!(value, Value::Null) || matches!(value, Value::List(items) if items.is_empty())),
        (Ok(value), _) => value,
    };
    match expected {
        Json::Object(shape) => shape::fits(shape, value),
        Json::String(text) => Ok(value.clone().text().is_some_and(|value| value == text.as_str())),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Null => Ok(value::as_json(value) == *expected),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_test_passes_if_the_value_is_as_expected() {
        for (test, want) in [
            (json!({"expression": "[a]", "input": {"a": "x"}, "output": "x"}), true),
            (json!({"expression": "[a]", "user": {"a": "x"}, "output": "y"}), false),
            (json!({"expression": "[a]", "input": {"a": 3}, "output": 3}), true),
            (json!({"expression": "[a]", "input": {"a": 3}, "output": "3"}), true),
            (json!({"expression": "[a]", "input": {"a": "3"}, "output": 3}), false),
            (json!({"expression": "[a]", "output": null}), true),
            (json!({"expression": "[a]", "input": {"a": ""}, "output": null}), false),
            (json!({"expression": "Joim([a])", "output": null}), false),
            (json!({"expression": "IgnoreFlowIfNullOrEmpty([a])", "output": {"$drop": true}}), true),
            (json!({"expression": "[a]", "output": {"$drop": true}}), false),
            (json!({"expression": "Now()", "input": {"$now": "2021-07-02T15:33:38Z"}, "output": "7/2/2021 3:33:38 PM"}), true),
            (json!({"expression": "DefaultDomain()", "input": {"$defaultDomain": "x.com"}, "output": "x.com"}), true),
            (json!({"expression": "SelectUniqueValue(\"a\", \"b\")", "input": {"$taken": ["A"]}, "output": "b"}), true),
        ] {
            let outcome = serde_json::from_value::<ExpressionTest>(test.clone()).unwrap().run();
            assert_eq!(outcome.differences.is_empty(), want, "{test} {outcome:?}");
        }
    }

    #[test]
    fn only_documented_behaviour_binds_where_the_test_says_what_it_is() {
        for (kind, want) in [(None, true), (Some("documented"), true), (Some("documented (table row)"), true), (Some("doc-bug"), false)] {
            let test = json!({"expression": "[a]", "output": "x", "kind": kind});
            assert_eq!(serde_json::from_value::<ExpressionTest>(test).unwrap().run().is_binding, want, "{kind:?}");
        }
    }
}
