//! Takes change notifications in: the listener that directories post to (R19).
//!
//! The listener accepts every sender. Without a client state of ours a notification is ignored silently; with one it triggers a cycle: nothing of
//! its contents is believed. Any replica may be asked: where the tenant is held elsewhere, the trigger goes through the store.
//!
//! What an anonymous post may cause is bounded before it happens: connections at once, the size of a body, the notifications in it, and questions
//! to the database.

mod delivery;
mod inbox;
mod states;

use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use tokio::net::TcpListener;
use tracing::warn;
use xtsync_domain::TenantName;
use xtsync_runtime::listen::{self, Limits};
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;

use delivery::Delivery;
pub use inbox::Inbox;
pub(crate) use states::Hashes;

/// The largest body of a delivery that is read: about a thousand notifications.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The longest validation token that is given back.
const TOKEN_BYTES_MAX: usize = 2_048;

/// How long a request may take: Graph waits 10 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValidationQuery {
    validation_token: Option<String>,
}

/// Serves `POST /notifications/{tenant}` until the shutdown.
pub async fn serve(listener: TcpListener, inbox: Inbox, shutdown: Shutdown) {
    let router =
        Router::new().route("/notifications/{tenant}", post(receive_delivery)).layer(middleware::from_fn(bounded)).with_state(inbox);
    // A connection is one request at a time, so this bounds what all of them hold in memory, too.
    listen::serve(listener, router, Limits::default(), shutdown, REQUEST_TIMEOUT).await;
}

async fn bounded(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

async fn receive_delivery(
    State(inbox): State<Inbox>,
    Path(tenant): Path<String>,
    Query(query): Query<ValidationQuery>,
    request: Request,
) -> Response {
    if let Some(token) = query.validation_token {
        return validated(token);
    }
    let Ok(tenant) = TenantName::new(&tenant) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(body) = to_bytes(request.into_body(), BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Ok(delivery) = serde_json::from_slice::<Delivery<'_>>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match inbox.receive(&tenant, &delivery.value).await {
        Ok(true) => StatusCode::ACCEPTED.into_response(),
        Ok(false) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(error) => {
            warn!(%tenant, error = chain(&error), "a notification could not be taken in");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Returns the token as plain text, so that no browser takes it for anything else.
fn validated(token: String) -> Response {
    if token.len() > TOKEN_BYTES_MAX {
        return StatusCode::BAD_REQUEST.into_response();
    }
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], token).into_response()
}
