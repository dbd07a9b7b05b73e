//! Commands to control behind a TLS proxy: a server whose certificate is not verified gets no token.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use xtsync::run::{Options, Role, start};
use xtsync_harness::Dir;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A TLS proxy for a name in front of an address. Returns its port and a counter of the connections that it forwarded.
async fn front(authority: &Authority, name: &str, upstream: std::net::SocketAddr) -> (u16, Arc<AtomicUsize>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key);
    let mut config = config.unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, passed) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&passed);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                counted.fetch_add(1, Ordering::SeqCst);
                copy_bidirectional(&mut stream, &mut TcpStream::connect(upstream).await.ok()?).await.ok()
            });
        }
    });
    (port, passed)
}

async fn status(dir: &Path, server: &str, ca: Option<&str>) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtsync"));
    command.current_dir(dir).args(["status", "--json", "--verbose", "--connect-timeout", "0s", "--data-dir", "data", "--server", server]);
    command.args(ca.map(|ca| ["--ca", ca]).into_iter().flatten());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let Output { status, stderr, .. } = output.unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_sent_to_a_verified_server_only() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let dir = Dir::new().unwrap();
    let options = Options { roles: [Role::CONTROL].into(), ..Options::embedded(&dir.join("data")) };
    let running = start(options).await.unwrap();
    let upstream = running.control.unwrap();
    let (ours, others) = (authority(), authority());
    std::fs::write(dir.join("ours.pem"), ours.pem()).unwrap();
    std::fs::write(dir.join("others.pem"), others.pem()).unwrap();
    std::fs::write(dir.join("empty.pem"), "").unwrap();
    let (right, let_in) = front(&ours, "127.0.0.1", upstream).await;
    let (other_name, misnamed) = front(&ours, "control.example", upstream).await;
    let secure = |port: u16| format!("https://127.0.0.1:{port}");

    let (code, err) = status(dir.path(), &secure(right), Some("ours.pem")).await;
    assert_eq!((code, let_in.load(Ordering::SeqCst)), (0, 1), "{err}");
    for (server, ca, exit, want) in [
        (secure(right), Some("others.pem"), 1, "invalid peer certificate"),
        (secure(right), None, 1, "invalid peer certificate"),
        (secure(right), Some("empty.pem"), 2, "empty.pem holds no certificate in PEM"),
        (secure(right), Some("none.pem"), 2, "reading the authority's certificate in none.pem"),
        (secure(other_name), Some("ours.pem"), 1, "invalid peer certificate"),
        // An https URL does not connect to a server without TLS.
        (secure(upstream.port()), Some("ours.pem"), 1, "connecting to control at https://127.0.0.1"),
        (format!("http://control.example:{right}"), None, 2, "would travel in the clear"),
        (format!("http://192.0.2.1:{right}"), None, 2, "would travel in the clear"),
    ] {
        let (code, err) = status(dir.path(), &server, ca).await;
        assert_eq!(code, exit, "{server}: {err}");
        assert!(err.contains(want), "{server}: {err}");
    }
    assert_eq!((let_in.load(Ordering::SeqCst), misnamed.load(Ordering::SeqCst)), (1, 0), "no other got past the handshake");
    running.stop(Duration::from_secs(30)).await.unwrap();
}
