//! Tests of directory extensions: a synchronization that maps them waits until they were read, and is checked then.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use support::{Control, ORGANIZATION, apply, builders, codes};
use tonic::Status;
use xtsync_contract::control::applied_resource::Change;

const PREFIX: &str = "extension_0123456789abcdef0123456789abcdef_";
const EXTENSIONS: &str =
    r#"{"E_cost":{"dataType":"String"},"E_level":{"dataType":"Integer"},"E_skills":{"dataType":"String","isMultiValued":true}}"#;

fn named(text: &str) -> String {
    text.replace("E_", PREFIX)
}

/// Applies mappings and returns the effect on the synchronization.
async fn mappings(control: &Control, mappings: &str) -> Result<Change, Status> {
    let spec = format!("{{everyone: true}}\n  mappings: {{{}}}", named(mappings));
    let request = apply("a.yaml", &ORGANIZATION.replace("{groups: [GlobalEmployees]}", &spec));
    let applied = control.client().await.apply(request).await?.into_inner();
    Ok(applied.resources.iter().find(|resource| resource.id == "Synchronization/emea/to-hub").unwrap().change())
}

/// Publishes what the detector has read of both tenants, the `nth` time.
async fn read(control: &Control, nth: u64, extensions: &str) {
    for tenant in [builders::emea(), builders::hub()] {
        builders::extensions(&control.bus, tenant, nth, &named(extensions)).await;
    }
}

/// Waits until these fields are pending, each as `path: condition`.
async fn pending(control: &Control, want: &[&str], in_force: &str) {
    let want: Vec<String> = want.iter().map(|one| named(one)).collect();
    let is_so = async |control: &Control| {
        let one = control.synchronization().await;
        let pending = one.pending.iter().map(|pending| format!("{}: {}", pending.path, codes(&pending.condition).concat()));
        pending.collect::<Vec<_>>() == want && codes(&one.in_force).concat().starts_with(in_force)
    };
    control.wait(&format!("{want:?}"), is_so).await;
}

#[tokio::test]
async fn a_synchronization_waits_for_the_extensions_that_it_maps() {
    let control = Control::start().await;
    let both = "E_cost: {source: E_cost}, city: {expression: '[E_cost]'}";
    assert_eq!(mappings(&control, both).await.unwrap(), Change::Created);
    let unread = |tenant: &str, path: &str| format!("spec.mappings.{path}: extensions_not_read tenant={tenant}");
    pending(&control, &[&unread("emea", "city"), &unread("hub", "E_cost")], "nothing_in_force").await;
    read(&control, 1, EXTENSIONS).await;
    pending(&control, &[], "").await;
    for id in ["DirectoryExtensions/emea/extensions", "DirectoryExtensions/hub/extensions"] {
        assert_eq!(control.resource(id).await.unwrap().spec_json, format!("{{\"users\":{}}}", named(EXTENSIONS)));
    }
    let projection = control.resource("Projection/emea/projection").await.unwrap();
    assert!(projection.spec_json.contains(&named("E_cost")) && !projection.spec_json.contains(&named("E_skills")));
    assert_eq!(mappings(&control, both).await.unwrap(), Change::Unchanged);
    control.stop().await;
}

#[tokio::test]
async fn a_filter_on_an_extension_that_is_not_read_leaves_the_former_scope_in_force() {
    let control = Control::start().await;
    assert_eq!(mappings(&control, "city: {source: city}").await.unwrap(), Change::Created);
    let filter = named("{everyone: true, where: '[E_cost] EQUALS \"100\"'}\n  mappings: {city: {source: city}}");
    let request = apply("a.yaml", &ORGANIZATION.replace("{groups: [GlobalEmployees]}", &filter));
    let applied = control.client().await.apply(request).await.unwrap().into_inner();
    let change = applied.resources.iter().find(|resource| resource.id == "Synchronization/emea/to-hub").unwrap().change();
    assert_eq!(change, Change::Pending);
    pending(&control, &["spec.scope.where: extensions_not_read tenant=emea"], "former_revision_in_force").await;
    assert!(!control.synchronization().await.spec_json.contains("where"));
    read(&control, 1, EXTENSIONS).await;
    pending(&control, &[], "").await;
    assert!(control.synchronization().await.spec_json.contains("where"));
    control.stop().await;
}

