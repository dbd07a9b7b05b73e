//! Connections that can be closed in the middle of an answer, as networks and load balancers do.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The other end of a connection, which can be reset.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether the connection is encrypted.
    pub(crate) is_tls: bool,
    reset: Arc<AtomicBool>,
}

/// Accepts connections that can be closed in the middle of an answer.
#[derive(Debug)]
pub(crate) struct ResettableListener(pub(crate) TcpListener);

/// A connection; once it is closed, nothing more is written.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Peer {
    /// The same peer, over TLS.
    pub(crate) fn over_tls(self) -> Self {
        Self { is_tls: true, ..self }
    }

    /// Nothing more is sent to this peer: the answer under way is lost, and the connection with it.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

impl Listener for ResettableListener {
    type Io = Connection;
    type Addr = Peer;

    async fn accept(&mut self) -> (Connection, Peer) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        let reset = Arc::new(AtomicBool::new(false));
        (Connection { stream, reset: Arc::clone(&reset) }, Peer { address, is_tls: false, reset })
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer { address: self.0.local_addr()?, is_tls: false, reset: Arc::default() })
    }
}

impl Connection {
    /// Small answers must not wait for more: the demonstration counts milliseconds.
    pub(crate) fn set_nodelay(&self) {
        // A connection that is slower, or gone already, still works or fails by itself.
        drop(self.stream.set_nodelay(true));
    }

    fn check_open(&self) -> io::Result<()> {
        if self.reset.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_open()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.check_open()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
