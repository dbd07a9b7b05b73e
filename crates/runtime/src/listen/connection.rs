//! An accepted connection: it holds a permit of its listener and ends after a time without progress.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep};
use tonic::transport::server::Connected;

use super::Limits;

/// Every supported protocol begins with more bytes: HTTP/2 with 24, HTTP/1 with a request line and a host.
const HEAD_BYTES_MIN: usize = 24;

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// The number of first bytes still missing, and the time by which they must have come.
    head_missing: usize,
    head_timeout: Pin<Box<Sleep>>,
    idle_timeout: Duration,
    idle: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, permit: OwnedSemaphorePermit, limits: Limits) -> Self {
        // Responses are small. A socket that refuses the option is served anyway.
        stream.set_nodelay(true).ok();
        Self {
            stream,
            head_missing: HEAD_BYTES_MIN,
            head_timeout: Box::pin(sleep(limits.head_timeout)),
            idle_timeout: limits.idle_timeout,
            idle: Box::pin(sleep(limits.idle_timeout)),
            _permit: permit,
        }
    }

    /// Returns an error once the connection has made no progress for too long.
    fn check(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let is_timed_out = self.head_missing > 0 && self.head_timeout.as_mut().poll(cx).is_ready();
        match is_timed_out || self.idle.as_mut().poll(cx).is_ready() {
            true => Poll::Ready(io::ErrorKind::TimedOut.into()),
            false => Poll::Pending,
        }
    }

    fn reset_idle(&mut self) {
        self.idle.as_mut().reset(Instant::now() + self.idle_timeout);
    }

    fn or_timed_out<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match polled {
            Poll::Ready(done) => {
                self.reset_idle();
                Poll::Ready(done)
            }
            Poll::Pending => self.check(cx).map(Err),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.head_missing = self.head_missing.saturating_sub(buffer.filled().len() - before);
        self.or_timed_out(cx, polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.or_timed_out(cx, polled)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.or_timed_out(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}
