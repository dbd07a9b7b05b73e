//! The connectors that services are given: Microsoft Graph, with the trace of the work a call belongs to.
//!
//! Control refuses at apply what this installation does not allow; it is asked again here, since a configuration may come from the bus
//! of another installation, or from before.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderValue};
use xtsync_connector_graph::{self as graph, Reader, Writer};
use xtsync_directory::{Error, Result, Source, Target};
use xtsync_domain::resource::AllowedHosts;
use xtsync_domain::{TenantName, resource};
use xtsync_runtime::trace;
use xtsync_secrets::SecretsDir;

/// Makes connectors with what this installation allows.
#[derive(Debug, Clone)]
pub(super) struct Directories {
    pub(super) secrets: SecretsDir,
    pub(super) hosts: AllowedHosts,
}

impl Directories {
    /// Reads a tenant.
    pub(super) fn source(&self, name: &TenantName, tenant: &resource::Tenant) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(Reader::new(&tenant.graph, self.options(name, tenant)?)?))
    }

    /// Writes a tenant.
    pub(super) fn target(&self, name: &TenantName, tenant: &resource::Tenant) -> Result<Arc<dyn Target>> {
        Ok(Arc::new(Writer::new(&tenant.graph, self.options(name, tenant)?)?))
    }

    fn options(&self, name: &TenantName, tenant: &resource::Tenant) -> Result<graph::Options> {
        if let Some(field) = self.hosts.forbidden(&tenant.graph) {
            return Err(Error::Forbidden { code: format!("host_not_allowed_{field}").into() });
        }
        Ok(graph::Options { secrets: self.secrets.of(name), decorate: Some(traced), ..graph::Options::default() })
    }
}

/// Adds the trace parent of the current span.
fn traced(headers: &mut HeaderMap) {
    if let Some(parent) = trace::traceparent().and_then(|parent| HeaderValue::try_from(parent).ok()) {
        headers.insert("traceparent", parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_not_allowed_gets_no_secret_though_the_configuration_names_it() {
        let tenant = |authority: &str| -> resource::Tenant {
            let client = r#"{"clientId":"app","clientSecret":{"file":"secret"}}"#;
            let graph = format!(r#"{{"domain":"d","authority":"{authority}","reader":{client},"writer":{client}}}"#);
            serde_json::from_str(&format!(r#"{{"organization":"o","graph":{graph}}}"#)).unwrap()
        };
        let name = TenantName::new("emea").unwrap();
        let directories = Directories { secrets: SecretsDir::new("secrets"), hosts: AllowedHosts::with(["sso.example"]).unwrap() };
        for (authority, want) in [
            ("https://evil.example", Some("host_not_allowed_authority")),
            ("https://sso.example", None),
            ("https://login.microsoftonline.com", None),
        ] {
            let want = want.map(|code| Error::Forbidden { code: code.into() });
            assert_eq!(directories.source(&name, &tenant(authority)).err(), want, "{authority}");
            assert_eq!(directories.target(&name, &tenant(authority)).err(), want, "{authority}");
        }
    }
}
