//! The connection to control: over TLS, or unencrypted on loopback. It is checked before the token is read, so that no other server gets it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use url::Url;
use xtsync_domain::resource::is_safe_for_secrets;

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The interval of HTTP/2 keep-alive pings.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// The most bytes that are read of a file of CA certificates.
const CA_BYTES_MAX: u64 = 1 << 20;

/// The endpoint at a URL, verified against the given CA certificates, or else those of the system.
///
/// # Errors
/// When the URL is invalid, the token would travel in the clear, or the certificates cannot be read.
pub(super) fn endpoint(server: &str, ca: Option<&Path>) -> anyhow::Result<Endpoint> {
    let url = parse(server)?;
    let endpoint = Endpoint::from_shared(url.to_string()).with_context(|| format!("'{url}' is no address"))?;
    let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).http2_keep_alive_interval(KEEPALIVE_INTERVAL);
    if url.scheme() == "http" {
        ensure!(ca.is_none(), "--ca is for https:// only, not for {url}");
        return Ok(endpoint);
    }
    let tls = ClientTlsConfig::new();
    let tls = match ca {
        Some(ca) => tls.ca_certificate(certificate(ca)?),
        None => tls.with_native_roots(),
    };
    endpoint.tls_config(tls).context("setting TLS up")
}

/// Parses the URL. It must hold no credentials, because errors repeat it.
fn parse(server: &str) -> anyhow::Result<Url> {
    let url = Url::parse(server).map_err(|_| anyhow!("--server is not a URL: https://HOST[:PORT], or http:// on loopback"))?;
    ensure!(url.username().is_empty() && url.password().is_none(), "--server holds credentials: control takes the token only");
    ensure!(is_safe_for_secrets(&url), "--server {url}: the token would travel in the clear: use https://, or http:// on loopback");
    Ok(url)
}

fn certificate(ca: &Path) -> anyhow::Result<Certificate> {
    use std::io::Read as _;
    let mut pem = Vec::new();
    let file = std::fs::File::open(ca).with_context(|| format!("reading the authority's certificate in {}", ca.display()))?;
    file.take(CA_BYTES_MAX).read_to_end(&mut pem).with_context(|| format!("reading {}", ca.display()))?;
    let names = |line: &[u8]| line.starts_with(b"-----BEGIN CERTIFICATE-----");
    ensure!(pem.split(|byte| *byte == b'\n').any(names), "{} holds no certificate in PEM", ca.display());
    Ok(Certificate::from_pem(pem))
}

/// The CA certificates of the server.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Trust {
    /// File with the certificates (PEM) that a server at https:// is checked against [default: those of the system]
    #[arg(long, value_name = "FILE", env = "XTSYNC_CA")]
    pub ca: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_machine() {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        for (server, want) in [
            ("http://127.0.0.1:8600", None),
            ("http://[::1]:8600", None),
            ("http://localhost:8600", None),
            ("https://127.0.0.1:8600", None),
            ("https://control.example", None),
            ("http://control.example:8600", Some("would travel in the clear")),
            ("http://10.0.0.7:8600", Some("would travel in the clear")),
            ("http://127.0.0.1.example", Some("would travel in the clear")),
            ("http://0.0.0.0:8600", Some("would travel in the clear")),
            ("ftp://127.0.0.1", Some("would travel in the clear")),
            ("control.example:8600", Some("would travel in the clear")),
            ("control.example", Some("not a URL")),
            ("https://u:hunter2@control.example", Some("holds credentials")),
        ] {
            let error = endpoint(server, None).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), want.is_some(), "{server}: {error:?}");
            let error = error.unwrap_or_default();
            assert!(error.contains(want.unwrap_or_default()) && !error.contains("hunter2"), "{server}: {error}");
        }
        let error = endpoint("http://127.0.0.1:1", Some(Path::new("ca.pem"))).err().unwrap().to_string();
        assert!(error.starts_with("--ca is for https:// only"), "{error}");
    }
}
