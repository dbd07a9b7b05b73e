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
    check(&["Synchronization.spec.scope"], &expect![[""]]);
    check(&["synchronization.scope.groups[0].id"], &expect![[""]]);
    check(&["synchronization.limits.delete"], &expect![[""]]);
    check(&["TENANT.graph.reader"], &expect![[""]]);
    check(&["organization"], &expect![[""]]);
    check(&["Synchronization.spec.mode"], &expect![[""]]);
    check(&["CrossTenantAccessPolicy.spec.partners.emea.as"], &expect![[""]]);
}

#[test]
fn an_attribute_of_a_map_is_explained_by_its_name() {
    check(&["synchronization.mappings.city"], &expect![[""]]);
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
    check(&["CrossTenantAccessPolicy", "--recursive"], &expect![[""]]);
}

#[test]
fn an_unknown_field_is_wrong_usage_and_the_answer_names_the_nearest_and_all() {
    for (path, want) in [
        ("Synchronisation.spec", ""),
        ("x", ""),
        ("Synchronization.spec.scop", ""),
        ("Synchronization.scope.groups.nme", ""),
        ("Synchronization.to.x", ""),
        ("tenant.Graph", ""),
    ] {
        let (code, out, err) = xtsync(&["explain-field", path]);
        assert_eq!((code, out.as_str(), err.as_str()), (2, "", want), "{path}");
    }
}

#[test]
fn the_schema_is_printed_as_json() {
    let (code, out, err) = xtsync(&["schema"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, reference::schema_text());
}
