//! What a request is answered with, and how answers and refusals are written.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::error::{Failure, Header};

/// The result of a handler.
pub(crate) type Answer = Result<Reply, Failure>;

/// A successful reply.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    /// The body as JSON; a string is sent as plain text.
    pub(crate) body: Option<Json>,
}

impl Reply {
    pub(crate) fn ok(body: Json) -> Self {
        Self { status: 200, body: Some(body), ..Self::default() }
    }

    pub(crate) fn created(body: Json) -> Self {
        Self { status: 201, body: Some(body), ..Self::default() }
    }

    pub(crate) fn with_headers(mut self, headers: Vec<Header>) -> Self {
        self.headers.extend(headers);
        self
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, ..Self::default() }
    }
}

/// Writes an answer as Graph does.
pub(crate) fn written(answer: Answer, request_headers: &HeaderMap) -> Response {
    match answer {
        Ok(reply) => replied(reply, request_headers),
        Err(failure) => failed(&failure, request_headers),
    }
}

fn replied(reply: Reply, request_headers: &HeaderMap) -> Response {
    let mut headers = ids(request_headers);
    if reply.body.as_ref().is_some_and(|body| !body.is_string()) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;odata.metadata=minimal"));
    }
    add(&mut headers, &reply.headers);
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    match reply.body {
        None => (status, headers, Body::empty()).into_response(),
        Some(Json::String(text)) => (status, headers, text).into_response(),
        Some(body) => (status, headers, body.to_string()).into_response(),
    }
}

/// Writes a refusal as Graph does.
pub(crate) fn failed(failure: &Failure, request_headers: &HeaderMap) -> Response {
    let mut headers = ids(request_headers);
    let id = |name: &str| headers.get(name).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let body = failure.body(id("request-id"), id("client-request-id")).to_string();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    add(&mut headers, &failure.headers);
    let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, body).into_response()
}

/// Sets headers, in place of those that are there.
fn add(headers: &mut HeaderMap, more: &[Header]) {
    for (name, value) in more {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

/// The ids by which Microsoft's support would find a request.
fn ids(request_headers: &HeaderMap) -> HeaderMap {
    let id = Uuid::new_v4().to_string();
    let id = HeaderValue::from_str(&id).expect("a uuid is a header value");
    let client = request_headers.get("client-request-id").cloned().unwrap_or_else(|| id.clone());
    HeaderMap::from_iter([
        (header::HeaderName::from_static("request-id"), id),
        (header::HeaderName::from_static("client-request-id"), client),
    ])
}
