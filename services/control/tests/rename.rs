//! Tests of a tenant's rename: administrators write and read the new name, and everything else keeps the key.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use support::{Client, Control, ORGANIZATION, apply, builders, codes};
use tonic::{Code, Status};
use xtsync_bus::Table;
use xtsync_contract::control::applied_resource::Change;
use xtsync_contract::control::{
    ConfirmTenantRequest, ListResourcesRequest, RenameTenantRequest, RenameTenantResponse, RepublishRequest, ResumeRequest, ResyncRequest,
    RetryRequest, ShowUserRequest,
};
use xtsync_contract::{event, internal, topic};
use xtsync_harness::{Postgres, unique};

async fn rename(client: &mut Client, tenant: &str, name: &str) -> Result<RenameTenantResponse, Status> {
    let request = RenameTenantRequest { tenant: tenant.into(), name: name.into(), actor: "test".into() };
    client.rename_tenant(request).await.map(tonic::Response::into_inner)
}

/// The organization in which `emea` has another name.
fn organization(name: &str) -> String {
    let replaced = ORGANIZATION.replace("[emea, hub]", &format!("[{name}, hub]")).replace("{name: emea}", &format!("{{name: {name}}}"));
    replaced.replace("tenant: emea", &format!("tenant: {name}"))
}

async fn ids(client: &mut Client) -> Vec<String> {
    let listed = client.list_resources(ListResourcesRequest {}).await.unwrap().into_inner().resources;
    listed.into_iter().map(|resource| resource.id).collect()
}

/// The keys of the configuration's records on the bus.
async fn published(control: &Control) -> Vec<String> {
    let mut table = Table::open(&control.bus, vec![topic::CONFIG.topic()]).await.unwrap();
    let mut keys = std::collections::BTreeSet::new();
    while !table.caught_up() {
        keys.extend(table.next().await.unwrap().iter().map(|record| String::from_utf8_lossy(&record.key).into_owned()));
    }
    keys.into_iter().collect()
}

#[tokio::test]
async fn a_renamed_tenant_is_written_and_read_by_its_new_name_and_keeps_its_key() {
    a_rename_is_kept(Control::start().await).await;
}

#[tokio::test]
async fn a_rename_is_kept_on_postgres() {
    let postgres = Postgres::shared().await.unwrap();
    let store = postgres.create_database(&unique("rename")).await.unwrap();
    a_rename_is_kept(Control::start_on(store).await).await;
}

async fn a_rename_is_kept(control: Control) {
    let mut client = control.client().await;
    let applied = client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap().into_inner();
    let renamed = rename(&mut client, "emea", "europe").await.unwrap();
    assert!(renamed.revision > applied.revision);
    assert_eq!((renamed.key.as_str(), renamed.changed), ("emea", true));
    let again = rename(&mut client, "europe", "europe").await.unwrap();
    assert_eq!((again.revision, again.changed), (renamed.revision, false));

    let same = client.apply(apply("a.yaml", &organization("europe"))).await.unwrap().into_inner();
    assert_eq!(same.revision, renamed.revision);
    assert!(same.resources.iter().all(|resource| resource.change() == Change::Unchanged), "{same:?}");
    let less = organization("europe").replace("mode: enforce", "mode: observe");
    let changed = client.apply(apply("a.yaml", &less)).await.unwrap().into_inner();
    let changed: Vec<_> = changed.resources.iter().filter(|one| one.change() == Change::Configured).map(|one| one.id.as_str()).collect();
    assert_eq!(changed, ["Synchronization/europe/to-hub"]);

    let old = client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap_err();
    let want = "a.yaml: document 1, line 4, spec.tenants: Tenant 'emea' is now named 'europe'";
    assert!(old.message().starts_with(want), "{}", old.message());

    let control = control.restart().await;
    let mut client = control.client().await;
    let want = [
        "Organization/-/contoso",
        "Tenant/europe/europe",
        "Tenant/hub/hub",
        "Synchronization/europe/to-hub",
        "Projection/europe/projection",
        "NameResolution/europe/groups",
    ];
    assert_eq!(ids(&mut client).await, want);
    let tenant = control.resource("Tenant/europe/europe").await.unwrap();
    assert_eq!(tenant.key, "emea");
    assert_eq!(control.resource("Organization/-/contoso").await.unwrap().spec_json, r#"{"tenants":["europe","hub"]}"#);
    let keys = published(&control).await;
    assert!(keys.contains(&"Rename/emea/rename".to_owned()) && keys.iter().all(|key| !key.contains("europe")), "{keys:?}");

    rename(&mut client, "europe", "emea").await.unwrap();
    let back = client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap().into_inner();
    assert!(back.resources.iter().any(|resource| resource.id == "Tenant/emea/emea" && resource.change() == Change::Unchanged));
    assert_eq!(control.resource("Tenant/emea/emea").await.unwrap().key, "");
    control.stop().await;
}

#[tokio::test]
async fn a_taken_or_invalid_name_is_refused() {
    let control = Control::start().await;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    rename(&mut client, "emea", "europe").await.unwrap();
    rename(&mut client, "hub", "centre").await.unwrap();
    for (tenant, name, code, want) in [
        ("europe", "centre", Code::InvalidArgument, "there is a Tenant 'centre' already"),
        ("europe", "hub", Code::InvalidArgument, "'hub' is the key of Tenant 'centre'"),
        ("emea", "other", Code::InvalidArgument, "Tenant 'emea' is now named 'europe'"),
        ("europe", "Not A Name", Code::InvalidArgument, "'Not A Name' is not a name: 1 to 40 characters of a-z, 0-9 and '-'"),
        ("nowhere", "other", Code::NotFound, "there is no Tenant nowhere"),
        ("No Name", "other", Code::NotFound, "there is no Tenant No Name"),
    ] {
        let refused = rename(&mut client, tenant, name).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (code, want), "{tenant} {name}");
    }
    control.stop().await;
}

