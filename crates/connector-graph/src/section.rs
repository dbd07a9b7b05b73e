//! The section `graph` of a Tenant: how to reach a tenant through Microsoft Graph, and as which applications.
//!
//! Credentials are references, resolved where they are used. Reader and writer are apart, and only the provisioner uses a writer.
//!
//! Source of the hosts: Microsoft Graph, "National cloud deployments" (Graph and token service root endpoints).

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;
use xtsync_domain::Capabilities;
use xtsync_domain::capability::{Anchor, ConsentSource, Create, RecycleBin};
use xtsync_domain::resource::{DescribedUrl, Description, Location, SecretRef, SectionProblem, UrlPurpose};
use xtsync_domain::schema::service_url;

/// Where Graph is: global, US Government (L4 and L5), China.
const ENDPOINTS: [&str; 4] = ["graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"];

/// Where its tokens come from.
const AUTHORITIES: [&str; 4] =
    ["login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn"];

/// What a tenant of Microsoft Entra can do (docs/directories.md, R1, R3 to R5, R10 and R11).
pub const CAPABILITIES: Capabilities = Capabilities {
    create: Create::Invite,
    anchor: Anchor::Attribute,
    recycle_bin: RecycleBin::Present,
    sessions: true,
    disable: true,
    references: true,
    group_membership: true,
    delta: true,
    notifications: true,
    consent: ConsentSource::Live,
};

/// How to reach a tenant of Microsoft Entra through Microsoft Graph, and as which applications.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Graph {
    /// A verified domain of the tenant, or its directory id. Tokens are requested for it.
    #[schemars(length(min = 1), example = &"emea.contoso.com")]
    pub domain: String,
    /// The base URL of Microsoft Graph. Its host is one of Microsoft's clouds, this machine, or a host of `--allow-host`.
    #[serde(default = "global_endpoint")]
    #[schemars(schema_with = "service_url", example = &"https://graph.microsoft.us")]
    pub endpoint: Url,
    /// The base URL of the token service. Its host is one of Microsoft's clouds, this machine, or a host of `--allow-host`.
    #[serde(default = "global_authority")]
    #[schemars(schema_with = "service_url", example = &"https://login.microsoftonline.us")]
    pub authority: Url,
    /// The application that reads the tenant.
    #[schemars(example = client_example())]
    pub reader: Client,
    /// The application that writes the tenant. Only a target needs it.
    #[serde(default)]
    #[schemars(example = client_example(), extend("x-default" = "the tenant cannot be a target"))]
    pub writer: Option<Client>,
    /// Change notifications, which make a source's changes known at once.
    #[serde(default)]
    #[schemars(example = json!({"url": "https://xtsync.contoso.com"}), extend("x-default" = "changes are found by polling"))]
    pub notifications: Option<Notifications>,
}

/// Where Graph may post change notifications.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Notifications {
    /// The base URL at which Graph reaches the listener of `--notify-listen`.
    #[schemars(schema_with = "service_url", example = &"https://xtsync.contoso.com")]
    pub url: Url,
}

/// An application registered in the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Client {
    /// The application (client) id.
    #[schemars(example = &"3f8d8a52-7d6c-4c1e-9a40-2c9d9b7c0b11")]
    pub client_id: String,
    /// Where the application's client secret is.
    #[schemars(example = json!({"file": "secret"}))]
    pub client_secret: SecretRef,
}

impl Graph {
    /// Reads the section.
    ///
    /// # Errors
    /// The first field that is unknown, missing or of the wrong shape.
    pub fn read(settings: &Map<String, Value>) -> Result<Self, SectionProblem> {
        serde_path_to_error::deserialize(Value::Object(settings.clone())).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { "graph".to_owned() } else { format!("graph.{path}") };
            SectionProblem { path, message: message(&error.into_inner().to_string()) }
        })
    }

    /// What the section says to code that does not know Graph.
    #[must_use]
    pub fn describe(&self) -> Description {
        let mut urls = vec![
            DescribedUrl { field: "endpoint", url: self.endpoint.clone(), purpose: UrlPurpose::Credentials(&ENDPOINTS) },
            DescribedUrl { field: "authority", url: self.authority.clone(), purpose: UrlPurpose::Credentials(&AUTHORITIES) },
        ];
        let notifications = self.notifications.iter().map(|notifications| notifications.url.clone());
        urls.extend(notifications.map(|url| DescribedUrl { field: "notifications.url", url, purpose: UrlPurpose::Notifications }));
        let reader = ("reader.clientSecret.file", self.reader.client_secret.clone());
        let writer = self.writer.iter().map(|writer| ("writer.clientSecret.file", writer.client_secret.clone()));
        Description {
            location: Location::new(self.endpoint.as_str(), &self.domain),
            directory_field: "domain",
            urls,
            secrets: std::iter::once(reader).chain(writer).collect(),
            is_writable: self.writer.is_some(),
            writer_field: "writer",
            capabilities: CAPABILITIES,
        }
    }
}

/// A parser's message without what it quotes where that may be a credential: a URL that cannot be read may hold one.
fn message(text: &str) -> String {
    if text.contains('@') { text.split_once('"').map_or(text, |(said, _)| said.trim_end()).to_owned() } else { text.to_owned() }
}

fn client_example() -> Value {
    json!({"clientId": "3f8d8a52-7d6c-4c1e-9a40-2c9d9b7c0b11", "clientSecret": {"file": "secret"}})
}

fn global_endpoint() -> Url {
    Url::parse("https://graph.microsoft.com").expect("a constant URL")
}

fn global_authority() -> Url {
    Url::parse("https://login.microsoftonline.com").expect("a constant URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &Value) -> Result<Graph, String> {
        Graph::read(settings.as_object().unwrap()).map_err(|problem| format!("{}: {}", problem.path, problem.message))
    }

    #[test]
    fn each_mistake_names_its_field_and_quotes_no_credential() {
        let client = json!({"clientId": "app", "clientSecret": {"file": "secret"}});
        for (settings, want) in [
            (json!({}), "graph: missing field `domain`"),
            (json!({"domain": "d", "reader": {"clientId": "x"}}), "graph.reader: missing field `clientSecret`"),
            (json!({"domain": 7, "reader": client}), "graph.domain: invalid type: integer `7`, expected a string"),
            (json!({"domain": "d", "reader": client, "endpoint": "nope"}), "graph.endpoint: relative URL without a base: \"nope\""),
            (json!({"domain": "d", "reader": client, "endpoint": "https://u:p@x:y"}), "graph.endpoint: invalid port number:"),
        ] {
            assert_eq!(read(&settings).unwrap_err(), want);
        }
        let unknown = read(&json!({"domain": "d", "reader": client, "writr": client})).unwrap_err();
        assert!(unknown.starts_with("graph.writr: unknown field `writr`"), "{unknown}");
    }

    #[test]
    fn the_hosts_of_microsofts_clouds_are_known() {
        let client = json!({"clientId": "app", "clientSecret": {"file": "secret"}});
        let description = read(&json!({"domain": "Hub.Example.", "reader": client})).unwrap().describe();
        assert_eq!(description.location, Location::new("https://graph.microsoft.com/", "hub.example"));
        assert!(!description.is_writable);
        for described in &description.urls {
            let UrlPurpose::Credentials(hosts) = described.purpose else { panic!("{described:?}") };
            assert!(hosts.contains(&described.url.host_str().unwrap()), "{described:?}");
        }
    }
}