#[tokio::test]
async fn an_apply_with_an_unknown_extension_or_another_type_is_refused() {
    let control = Control::start().await;
    mappings(&control, "").await.unwrap();
    read(&control, 1, EXTENSIONS).await;
    control.wait("read", async |control| control.resource("DirectoryExtensions/hub/extensions").await.is_some()).await;
    for (mapping, want) in [
        ("E_cost: {source: E_level}", "'E_level' holds a whole number and 'E_cost' holds a text"),
        ("city: {source: E_skills}", "'E_skills' holds a list of texts and 'city' holds a text"),
        ("E_costs: {source: city}", "there is no directory extension `E_costs` in Tenant 'hub', did you mean `E_cost`?"),
    ] {
        let refused = mappings(&control, mapping).await.unwrap_err();
        assert!(refused.message().contains(&named(want)), "{}", refused.message());
    }
    assert_eq!(mappings(&control, "E_skills: {source: E_skills}").await.unwrap(), Change::Configured);
    control.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_once_it_is_read_never_comes_into_force() {
    let control = Control::start().await;
    mappings(&control, "city: {none: true}").await.unwrap();
    assert_eq!(mappings(&control, "E_cost: {source: E_level}").await.unwrap(), Change::Pending);
    let path = "spec.mappings.E_cost";
    pending(&control, &[&format!("{path}: extensions_not_read tenant=hub")], "former_revision_in_force").await;
    read(&control, 1, EXTENSIONS).await;
    let refused = format!("{path}.source: extension_refused reason='E_level' holds a whole number and 'E_cost' holds a text");
    pending(&control, &[&refused], "former_revision_in_force").await;
    assert!(control.synchronization().await.pending[0].needs_action);
    let control = control.restart().await;
    pending(&control, &[&refused], "former_revision_in_force").await;
    assert_eq!(mappings(&control, "E_cost: {expression: 'CStr([E_level])'}").await.unwrap(), Change::Configured);
    pending(&control, &[], "").await;
    control.stop().await;
}

#[tokio::test]
async fn an_extension_that_is_gone_is_reported_and_stops_neither_the_synchronization_nor_other_applies() {
    let control = Control::start().await;
    mappings(&control, "").await.unwrap();
    read(&control, 1, EXTENSIONS).await;
    control.wait("read", async |control| control.resource("DirectoryExtensions/hub/extensions").await.is_some()).await;
    mappings(&control, "city: {source: E_cost}").await.unwrap();
    read(&control, 2, r#"{"E_level":{"dataType":"Integer"}}"#).await;
    let gone = named("extension_refused reason=there is no directory extension `E_cost` in Tenant 'emea' any more");
    let notice = async |control: &Control| {
        let one = control.synchronization().await;
        one.pending.is_empty() && one.notices.iter().any(|notice| notice.needs_action && codes(&notice.condition).concat() == gone)
    };
    control.wait("a notice", notice).await;
    let projection = control.resource("Projection/emea/projection").await.unwrap();
    assert!(!projection.spec_json.contains(PREFIX), "the directory would refuse to be asked for it");
    assert_eq!(mappings(&control, "city: {source: E_cost}").await.unwrap(), Change::Unchanged);
    assert!(mappings(&control, "city: {source: E_cost}, state: {none: true}").await.is_err(), "it is written anew");
    read(&control, 3, EXTENSIONS).await;
    control.wait("no notice", async |control| control.synchronization().await.notices.is_empty()).await;
    control.stop().await;
}
