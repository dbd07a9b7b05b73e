//! Exchanges with Graph: a limited number at once, each with one request or one `$batch` of the requests that waited meanwhile. Requests
//! that no batch can hold, such as pages of a delta query or of a census, are sent at once even without a free permit.
//!
//! A request that finds a free permit is sent alone and at once. Other requests wait, and go together as soon as a permit is free: the
//! longer the backlog, the fuller the batches. Each request has its own answer, throttled or not. If a batch gets no answer, all its
//! reads have failed, and the results of all its writes are unknown (R34).

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use url::Url;

use super::Options;
use super::answer::{Answer, unanswered};
use super::batch::{self, BatchResponse, ITEMS_MAX, Item};
use super::limit::Size;
use super::request::{Effect, Request};
use xtsync_directory::{Error, Result};

/// The permits for exchanges, and who waits for one.
pub(super) struct Exchanges {
    client: Client,
    /// The path below which a batch names its requests: `/v1.0`, after the path of the endpoint.
    base: String,
    batch: Request,
    timeout: Duration,
    body_bytes_max: usize,
    permits: Semaphore,
    waiting: Mutex<VecDeque<Waiting>>,
}

/// What a request goes out with.
pub(super) struct RequestContext<'a> {
    pub(super) headers: HeaderMap,
    pub(super) token: &'a SecretString,
    /// By when it is answered or given up.
    pub(super) deadline: Instant,
}

struct Waiting {
    item: Item,
    effect: Effect,
    deadline: Instant,
    answer: oneshot::Sender<Result<Answer>>,
}

impl Exchanges {
    pub(super) fn new(client: Client, endpoint: &Url, options: &Options) -> Result<Self> {
        Ok(Self {
            client,
            base: format!("{}/v1.0", endpoint.path().trim_end_matches('/')),
            batch: Request::new(Method::POST, endpoint, "/$batch", &[])?.sized(Size::Batch),
            timeout: options.timeout,
            body_bytes_max: options.body_bytes_max,
            permits: Semaphore::new(options.exchanges_max),
            waiting: Mutex::default(),
        })
    }

    /// Sends a request and returns the reply of Graph.
    pub(super) async fn exchange(&self, request: &Request, context: RequestContext<'_>) -> Result<Answer> {
        let permit = self.permits.try_acquire();
        let item = if permit.is_ok() { None } else { Item::of(request, &context.headers, &self.base) };
        match item {
            Some(item) => self.wait(item, request.effect, &context).await,
            None => self.send(request, context).await,
        }
    }

    /// Waits for a permit. Up to [`ITEMS_MAX`] waiting requests go together: the first caller that gets a permit sends the batch for all.
    async fn wait(&self, item: Item, effect: Effect, context: &RequestContext<'_>) -> Result<Answer> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push_back(Waiting { item, effect, deadline: context.deadline, answer });
        let given_up = || effect.answer_lost("the batch was given up");
        loop {
            let permit = tokio::select! {
                biased;
                // Without an answer: the caller that sent the batch is gone.
                answer = &mut answered => return answer.unwrap_or_else(|_| Err(given_up())),
                permit = self.permits.acquire() => permit,
            };
            let was_sent = self.send_batch(context.token).await;
            drop(permit);
            if !was_sent {
                // Another caller sent this request. Waiting for permits meanwhile would only compete with such callers.
                return answered.await.unwrap_or_else(|_| Err(given_up()));
            }
        }
    }

    /// Sends the waiting requests, oldest first. Returns false if none waits.
    async fn send_batch(&self, token: &SecretString) -> bool {
        let batched = self.take_batch();
        let Some(deadline) = batched.iter().map(|waiting| waiting.deadline).min() else { return false };
        let mut items = Vec::with_capacity(batched.len());
        let mut answers = Vec::with_capacity(batched.len());
        for Waiting { item, effect, answer, .. } in batched {
            items.push(item);
            answers.push((effect, answer));
        }
        let batch = self.batch.clone().body(batch::body(&items));
        let sent = self.send(&batch, RequestContext { headers: HeaderMap::new(), token, deadline }).await;
        let responses = sent.and_then(BatchResponse::read);
        for (place, (effect, answer)) in answers.into_iter().enumerate() {
            let own =
                responses.as_ref().map_err(|error| batch::failed(error, effect)).and_then(|responses| responses.answer_to(place, effect));
            // A caller that has stopped waiting needs no answer.
            answer.send(own).ok();
        }
        true
    }

    /// The requests of the next batch. A request without a waiting caller must not be sent. One that has waited for long would end the
    /// batch before the others are answered.
    fn take_batch(&self) -> Vec<Waiting> {
        let (mut batched, mut waiting) = (Vec::new(), self.waiting());
        while batched.len() < ITEMS_MAX {
            let Some(next) = waiting.pop_front() else { break };
            let left = next.deadline.saturating_duration_since(Instant::now());
            match (next.answer.is_closed(), left < self.timeout / 2) {
                (true, _) => {}
                (false, true) => drop(next.answer.send(Err(Error::Failing { reason: "too many requests wait".to_owned(), wait: None }))),
                (false, false) => batched.push(next),
            }
        }
        batched
    }

    async fn send(&self, request: &Request, RequestContext { headers, token, deadline }: RequestContext<'_>) -> Result<Answer> {
        let mut sending = self.client.request(request.method.clone(), request.url.clone()).headers(headers);
        if let Some(body) = &request.body {
            sending = sending.json(body);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let sent = sending.timeout(left).bearer_auth(token.expose_secret()).send().await;
        let response = sent.map_err(|error| unanswered(&error, request.effect))?;
        Ok(Answer::read(response, self.body_bytes_max, request.size, request.effect).await)
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock()
    }
}
