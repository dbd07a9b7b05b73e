//! Tests of name resolution: group names are resolved with the facts in the read model.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use support::{Control, ORGANIZATION, apply, builders, codes};
use xtsync_contract::control;
use xtsync_contract::control::ApplyRequest;
use xtsync_contract::control::applied_resource::Change;
use xtsync_domain::fact::GroupState;
use xtsync_harness::{Postgres, unique};

/// Applies a scope and returns its effect on the synchronization.
async fn scope(control: &Control, scope: &str) -> Change {
    send(control, apply("a.yaml", &ORGANIZATION.replace("{groups: [GlobalEmployees]}", scope))).await
}

async fn send(control: &Control, request: ApplyRequest) -> Change {
    let applied = control.client().await.apply(request).await.unwrap().into_inner();
    applied.resources.iter().find(|resource| resource.id == "Synchronization/emea/to-hub").unwrap().change()
}

/// Publishes the detector's lookups of these names, for the newest NameResolution.
async fn publish_names(control: &Control, names: &[(&str, &[&str])]) {
    for (name, ids) in names {
        builders::group_name(&control.bus, control.names().await, name, ids).await;
    }
}

async fn resolved(control: &Control, want: &[&str]) {
    let is_so = async |control: &Control| {
        let synchronization = control.synchronization().await;
        synchronization.resolved == want && synchronization.pending.is_empty()
    };
    control.wait(&format!("{want:?}"), is_so).await;
}

async fn pending(control: &Control, reason: &str, in_force: &str) {
    let is_so = async |control: &Control| {
        let one = control.synchronization().await;
        one.pending.iter().any(|pending| codes(&pending.condition) == [reason]) && codes(&one.in_force).concat().ends_with(in_force)
    };
    control.wait(reason, is_so).await;
}

const A: (&str, &[&str]) = ("A", &["aaaa1"]);
const B: (&str, &[&str]) = ("B", &["bbbb1"]);

/// K-30: A, B, A again, everyone, A. Each is in force as soon as its name was looked up for the newest NameResolution.
#[tokio::test]
async fn a_former_scope_is_in_force_again_once_resolved() {
    let control = Control::start().await;
    scope(&control, "{groups: [A]}").await;
    publish_names(&control, &[A]).await;
    resolved(&control, &["A (aaaa…)"]).await;
    assert_eq!(scope(&control, "{groups: [B]}").await, Change::Pending);
    pending(&control, "group_not_seen group=B", "scope=A (aaaa…)").await;
    publish_names(&control, &[A, B]).await;
    resolved(&control, &["B (bbbb…)"]).await;
    // A lookup for an older NameResolution is ignored.
    assert_eq!(scope(&control, "{groups: [A]}").await, Change::Pending);
    publish_names(&control, &[("A", &["aaaa2"]), B]).await;
    resolved(&control, &["A (aaaa…)"]).await;
    assert_eq!(scope(&control, "{everyone: true}").await, Change::Configured);
    let control = control.restart().await;
    assert_eq!(scope(&control, "{groups: [A]}").await, Change::Pending);
    pending(&control, "group_not_seen group=A", "scope=everyone").await;
    let control = control.restart().await;
    publish_names(&control, &[A]).await;
    resolved(&control, &["A (aaaa…)"]).await;
    control.stop().await;
}

/// K-30: a second synchronization with the same name needs no new lookup.
#[tokio::test]
async fn a_name_that_is_known_resolves_at_once_for_another_synchronization() {
    let control = Control::start().await;
    let with_us = ORGANIZATION.replace("tenants: [emea, hub]", "tenants: [emea, hub, us]").replace("[GlobalEmployees]", "[A]");
    let client = "{clientId: app, clientSecret: {file: secret}}";
    let us = format!(
        "{with_us}---\nkind: Tenant\nmetadata: {{name: us}}\nspec:\n  organization: contoso\n  graph: {{domain: us.example, reader: {client}, writer: {client}}}\n"
    );
    control.client().await.apply(apply("a.yaml", &us)).await.unwrap();
    publish_names(&control, &[A]).await;
    resolved(&control, &["A (aaaa…)"]).await;
    let second =
        format!("{us}---\nkind: Synchronization\nmetadata: {{tenant: emea, name: to-us}}\nspec: {{to: us, scope: {{groups: [A]}}}}\n");
    control.client().await.apply(apply("a.yaml", &second)).await.unwrap();
    let listed = control.client().await.list_resources(control::ListResourcesRequest {}).await.unwrap().into_inner().resources;
    let both = listed.iter().filter(|resource| resource.id.starts_with("Synchronization/"));
    assert!(both.clone().all(|one| one.resolved == ["A (aaaa…)"] && one.pending.is_empty()) && both.count() == 2);
    control.stop().await;
}

