//! What Graph said to one request, as it came.

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use url::Url;

use super::limit::Size;
use super::request::Effect;
use super::retry_after;
use xtsync_directory::{Error, Result};

/// What Graph said to one request.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// How long it asks to wait.
    pub(super) wait: Option<Duration>,
    /// The id under which Graph knows the request.
    pub(super) request_id: Option<String>,
    /// Whether most of some limit is used up.
    pub(super) is_near_limit: bool,
    /// Whether it is of a type that Graph answers with.
    pub(super) is_graph_content: bool,
    /// Or why there is none that could be read.
    pub(super) body: Result<Vec<u8>>,
}

impl Answer {
    /// An answer with this body.
    pub(super) fn new(status: u16, headers: &HeaderMap, body: Result<Vec<u8>>) -> Self {
        let request_id = headers.get("request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let (wait, is_near_limit) = (retry_after::wait(headers), retry_after::is_near_limit(headers));
        Self { status, wait, request_id, is_near_limit, is_graph_content: is_graph_content(headers), body }
    }

    /// Reads an answer to its end.
    pub(super) async fn read(response: Response, bytes_max: usize, size: Size, effect: Effect) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let size = if status.is_success() { size } else { Size::Refusal };
        Self::new(status.as_u16(), &headers, body(response, bytes_max.min(size.bytes_max()), effect).await)
    }

    /// Whether it says yes.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Whether an answer is of a type that Graph answers with: JSON, a plain count, or none where nothing is to be said.
fn is_graph_content(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
    kind.is_none_or(|kind| ["application/json", "text/plain"].iter().any(|known| kind.starts_with(known)))
}

/// The body of an answer, up to the limit; an answer that goes on is given up where it passes it.
pub(super) async fn body(mut response: Response, bytes_max: usize, effect: Effect) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| effect.answer_lost(symptom(&error)))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(effect.malformed_answer(format!("an answer of more than {bytes_max} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A request that got no answer. One that could not connect was surely not done.
pub(super) fn unanswered(error: &reqwest::Error, effect: Effect) -> Error {
    let host = error.url().and_then(Url::host_str).unwrap_or("its host");
    let reason = format!("{host}: {}", symptom(error));
    match error.is_connect() {
        true => Error::Unavailable { reason },
        false => effect.answer_lost(reason),
    }
}

/// What happened, without the URL that the error's own text holds: its path names users.
fn symptom(error: &reqwest::Error) -> &'static str {
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connecting took too long",
        (true, false) => "the answer took too long",
        (false, true) => no_connection(error),
        (false, false) => "the connection broke",
    }
}

/// Why there is no connection: an administrator looks elsewhere for a name, a port and a certificate.
fn no_connection(error: &reqwest::Error) -> &'static str {
    let causes = || std::iter::successors(error.source(), |cause: &&(dyn std::error::Error + 'static)| (*cause).source());
    let is_tls = |cause: &(dyn std::error::Error + 'static)| {
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause.is::<rustls::Error>() || wrapped.is_some_and(|inner| inner.is::<rustls::Error>())
    };
    let is_kind = |kind| causes().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == kind));
    // The client's own name for what its resolver could not do; it has no type for it.
    if causes().any(|cause| cause.to_string().starts_with("dns error")) {
        "the name of the host does not resolve"
    } else if causes().any(is_tls) {
        "TLS failed: the certificate is not trusted, or not for this host"
    } else if is_kind(ErrorKind::ConnectionRefused) {
        "connection refused"
    } else if is_kind(ErrorKind::HostUnreachable) || is_kind(ErrorKind::NetworkUnreachable) {
        "the host is unreachable"
    } else {
        "no connection"
    }
}
