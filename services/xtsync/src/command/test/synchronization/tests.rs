//! Tests of whole synchronizations, over a folder of resources.

use serde_json::json;

use super::*;

const CONFIGURATION: &str = r#"
apiVersion: xtsync.dev/v1
kind: Organization
metadata: {name: contoso}
spec: {tenants: [emea, hub]}
---
kind: Tenant
metadata: {name: emea}
spec: {organization: contoso, graph: {domain: emea.example}}
---
kind: Tenant
metadata: {name: hub}
spec: {organization: contoso, graph: {domain: hub.example}}
---
kind: Synchronization
metadata: {tenant: emea, name: to-hub}
spec:
  to: hub
  scope: {groups: [Sales], where: 'country EQUALS "ES"'}
  mappings:
    displayName: {expression: 'Join(" ", [givenName], [surname])'}
    city: {source: city, sensitive: true}
    department: {expression: 'DateAdd("d", 1, [employeeType])'}
"#;

fn run(test: Json) -> Vec<(String, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("contoso.yaml"), CONFIGURATION).unwrap();
    let mut whole = json!({"configuration": ["contoso.yaml"], "synchronization": "emea/to-hub"});
    whole.as_object_mut().unwrap().extend(test.as_object().unwrap().clone());
    let outcome = serde_json::from_value::<SynchronizationTest>(whole).unwrap().run(folder.path(), &mut Configurations::default());
    outcome.differences.into_iter().map(|Difference { field, expected, seen }| (field, expected, seen)).collect()
}

fn ana() -> Json {
    json!({
        "groups": ["Sales"],
        "attributes": {"givenName": "Ana", "surname": "García", "country": "ES", "city": "Madrid", "mail": "ana@emea.example"},
    })
}

#[test]
fn a_test_passes_where_all_that_it_names_is_as_expected() {
    let mut disabled = ana();
    disabled["attributes"]["accountEnabled"] = json!(false);
    let mut elsewhere = ana();
    elsewhere["attributes"]["country"] = json!("FR");
    let mut nowhere = ana();
    nowhere["domains"] = json!([]);
    let mut invalid = ana();
    invalid["attributes"]["employeeType"] = json!("no date");
    for (user, expect) in [
        (
            ana(),
            json!({
                "decision": "wanted", "reason": "in_scope", "signInBlocked": false, "address": "ana@emea.example",
                "attributes": {"displayName": "Ana García", "city": "Madrid", "jobTitle": null, "department": null},
                "onCreate": {"userType": "Member"}, "unwritten": ["mail"],
            }),
        ),
        (disabled, json!({"decision": "wanted", "signInBlocked": true})),
        (elsewhere, json!({"decision": "not_wanted", "reason": "out_of_scope"})),
        (nowhere, json!({"decision": "skipped", "reason": "no_verified_address"})),
        (invalid, json!({"invalid": {"department": "invalid_value"}, "unwritten": ["department"]})),
        (json!({"state": "deleted"}), json!({"decision": "not_wanted", "reason": "deleted"})),
        (json!({"external": true}), json!({"decision": "not_wanted", "reason": "external"})),
    ] {
        assert_eq!(run(json!({"user": user, "expect": expect})), [], "{user}");
    }
}

#[test]
fn what_differs_is_shown_and_no_sensitive_value() {
    let expect = json!({"decision": "skipped", "attributes": {"city": "Rome", "displayName": "Bo"}, "unwritten": ["jobTitle"]});
    let differences = run(json!({"user": ana(), "expect": expect}));
    let want = [
        ("decision", "\"skipped\"", "\"wanted\""),
        ("attributes.city", "(sensitive)", "(sensitive)"),
        ("attributes.displayName", "\"Bo\"", "\"Ana García\""),
        ("attributes.jobTitle", "not written", "null"),
    ];
    assert_eq!(differences, want.map(|(field, want, seen)| (field.to_owned(), want.to_owned(), seen.to_owned())));
}

#[test]
fn a_test_that_cannot_be_run_fails_with_the_reason() {
    for (change, want) in [
        (json!({"synchronization": "emea/to-moon"}), "there is no Synchronization emea/to-moon"),
        (json!({"configuration": ["none.yaml"]}), "reading the configuration in "),
    ] {
        let mut test = json!({"user": ana(), "expect": {}});
        test.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let differences = run(test);
        assert!(matches!(&differences[..], [(_, _, seen)] if seen.contains(want)), "{differences:?}");
    }
}
