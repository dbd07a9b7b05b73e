//! A notification endpoint whose answers the test sets.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json as Body, Router};
use parking_lot::Mutex;
use serde_json::Value as Json;
use tokio::net::TcpListener;

use crate::faults::DEADLINE;

/// How the endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Correct answers.
    Proper,
    /// Validations are answered with another text.
    WrongToken,
    /// Validations are answered as HTML.
    Html,
    /// Every request is answered with 500.
    Broken,
    /// Every request is answered after that time.
    Slow(Duration),
}

/// A running endpoint. Its task ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    manner: Arc<Mutex<Manner>>,
    posts: Arc<Mutex<Vec<Vec<Json>>>>,
}

impl Webhook {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?of=mine", listener.local_addr().unwrap());
        let webhook = Self { url, manner: Arc::new(Mutex::new(Manner::Proper)), posts: Arc::default() };
        let router = Router::new().fallback(answer).with_state(webhook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        webhook
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.manner.lock() = manner;
    }

    /// The received deliveries, each with its notifications.
    pub(crate) fn posts(&self) -> Vec<Vec<Json>> {
        self.posts.lock().clone()
    }

    /// All received notifications.
    pub(crate) fn received(&self) -> Vec<Json> {
        self.posts().concat()
    }

    /// Waits until the notifications are as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&[Json]) -> bool) -> Vec<Json> {
        let started = Instant::now();
        loop {
            let received = self.received();
            if wanted(&received) {
                return received;
            }
            assert!(started.elapsed() < DEADLINE, "{received:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn answer(State(webhook): State<Webhook>, Query(query): Query<HashMap<String, String>>, body: String) -> Response {
    let manner = *webhook.manner.lock();
    match manner {
        Manner::Slow(time) => tokio::time::sleep(time).await,
        Manner::Broken => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Manner::Proper | Manner::WrongToken | Manner::Html => {}
    }
    match (query.get("validationToken"), manner) {
        (Some(_), Manner::WrongToken) => "something else".into_response(),
        (Some(token), Manner::Html) => axum::response::Html(token.clone()).into_response(),
        (Some(token), _) => token.clone().into_response(),
        (None, _) => {
            let body: Json = serde_json::from_str(&body).unwrap();
            webhook.posts.lock().push(body["value"].as_array().unwrap().clone());
            (StatusCode::ACCEPTED, Body(Json::Null)).into_response()
        }
    }
}
