//! Tests of what the API shows of users: their newest state as the source published it, and no value of a sensitive attribute.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use support::{Control, ORGANIZATION, apply, builders};
use tonic::Code;
use xtsync_contract::control::{ReadUserRequest, ReadUserResponse, ShowUserRequest};
use xtsync_contract::events::user_delta::State;
use xtsync_domain::decision::{Shape, Wanted};
use xtsync_domain::{Attributes, Value};
use xtsync_harness::{Postgres, unique};

async fn read(control: &Control, user: &str) -> Result<ReadUserResponse, Code> {
    let request = ReadUserRequest { user: user.to_owned() };
    control.client().await.read_user(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
}

/// The attributes of a user, by name.
fn names(read: &ReadUserResponse) -> Vec<&str> {
    match read.delta.as_ref().and_then(|delta| delta.state.as_ref()) {
        Some(State::Present(user)) => user.attributes.keys().map(String::as_str).collect(),
        Some(State::Gone(_)) | None => Vec::new(),
    }
}

#[tokio::test]
async fn the_newest_state_of_a_user_is_read_from_the_topic_of_the_source() {
    newest_state(Control::start().await).await;
    let postgres = Postgres::shared().await.unwrap();
    newest_state(Control::start_on(postgres.create_database(&unique("control")).await.unwrap()).await).await;
}

async fn newest_state(control: Control) {
    let bus = &control.bus;
    control.client().await.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    builders::named_delta(bus, "id-1", 1, "ana@emea.example", "ana.g@emea.example").await;
    builders::named_delta(bus, "id-2", 1, "bo@emea.example", "ana.g@emea.example").await;
    control.wait("known", async |control| read(control, "emea/id-2").await.is_ok()).await;
    for name in ["id-1", "emea/id-1", "Ana@emea.example", "emea/ana@emea.example"] {
        let ana = read(&control, name).await.unwrap();
        assert_eq!((&*ana.source, &*ana.user_id, names(&ana)), ("emea", "id-1", vec!["mail", "userPrincipalName"]), "{name}");
    }
    for (name, want) in [
        ("ana.g@emea.example", Code::FailedPrecondition),
        ("hub/id-1", Code::NotFound),
        ("nowhere/id-1", Code::NotFound),
        ("id-3", Code::NotFound),
        ("", Code::NotFound),
    ] {
        assert_eq!(read(&control, name).await.unwrap_err(), want, "{name}");
    }
    builders::delta(bus, "id-1", 2).await;
    control.wait("newer", async |control| read(control, "id-1").await.is_ok_and(|read| names(&read).is_empty())).await;
    control.stop().await;
}

#[tokio::test]
async fn no_value_of_a_sensitive_attribute_is_shown() {
    const MAPPINGS: &str = "  mappings:\n    city: {source: city, sensitive: true}\n    \
        department: {expression: 'ToUpper([faxNumber])', sensitive: true}\n    jobTitle: {source: jobTitle}\n";
    let control = Control::start().await;
    let bus = &control.bus;
    control.client().await.apply(apply("a.yaml", &format!("{ORGANIZATION}{MAPPINGS}"))).await.unwrap();
    let attributes: Attributes = ["city", "department", "jobTitle"].map(|name| (name, Value::from("x"))).into_iter().collect();
    let shape = Shape { address: "a@emea.example".into(), on_create: attributes.clone(), attributes };
    builders::named_delta(bus, "id-1", 1, "ana@emea.example", "").await;
    builders::link(bus, builders::decided("id-1", 1, builders::desired(Wanted::Yes(shape))), 1).await;
    let show = async |control: &Control| {
        let request = ShowUserRequest { user: "emea/id-1".to_owned(), target: "hub".to_owned() };
        control.client().await.show_user(request).await.ok()?.into_inner().links.pop().filter(|shown| shown.link.is_some())
    };
    control.wait("known", async |control| show(control).await.is_some()).await;
    let shown = show(&control).await.unwrap();
    let link = shown.link.unwrap();
    let shape = link.desired.unwrap().shape.unwrap();
    let applied = link.applied.unwrap_or_default();
    for attributes in [&shape.attributes, &shape.on_create] {
        assert_eq!(attributes.keys().collect::<Vec<_>>(), ["jobTitle"]);
    }
    assert!(!applied.attributes.contains_key("city"));
    assert!(link.recovery.is_empty());
    assert_eq!(shown.sensitive, ["city", "department"]);
    assert_eq!(read(&control, "id-1").await.unwrap().sensitive, ["city", "faxNumber"]);
    control.stop().await;
}
