//! Graph's errors: a status, a code for programs, a message for users.
//!
//! Every refusal of the simulator is one `Failure`, over HTTP and in process, with Graph's own texts.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::value::format_time;

/// A header of an answer.
pub type Header = (Cow<'static, str>, String);

/// A refusal in Graph's own terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// Graph's error code, such as `Request_ResourceNotFound`.
    pub code: String,
    /// Graph's explanation.
    pub message: String,
    /// Further response headers, such as `Location` or `Retry-After`.
    pub headers: Vec<Header>,
    /// The property whose value another object has, which Graph names in `details`.
    pub conflict: Option<&'static str>,
}

impl Failure {
    /// A refusal with that status, code and message.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), headers: Vec::new(), conflict: None }
    }

    /// Adds a `Retry-After`; a wait that is no whole number of seconds is written as a fraction.
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.headers.extend(wait.map(|wait| ("retry-after".into(), wait.as_secs_f64().to_string())));
        self
    }

    /// A refusal with that status and the code that Graph has for it.
    pub(crate) fn by_status(status: u16) -> Self {
        let code = match status {
            400 => "Request_BadRequest",
            401 => "InvalidAuthenticationToken",
            403 => "Authorization_RequestDenied",
            404 => "Request_ResourceNotFound",
            409 => "Request_Conflict",
            410 => "syncStateNotFound",
            429 => "TooManyRequests",
            502 => "BadGateway",
            503 => "serviceNotAvailable",
            504 => "timeout",
            _ => "InternalServerError",
        };
        Self::new(status, code, "The simulator fails this request by configuration.")
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub(crate) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub(crate) fn not_found(id: &str) -> Self {
        let message = format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(404, "Request_ResourceNotFound", message)
    }

    pub(crate) fn no_property(name: &str, resource: &str) -> Self {
        Self::bad_request(format!("Could not find a property named '{name}' on type 'microsoft.graph.{resource}'."))
    }

    pub(crate) fn invalid_value(name: &str, resource: &str) -> Self {
        Self::bad_request(format!("Invalid value specified for property '{name}' of resource '{resource}'."))
    }

    pub(crate) fn taken(property: &'static str) -> Self {
        let message = format!("Another object with the same value for property {property} already exists.");
        Self { conflict: Some(property), ..Self::bad_request(message) }
    }

    /// The refusal of an invitation that names the object with its address.
    pub(crate) fn already_invited(id: Uuid) -> Self {
        let message = format!(
            "The invited user already exists in the directory as object ID: {id}. They can use that account to sign in to shared apps and \
             resources."
        );
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    pub(crate) fn method() -> Self {
        Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    }

    pub(crate) fn segment(segment: &str) -> Self {
        Self::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    /// The body as Graph sends it. `request_id` and `client_request_id` are those of the response's headers.
    pub(crate) fn body(&self, request_id: &str, client_request_id: &str) -> Json {
        let now = OffsetDateTime::now_utc();
        let date = format_time(now);
        let mut error = json!({
            "code": self.code,
            "message": self.message,
            "innerError": {"date": date.trim_end_matches('Z'), "request-id": request_id, "client-request-id": client_request_id},
        });
        if let Some(property) = self.conflict {
            error["details"] = json!([{"code": "ObjectConflict", "message": self.message, "target": property}]);
        }
        json!({"error": error})
    }
}
