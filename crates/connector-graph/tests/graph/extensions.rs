//! Directory extensions of all types, read of a source and written in a target.

use serde_json::{Value as Json, json};
use xtsync_directory::{Error, Invitation, Source, Target, UserChange};
use xtsync_domain::extension::{DataType, Extension, Extensions};
use xtsync_domain::{Attributes, Timestamp, Value};
use xtsync_tenant_sim::{Rule, TenantHandle};

use crate::tenants::Tenants;

const ADDRESS: &str = "ana@emea.example";
const ANCHOR: &str = "home/ana";
const TYPES: [(&str, &str, bool); 6] = [
    ("cost", "String", false),
    ("skills", "String", true),
    ("vip", "Boolean", false),
    ("level", "Integer", false),
    ("badge", "LargeInteger", false),
    ("since", "DateTime", false),
];

fn name(own: &str) -> String {
    format!("extension_0123456789abcdef0123456789abcdef_{own}")
}

fn register(tenant: &TenantHandle) {
    for (own, data_type, several) in TYPES {
        tenant.register_typed_extension(&name(own), data_type, several).unwrap();
    }
}

fn names() -> Vec<String> {
    TYPES.iter().map(|(own, ..)| name(own)).collect()
}

fn texts(texts: &[&str]) -> Value {
    Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

/// What Ana has, as attributes.
fn ana() -> Attributes {
    let since = Timestamp::parse("2024-03-01T00:00:00Z").unwrap();
    let values = [
        ("cost", "4711".into()),
        ("skills", texts(&["rust", "sql"])),
        ("vip", Value::Flag(true)),
        ("level", Value::Number(7)),
        ("badge", Value::Number(3_000_000_000)),
        ("since", Value::Time(since)),
    ];
    values.into_iter().map(|(own, value)| (name(own), value)).collect()
}

/// The same as Graph has it, with the several values in another order.
fn written() -> Json {
    json!({
        name("cost"): "4711", name("skills"): ["sql", "rust"], name("vip"): true, name("level"): 7,
        name("badge"): 3_000_000_000_u64, name("since"): "2024-03-01T00:00:00Z",
    })
}

#[tokio::test]
async fn a_source_lists_its_extensions_with_their_types() {
    let tenants = Tenants::with_people(1).await;
    let (emea, reader) = (tenants.tenant("emea"), tenants.reader("emea"));
    register(&emea);
    emea.register_extension("extension_of_another_form").unwrap();
    let mut listed = reader.extensions().await.unwrap();
    listed.0.retain(|name, _| !name.ends_with("_xtsyncAnchor"));
    use DataType::{Boolean, DateTime, Integer, LargeInteger, String};
    let want = [("cost", String), ("skills", String), ("vip", Boolean), ("level", Integer), ("badge", LargeInteger), ("since", DateTime)];
    let want = want.map(|(own, data_type)| (name(own), Extension { data_type, is_multi_valued: own == "skills" }));
    assert_eq!(listed, Extensions(want.into_iter().collect()));
    tenants.sim.script().install(Rule::on("POST", "/directoryObjects/*").times(1).fail(403)).unwrap();
    assert!(matches!(reader.extensions().await, Err(Error::Forbidden { .. })));
}

#[tokio::test]
async fn values_of_extensions_are_read_by_their_types_and_again_when_cleared() {
    let tenants = Tenants::with_people(1).await;
    let (emea, reader) = (tenants.tenant("emea"), tenants.reader("emea"));
    register(&emea);
    let user = emea.users()[0];
    emea.patch_user(user, &written()).unwrap();
    let read = async |cursor| {
        let mut page = reader.users(&names(), cursor).await.unwrap();
        assert_eq!((page.rejected.len(), page.changes.len()), (0, 1));
        let UserChange::Changed { mut attributes, .. } = page.changes.remove(0) else { panic!("a change") };
        attributes.keep(|attribute| names().iter().any(|name| name == attribute));
        let (xtsync_directory::Next::Page(next) | xtsync_directory::Next::Complete(next)) = page.next;
        (attributes, next)
    };
    let (attributes, cursor) = read(None).await;
    assert_eq!(attributes, ana());
    emea.patch_user(user, &json!({name("skills"): [], name("level"): null, name("vip"): false})).unwrap();
    let (attributes, _) = read(Some(&cursor)).await;
    for (own, want) in [("skills", Value::Null), ("level", Value::Null), ("vip", Value::Flag(false))] {
        assert_eq!(attributes.get(&name(own)), Some(&want), "{own}");
    }
}

#[tokio::test]
async fn a_source_that_may_not_list_its_extensions_is_read_by_the_form_of_values() {
    let tenants = Tenants::with_people(1).await;
    let (emea, reader) = (tenants.tenant("emea"), tenants.reader("emea"));
    register(&emea);
    emea.patch_user(emea.users()[0], &written()).unwrap();
    tenants.sim.script().install(Rule::on("POST", "/directoryObjects/*").fail(403)).unwrap();
    let page = reader.users(&names(), None).await.unwrap();
    let UserChange::Changed { attributes, .. } = &page.changes[0] else { panic!("a change") };
    assert_eq!(attributes.get(&name("level")), Some(&Value::Number(7)));
    assert_eq!(attributes.text(&name("since")), Some("2024-03-01T00:00:00Z"));
}

#[tokio::test]
async fn a_target_s_extensions_are_written_read_back_and_cleared() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), tenants.writer("hub"));
    let invitation = Invitation { address: ADDRESS.to_owned(), display_name: None };
    let id = writer.invite(&invitation).await.unwrap();
    writer.patch(&id, Some(ANCHOR), &Attributes::default()).await.unwrap();
    // They are registered after the writer has read which there are.
    register(&hub);
    let patched = writer.patch(&id, None, &ana()).await.unwrap();
    assert_eq!(patched.refused, []);
    let differing = async || ana().differing_from(&writer.read(&id).await.unwrap().unwrap().attributes);
    assert_eq!(differing().await, Attributes::default());
    let user = id.0.parse().unwrap();
    assert_eq!(hub.user(user).unwrap()[name("skills")], json!(["rust", "sql"]));
    hub.patch_user(user, &json!({name("skills"): ["sql", "rust"]})).unwrap();
    assert_eq!(differing().await, Attributes::default(), "another order is no difference");
    hub.patch_user(user, &json!({name("level"): 8})).unwrap();
    assert_eq!(differing().await.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>(), [name("level")]);

    let cleared: Attributes = names().into_iter().map(|name| (name, Value::Null)).collect();
    assert_eq!(writer.patch(&id, None, &cleared).await.unwrap().refused, []);
    let whole = hub.user(user).unwrap();
    assert!(names().iter().all(|name| whole[name].is_null()), "{whole}");
    assert_eq!(cleared.differing_from(&writer.read(&id).await.unwrap().unwrap().attributes), Attributes::default());
}
