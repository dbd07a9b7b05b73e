//! Tests of the translation between names and keys.

use super::*;
use crate::manifest::{self, File};
use xtsync_domain::resource::Rename;

fn name(text: &str) -> TenantName {
    TenantName::new(text).unwrap()
}

/// The tenants `a`, now named `x`, and `b`, which has its key back as its name.
fn names() -> Names {
    let renamed = [("a", "x"), ("b", "b")].map(|(key, now)| Resource {
        id: Rename::id_of(&name(key)),
        revision: 1,
        spec: Spec::Rename(Rename { name: name(now) }),
    });
    Names::of(&renamed)
}

#[test]
fn a_name_has_one_key_and_the_key_of_a_renamed_tenant_is_no_name() {
    let names = names();
    for (given, want) in
        [("x", Ok("a")), ("b", Ok("b")), ("other", Ok("other")), ("No Name", Ok("No Name")), ("a", Err("Tenant 'a' is now named 'x'"))]
    {
        let got = names.key_of(given).map_err(|renamed| renamed.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), want);
    }
    for (given, want) in [("x/ana", "a/ana"), ("b/ana", "b/ana"), ("x", "x"), ("ana@a.example", "ana@a.example"), ("x/y/z", "a/y/z")] {
        assert_eq!(names.user_key(given).unwrap(), want);
    }
    assert!(names.user_key("a/ana").is_err());
    for (key, want) in [("a", "x"), ("b", "b"), ("other", "other"), ("", "")] {
        assert_eq!(names.name_of(key), want);
    }
    for (record, want) in [("a/ana", "x/ana"), ("b/x%2Fana%25", "b/x/ana%"), ("4a0f", "4a0f")] {
        assert_eq!(names.user_name(record), want);
    }
}

const RESOURCES: &str = "apiVersion: xtsync.dev/v1
kind: Organization
metadata: {name: contoso}
spec: {tenants: [b, TENANT]}
---
kind: Tenant
metadata: {name: TENANT}
spec: {organization: contoso, graph: {domain: TENANT.example}}
---
kind: CrossTenantAccessPolicy
metadata: {tenant: b, name: policy}
spec: {partners: {TENANT: {keeps: [city]}}}
---
kind: Synchronization
metadata: {tenant: b, name: to-it}
spec: {to: TENANT, scope: {everyone: true}}
---
kind: Synchronization
metadata: {tenant: TENANT, name: from-it}
spec: {to: b, scope: {everyone: true}}
";

fn read(tenant: &str) -> Vec<Written> {
    manifest::read(&[File { name: "a.yaml".into(), yaml: RESOURCES.replace("TENANT", tenant) }]).unwrap()
}

#[test]
fn each_place_that_names_a_tenant_is_translated_both_ways() {
    let names = names();
    let keyed = names.keyed(&read("x")).unwrap();
    let ids: Vec<String> = keyed.iter().map(|(id, _)| id.to_string()).collect();
    let want = [
        "Organization/-/contoso",
        "Tenant/a/a",
        "CrossTenantAccessPolicy/b/policy",
        "Synchronization/b/to-it",
        "Synchronization/a/from-it",
    ];
    assert_eq!(ids, want);
    let text = |spec: &Spec| String::from_utf8(spec.to_json()).unwrap();
    for ((_, spec), want) in keyed.iter().zip([r#"["a","b"]"#, "x.example", r#"{"partners":{"a":"#.trim_start_matches('{'), r#""to":"a""#])
    {
        assert!(text(spec).contains(want), "{}", text(spec));
    }
    let back: BTreeMap<Id, Spec> = names.all_named(&keyed.into_iter().collect());
    assert_eq!(back, read("x").into_iter().map(|written| (written.id.clone(), written.spec.clone())).collect());
}

#[test]
fn each_place_that_names_a_renamed_tenant_by_its_key_is_a_mistake() {
    let problems = names().keyed(&read("a")).unwrap_err();
    let got: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let now = "Tenant 'a' is now named 'x'";
    let want = [
        format!("a.yaml: document 1, line 4, spec.tenants: {now}"),
        format!("a.yaml: document 2, line 7, metadata.name: {now}, and its former name stays its key"),
        format!("a.yaml: document 3, line 12, spec.partners.a: {now}"),
        format!("a.yaml: document 4, line 16, spec.to: {now}"),
        format!("a.yaml: document 5, line 19, metadata.tenant: {now}"),
    ];
    assert_eq!(got, want);
}
