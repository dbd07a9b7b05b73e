//! Small configurations for tests, written as administrators write them.

use std::collections::BTreeMap;

use super::Configuration;
use crate::TenantName;
use crate::capability::testing::INVITES;
use crate::capability::{Anchor, Capabilities, ConsentSource, DELETION_GRACE_PERIOD, RecycleBin};
use crate::resource::{DescribedUrl, Description, Id, Kind, Location, Resource, SecretRef, Spec, Tenant, UrlPurpose};
use serde_json::{Map, Value};
use url::Url;

/// Resources by id, each with its revision.
#[derive(Default)]
pub(crate) struct Yaml(BTreeMap<Id, (u64, Spec)>);

impl Yaml {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&mut self, revision: u64, kind: Kind, tenant: Option<&str>, name: &str, json: &str) -> &mut Self {
        let id = Id { kind, tenant: tenant.map(|tenant| TenantName::new(tenant).expect("a tenant's name")), name: name.to_owned() };
        let spec = Spec::from_json(kind, json.as_bytes()).unwrap_or_else(|error| panic!("{id}: {error}: {json}"));
        self.0.insert(id, (revision, spec));
        self
    }

    pub(crate) fn organization(&mut self, name: &str, json: &str) -> &mut Self {
        self.add(1, Kind::Organization, None, name, json)
    }

    pub(crate) fn tenant(&mut self, name: &str, organization: &str) -> &mut Self {
        let client = r#"{"clientId":"app","clientSecret":{"file":"secret"}}"#;
        let graph = format!(r#"{{"domain":"{name}.example","reader":{client},"writer":{client}}}"#);
        self.add(1, Kind::Tenant, Some(name), name, &format!(r#"{{"organization":"{organization}","graph":{graph}}}"#))
    }

    pub(crate) fn synchronization(&mut self, source: &str, name: &str, json: &str) -> &mut Self {
        self.add(1, Kind::Synchronization, Some(source), name, json)
    }

    pub(crate) fn access_policy(&mut self, tenant: &str, json: &str) -> &mut Self {
        self.add(1, Kind::CrossTenantAccessPolicy, Some(tenant), "policy", json)
    }

    pub(crate) fn projection(&mut self, tenant: &str, revision: u64) -> &mut Self {
        self.add(revision, Kind::Projection, Some(tenant), "projection", r#"{"attributes":[],"groups":[]}"#)
    }

    pub(crate) fn wanted(&self) -> BTreeMap<Id, Spec> {
        self.0.iter().map(|(id, (_, spec))| (id.clone(), spec.clone())).collect()
    }

    pub(crate) fn resources(&self) -> impl Iterator<Item = Resource> {
        self.0.iter().map(|(id, (revision, spec))| Resource { id: id.clone(), revision: *revision, spec: spec.clone() })
    }

    pub(crate) fn configuration(&self, revision: u64) -> Configuration {
        Configuration::new(revision, self.resources())
    }
}

/// What the directory of a test's section can do: everything but what `cannot` lists.
fn capabilities(settings: &Map<String, Value>) -> Capabilities {
    let mut can = INVITES;
    for lack in settings.get("cannot").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        match lack {
            "restore" => can.recycle_bin = RecycleBin::Absent { grace_period: DELETION_GRACE_PERIOD },
            "anchor" => can.anchor = Anchor::Native,
            "sessions" => can.sessions = false,
            "disable" => can.disable = false,
            "groups" => can.group_membership = false,
            "consent" => can.consent = ConsentSource::Hosted,
            other => panic!("no capability: {other}"),
        }
    }
    can
}

/// What a section says, for tests: its fields are `domain`, `endpoint`, `authority`, `notifications.url`, `reader` and `writer`, each with
/// `clientSecret.file`, and `cannot`.
pub(crate) fn describe(tenant: &Tenant) -> Option<Description> {
    let settings = &tenant.connector.settings;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let url = |field, value, default: &str, purpose| {
        let url = text(value).unwrap_or_else(|| default.to_owned());
        DescribedUrl { field, url: Url::parse(&url).expect("a test's URL"), purpose }
    };
    let credentials = UrlPurpose::Credentials(&["graph.example"]);
    let mut urls = vec![
        url("endpoint", settings.get("endpoint"), "https://graph.example", credentials),
        url("authority", settings.get("authority"), "https://login.example", credentials),
    ];
    let notifications = settings.get("notifications").and_then(|notifications| notifications.get("url"));
    urls.extend(notifications.map(|value| url("notifications.url", Some(value), "", UrlPurpose::Notifications)));
    let secret = |field, client: &Value| Some((field, SecretRef { file: text(client.get("clientSecret")?.get("file"))?.into() }));
    let (reader, writer) = (settings.get("reader"), settings.get("writer"));
    let secrets = [
        reader.and_then(|client| secret("reader.clientSecret.file", client)),
        writer.and_then(|client| secret("writer.clientSecret.file", client)),
    ];
    Some(Description {
        location: Location::new(urls[0].url.as_str(), &text(settings.get("domain")).unwrap_or_default()),
        directory_field: "domain",
        urls,
        secrets: secrets.into_iter().flatten().collect(),
        is_writable: writer.is_some(),
        writer_field: "writer",
        capabilities: capabilities(settings),
    })
}
