//! Tests of scoping filters: which users pass.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use xtsync_domain::resource::{Clause, ClauseGroup, Where};
use xtsync_language::Error;
use xtsync_language::filter::Filter;

use super::outcome::{Difference, Outcome};
use crate::rules::user::User;

/// A test of a filter: users that pass, and users that do not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilterTest {
    filter: Where,
    #[serde(default, rename = "match")]
    matching: Vec<Map<String, Json>>,
    #[serde(default)]
    nonmatch: Vec<Map<String, Json>>,
    #[serde(default)]
    name: Option<String>,
}

/// A clause as collections of documented behaviour write it: with any value, which counts as its text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestedClause {
    attribute: String,
    operator: String,
    #[serde(default)]
    value: Json,
}

impl From<TestedClause> for Clause {
    fn from(TestedClause { attribute, operator, value }: TestedClause) -> Self {
        let value = match value {
            Json::Null => String::new(),
            Json::String(text) => text,
            Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
        };
        Self { attribute, operator, value }
    }
}

/// A test of one operator: values of its attribute that pass, and values that do not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorTest {
    clause: TestedClause,
    #[serde(default, rename = "match")]
    matching: Vec<Json>,
    #[serde(default)]
    nonmatch: Vec<Json>,
    #[serde(default, rename = "operator")]
    _operator: Option<String>,
    #[serde(default, rename = "semantics")]
    _semantics: Option<String>,
    #[serde(default, rename = "source")]
    _source: Option<String>,
    #[serde(default, rename = "arity")]
    _arity: Option<String>,
    #[serde(default, rename = "supported_attribute_types")]
    _types: Option<Vec<String>>,
    #[serde(default, rename = "multivaluedComparisonType")]
    _comparison: Option<String>,
}

impl FilterTest {
    /// A test of clauses that hold together.
    pub(super) fn of_clauses(clauses: Vec<Clause>, matching: Vec<Map<String, Json>>, nonmatch: Vec<Map<String, Json>>) -> Self {
        Self { filter: Where::Groups(vec![ClauseGroup { name: None, clauses }]), matching, nonmatch, name: None }
    }

    /// An outcome a user.
    pub(super) fn run(self) -> Vec<Outcome> {
        let text = match self.filter.tree() {
            Ok(tree) => tree.map_or_else(|| "no filter".to_owned(), |tree| tree.to_string()),
            Err(error) => return vec![Outcome::new("the filter", [Difference::new("filter", "a filter", error.to_string())])],
        };
        let text = self.name.map_or(text.clone(), |name| format!("{name}: {text}"));
        let users = [(self.matching, true), (self.nonmatch, false)]
            .into_iter()
            .flat_map(|(users, want)| users.into_iter().map(move |user| (user, want)));
        let outcomes: Vec<Outcome> = users.map(|(user, want)| outcome(&self.filter, &text, &user, want)).collect();
        match outcomes.is_empty() {
            true => vec![Outcome::new(text, [Difference::new("users", "a user in `match` or `nonmatch`", "none")])],
            false => outcomes,
        }
    }
}

impl OperatorTest {
    /// An outcome a value.
    pub(super) fn run(self) -> Vec<Outcome> {
        let attribute = self.clause.attribute.clone();
        let user = |value: Json| Map::from_iter([(attribute.clone(), value)]);
        let (matching, nonmatch) = (self.matching.into_iter().map(user).collect(), self.nonmatch.into_iter().map(user).collect());
        FilterTest::of_clauses(vec![self.clause.into()], matching, nonmatch).run()
    }
}

fn outcome(filter: &Where, text: &str, attributes: &Map<String, Json>, want: bool) -> Outcome {
    let seen = passes(filter, &User::of_json(attributes));
    let shown = match &seen {
        Ok(passes) => passes.to_string(),
        Err(error) => error.clone(),
    };
    let difference = (seen != Ok(want)).then(|| Difference::new("passes", want.to_string(), shown));
    Outcome::new(format!("{text} for {}", Json::from(attributes.clone())), difference)
}

/// Whether a user passes, or why that cannot be said.
pub(super) fn passes(filter: &Where, user: &User) -> Result<bool, String> {
    let refused = |error: Error| format!("refused: {error}");
    let Some(tree) = filter.tree().map_err(refused)? else { return Ok(true) };
    Filter::compile(&tree, user).map_err(refused)?.passes(user).map_err(|unknown| unknown.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_test_passes_if_the_filter_says_what_is_expected_of_each_user() {
        let passed = |outcomes: Vec<Outcome>| outcomes.iter().map(|outcome| outcome.differences.is_empty()).collect::<Vec<_>>();
        let test = json!({
            "filter": "department EQUALS \"Sales\"", "match": [{"department": "Sales"}, {"department": "Legal"}], "nonmatch": [{}],
        });
        assert_eq!(passed(serde_json::from_value::<FilterTest>(test).unwrap().run()), [true, false, true]);
        let test = json!({
            "clause": {"attribute": "level", "operator": "Greater_Than", "value": 5}, "match": [6], "nonmatch": [5, "abc", null],
        });
        assert_eq!(passed(serde_json::from_value::<OperatorTest>(test).unwrap().run()), [true; 4]);
        let refused = json!({"filter": "proxyAddresses IS NULL", "nonmatch": [{}]});
        let outcomes = serde_json::from_value::<FilterTest>(refused).unwrap().run();
        assert!(outcomes[0].differences[0].seen.starts_with("refused: `proxyAddresses` has several values"), "{outcomes:?}");
    }
}
