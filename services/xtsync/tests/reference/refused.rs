//! What the parser refuses, the schema refuses as well.

use serde_json::{Value, json};

use super::support::{documents, full, parse, validator};

#[test]
fn each_mistake_in_a_header_an_organization_or_a_policy_is_refused() {
    refused([
        "kind: Secret\nmetadata: {name: a}\nspec: {}".to_owned(),
        "kind: Projection\nmetadata: {name: a, tenant: a}\nspec: {}".to_owned(),
        "metadata: {name: a}\nspec: {}".to_owned(),
        "kind: Organization\nspec: {tenants: []}".to_owned(),
        "kind: Organization\nmetadata: {name: a}".to_owned(),
        "apiVersion: xtsync.dev/v2\nkind: Organization\nmetadata: {name: a}\nspec: {tenants: []}".to_owned(),
        "kind: Organization\nmetadata: {name: Upper}\nspec: {tenants: []}".to_owned(),
        format!("kind: Organization\nmetadata: {{name: {}}}\nspec: {{tenants: []}}", "x".repeat(41)),
        "kind: Organization\nmetadata: {name: a, tenant: a}\nspec: {tenants: []}".to_owned(),
        "kind: Organization\nmetadata: {name: a}\nspec: {tenants: a}".to_owned(),
        "kind: Organization\nmetadata: {name: a}\nspec: {tenants: [A.B]}".to_owned(),
        "kind: Synchronization\nmetadata: {name: a}\nspec: {to: b, scope: {everyone: true}}".to_owned(),
        "kind: CrossTenantAccessPolicy\nmetadata: {name: a, tenant: a}\nspec: {partners: {UPPER: {}}}".to_owned(),
        "kind: CrossTenantAccessPolicy\nmetadata: {name: a, tenant: a}\nspec: {partners: {b: {as: [member]}}}".to_owned(),
        "kind: CrossTenantAccessPolicy\nmetadata: {name: a, tenant: a}\nspec: {partners: {b: {keeps: [mail]}}}".to_owned(),
    ]);
}

#[test]
fn each_mistake_in_a_tenant_is_refused() {
    let tenant = |fields: &str| format!("kind: Tenant\nmetadata: {{name: a}}\nspec: {{organization: o, {fields}}}");
    let graph = |fields: &str| tenant(&format!("graph: {{domain: d, reader: {{clientId: a, clientSecret: {{file: s}}}}, {fields}}}"));
    assert!(is_valid(&graph("")));
    refused([
        tenant(""),
        tenant("ldap: {}"),
        tenant("graph: 7"),
        tenant("graph: {domain: '', reader: {clientId: a, clientSecret: {file: s}}}"),
        graph("endpoint: graph.microsoft.com"),
        graph("endpoint: 'http://graph.microsoft.com'"),
        graph("endpoint: 'https://user:password@graph.microsoft.com'"),
        graph("endpoint: 'https://graph.microsoft.com?x=y'"),
        graph("endpoint: 'http://127.0.0.1.example'"),
        graph("writer: {clientId: a}"),
        graph("writer: {clientId: a, clientSecret: secret}"),
        graph("writer: {clientId: a, clientSecret: {file: ../secret}}"),
        graph("writer: {clientId: a, clientSecret: {file: a/../secret}}"),
        graph("writer: {clientId: a, clientSecret: {file: /etc/secret}}"),
        graph("writer:"),
        tenant("partitions: 0, graph: {domain: d, reader: {clientId: a, clientSecret: {file: s}}}"),
        tenant("partitions: 101, graph: {domain: d, reader: {clientId: a, clientSecret: {file: s}}}"),
    ]);
}

fn synchronization(fields: &str) -> String {
    format!("kind: Synchronization\nmetadata: {{name: a, tenant: a}}\nspec: {{to: b, {fields}}}")
}

fn everyone(fields: &str) -> String {
    synchronization(&format!("scope: {{everyone: true}}, {fields}"))
}

