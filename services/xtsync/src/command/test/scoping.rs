//! A document of scoping operators, as documented behaviour is collected: operators, how they are composed, and what cannot be filtered on.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use xtsync_domain::mapping::{AttributeTable, known};
use xtsync_domain::resource::Where;
use xtsync_language::{Kind, Schema as _};

use super::entry::Entry;
use super::filter::{FilterTest, OperatorTest, TestedClause, passes};
use super::outcome::{Difference, Outcome};
use crate::rules::user::User;

/// The document. Its other fields are for readers.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    operators: Vec<OperatorTest>,
    #[serde(default)]
    composition: Option<Composition>,
    #[serde(default)]
    unsupported: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Composition {
    documented_example: Example,
}

#[derive(Debug, Deserialize)]
struct Example {
    filter: Vec<TestedClause>,
    #[serde(rename = "match")]
    matching: Map<String, Json>,
    nonmatch: Vec<Map<String, Json>>,
}

impl Document {
    /// Its entries, each with its place.
    pub(super) fn entries(self) -> impl Iterator<Item = (String, Entry)> {
        let operators = (1..).zip(self.operators).map(|(at, test)| (format!("operators {at}"), Entry::Operator(test)));
        let example = self.composition.map(|Composition { documented_example: Example { filter, matching, nonmatch } }| {
            (
                "composition".to_owned(),
                Entry::Filter(FilterTest::of_clauses(filter.into_iter().map(Into::into).collect(), vec![matching], nonmatch)),
            )
        });
        let unsupported = (1..).zip(self.unsupported).map(|(at, text)| (format!("unsupported {at}"), Entry::Unsupported(text)));
        operators.chain(example).chain(unsupported)
    }
}

/// What cannot be filtered on is refused, for each attribute that a text names.
pub(super) fn unsupported(text: &str) -> Vec<Outcome> {
    subjects(text).into_iter().map(|(attribute, value)| refused(text, attribute, value)).collect()
}

fn refused(text: &str, attribute: String, value: Json) -> Outcome {
    let user = User::of_json(&Map::from_iter([(attribute.clone(), value)]));
    let is_refused = passes(&Where::Line(format!("[{attribute}] EQUALS \"x\"")), &user).is_err_and(|error| error.starts_with("refused"));
    let difference = (!is_refused).then(|| Difference::new(attribute.clone(), "refused", "accepted"));
    Outcome::new(format!("{text}: {attribute}"), difference)
}

/// The attributes that a text such as `date-typed attributes (startDate, endDate)` names, each with a value.
fn subjects(text: &str) -> Vec<(String, Json)> {
    let named = |names: &str| names.split(',').map(|name| (name.trim().to_owned(), json!("x"))).collect();
    if let Some((_, rest)) = text.split_once('(') {
        return named(rest.trim_end_matches(')'));
    }
    if text.starts_with("multi-valued") && text.contains("extension") {
        return vec![(format!("extension_{}_badges", "0".repeat(32)), json!(["x"]))];
    }
    if text.starts_with("multi-valued") {
        let lists = known().iter().filter(|attribute| AttributeTable::default().kind(attribute.name) == Some(Kind::List));
        return lists.map(|attribute| (attribute.name.to_owned(), json!(["x"]))).collect();
    }
    named(text.split(' ').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_names_is_refused() {
        for (text, want) in [
            ("userType", 1),
            ("members attribute on a group", 1),
            ("multi-valued attributes", 3),
            ("multi-valued directory extensions", 1),
            ("date-typed attributes (startDate, accountExpires)", 2),
        ] {
            let outcomes = unsupported(text);
            assert!(outcomes.len() >= want && outcomes.iter().all(|outcome| outcome.differences.is_empty()), "{outcomes:?}");
        }
        assert!(!unsupported("department")[0].differences.is_empty());
    }
}
