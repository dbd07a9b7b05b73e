//! Delivers notifications to one endpoint: coalesces them, retries failures, and drops them while the endpoint is slow.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};
use url::Url;
use uuid::Uuid;

use super::health::{Health, State};
use super::notification::Notification;
use super::{Delivery, LifecycleEvent};
use crate::sim::Sim;

/// The most notifications in one delivery.
const DELIVERY_MAX: usize = 1_000;
/// The most bytes that are read of the answer to a validation.
const ANSWER_MAX: usize = 4_096;

/// Delivers notifications until the queue is closed.
pub(super) async fn serve(sim: Sim, url: Url, mut notifications: Receiver<Notification>) {
    let mut health = Health::default();
    while let Some(first) = notifications.recv().await {
        let delivery = sim.subscriptions().delivery();
        sleep(delivery.coalesce).await;
        let mut batch = vec![first];
        while batch.len() < DELIVERY_MAX
            && let Ok(notification) = notifications.try_recv()
        {
            batch.push(notification);
        }
        let (kept, dropped) = match health.state(&delivery) {
            State::Well => (batch, Vec::new()),
            State::Slow => {
                sleep(delivery.slow_delay).await;
                (batch, Vec::new())
            }
            State::Dropped => batch.into_iter().partition(|notification| notification.lifecycle),
        };
        let delivered = kept.is_empty() || deliver(&url, &kept, &delivery, &mut health).await;
        report_delivery(&sim, &kept, delivered);
        report_delivery(&sim, &dropped, false);
    }
}

/// Records for each subscription of these notifications whether they were delivered or lost.
fn report_delivery(sim: &Sim, notifications: &[Notification], delivered: bool) {
    let subscriptions: HashSet<Uuid> =
        notifications.iter().filter(|notification| !notification.lifecycle).map(|notification| notification.subscription).collect();
    for id in subscriptions {
        if delivered {
            sim.subscriptions().delivered(id);
        } else {
            sim.subscriptions().send_lifecycle_to(id, LifecycleEvent::Missed);
        }
    }
}

async fn deliver(url: &Url, notifications: &[Notification], delivery: &Delivery, health: &mut Health) -> bool {
    let mut seen = HashSet::new();
    let value: Vec<&Json> =
        notifications.iter().map(|notification| &notification.json).filter(|json| seen.insert(json.to_string())).collect();
    let body = json!({"value": value}).to_string();
    for attempt in 0..delivery.attempts_max {
        if attempt > 0 {
            sleep(delivery.retry_after * 2_u32.saturating_pow(attempt - 1)).await;
        }
        let request = client().post(url.clone()).header(CONTENT_TYPE, "application/json; charset=utf-8").body(body.clone());
        let answer = timeout(delivery.timeout, request.send()).await;
        health.note(answer.is_err());
        if matches!(answer, Ok(Ok(answer)) if answer.status().is_success()) {
            return true;
        }
    }
    false
}

/// Whether the endpoint returns the validation token within the time, with 200 and as plain text.
pub(crate) async fn validate(url: &Url, within: Duration) -> bool {
    // Graph's tokens contain blanks and a colon. An endpoint that does not decode the query fails the validation.
    let token = format!("Validation: Testing client application reachability for subscription Request-Id: {}", Uuid::new_v4());
    let mut validation_url = url.clone();
    validation_url.query_pairs_mut().append_pair("validationToken", &token);
    let answer = async {
        let answer = client().post(validation_url).header(CONTENT_TYPE, "text/plain; charset=utf-8").send().await.ok()?;
        let plain =
            answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("text/plain"));
        let fits = answer.status() == StatusCode::OK && plain && answer.content_length().is_none_or(|length| length <= ANSWER_MAX as u64);
        if fits { answer.text().await.ok() } else { None }
    };
    timeout(within, answer).await.ok().flatten().is_some_and(|text| text == token)
}

fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client without certificates of its own"))
}
