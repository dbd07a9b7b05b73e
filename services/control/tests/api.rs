//! Tests of the control API over its own listener, on an embedded bus and a SQLite file.

mod support;

use support::{Control, ORGANIZATION, apply};
use tonic::Code;
use xtsync_bus::Table;
use xtsync_contract::control::applied_resource::Change;
use xtsync_contract::event;
use xtsync_contract::topic;
use xtsync_contract::{control, internal};

#[tokio::test]
async fn an_apply_creates_one_revision_and_a_repeated_apply_creates_none() {
    let control = Control::start().await;
    let mut client = control.client().await;
    let first = client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap().into_inner();
    let changes: Vec<_> = first.resources.iter().map(|resource| (resource.id.as_str(), resource.change())).collect();
    assert_eq!(
        changes,
        [
            ("Organization/-/contoso", Change::Created),
            ("Tenant/emea/emea", Change::Created),
            ("Tenant/hub/hub", Change::Created),
            ("Synchronization/emea/to-hub", Change::Created),
        ]
    );
    let again = client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap().into_inner();
    assert_eq!(again.revision, first.revision);
    assert!(again.resources.iter().all(|resource| resource.change() == Change::Unchanged));
    let less = ORGANIZATION.replace("mode: enforce", "mode: observe");
    let changed = client.apply(apply("a.yaml", &less)).await.unwrap().into_inner();
    assert!(changed.revision > first.revision);
    let configured = changed.resources.iter().filter(|resource| resource.change() == Change::Configured);
    assert_eq!(configured.map(|resource| resource.id.as_str()).collect::<Vec<_>>(), ["Synchronization/emea/to-hub"]);
    control.stop().await;
}

#[tokio::test]
async fn a_call_without_the_token_is_refused() {
    let control = Control::start().await;
    for token in [None, Some("Bearer x"), Some("")] {
        let mut client = control.client_with(token).await;
        let refused = client.get_status(xtsync_contract::control::GetStatusRequest {}).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{token:?}");
    }
    control.stop().await;
}

#[tokio::test]
async fn an_apply_can_neither_read_server_files_nor_redirect_secrets() {
    let control = Control::start().await;
    let mut client = control.client().await;
    for (from, to, want) in [
        ("{file: secret}", "{file: /etc/shadow}", "spec.graph.reader.clientSecret.file: is not a relative path"),
        ("{file: secret}", "{file: /proc/self/environ}", "spec.graph.reader.clientSecret.file: is not a relative path"),
        ("{file: secret}", "{file: ../hub/secret}", "spec.graph.reader.clientSecret.file: is not a relative path"),
        (
            "domain: emea.example",
            "domain: emea.example, authority: 'https://evil.example'",
            "spec.graph.authority: names a host that is not",
        ),
        ("domain: emea.example", "domain: emea.example, endpoint: 'https://evil.example'", "spec.graph.endpoint: names a host that is not"),
        (
            "domain: emea.example",
            "domain: emea.example, endpoint: 'https://u:hunter2@graph.microsoft.com'",
            "spec.graph.endpoint: holds cred",
        ),
        ("domain: emea.example", "domain: emea.example, endpoint: 'https://u:hunter2@graph.example:port'", "spec.graph.endpoint: "),
    ] {
        assert!(ORGANIZATION.contains(from), "{from}");
        let refused = client.apply(apply("a.yaml", &ORGANIZATION.replacen(from, to, 1))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{to}");
        assert!(refused.message().contains(want) && !refused.message().contains("hunter2"), "{to}: {}", refused.message());
    }
    control.stop().await;
}

#[tokio::test]
async fn a_mistake_in_a_connector_section_names_its_line_and_field() {
    let control = Control::start().await;
    let mut client = control.client().await;
    for (section, want) in [
        ("  ldap: {}", "line 10, spec.ldap: there is no connector `ldap`: use one of graph, memory"),
        ("  graph: {}", "line 10, spec.graph: missing field `domain`"),
        ("  graph:\n    domain: d\n    endpoint: nope", "line 12, spec.graph.endpoint: relative URL without a base: \"nope\""),
        ("  graph:\n    domain: d\n    reader: {clientId: x}", "line 12, spec.graph.reader: missing field `clientSecret`"),
    ] {
        let written = "  graph: {domain: emea.example, reader: {clientId: app, clientSecret: {file: secret}}}";
        assert!(ORGANIZATION.contains(written));
        let refused = client.apply(apply("a.yaml", &ORGANIZATION.replacen(written, section, 1))).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, &*format!("a.yaml: document 2, {want}")));
    }
    control.stop().await;
}

#[tokio::test]
async fn a_refusal_names_its_place_and_applies_nothing() {
    let control = Control::start().await;
    let mut client = control.client().await;
    let dangling = ORGANIZATION.replace("to: hub", "to: nowhere");
    let refused = client.apply(apply("a.yaml", &dangling)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("a.yaml: document 4, line 21, spec.to: there is no Tenant"), "{}", refused.message());
    let hostile = ORGANIZATION.replace("[GlobalEmployees]", r#"["a\0b"]"#);
    let refused = client.apply(apply("a.yaml", &hostile)).await.unwrap_err();
    let want = "a.yaml: document 4, line 23, spec.scope.groups[0]: has a NUL character in it";
    assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, want));
    let listed = client.list_resources(xtsync_contract::control::ListResourcesRequest {}).await.unwrap().into_inner();
    assert!(listed.resources.is_empty());
    control.stop().await;
}

#[tokio::test]
async fn a_command_is_published_for_each_synchronized_tenant_and_no_other() {
    let control = Control::start().await;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    let all = control::RepublishRequest { actor: "kim".into(), ..Default::default() };
    assert_eq!(client.republish(all).await.unwrap().into_inner().tenants, ["emea", "hub"]);
    let one = control::RepublishRequest { tenant: "emea".into(), actor: "kim".into() };
    assert_eq!(client.republish(one).await.unwrap().into_inner().tenants, ["emea"]);
    client.resume(control::ResumeRequest { target: "hub".into(), actor: "kim".into() }).await.unwrap();
    for name in ["nowhere", "No Name"] {
        let refused = client.resume(control::ResumeRequest { target: name.into(), actor: "kim".into() }).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, format!("there is no Tenant {name}").as_str()));
    }
    client.resync(control::ResyncRequest { tenant: "emea".into(), actor: "kim".into() }).await.unwrap();
    let refused = client.resync(control::ResyncRequest { tenant: "nowhere".into(), actor: "kim".into() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let mut commands = Table::open(&control.bus, vec![topic::COMMANDS.topic()]).await.unwrap();
    let mut given = Vec::new();
    while !commands.caught_up() {
        given.extend(commands.next().await.unwrap().iter().map(|record| {
            let command: internal::Command = event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap();
            let action = command.id.split('/').next().unwrap().to_owned();
            // The actor is the authenticated identity, not the declared name.
            let actor = if command.actor.starts_with("token-") { "token" } else { &command.actor };
            format!("{action} {} {actor}", command.target)
        }));
    }
    given.sort();
    assert_eq!(given, ["republish emea token", "republish emea token", "republish hub token", "resume hub token", "resync emea token"]);
    control.stop().await;
}
