//! `mapping_vs_hand`: documented example mappings and the default set, against the same written by hand.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_domain::mapping::{Mappings, Tables, compile, map};
use xtsync_domain::resource::{Mapping, MappingSource, Nulls};
use xtsync_language::Context;

use crate::by_hand;
use crate::timing::both;
use crate::user::attributes;
use crate::{Goal, Measured};

/// Ten documented example mappings, over attributes that can be read and written.
/// (<https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data>)
pub(crate) const EXAMPLES: [(&str, &str); 10] = [
    ("city", r#"PCase(Join(" ",[givenName],[surname]))"#),
    ("companyName", r#"Append([userPrincipalName], ".test")"#),
    ("department", r#"IIF([country]="USA",IIF([state]="CA","True","False"),"False")"#),
    ("displayName", r#"Join(", ", "", [surname], [givenName])"#),
    ("employeeType", r#"FormatDateTime([employeeId], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#),
    ("faxNumber", r#"ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [givenName], [surname]))), "contoso.com"))"#),
    ("givenName", "NormalizeDiacritics([givenName])"),
    ("mailNickname", "Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))"),
    ("mobilePhone", r#"Replace([mobilePhone], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", , "${phoneNumber}", , )"#),
    (
        "officeLocation",
        r#"Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")"#,
    ),
];

pub(crate) fn measure() -> Vec<Measured> {
    let attributes = attributes();
    let (examples, defaults) = (mappings(&EXAMPLES), mappings(&[]));
    let context = Context::default();
    assert_eq!(map(&examples, &attributes, &context).attributes, by_hand::examples(&attributes).attributes, "both do the same");
    assert_eq!(map(&defaults, &attributes, &context), by_hand::defaults(&attributes), "both do the same");
    let (ours, hand) = both(|| map(&examples, &attributes, &context), || by_hand::examples(&attributes));
    let (direct, by_hand) = both(|| map(&defaults, &attributes, &context), || by_hand::defaults(&attributes));
    let figure = |name, value, against, conditions: &str| Measured {
        name,
        value,
        unit: "users/s",
        against: Some(against),
        goal: Some(Goal::RatioAtLeast(0.5)),
        conditions: conditions.to_owned(),
    };
    vec![
        figure("mapping_vs_hand", ours, hand, "ten documented examples and the default set beside them, against the same written by hand"),
        figure("mapping_defaults_vs_hand", direct, by_hand, "the default set alone"),
    ]
}

/// The compiled default mappings with expressions on top.
pub(crate) fn mappings(expressions: &[(&str, &str)]) -> Mappings {
    let mapping = |text: &str| Mapping::from(MappingSource::Expression(text.to_owned()));
    let written: BTreeMap<String, Mapping> = expressions.iter().map(|(name, text)| ((*name).to_owned(), mapping(text))).collect();
    compile(&written, Nulls::Clear, &BTreeSet::new(), &Tables::default())
}
