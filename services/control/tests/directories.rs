//! Tests of the directory of a Tenant: pinned, shared, changed and confirmed.

mod support;

use support::{Control, ORGANIZATION, apply, builders, codes};
use tonic::Code;
use xtsync_contract::control::ConfirmTenantRequest;

fn confirm(tenant: &str, directory_id: &str) -> ConfirmTenantRequest {
    ConfirmTenantRequest { tenant: tenant.into(), directory_id: directory_id.into(), actor: "test".into() }
}

async fn is_pinned(control: &Control, tenant: &str, id: &str) -> bool {
    let pinned = control.resource(&format!("Directory/{tenant}/directory")).await;
    pinned.is_some_and(|resource| resource.spec_json == format!(r#"{{"id":"{id}"}}"#))
}

#[tokio::test]
async fn a_directory_is_pinned_at_first_contact_and_a_changed_one_needs_confirmation() {
    let control = Control::start().await;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    assert_eq!(control.status().await.warnings, []);
    let nothing = client.confirm_tenant(confirm("emea", "")).await.unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidArgument, "{nothing}");
    builders::identity(&control.bus, builders::emea(), "E1", &["emea.example"]).await;
    control.wait("pinned", async |control| is_pinned(control, "emea", "e1").await).await;
    builders::identity(&control.bus, builders::emea(), "e2", &["emea.example"]).await;
    let want = "directory_changed directory=e2 former_directory=e1 tenant=emea";
    control.wait("reported", async |control| codes(&control.status().await.warnings) == [want]).await;
    assert_eq!(control.status().await.synchronizations[0].blocked, "directory_changed");
    assert_eq!(codes(&control.resource("Tenant/emea/emea").await.unwrap().notices[0].condition), [want]);
    assert!(is_pinned(&control, "emea", "e1").await);
    for (tenant, directory, code) in [("unknown", "", Code::NotFound), ("emea", "e3", Code::InvalidArgument)] {
        assert_eq!(client.confirm_tenant(confirm(tenant, directory)).await.unwrap_err().code(), code, "{tenant} {directory}");
    }
    let confirmed = client.confirm_tenant(confirm("emea", "E2")).await.unwrap().into_inner();
    assert_eq!((confirmed.directory_id.as_str(), confirmed.former_directory_id.as_str()), ("e2", "e1"));
    assert_eq!(control.status().await.warnings, []);
    assert_eq!(client.confirm_tenant(confirm("emea", "")).await.unwrap_err().code(), Code::InvalidArgument, "once");
    control.stop().await;
}

#[tokio::test]
async fn two_tenants_with_one_directory_give_warnings_and_a_third_is_refused() {
    let control = Control::start().await;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    builders::identity(&control.bus, builders::hub(), "d1", &["hub.example", "hub.onmicrosoft.example"]).await;
    control.wait("pinned", async |control| is_pinned(control, "hub", "d1").await).await;
    builders::identity(&control.bus, builders::emea(), "D1", &["hub.example"]).await;
    control.wait("reported", async |control| control.status().await.synchronizations[0].blocked == "directory_shared").await;
    let want = |tenant: &str, other: &str| format!("directory_shared directory=d1 others={other} tenant={tenant}");
    assert_eq!(codes(&control.status().await.warnings), [want("emea", "hub"), want("hub", "emea")]);
    assert!(!is_pinned(&control, "emea", "d1").await, "another tenant is pinned to it");
    let third = "apiVersion: xtsync.dev/v1\nkind: Tenant\nmetadata: {name: a-third}\nspec:\n  organization: contoso\n  graph:\n    \
                 domain: hub.onmicrosoft.example\n    reader: {clientId: app, clientSecret: {file: secret}}\n";
    let refused = client.apply(apply("third.yaml", third)).await.unwrap_err();
    let want = "third.yaml: document 1, line 7, spec.graph.domain: is directory d1, of Tenant '";
    assert!(refused.message().starts_with(want), "{}", refused.message());
    let unlisted = third.replace("hub.onmicrosoft.example", "third.example");
    client.apply(apply("third.yaml", &unlisted)).await.unwrap();
    let want = "tenant_not_listed organization=contoso tenant=a-third";
    assert_eq!(codes(&control.resource("Tenant/a-third/a-third").await.unwrap().notices[0].condition), [want]);
    control.stop().await;
}
