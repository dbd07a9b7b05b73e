//! A server with scripted answers, for those that no correct directory gives.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use xtsync_connector_graph::Graph;
use xtsync_connector_graph::{Options, Reader, Writer};

use crate::tenants;

/// What is done with one request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status line, headers and body as written here.
    Raw(String),
    /// The same, and then the connection ends.
    Cut(String),
    /// The connection ends without an answer.
    HangUp,
    /// No answer, and the connection stays.
    Nothing,
}

/// The server. Requests for tokens are granted with a token of their own number; others get the next of `says`.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    secrets: TempDir,
}

impl Fake {
    pub(crate) async fn replying(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::replying_with_tokens([], replies).await
    }

    /// One whose first answers to requests for tokens are these.
    pub(crate) async fn replying_with_tokens(grants: impl IntoIterator<Item = Reply>, replies: impl IntoIterator<Item = Reply>) -> Self {
        let grants = Arc::new(Mutex::new(grants.into_iter().collect::<Vec<_>>().into_iter()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replies: Vec<Reply> = replies.into_iter().map(|reply| reply.at(&address.to_string())).collect();
        let (seen, replies) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(replies.into_iter())));
        let requests = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, requests.clone(), grants.clone(), replies.clone()));
            }
        });
        Self { address, seen, secrets: TempDir::new().unwrap() }
    }

    pub(crate) fn graph(&self) -> Graph {
        tenants::graph(self.address, "emea", self.secrets.path())
    }

    pub(crate) fn reader(&self, options: Options) -> Reader {
        Reader::new(&self.graph(), self.with_secrets(options)).unwrap()
    }

    pub(crate) fn writer(&self, options: Options) -> Writer {
        Writer::new(&self.graph(), self.with_secrets(options)).unwrap()
    }

    pub(crate) fn with_secrets(&self, options: Options) -> Options {
        Options { secrets: tenants::options("emea", self.secrets.path()).secrets, ..options }
    }

    /// The requests so far, as they came.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().clone()
    }
}

/// Stands in answers for the fake's own address, and is as long.
pub(crate) const SELF: &str = "127.0.0.1:00000";

impl Reply {
    fn at(self, address: &str) -> Self {
        match self {
            Self::Raw(text) => Self::Raw(text.replace(SELF, address)),
            other => other,
        }
    }
}

/// An answer with this status and JSON.
pub(crate) fn json(status: u16, body: &str) -> Reply {
    answer(status, "application/json", body)
}

/// An answer with this status, type and body.
pub(crate) fn answer(status: u16, kind: &str, body: &str) -> Reply {
    Reply::Raw(format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

type Replies = Arc<Mutex<std::vec::IntoIter<Reply>>>;

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, grants: Replies, replies: Replies) {
    while let Some(request) = request(&mut stream).await {
        let tokens = {
            let mut seen = seen.lock();
            seen.push(request.clone());
            seen.iter().filter(|request| request.contains("/oauth2/")).count()
        };
        let reply = match request.contains("/oauth2/") {
            true => grants
                .lock()
                .next()
                .unwrap_or_else(|| json(200, &format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"token-{tokens}"}}"#))),
            false => replies.lock().next().unwrap_or(Reply::HangUp),
        };
        match reply {
            // A client that has read enough closes the connection.
            Reply::Raw(text) => drop(stream.write_all(text.as_bytes()).await),
            Reply::Cut(text) => return drop(stream.write_all(text.as_bytes()).await),
            Reply::HangUp => return,
            Reply::Nothing => std::future::pending().await,
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
