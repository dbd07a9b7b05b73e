//! TLS with a certificate that the simulator makes for itself: official SDKs send tokens over https only.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::connection::{Connection, Peer, ResettableListener};

/// The names that the certificate is for.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// The most connections that have not finished their handshake.
const HANDSHAKES_MAX: usize = 64;

/// The longest handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate for this machine, and the authority that signed it. Both are made anew for each simulator.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    authority_pem: String,
}

/// Accepts connections and finishes their handshakes, side by side.
pub(crate) struct TlsListener {
    connections: mpsc::Receiver<(TlsStream<Connection>, Peer)>,
    local: Peer,
    /// Ends with the listener.
    _accepting: JoinSet<()>,
}

impl Tls {
    /// Makes an authority and a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    /// If no key can be generated.
    pub fn generate() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "xtsync tenant-sim");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(NAMES.map(str::to_owned))?.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .context("choosing the versions of TLS")?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        let mut config = config.context("using the certificate")?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), authority_pem: authority.pem() })
    }

    /// The certificate of the authority, as PEM: what clients must trust.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    pub(crate) fn listen(&self, inner: ResettableListener) -> io::Result<TlsListener> {
        let local = inner.local_addr()?.over_tls();
        let (accepted, connections) = mpsc::channel(HANDSHAKES_MAX);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(inner, TlsAcceptor::from(Arc::clone(&self.config)), accepted));
        Ok(TlsListener { connections, local, _accepting: accepting })
    }
}

async fn accept(mut inner: ResettableListener, acceptor: TlsAcceptor, accepted: mpsc::Sender<(TlsStream<Connection>, Peer)>) {
    let permits = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let mut handshakes = JoinSet::new();
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        let (connection, peer) = inner.accept().await;
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        handshakes.spawn(async move {
            let _permit = permit;
            connection.set_nodelay();
            // A client that fails its handshake gets no answer.
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(connection)).await {
                drop(accepted.send((stream, peer.over_tls())).await);
            }
        });
        while handshakes.try_join_next().is_some() {}
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<Connection>;
    type Addr = Peer;

    async fn accept(&mut self) -> (TlsStream<Connection>, Peer) {
        match self.connections.recv().await {
            Some(accepted) => accepted,
            // The accepting task ends with this listener, not before it.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(self.local.clone())
    }
}
