//! A tenant: one directory, how to reach it, and who we are there.
//!
//! Credentials are references, resolved where they are used. Reader and writer are apart, and only the provisioner uses a writer.

use std::path::{Component, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

/// One directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tenant {
    /// The organization it says it belongs to.
    pub organization: String,
    /// How to reach it through Microsoft Graph.
    pub graph: Graph,
}

/// A tenant that speaks Microsoft Graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Graph {
    /// A verified domain of the tenant, or its directory id: what tokens are asked for.
    pub domain: String,
    /// Where Graph is; the global cloud's unless written. Plain http on loopback only.
    #[serde(default = "global_endpoint")]
    pub endpoint: Url,
    /// Where tokens come from; the global cloud's unless written. Plain http on loopback only.
    #[serde(default = "global_authority")]
    pub authority: Url,
    /// The application that reads.
    pub reader: Client,
    /// The application that writes; without one the tenant cannot be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<Client>,
    /// Where Graph may tell of changes; without it they are found by asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Box<Notifications>>,
}

/// Where Graph may tell of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Notifications {
    /// Under which Graph reaches our listener for notifications. Plain http on loopback only.
    pub url: Url,
}

/// An application registered in the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Client {
    /// Its application id.
    pub client_id: String,
    /// Where its secret is.
    pub client_secret: SecretRef,
}

/// Says where a secret is; never holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SecretRef {
    /// A file that holds it, below the tenant's own secrets directory; read at each use, so that a rotated mount is seen.
    pub file: PathBuf,
}

impl SecretRef {
    /// Whether the path stays below the directory that it starts from, as far as its own text says.
    #[must_use]
    pub fn is_below(&self) -> bool {
        let mut parts = self.file.components().peekable();
        parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
    }
}

impl Graph {
    /// The field whose URL would send a token or a client state in the clear, if any: plain http is for loopback only.
    #[must_use]
    pub fn plain_http(&self) -> Option<&'static str> {
        let notifications = self.notifications.iter().map(|notifications| ("notifications.url", &notifications.url));
        [("endpoint", &self.endpoint), ("authority", &self.authority)]
            .into_iter()
            .chain(notifications)
            .find(|(_, url)| !is_safe_for_secrets(url))
            .map(|(field, _)| field)
    }
}

impl Graph {
    /// The field whose URL holds more than where a service is: credentials, which resources never hold since they are shown, or a query
    /// or fragment, which what is appended would end up in.
    #[must_use]
    pub fn overfull_url(&self) -> Option<&'static str> {
        let notifications = self.notifications.iter().map(|notifications| ("notifications.url", &notifications.url));
        let is_plain =
            |url: &Url| url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        let urls = [("endpoint", &self.endpoint), ("authority", &self.authority)].into_iter().chain(notifications);
        urls.into_iter().find(|(_, url)| !is_plain(url)).map(|(field, _)| field)
    }

    /// The references to secrets, each with its field.
    pub fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretRef)> {
        let reader = ("reader.clientSecret.file", &self.reader.client_secret);
        let writer = self.writer.iter().map(|writer| ("writer.clientSecret.file", &writer.client_secret));
        std::iter::once(reader).chain(writer)
    }
}

/// Whether a URL leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether a secret or a token may be sent there: https, or http to this machine.
#[must_use]
pub fn is_safe_for_secrets(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback(url),
        _ => false,
    }
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

    #[test]
    fn notifications_in_the_clear_come_from_this_machine_only() {
        let graph = |url: &str| -> Graph {
            let json = format!(
                r#"{{"domain":"emea","reader":{{"clientId":"app","clientSecret":{{"file":"secret"}}}},"notifications":{{"url":"{url}"}}}}"#
            );
            serde_json::from_str(&json).unwrap()
        };
        assert_eq!(graph("https://xtsync.example/graph").plain_http(), None);
        assert_eq!(graph("http://127.0.0.1:8602").plain_http(), None);
        assert_eq!(graph("http://xtsync.example").plain_http(), Some("notifications.url"));
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for (url, safe) in [
            ("https://graph.microsoft.com", true),
            ("http://127.0.0.1:8700", true),
            ("http://[::1]:8700", true),
            ("http://localhost", true),
            ("http://graph.example", false),
            ("http://127.0.0.1.example", false),
            ("ftp://127.0.0.1", false),
        ] {
            assert_eq!(is_safe_for_secrets(&Url::parse(url).unwrap()), safe, "{url}");
        }
    }
}
