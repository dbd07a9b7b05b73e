//! The outcome of one test, and how all of them are printed.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::output;

/// The outcome of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The file and the place in it.
    pub(super) place: String,
    /// What is tested.
    pub(super) name: String,
    /// Whether a failure counts: an entry that says it is no documented behaviour is only a remark.
    pub(super) is_binding: bool,
    /// What differs; nothing if it passed.
    pub(super) differences: Vec<Difference>,
}

/// What was expected and what came instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Of what, such as `attributes.city`.
    pub(super) field: String,
    /// What was expected.
    pub(super) expected: String,
    /// What came.
    pub(super) seen: String,
}

impl Difference {
    pub(super) fn new(field: impl Into<String>, expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { field: field.into(), expected: expected.into(), seen: seen.into() }
    }
}

impl Outcome {
    /// The outcome of a binding test.
    pub(super) fn new(name: impl Into<String>, differences: impl IntoIterator<Item = Difference>) -> Self {
        Self { place: String::new(), name: name.into(), is_binding: true, differences: differences.into_iter().collect() }
    }

    /// The same of a test in a file.
    pub(super) fn at(self, file: &str, place: &str) -> Self {
        Self { place: format!("{file}: {place}"), ..self }
    }

    /// Whether it failed, and that counts.
    pub(super) fn has_failed(&self) -> bool {
        self.is_binding && !self.differences.is_empty()
    }
}

/// A line for each failure, what differs below it, and how many passed and failed.
pub(super) fn as_text(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.differences.is_empty()) {
        let word = if outcome.is_binding { output::notable("FAILED") } else { "differs, not binding".to_owned() };
        let mut line = |words: String| writeln!(text, "{words}").expect("writing to a string does not fail");
        line(format!("{word}  {}: {}", outcome.place, outcome.name));
        for Difference { field, expected, seen } in &outcome.differences {
            line(format!("  - {field}: {expected}"));
            line(format!("  + {field}: {seen}"));
        }
    }
    let binding = outcomes.iter().filter(|outcome| outcome.is_binding);
    let (failed, passed): (Vec<_>, Vec<_>) = binding.partition(|outcome| outcome.has_failed());
    let others = outcomes.len() - failed.len() - passed.len();
    if others > 0 {
        writeln!(text, "{others} not binding").expect("writing to a string does not fail");
    }
    format!("{text}{} passed, {} failed\n", passed.len(), failed.len())
}

/// The same for scripts.
pub(super) fn as_json(outcomes: &[Outcome]) -> Json {
    let difference = |one: &Difference| json!({"field": one.field, "expected": one.expected, "seen": one.seen});
    let outcome = |one: &Outcome| {
        let differences: Json = one.differences.iter().map(difference).collect();
        json!({"place": one.place, "name": one.name, "binding": one.is_binding, "differences": differences})
    };
    let failed = outcomes.iter().filter(|outcome| outcome.has_failed()).count();
    let passed = outcomes.iter().filter(|outcome| outcome.is_binding).count() - failed;
    json!({"passed": passed, "failed": failed, "tests": outcomes.iter().map(outcome).collect::<Json>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_shown_with_what_differs_and_only_binding_ones_count() {
        let failed = Outcome::new("Left(\"a\", 1)", [Difference::new("output", "\"a\"", "null")]).at("x.json", "2");
        let remark = Outcome { is_binding: false, ..failed.clone() };
        let text = as_text(&[Outcome::new("one", []), failed, remark, Outcome::new("two", [])]);
        let want = "FAILED  x.json: 2: Left(\"a\", 1)\n  - output: \"a\"\n  + output: null\n\
                    differs, not binding  x.json: 2: Left(\"a\", 1)\n  - output: \"a\"\n  + output: null\n1 not binding\n2 passed, 1 failed\n";
        assert_eq!(text, want);
    }
}