#[test]
fn each_mistake_in_a_synchronization_is_refused() {
    assert!(is_valid(&everyone("")));
    refused([
        synchronization(""),
        synchronization("scope: {}"),
        synchronization("scope: {everyone: false}"),
        synchronization("scope: {groups: []}"),
        synchronization("scope: {groups: [a], everyone: true}"),
        synchronization("scope: {groups: [7]}"),
        synchronization("scope: {groups: ['']}"),
        synchronization("scope: {groups: [{name: a}]}"),
        synchronization(&format!("scope: {{groups: [{}]}}", "x".repeat(257))),
        synchronization(&format!("scope: {{groups: [{}]}}", vec!["x"; 1_001].join(", "))),
        everyone("mode: write"),
        everyone("nulls: erase"),
        everyone("scopeGracePeriod: soon"),
        everyone("scopeGracePeriod: 30"),
        everyone("scopeGracePeriod: '30'"),
        everyone("scopeGracePeriod: -5s"),
        everyone("rehire: again"),
        everyone("requires: [fly]"),
        everyone("limits: {create: -1}"),
        everyone("limits: {create: 1.5}"),
        everyone("limits: {delete: 0%}"),
        everyone("limits: {delete: 101%}"),
        everyone("limits: {delete: '5'}"),
        everyone("limits: {scopeLoss: maybe}"),
    ]);
}

#[test]
fn each_mistake_in_a_mapping_is_refused() {
    let mapping = |fields: &str| everyone(&format!("mappings: {fields}"));
    assert!(is_valid(&mapping("{city: {source: city}}")));
    refused([
        mapping("{cty: {source: city}}"),
        mapping("{mail: {source: mail}}"),
        mapping("{extension_1_badge: {source: city}}"),
        mapping("{city: city}"),
        mapping("{city: {}}"),
        mapping("{city: {apply: onCreate}}"),
        mapping("{city: {source: city, constant: Paris}}"),
        mapping("{city: {source: city, none: true}}"),
        mapping("{city: {none: false}}"),
        mapping("{city: {source: cty}}"),
        mapping("{city: {constant: ''}}"),
        mapping("{city: {source: city, apply: sometimes}}"),
        mapping(&format!("{{city: {{expression: {}}}}}", "x".repeat(10_001))),
    ]);
}

/// Asserts that the schema accepts none of the documents.
fn refused(documents: impl IntoIterator<Item = String>) {
    for yaml in documents {
        assert!(!is_valid(&yaml), "accepted:\n{yaml}");
    }
}

fn is_valid(yaml: &str) -> bool {
    let validator = validator();
    documents(yaml).iter().all(|document| validator.is_valid(document))
}

#[test]
fn an_unknown_field_is_refused_in_every_object_by_parser_and_schema() {
    let (validator, mut objects) = (validator(), 0);
    for document in full() {
        for path in paths(&document).into_iter().filter(|path| document.pointer(path).unwrap().is_object()) {
            let mut changed = document.clone();
            changed.pointer_mut(&path).unwrap().as_object_mut().unwrap().insert("unknown".to_owned(), json!(7));
            assert!(parse(&changed).is_err(), "the parser accepts {path}/unknown");
            assert!(!validator.is_valid(&changed), "the schema accepts {path}/unknown");
            objects += 1;
        }
    }
    assert!(objects > 25, "{objects} objects");
}

#[test]
fn a_value_of_another_type_or_a_missing_field_is_refused_where_the_parser_refuses_it() {
    let (validator, mut refused) = (validator(), 0);
    let others =
        [json!(true), json!(7), json!(-7), json!(1.5), json!("x y"), json!([]), json!({}), json!([[]]), json!({"unknown": 7}), json!(null)];
    let mut check = |changed: &Value, what: String| {
        if let Err(why) = parse(changed) {
            assert!(!validator.is_valid(changed), "the schema accepts {what}, and the parser does not: {why}");
            refused += 1;
        }
    };
    for document in full() {
        for path in paths(&document).into_iter().filter(|path| !path.is_empty()) {
            for other in &others {
                let mut changed = document.clone();
                *changed.pointer_mut(&path).unwrap() = other.clone();
                check(&changed, format!("{path} as {other}"));
            }
            let (parent, name) = path.rsplit_once('/').unwrap();
            let mut changed = document.clone();
            if let Some(Value::Object(fields)) = changed.pointer_mut(parent) {
                fields.remove(name);
                check(&changed, format!("no {path}"));
            }
        }
    }
    assert!(refused > 500, "{refused} refused");
}

/// The JSON pointers of a value and of all values within it.
fn paths(value: &Value) -> Vec<String> {
    fn add(value: &Value, path: &str, paths: &mut Vec<String>) {
        let below: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(name, value)| (format!("{path}/{name}"), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (format!("{path}/{at}"), value)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for (path, value) in below {
            add(value, &path, paths);
            paths.push(path);
        }
    }
    let mut paths = vec![String::new()];
    add(value, "", &mut paths);
    paths
}