#[tokio::test]
async fn a_mistyped_name_is_stored_as_pending_and_the_last_resolved_spec_stays_in_force() {
    let postgres = Postgres::shared().await.unwrap();
    let database = postgres.create_database(&unique("control")).await.unwrap();
    for control in [Control::start().await, Control::start_on(database).await] {
        check_mistyped(control).await;
    }
}

async fn check_mistyped(control: Control) {
    scope(&control, "{groups: [A]}").await;
    pending(&control, "group_not_seen group=A", "nothing_in_force").await;
    publish_names(&control, &[A]).await;
    resolved(&control, &["A (aaaa…)"]).await;
    let before = control.synchronization().await;
    assert_eq!(scope(&control, "{groups: [A, Aa], nested: true}").await, Change::Pending);
    publish_names(&control, &[A, ("Aa", &[])]).await;
    pending(&control, "group_not_seen group=Aa tenant=emea", "scope=A (aaaa…)").await;
    let now = control.synchronization().await;
    assert_eq!((now.spec_json, now.revision), (before.spec_json.clone(), before.revision));
    assert_eq!(now.pending[0].path, "spec.scope.groups[1]");
    assert!(now.pending_json.contains(r#""Aa""#) && now.pending_json.contains(r#""nested":true"#), "{}", now.pending_json);
    let status = control.status().await;
    assert!(codes(&status.waiting_for).contains(&"group_not_seen group=Aa synchronization=to-hub tenant=emea".to_owned()));
    assert_eq!((&status.synchronizations[0].pending, &status.synchronizations[0].in_force), (&now.pending, &now.in_force));
    let control = control.restart().await;
    pending(&control, "group_not_seen group=Aa tenant=emea", "scope=A (aaaa…)").await;
    // The missing group is created: no second apply is needed.
    publish_names(&control, &[("Aa", &["cccc1"])]).await;
    resolved(&control, &["A (aaaa…)", "Aa (cccc…)"]).await;
    assert_eq!(scope(&control, "{groups: [A, Ab]}").await, Change::Pending);
    assert_eq!(scope(&control, "{groups: [A]}").await, Change::Configured, "a corrected spec replaces the pending one");
    resolved(&control, &["A (aaaa…)"]).await;
    assert!(control.synchronization().await.pending_json.is_empty());
    control.stop().await;
}

/// K-32: the group is deleted and recreated under its name.
#[tokio::test]
async fn a_recreated_group_gives_a_notice_and_is_used_after_a_refresh_of_names() {
    let control = Control::start().await;
    scope(&control, "{groups: [A]}").await;
    publish_names(&control, &[A]).await;
    resolved(&control, &["A (aaaa…)"]).await;
    builders::group(&control.bus, "aaaa1", "A", GroupState::Gone).await;
    publish_names(&control, &[("A", &["bbbb9"])]).await;
    let text = "group_deleted count=1 group=A (aaaa…) name=A others={id: bbbb9} tenant=emea";
    let is_noticed = async |control: &Control| {
        control.synchronization().await.notices.iter().any(|notice| codes(&notice.condition) == [text] && notice.needs_action)
    };
    control.wait(text, is_noticed).await;
    assert_eq!(codes(&control.status().await.synchronizations[0].notices[0].condition), [text]);
    assert_eq!(scope(&control, "{groups: [A]}").await, Change::Unchanged);
    assert!(is_noticed(&control).await, "a repeated apply does not replace the group");
    let request = apply("a.yaml", &ORGANIZATION.replace("GlobalEmployees", "A"));
    assert_eq!(send(&control, ApplyRequest { refresh_names: true, ..request }).await, Change::Configured);
    resolved(&control, &["A (bbbb…)"]).await;
    assert!(control.synchronization().await.notices.is_empty());
    builders::group(&control.bus, "bbbb9", "Staff", GroupState::Present).await;
    let renamed = "group_renamed group=A (bbbb…) now=Staff";
    control
        .wait(renamed, async |control| control.synchronization().await.notices.iter().any(|notice| codes(&notice.condition) == [renamed]))
        .await;
    control.stop().await;
}
