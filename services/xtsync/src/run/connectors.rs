//! The registry of connectors. A new connector is one crate and one entry in this file.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderValue};
use xtsync_connector_graph::{GraphConnector, Options};
use xtsync_directory::{Connector, Connectors};
use xtsync_runtime::trace;

/// Every connector of this program.
pub(crate) fn connectors() -> Connectors {
    let graph: Arc<dyn Connector> = Arc::new(GraphConnector(Options { decorate: Some(traced), ..Options::default() }));
    Connectors::new([graph])
}

/// Adds the trace parent of the current span.
fn traced(headers: &mut HeaderMap) {
    if let Some(parent) = trace::traceparent().and_then(|parent| HeaderValue::try_from(parent).ok()) {
        headers.insert("traceparent", parent);
    }
}

#[cfg(test)]
mod tests {
    use xtsync_directory::{Directories, Error};
    use xtsync_domain::resource::AllowedHosts;
    use xtsync_domain::{TenantName, resource};
    use xtsync_secrets::SecretsDir;

    use super::*;

    fn tenant(section: &str) -> resource::Tenant {
        serde_json::from_str(&format!(r#"{{"organization":"o",{section}}}"#)).unwrap()
    }

    fn directories() -> Directories {
        let hosts = AllowedHosts::with(["sso.example"]).unwrap();
        Directories { connectors: connectors(), secrets: SecretsDir::new("secrets"), hosts }
    }

    #[test]
    fn a_host_that_is_not_allowed_gets_no_secret_though_the_configuration_names_it() {
        let client = r#"{"clientId":"app","clientSecret":{"file":"secret"}}"#;
        let (name, directories) = (TenantName::new("emea").unwrap(), directories());
        for (authority, want) in [
            ("https://evil.example", Some("host_not_allowed_authority")),
            ("https://sso.example", None),
            ("https://login.microsoftonline.com", None),
        ] {
            let tenant = tenant(&format!(r#""graph":{{"domain":"d","authority":"{authority}","reader":{client},"writer":{client}}}"#));
            let want = want.map(|code| Error::Forbidden { code: code.into() });
            assert_eq!(directories.source(&name, &tenant).err(), want, "{authority}");
            assert_eq!(directories.target(&name, &tenant).err(), want, "{authority}");
        }
    }

    #[test]
    fn a_section_that_no_connector_reads_is_named() {
        let (name, directories) = (TenantName::new("emea").unwrap(), directories());
        for (section, want) in
            [(r#""ldap":{}"#, "ldap: there is no connector `ldap`: use one of graph"), (r#""graph":{}"#, "graph: missing field `domain`")]
        {
            let want = Some(Error::Malformed { reason: want.to_owned() });
            assert_eq!(directories.source(&name, &tenant(section)).err(), want);
        }
    }
}
