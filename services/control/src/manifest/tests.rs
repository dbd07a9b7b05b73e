//! Tests of the messages and places of mistakes in YAML.

use super::*;

fn files(yaml: &str) -> Vec<File> {
    vec![File { name: "x.yaml".into(), yaml: yaml.into() }]
}

fn problems(yaml: &str) -> String {
    let problems = read(&files(yaml)).expect_err("a mistake");
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Each body follows `apiVersion` on line 1 and a header of its kind.
#[test]
fn an_error_in_a_spec_names_document_line_and_field() {
    const GROUP: &str = "line 6, spec.scope.groups[0]: a group is a name (in quotes where it looks like a number, a flag or null), or an `id` \
                         and perhaps a `name`";
    const SYNC: &str = "kind: Synchronization\nmetadata: {name: s, tenant: b}\nspec:\n  to: c\n";
    const TENANT: &str = "kind: Tenant\nmetadata: {name: t}\nspec:\n  organization: o\n";
    const ORGANIZATION: &str = "kind: Organization\nmetadata: {name: o}\nspec:\n";
    for (head, body, want) in [
        (ORGANIZATION, "  tenants: [a, B]\n", "line 5, spec.tenants[1]: 'B' is not a name: 1 to 40 characters of a-z, 0-9 and '-'"),
        (ORGANIZATION, "  tenants: [a]\n  foo: 1\n", "line 6, spec.foo: unknown field `foo`, expected one of tenants"),
        (TENANT, "", "line 5, spec: missing a connector section, such as `graph`"),
        (TENANT, "  graph: 7\n", "line 5, spec: the connector section `graph` must hold fields, such as {name: value}"),
        (TENANT, "  graph: {}\n  ldap: {}\n", "line 5, spec: a Tenant has exactly one connector section, not both `graph` and `ldap`"),
        (SYNC, "  mode: maybe\n", "line 6, spec.mode: unknown variant `maybe`, expected one of observe, enforce"),
        (SYNC, "", "line 5, spec: missing field `scope`"),
        (
            SYNC,
            "  scope: {groups: [x], grups: []}\n",
            "line 6, spec.scope.grups: unknown field `grups`, expected one of groups, nested, everyone, where",
        ),
        (SYNC, "  to: d\n", "line 6: duplicate mapping key: to not allowed here"),
        (SYNC, "  scope: {groups: x}\n", "line 6, spec.scope.groups: expected a list, such as [a, b]"),
        (SYNC, "  scope: [a]\n", "line 6, spec.scope: expected fields, such as {name: value}"),
        (SYNC, "  scope: {everyone: 1}\n", "line 6, spec.scope.everyone: expected true or false"),
        (SYNC, "  scope: {groups: [2024]}\n", GROUP),
        (SYNC, "  scope: {groups: [NO]}\n", GROUP),
        (
            SYNC,
            "  scope: {}\n  scopeGracePeriod: 5\n",
            "line 7, spec.scopeGracePeriod: '5' is not a duration: write it as 30s, 5m, 1h 30m or PT5M",
        ),
        (
            SYNC,
            "  scope: {}\n  scopeGracePeriod: -5s\n",
            "line 7, spec.scopeGracePeriod: '-5s' is negative: write it as 30s, 5m, 1h 30m or PT5M",
        ),
    ] {
        assert_eq!(problems(&format!("apiVersion: xtsync.dev/v1\n{head}{body}")), format!("x.yaml: document 1, {want}"));
    }
}

#[test]
fn an_error_in_a_document_header_names_line_and_field() {
    const KINDS: &str = "Organization, Tenant, CrossTenantAccessPolicy, Synchronization";
    for (yaml, want) in [
        ("kind: Tenant\n", "line 1: missing field `apiVersion`: xtsync.dev/v1".to_owned()),
        ("apiVersion: v1\nkind: Pod\n", "line 1, apiVersion: 'v1' is not supported: expected xtsync.dev/v1".to_owned()),
        ("apiVersion: xtsync.dev/v1\n", format!("line 1: missing field `kind`: one of {KINDS}")),
        ("apiVersion: xtsync.dev/v1\nkind: Foo\n", format!("line 2, kind: unknown kind 'Foo': one of {KINDS}")),
        ("apiVersion: xtsync.dev/v1\nkind: Projection\n", format!("line 2, kind: unknown kind 'Projection': one of {KINDS}")),
        ("apiVersion: xtsync.dev/v1\nkind: Tenant\n", "line 1: missing field `metadata`".to_owned()),
        ("apiVersion: xtsync.dev/v1\nkind: Tenant\nmetadata: {}\n", "line 3, metadata: missing field `name`".to_owned()),
        (
            "apiVersion: xtsync.dev/v1\nkind: Tenant\nmetadata: {name: A_b}\n",
            "line 3, metadata.name: 'A_b' is not a name: 1 to 40 characters of a-z, 0-9 and '-'".to_owned(),
        ),
        (
            "apiVersion: xtsync.dev/v1\nkind: Tenant\nmetadata: {name: a, tenant: b}\n",
            "line 3, metadata.tenant: a Tenant belongs to itself: leave it out".to_owned(),
        ),
        (
            "apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {name: a, tenant: b}\n",
            "line 3, metadata.tenant: an Organization belongs to no tenant".to_owned(),
        ),
        (
            "apiVersion: xtsync.dev/v1\nkind: Synchronization\nmetadata: {name: a}\n",
            "line 3, metadata: missing field `tenant`: whose Synchronization is it".to_owned(),
        ),
        ("apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {name: a}\n", "line 1: missing field `spec`".to_owned()),
        (
            "apiVersion: xtsync.dev/v1\nkind: Tenant\nmetadata: {name: a, labels: {}}\n",
            "line 3, metadata.labels: unknown field `labels`, expected one of name, tenant".to_owned(),
        ),
        ("kind: [\n", "line 1: unclosed bracket '['".to_owned()),
        ("just text\n", "line 1: expected fields, such as {name: value}".to_owned()),
    ] {
        assert_eq!(problems(yaml), format!("x.yaml: document 1, {want}"), "{yaml}");
    }
}

#[test]
fn all_errors_are_reported_together_and_the_version_is_inherited_within_a_file() {
    let yaml = "# a comment\napiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {name: o}\nspec: {tenants: []}\n---\n# nothing\n--- \n\
                kind: Foo\n---\nkind: Organization\nmetadata: {name: o}\nspec: {tenants: []}\n---\nkind: Bar\n";
    assert_eq!(
        problems(yaml),
        "x.yaml: document 2, line 9, kind: unknown kind 'Foo': one of Organization, Tenant, CrossTenantAccessPolicy, Synchronization\n\
         x.yaml: document 4, line 15, kind: unknown kind 'Bar': one of Organization, Tenant, CrossTenantAccessPolicy, Synchronization\n\
         x.yaml: document 3, line 12, metadata.name: Organization/-/o is written twice, first in x.yaml on line 4"
    );
}

#[test]
fn an_apply_above_the_size_limit_is_refused() {
    let yaml = " ".repeat(BYTES_MAX + 1);
    assert_eq!(problems(&yaml), "4194305 bytes exceed the limit of 4194304 per apply");
}

#[test]
fn a_written_resource_has_its_owner_and_the_places_of_its_fields() {
    let yaml = "apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {name: o}\nspec: {tenants: [a]}\n---\n\
                kind: Synchronization\nmetadata:\n  tenant: a\n  name: s\nspec:\n  to: b\n  scope:\n    groups:\n    - G\n";
    let written = read(&files(yaml)).unwrap();
    let ids: Vec<String> = written.iter().map(|resource| resource.id.to_string()).collect();
    assert_eq!(ids, ["Organization/-/o", "Synchronization/a/s"]);
    assert_eq!(written[1].place("spec.scope.groups[0]").to_string(), "x.yaml: document 2, line 14, spec.scope.groups[0]");
    assert_eq!(written[1].place("spec.mode").line, 10);
}

#[test]
fn an_input_without_resources_is_refused() {
    for yaml in ["", "# nothing yet\n", "---\n---\n"] {
        assert_eq!(problems(yaml), "nothing to apply: no resource in x.yaml");
    }
}
