//! Changing a genuine answer on its way to the client, as a response of its own or as an item of a batch.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value as Json;

use super::edit::Edit;

/// The largest genuine answer that is changed.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// What is changed of one answer.
#[derive(Debug)]
pub(crate) struct Rewrite {
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) edits: Vec<Edit>,
}

impl Rewrite {
    /// Changes a response. A body that is not JSON stays as it is.
    pub(crate) async fn response(self, response: Response, base: &str) -> Response {
        let (mut parts, body) = response.into_parts();
        if let Some(status) = self.status.and_then(|status| StatusCode::from_u16(status).ok()) {
            parts.status = status;
        }
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                parts.headers.insert(name, value);
            }
        }
        if self.edits.is_empty() {
            return Response::from_parts(parts, body);
        }
        let bytes = to_bytes(body, ANSWER_MAX).await.unwrap_or_default();
        let Ok(mut json) = serde_json::from_slice::<Json>(&bytes) else {
            return Response::from_parts(parts, Body::from(bytes));
        };
        self.edits.iter().for_each(|edit| edit.apply(&mut json, base));
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(json.to_string()))
    }

    /// Changes one of the `responses` of a batch.
    pub(crate) fn item(&self, response: &mut Json, base: &str) {
        if let Some(status) = self.status {
            response["status"] = status.into();
        }
        for (name, value) in &self.headers {
            response["headers"][name] = value.as_str().into();
        }
        if let Some(body) = response.get_mut("body") {
            self.edits.iter().for_each(|edit| edit.apply(body, base));
        }
    }
}
