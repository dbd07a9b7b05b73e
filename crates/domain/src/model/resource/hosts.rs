//! To which hosts a tenant's secrets and tokens may go.
//!
//! An administrator who may apply a Tenant names where its client secret is sent. So the installation, not the resource, says which hosts
//! there are: those that a connector knows, this machine for trying it out, and those that an operator allows.

use std::collections::BTreeSet;

use url::Url;

use super::connector::is_loopback;
use super::{Description, UrlPurpose};

/// The hosts that connector sections may send credentials to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(BTreeSet<String>);

/// A text that is neither `host` nor `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a host or host:port")]
pub struct InvalidHost(String);

impl AllowedHosts {
    /// Those that a connector knows to be its service's, loopback, and these: `host` for https on its usual port, `host:port` for another.
    ///
    /// # Errors
    /// When one of them is not a host.
    pub fn with<'a>(more: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidHost> {
        more.into_iter().map(normal).collect::<Result<_, _>>().map(Self)
    }

    /// The field, below its section, of a URL that would send credentials to another host, if any.
    #[must_use]
    pub fn forbidden(&self, description: &Description) -> Option<&'static str> {
        let is_forbidden = |purpose: UrlPurpose, url: &Url| match purpose {
            UrlPurpose::Credentials(known) => !self.allows(url, known),
            UrlPurpose::Notifications => false,
        };
        description.urls.iter().find(|described| is_forbidden(described.purpose, &described.url)).map(|described| described.field)
    }

    fn allows(&self, url: &Url, known: &[&str]) -> bool {
        let Some(host) = url.host_str() else { return false };
        match url.port() {
            _ if is_loopback(url) => true,
            None => known.contains(&host) || self.0.contains(host),
            Some(port) => self.0.contains(&format!("{host}:{port}")),
        }
    }
}

/// A host as URLs spell it: lower case, names of other alphabets in punycode, the usual port left out.
fn normal(host: &str) -> Result<String, InvalidHost> {
    let url = Url::parse(&format!("https://{host}")).ok().filter(|url| {
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        plain && url.path() == "/" && !host.contains(['/', '\\', '@'])
    });
    let url = url.ok_or_else(|| InvalidHost(host.to_owned()))?;
    let name = url.host_str().unwrap_or_default();
    Ok(url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::super::{DescribedUrl, Location};
    use super::*;
    use crate::capability::testing::INVITES;

    fn description(endpoint: &str, authority: &str) -> Description {
        let url = |field, url, known| DescribedUrl { field, url: Url::parse(url).unwrap(), purpose: UrlPurpose::Credentials(known) };
        let posted =
            DescribedUrl { field: "notifications.url", url: Url::parse("https://us.example").unwrap(), purpose: UrlPurpose::Notifications };
        Description {
            location: Location::new(endpoint, "d"),
            directory_field: "domain",
            urls: vec![
                url("endpoint", endpoint, &["graph.microsoft.com", "graph.microsoft.us"]),
                url("authority", authority, &["login.microsoftonline.com", "login.microsoftonline.us"]),
                posted,
            ],
            secrets: Vec::new(),
            is_writable: false,
            writer_field: "writer",
            capabilities: INVITES,
        }
    }

    #[test]
    fn a_secret_goes_to_known_hosts_to_this_machine_and_to_what_an_operator_allows() {
        let hosts = AllowedHosts::with(["Gateway.Example", "sso.example:8443", "api.example:443"]).unwrap();
        let (cloud, login) = ("https://graph.microsoft.com", "https://login.microsoftonline.com");
        for (endpoint, authority, want) in [
            (cloud, login, None),
            ("https://graph.microsoft.us", "https://login.microsoftonline.us/", None),
            ("http://127.0.0.1:8700", "http://[::1]:1", None),
            ("http://localhost:8700", "https://localhost", None),
            ("https://gateway.example/graph", "https://sso.example:8443", None),
            ("https://api.example", login, None),
            (cloud, "https://evil.example", Some("authority")),
            (cloud, "https://login.microsoftonline.com.evil.example", Some("authority")),
            (cloud, "https://login.microsoftonline.com.", Some("authority")),
            (cloud, "https://login.microsoftonline.com:8443", Some("authority")),
            (cloud, "https://sso.example", Some("authority")),
            (cloud, "https://127.0.0.1.evil.example", Some("authority")),
            (cloud, "https://169.254.169.254", Some("authority")),
            ("https://login.microsoftonline.com", login, Some("endpoint")),
            ("https://evil.example", login, Some("endpoint")),
        ] {
            assert_eq!(hosts.forbidden(&description(endpoint, authority)), want, "{endpoint} {authority}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "https://gateway.example", "a/b", "u@gateway.example", "a b", "gateway.example:x", "gateway.example?x", "a#b"] {
            assert_eq!(AllowedHosts::with([text]), Err(InvalidHost(text.to_owned())), "{text}");
        }
    }
}
