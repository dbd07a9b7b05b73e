//! `xtsync explain-field` and `xtsync schema`, as they are typed.

use std::process::Command;

use expect_test::{Expect, expect};
use xtsync::reference;

fn xtsync(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtsync")).args(arguments).env("NO_COLOR", "1").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn check(arguments: &[&str], want: &Expect) {
    let (code, out, err) = xtsync(&[&["explain-field"], arguments].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    want.assert_eq(&out);
}

#[test]
fn a_field_is_explained_with_the_fields_in_it() {
    check(
        &["Synchronization.spec.scope"],
        &expect![[r#"
            KIND:    Synchronization
            FIELD:   spec.scope
            TYPE:    object, required
            LIMITS:  exactly one of `groups`, `everyone`
            EXAMPLE: scope: {groups: [GlobalEmployees]}

            The users of the source that the synchronization applies to: exactly one of `groups` and `everyone: true`.

            FIELDS:
              everyone  boolean                   Whether every internal user of the source is in scope.
              groups    list of string or object  The groups of the source whose members are in scope, each by its display name or by its `id`.
              nested    boolean                   Whether members of groups within these groups are in scope, too.
              where     string or list of object  A scoping filter: of these users only those whose attributes pass are in scope.
        "#]],
    );
    check(
        &["synchronization.scope.groups[0].id"],
        &expect![[r#"
        KIND:    Synchronization
        FIELD:   spec.scope.groups[].id
        TYPE:    string, required
        LIMITS:  1 to 256 characters
        EXAMPLE: id: 8f2c1a00-0000-4000-8000-00000000abcd

        The id of the group in the source's directory.
    "#]],
    );
    check(
        &["synchronization.limits.delete"],
        &expect![[r#"
            KIND:    Synchronization
            FIELD:   spec.limits.delete
            TYPE:    integer or string
            DEFAULT: 5% of the source's shadow users in the target, at least 10, and at most the source's share of 500
            LIMITS:  a number of users, or `1%` to `100%` of the source's shadow users in the target, which is at least 10
            EXAMPLE: delete: 1%

            How many users who lost the scope may be deleted in an hour.
        "#]],
    );
}

#[test]
fn the_kind_is_written_in_any_case_and_may_stand_alone() {
    check(
        &["TENANT.graph.reader"],
        &expect![[r#"
        KIND:    Tenant
        FIELD:   spec.graph.reader
        TYPE:    object, required
        EXAMPLE: reader: {clientId: 3f8d8a52-7d6c-4c1e-9a40-2c9d9b7c0b11, clientSecret: {file: secret}}

        The application that reads the tenant.

        FIELDS:
          clientId      string, required  The application (client) id.
          clientSecret  object, required  Where the application's client secret is.
    "#]],
    );
    check(
        &["organization"],
        &expect![[r#"
            KIND:    Organization
            TYPE:    object

            Tenants that belong together. Users are synchronized only between tenants of one organization: it lists both, and each of them names it.

            FIELDS:
              apiVersion  string            The version of the format.
              kind        string, required  The kind of the resource.
              metadata    object, required  What names the resource.
              spec        object, required  Tenants that belong together.
        "#]],
    );
}

#[test]
fn the_values_of_a_field_are_explained_one_by_one() {
    check(
        &["Synchronization.spec.mode"],
        &expect![[r#"
        KIND:    Synchronization
        FIELD:   spec.mode
        TYPE:    string
        DEFAULT: `observe`
        EXAMPLE: mode: enforce

        Whether the synchronization writes the target.

        VALUES:
          observe  It decides and shows what it would do, and writes nothing.
          enforce  It writes.
    "#]],
    );
    check(
        &["CrossTenantAccessPolicy.spec.partners.emea.as"],
        &expect![[r#"
        KIND:    CrossTenantAccessPolicy
        FIELD:   spec.partners.<tenant>.as
        TYPE:    list of string
        DEFAULT: `[Member, Guest]`
        LIMITS:  no duplicates
        EXAMPLE: as: [Member]

        The user types that the target admits from the source. A user of another type is skipped.

        VALUES:
          Member  The user counts as one of the tenant's own.
          Guest   The user is a guest.
    "#]],
    );
}

#[test]
fn an_attribute_of_a_map_is_explained_by_its_name() {
    check(
        &["synchronization.mappings.city"],
        &expect![[r#"
            KIND:    Synchronization
            FIELD:   spec.mappings.city
            TYPE:    object
            LIMITS:  exactly one of `source`, `constant`, `expression`, `none`

            A text; by default the source's attribute of the same name.

            FIELDS:
              apply       string   When the value is written.
              constant    string   The same text for every user.
              default     string   The value where the source attribute or the expression gives none.
              expression  string   An expression that computes the value from attributes of the source, in the language of Entra's attribute mappings (docs/language.md).
              none        boolean  Switches the default mapping of the attribute off: xtsync does not write it.
              nulls       string   What to do where there is no value.
              sensitive   boolean  Whether the value is never shown by xtsync, not even where values are asked for.
              source      string   The source attribute that is copied as it is.
        "#]],
    );
    for (path, known) in [
        ("synchronization.mappings.extension_0123456789abcdef0123456789abcdef_badge.source", true),
        ("synchronization.mappings.<attribute>.apply", true),
        ("synchronization.mappings.cty", false),
        ("crosstenantaccesspolicy.partners.any-tenant.keeps", true),
    ] {
        assert_eq!(reference::find(&reference::kinds(), path).is_ok(), known, "{path}");
    }
}

#[test]
fn the_tree_of_fields_is_printed_on_request() {
    check(
        &["CrossTenantAccessPolicy", "--recursive"],
        &expect![[r#"
            CrossTenantAccessPolicy  object
              apiVersion  string
              kind  string, required
              metadata  object, required
                name  string, required
                tenant  string, required
              spec  object, required
                authority  string
                partners  map by tenant
                  <tenant>  object
                    as  list of string
                    keeps  list of string
        "#]],
    );
}

#[test]
fn an_unknown_field_is_wrong_usage_and_the_answer_names_the_nearest_and_all() {
    let mut text = String::new();
    for path in [
        "Synchronisation.spec",
        "x",
        "Synchronization.spec.scop",
        "Synchronization.scope.groups.nme",
        "Synchronization.mappings.cty",
        "Synchronization.to.x",
        "tenant.Graph",
    ] {
        let (code, out, err) = xtsync(&["explain-field", path]);
        assert_eq!((code, out.as_str()), (2, ""), "{path}");
        text.push_str(&err);
    }
    expect![[r#"
        error: there is no kind `Synchronisation`, did you mean `Synchronization`? (there is: Organization, Tenant, CrossTenantAccessPolicy, Synchronization)
        error: there is no kind `x` (there is: Organization, Tenant, CrossTenantAccessPolicy, Synchronization)
        error: Synchronization.spec has no field `scop`, did you mean `scope`? (there is: to, scope, limits, mappings, mode, nulls, rehire, requires, scopeGracePeriod)
        error: Synchronization.spec.scope.groups has no field `nme`, did you mean `name`? (there is: id, name)
        error: Synchronization.spec.mappings has no field `cty`, did you mean `city`? (there is: businessPhones, city, companyName, country, department, displayName, employeeId, employeeType, faxNumber, givenName, jobTitle, mailNickname, mobilePhone, officeLocation, postalCode, preferredLanguage, state, streetAddress, surname, usageLocation, userType, extension_APPID_NAME)
        error: Synchronization.spec.to has no field `x`: it has no fields
        error: Tenant.spec has no field `Graph`, did you mean `graph`? (there is: organization, graph, partitions)
    "#]].assert_eq(&text);
}

#[test]
fn the_schema_is_printed_as_json() {
    let (code, out, err) = xtsync(&["schema"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, reference::schema_text());
}
