//! Takes change notifications in: the listener that directories post to (R19).
//!
//! Anybody may post. What bears no client state of ours is passed over, and said to nobody; what does is a nudge, and no more: nothing of
//! its contents is believed. Any replica may be asked: where the tenant is held elsewhere, the nudge goes through the store.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use serde::Deserialize;
use tokio::net::TcpListener;
use tracing::warn;
use xtsync_domain::TenantName;
use xtsync_platform::shutdown::Shutdown;
use xtsync_platform::store::Store;
use xtsync_platform::telemetry::chain;

use crate::error::Error;
use crate::metrics::Metrics;
use crate::nudge::Nudge;
use crate::subscription::{self, Known};

/// The largest delivery that is read: a thousand notifications.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The longest validation token that is given back.
const TOKEN_BYTES_MAX: usize = 2_048;

/// How long a request may take: Graph waits 10 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// Where notifications arrive, and whom they nudge. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    nudge: Nudge,
    attached: Arc<Mutex<Option<Attached>>>,
}

/// What a detector that works lends to the inbox.
#[derive(Debug, Clone)]
struct Attached {
    store: Store,
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    validation_token: Option<String>,
}

#[derive(Deserialize)]
struct Delivery {
    value: Vec<Notice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notice {
    client_state: Option<String>,
    lifecycle_event: Option<String>,
}

/// Serves `POST /notifications/{tenant}` until the shutdown.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, inbox: Inbox, shutdown: Shutdown) -> io::Result<()> {
    let router = Router::new()
        .route("/notifications/{tenant}", post(take))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(bounded))
        .with_state(inbox);
    let stop = shutdown.clone();
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(ANSWER_WITHIN).await;
    };
    // Whoever keeps a connection open without a request does not keep us.
    tokio::select! {
        served = served => served,
        () = overdue => Ok(()),
    }
}

async fn bounded(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

async fn take(State(inbox): State<Inbox>, Path(tenant): Path<String>, Query(asked): Query<Asked>, body: Bytes) -> Response {
    if let Some(token) = asked.validation_token {
        return validated(token);
    }
    let Ok(tenant) = TenantName::new(&tenant) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(delivery) = serde_json::from_slice::<Delivery>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match inbox.hear(&tenant, &delivery.value).await {
        Ok(true) => StatusCode::ACCEPTED.into_response(),
        Ok(false) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(error) => {
            warn!(%tenant, error = chain(&error), "a notification could not be taken in");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Gives the token back as plain text, so that no browser takes it for anything else.
fn validated(token: String) -> Response {
    if token.len() > TOKEN_BYTES_MAX {
        return StatusCode::BAD_REQUEST.into_response();
    }
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], token).into_response()
}

impl Inbox {
    /// One that nudges there.
    #[must_use]
    pub fn new(nudge: Nudge) -> Self {
        Self { nudge, ..Self::default() }
    }

    pub(crate) fn nudge(&self) -> &Nudge {
        &self.nudge
    }

    /// Lends it the store of a detector that works from now on.
    pub(crate) fn attach(&self, store: Store, metrics: Metrics) {
        *self.attached.lock().unwrap_or_else(PoisonError::into_inner) = Some(Attached { store, metrics });
    }

    /// Takes notifications in. False when nobody is there yet to tell: then the directory is to come again.
    async fn hear(&self, tenant: &TenantName, notices: &[Notice]) -> Result<bool, Error> {
        let attached = self.attached.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Attached { store, metrics }) = attached else {
            return Ok(false);
        };
        let known = subscription::load(&store, tenant).await?;
        let heard: Vec<(&Known, &Notice)> = notices.iter().filter_map(|notice| Some((notice.of(&known)?, notice))).collect();
        metrics.notifications(heard.len(), notices.len() - heard.len());
        if heard.is_empty() {
            return Ok(true);
        }
        for (known, notice) in &heard {
            note(&store, tenant, known, notice).await?;
        }
        // Who takes the tenant up after this begins with a round.
        if !self.nudge.nudge(tenant) {
            let mut tx = store.begin().await?;
            subscription::nudge(&mut tx, tenant).await?;
            tx.commit().await?;
        }
        Ok(true)
    }
}

impl Notice {
    /// The subscription whose client state it bears.
    fn of<'a>(&self, known: &'a [Known]) -> Option<&'a Known> {
        let hash = subscription::state_hash(self.client_state.as_deref()?);
        known.iter().find(|known| known.state_hash == hash)
    }
}

/// Notes what becomes of a subscription, if a notification says that.
async fn note(store: &Store, tenant: &TenantName, known: &Known, notice: &Notice) -> Result<(), Error> {
    let event = match notice.lifecycle_event.as_deref() {
        Some(event @ ("subscriptionRemoved" | "reauthorizationRequired")) => event,
        // What was missed, and what we do not know, is a nudge like any other.
        Some(_) | None => return Ok(()),
    };
    let mut tx = store.begin().await?;
    match event {
        "subscriptionRemoved" => subscription::gone(&mut tx, tenant, &known.state_hash).await?,
        _ => subscription::renew_now(&mut tx, tenant, &known.state_hash).await?,
    }
    Ok(tx.commit().await?)
}
