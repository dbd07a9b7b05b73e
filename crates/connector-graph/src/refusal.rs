//! Sorts an answer that is no success by what the caller does next.
//!
//! The status decides, then Graph's code. Messages are read to tell refusals apart (`message.rs`) and go no further: they quote addresses
//! and names. A 4xx without Graph's own error object comes from something between us and Graph, so it never means "not there".

use std::time::Duration;

use serde::Deserialize;
use xtsync_domain::{DirectoryAnswer, Refusal};

use super::limit::Size;
use super::request::{Effect, Request};
use super::{message, retry_after};
use xtsync_directory::Error;

/// What Graph says when it refuses.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GraphError {
    code: String,
    message: String,
    details: Vec<Detail>,
    #[serde(rename = "innerError", alias = "innererror")]
    inner: Option<Inner>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Inner {
    #[serde(rename = "request-id")]
    request_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    target: Option<String>,
}

/// The error for an answer with this status, wait and body. `request_id` is what its header says of the request.
pub(super) fn error(status: u16, wait: Option<Duration>, request_id: Option<&str>, body: &[u8], request: &Request) -> Error {
    let graph_error = graph_error(body);
    let refusal = |code: Option<&str>, graph_error: &GraphError| refusal(code, status, graph_error, request_id, request);
    match (status, wait) {
        (429, _) => Error::Throttled { wait: wait.unwrap_or(retry_after::DEFAULT) },
        // Nothing was done, and what it asks to wait may be for this one object.
        (503, Some(_)) => Error::Failing { reason: describe(status, graph_error.as_ref()), wait },
        (502 | 504, Some(_)) if request.effect == Effect::Read => Error::Failing { reason: describe(status, graph_error.as_ref()), wait },
        (408 | 500..=599, _) => request.effect.answer_lost(describe(status, graph_error.as_ref())),
        (401, _) => Error::Unauthorized { code: refusal(Some("token_refused"), &graph_error.unwrap_or_default()) },
        _ => match graph_error {
            Some(graph_error) => refused(status, &graph_error, refusal(None, &graph_error), request),
            None => Error::Malformed { reason: format!("status {status} without an error of graph's") },
        },
    }
}

/// A code as it may be shown: a word, whatever was sent.
pub(super) fn code(raw: &str) -> String {
    let word = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    match (1..=80).contains(&raw.len()) && raw.chars().all(word) {
        true => raw.to_owned(),
        false => "unreadable_code".to_owned(),
    }
}

fn refused(status: u16, graph_error: &GraphError, refusal: Refusal, request: &Request) -> Error {
    if request.delta && (status == 410 || is_resync(&graph_error.code)) {
        return Error::Resync;
    }
    match status {
        403 => Error::Forbidden { code: refusal },
        404 | 410 => Error::NotFound,
        // Two writers met; Graph took neither of the two for granted and asks to come again.
        409 | 412 if graph_error.code.ends_with("ConcurrencyViolation") => Error::Failing { reason: code(&graph_error.code), wait: None },
        400..=499 => Error::Refused { code: refusal, attribute: attribute(graph_error, request) },
        other => Error::Malformed { reason: format!("status {other}") },
    }
}

/// Whether a code says that a delta's cursor is void. Source: Microsoft Graph, "Use delta query", synchronization reset.
fn is_resync(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    ["syncstatenotfound", "syncstateinvalid", "directory_expiredpagetoken"].contains(&code.as_str()) || code.starts_with("resync")
}

/// Our code for a refusal, with Graph's beside it. What we do not recognize has its status.
fn refusal(own: Option<&str>, status: u16, graph_error: &GraphError, request_id: Option<&str>, request: &Request) -> Refusal {
    let class = message::class(&graph_error.code, &graph_error.message, request);
    let request_id = graph_error.inner.as_ref().and_then(|inner| inner.request_id.as_deref()).or(request_id);
    let answer = DirectoryAnswer {
        status,
        code: code(&graph_error.code),
        message_class: class.unwrap_or_default().to_owned(),
        request_id: request_id.map(code).unwrap_or_default(),
    };
    let code = own.or(class).map_or_else(|| format!("refused_{status}"), str::to_owned);
    Refusal { code, answer: Some(Box::new(answer)) }
}

/// Which of the request's attributes the refusal names.
fn attribute(graph_error: &GraphError, request: &Request) -> Option<String> {
    let words: Vec<&str> = graph_error.message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').collect();
    let targets: Vec<&str> = graph_error.details.iter().filter_map(|detail| detail.target.as_deref()).collect();
    request.attributes.iter().find(|name| targets.contains(&name.as_str()) || words.contains(&name.as_str())).cloned()
}

fn describe(status: u16, graph_error: Option<&GraphError>) -> String {
    match graph_error {
        Some(graph_error) => format!("status {status}, {}", code(&graph_error.code)),
        None => format!("status {status}"),
    }
}

fn graph_error(body: &[u8]) -> Option<GraphError> {
    #[derive(Deserialize)]
    struct Body {
        error: GraphError,
    }
    Size::Refusal.read::<Body>(body).map(|body| body.error)
}
