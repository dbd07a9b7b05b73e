//! The connector section of a Tenant, and what it says to code that does not know the connector's protocol.

use std::path::{Component, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Capabilities;

/// How a directory is reached: the name of a connector, and settings that this connector alone reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorSection {
    /// The name of the connector, which is the name of the section, such as `graph`.
    pub connector: String,
    /// What stands in the section.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// A mistake in a connector section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionProblem {
    /// The field below `spec`, such as `graph.reader.clientId`; empty for the spec itself.
    pub path: String,
    /// What is wrong, lower case and without a full stop. It quotes no value that may be a credential.
    pub message: String,
}

/// What a connector section says to code that does not know the connector's protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Which directory it is, as written.
    pub location: Location,
    /// The field that names the directory, below the section.
    pub directory_field: &'static str,
    /// The URLs in the section.
    pub urls: Vec<DescribedUrl>,
    /// The references to secrets, each with its field below the section.
    pub secrets: Vec<(&'static str, SecretRef)>,
    /// Whether the section has what it takes to write the directory.
    pub is_writable: bool,
    /// The field that would make the directory writable, below the section.
    pub writer_field: &'static str,
    /// What the directory can do.
    pub capabilities: Capabilities,
}

/// A directory as written: two sections with an equal location mean one directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The service that it is a directory of, in one spelling.
    pub service: String,
    /// Its name there, in one spelling.
    pub directory: String,
}

/// A URL in a connector section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedUrl {
    /// The field below the section.
    pub field: &'static str,
    /// The URL.
    pub url: Url,
    /// What goes there.
    pub purpose: UrlPurpose,
}

/// What a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlPurpose {
    /// Credentials are sent there; these hosts are known to belong to the service.
    Credentials(&'static [&'static str]),
    /// The directory posts notifications there, with a shared secret.
    Notifications,
}

/// Says where a secret is; never holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SecretRef {
    /// The file that holds the secret, below the directory of the tenant in `--secrets-dir`. It is read at each use, so that a new secret
    /// needs no restart.
    #[schemars(example = &"secret", regex(pattern = BELOW_PATTERN), extend("x-limits" = "a relative path without `..`"))]
    pub file: PathBuf,
}

/// What [`SecretRef::is_below`] says, for editors.
const BELOW_PATTERN: &str = r"^(?!/)(?!\.(/|$))(?!(.*/)?\.\.(/|$)).+$";

impl Location {
    /// A location in one spelling: neither hosts nor domains know case, nor does a final dot or slash matter.
    #[must_use]
    pub fn new(service: &str, directory: &str) -> Self {
        Self { service: service.trim_end_matches('/').to_lowercase(), directory: directory.trim().trim_end_matches('.').to_lowercase() }
    }
}

impl SecretRef {
    /// Whether the path stays below the directory that it starts from, as far as its own text says.
    #[must_use]
    pub fn is_below(&self) -> bool {
        let mut parts = self.file.components().peekable();
        parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
    }
}

impl DescribedUrl {
    /// Whether the URL holds no more than where a service is: no credentials, which resources never hold since they are shown, and no
    /// query or fragment, which would swallow what is appended.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let url = &self.url;
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none()
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn one_location_has_one_spelling() {
        assert_eq!(Location::new("https://Graph.example/", " Hub.Example. "), Location::new("https://graph.example", "hub.example"));
    }
}