#[tokio::test]
async fn a_file_with_a_new_name_is_refused_with_the_command_that_renames() {
    let control = Control::start().await;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    let refused = client.apply(apply("a.yaml", &organization("europe"))).await.unwrap_err();
    let want = "spec.graph.domain: is the directory of Tenant 'emea' already: a directory belongs to one Tenant; `xtsync tenant rename emea \
                europe` renames it";
    assert!(refused.message().contains(want), "{}", refused.message());
    rename(&mut client, "emea", "europe").await.unwrap();
    let third = client.apply(apply("a.yaml", &organization("third"))).await.unwrap_err();
    assert!(third.message().contains("of Tenant 'europe' already") && third.message().contains("rename europe third"), "{third}");
    control.stop().await;
}

#[tokio::test]
async fn commands_and_answers_have_the_name_and_records_have_the_key() {
    let control = Control::start().await;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    builders::identity(&control.bus, builders::hub(), "d1", &["hub.example"]).await;
    builders::identity(&control.bus, builders::emea(), "d1", &["emea.example"]).await;
    rename(&mut client, "emea", "europe").await.unwrap();
    let want = "directory_shared directory=d1 others=hub tenant=europe";
    control.wait("reported", async |control| codes(&control.status().await.warnings).first().is_some_and(|found| found == want)).await;
    let status = control.status().await;
    assert_eq!((status.synchronizations[0].source.as_str(), status.synchronizations[0].target.as_str()), ("europe", "hub"));
    assert!(codes(&status.waiting_for).contains(&"role_silent role=change-detector tenant=europe".to_owned()), "{:?}", status.waiting_for);

    let actor = || "test".to_owned();
    let all = client.republish(RepublishRequest { tenant: String::new(), actor: actor() }).await.unwrap().into_inner();
    assert_eq!(all.tenants, ["europe", "hub"]);
    client.resync(ResyncRequest { tenant: "europe".into(), actor: actor() }).await.unwrap();
    client.retry(RetryRequest { tenant: "hub".into(), user: "europe/ana".into(), actor: actor() }).await.unwrap();
    let old = |refused: Status| assert_eq!(refused.message(), "Tenant 'emea' is now named 'europe'");
    old(client.resync(ResyncRequest { tenant: "emea".into(), actor: actor() }).await.unwrap_err());
    old(client.resume(ResumeRequest { target: "emea".into(), actor: actor() }).await.unwrap_err());
    old(client.retry(RetryRequest { tenant: "hub".into(), user: "emea/ana".into(), actor: actor() }).await.unwrap_err());
    old(client.show_user(ShowUserRequest { user: "emea/ana".into(), target: String::new() }).await.unwrap_err());
    let confirm = ConfirmTenantRequest { tenant: "emea".into(), directory_id: String::new(), actor: actor() };
    old(client.confirm_tenant(confirm).await.unwrap_err());

    let mut commands = Table::open(&control.bus, vec![topic::COMMANDS.topic()]).await.unwrap();
    let mut targets = Vec::new();
    while !commands.caught_up() {
        for record in commands.next().await.unwrap() {
            let command: internal::Command = event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap();
            targets.push(format!("{} {}", command.target, command.link));
        }
    }
    targets.sort();
    assert_eq!(targets, ["emea ", "emea ", "hub ", "hub emea/ana"]);
    control.stop().await;
}
