//! `filter_vs_hand`: five documented filters, against the same written by hand.

use xtsync_domain::mapping::{AttributeTable, Known};
use xtsync_language::filter::{Filter, parse};

use crate::by_hand;
use crate::timing::both;
use crate::user::attributes;
use crate::{Goal, Measured};

/// Filters of documented clauses.
/// (<https://learn.microsoft.com/entra/identity/app-provisioning/define-conditional-rules-for-provisioning-user-accounts>)
pub(crate) const FILTERS: [&str; 5] = [
    r#"department EQUALS "Sales""#,
    r#"country NOT EQUALS "ES" AND jobTitle IS NOT NULL"#,
    r#"userPrincipalName ENDS_WITH "@emea.example""#,
    r#"accountEnabled IS TRUE AND jobTitle INCLUDES "Engineer""#,
    r#"state EQUALS "New York" AND department EQUALS "Engineering" AND jobTitle IS NOT NULL OR employeeId REGEX MATCH "(1[0-9][0-9][0-9][0-9][0-9][0-9])""#,
];

pub(crate) fn measure() -> Vec<Measured> {
    let filters = FILTERS.map(|text| {
        let tree = parse(text).expect("it is a filter");
        Filter::compile(&tree, &AttributeTable::default()).expect("it can be tested")
    });
    let attributes = attributes();
    let known = Known(&attributes);
    let passes = || [0, 1, 2, 3, 4].map(|at: usize| filters[at].passes(&known).expect("everything is known"));
    assert_eq!(passes(), by_hand::filters(&attributes), "both do the same");
    let (ours, hand) = both(passes, || by_hand::filters(&attributes));
    vec![Measured {
        name: "filter_vs_hand",
        value: ours,
        unit: "users/s",
        against: Some(hand),
        goal: Some(Goal::RatioAtLeast(0.5)),
        conditions: "five documented filters, against the same written by hand".to_owned(),
    }]
}
