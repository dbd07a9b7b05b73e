//! TLS to a directory: a server that cannot prove who it is gets neither the secret nor a token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use xtsync_connector_graph::{Options, Reader};
use xtsync_directory::{Error, Source};

use crate::fake::Fake;

#[tokio::test]
async fn a_server_with_an_untrusted_certificate_gets_neither_secret_nor_token() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, trusted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (Arc::clone(&asked), Arc::clone(&trusted));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.0.fetch_add(1, Ordering::SeqCst);
            if acceptor.accept(stream).await.is_ok() {
                counted.1.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let fake = Fake::replying([]).await;
    for host in ["127.0.0.1", "localhost"] {
        let mut graph = fake.graph();
        graph.endpoint = format!("https://{host}:{port}").parse().unwrap();
        graph.authority = graph.endpoint.clone();
        let error = Reader::new(&graph, fake.with_secrets(Options::default())).unwrap().user_count().await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    assert!(asked.load(Ordering::SeqCst) >= 2);
    assert_eq!(trusted.load(Ordering::SeqCst), 0);
}
