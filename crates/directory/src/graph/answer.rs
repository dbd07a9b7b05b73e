//! What Graph said to one request, as it came.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};

use super::request::Effect;
use super::retry_after;
use crate::{Error, Result};

/// What Graph said to one request.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// How long it asks to wait.
    pub(super) wait: Option<Duration>,
    /// Whether most of some limit is used up.
    pub(super) warns: bool,
    /// Whether it is of a type that Graph answers with.
    pub(super) is_graphs: bool,
    /// Or why there is none that could be read.
    pub(super) body: Result<Vec<u8>>,
}

impl Answer {
    /// An answer with this body.
    pub(super) fn new(status: u16, headers: &HeaderMap, body: Result<Vec<u8>>) -> Self {
        Self { status, wait: retry_after::wait(headers), warns: retry_after::warns(headers), is_graphs: is_graphs(headers), body }
    }

    /// Reads an answer to its end.
    pub(super) async fn read(response: Response, bytes_max: usize, effect: Effect) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self::new(status, &headers, body(response, bytes_max, effect).await)
    }

    /// Whether it says yes.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Whether an answer is of a type that Graph answers with: JSON, a plain count, or none where nothing is to be said.
fn is_graphs(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
    kind.is_none_or(|kind| ["application/json", "text/plain"].iter().any(|known| kind.starts_with(known)))
}

/// The body of an answer, up to the limit; an answer that goes on is given up where it passes it.
pub(super) async fn body(mut response: Response, bytes_max: usize, effect: Effect) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| effect.lost(symptom(&error)))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(effect.senseless(format!("an answer of more than {bytes_max} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A request that got no answer. One that could not connect was surely not done.
pub(super) fn unanswered(error: &reqwest::Error, effect: Effect) -> Error {
    match error.is_connect() {
        true => Error::Away { reason: symptom(error).to_owned() },
        false => effect.lost(symptom(error)),
    }
}

/// What happened, without the URL that the error's own text holds.
fn symptom(error: &reqwest::Error) -> &'static str {
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connecting took too long",
        (true, false) => "the answer took too long",
        (false, true) => "no connection",
        (false, false) => "the connection broke",
    }
}
