//! Hostile behaviour on demand: latency, refusals, pages of HTML, forbidden groups, expiring tokens.
//!
//! A layer in front of everything but the simulator's own door. Items of a `$batch` pass through the same questions one by one. It also
//! counts requests. Rules are plain data, so that they can be set in process and over HTTP alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use uuid::Uuid;

use crate::error::Failure;
use crate::http;
use crate::sim::Sim;

/// How many different (method, path template) pairs are counted; further ones are counted together.
const TEMPLATES_MAX: usize = 1_000;

/// Which requests a rule is about.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Matching {
    /// The method; any if not given.
    pub method: Option<String>,
    /// A part of the path as it is sent, e.g. `/invitations`; any if empty.
    pub path: String,
}

/// The switches. All are off at first.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Switches>);

#[derive(Debug, Default)]
struct Switches {
    latency: Duration,
    html: u32,
    failing: Vec<Failing>,
    forbidden_groups: BTreeSet<Uuid>,
    counts: BTreeMap<(String, String), u64>,
}

#[derive(Debug)]
struct Failing {
    matching: Matching,
    times: u32,
    failure: Failure,
}

impl Faults {
    /// Every request takes at least that long.
    pub fn set_latency(&self, latency: Duration) {
        self.switches().latency = latency;
    }

    /// The next `times` matching requests are answered with that status instead of being carried out.
    pub fn fail_next(&self, matching: Matching, times: u32, status: u16, retry_after: Option<Duration>) {
        if times == 0 {
            return;
        }
        self.switches().failing.push(Failing { matching, times, failure: failure(status).retry_after(retry_after) });
    }

    /// The next `times` requests to Graph are answered with a page of HTML, as a proxy in between would.
    pub fn answer_html(&self, times: u32) {
        self.switches().html = times;
    }

    /// Requests about that group are refused until it is allowed again.
    pub fn forbid_group(&self, group: Uuid) {
        self.switches().forbidden_groups.insert(group);
    }

    /// Takes back `forbid_group`.
    pub fn allow_group(&self, group: Uuid) {
        self.switches().forbidden_groups.remove(&group);
    }

    /// Switches everything off; counts stay.
    pub fn clear(&self) {
        let mut switches = self.switches();
        *switches = Switches { counts: std::mem::take(&mut switches.counts), ..Switches::default() };
    }

    /// How many requests of that method were made to paths of that template, e.g. `GET` `/v1.0/users/{id}`. Items of a batch count.
    pub fn count(&self, method: &str, template: &str) -> u64 {
        self.switches().counts.get(&(method.to_owned(), template.to_owned())).copied().unwrap_or(0)
    }

    /// All counts by (method, path template).
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        self.switches().counts.clone()
    }

    /// Counts a request and says how it is to fail, if it is.
    pub(crate) fn verdict(&self, method: &Method, path: &str) -> Option<Failure> {
        let mut switches = self.switches();
        switches.tally(method, path);
        if switches.forbidden_groups.iter().any(|group| path.contains(&format!("/groups/{group}"))) {
            return Some(Failure::denied());
        }
        let place = switches.failing.iter().position(|failing| failing.matching.covers(method, path))?;
        let failing = &mut switches.failing[place];
        let failure = failing.failure.clone();
        failing.times -= 1;
        if failing.times == 0 {
            switches.failing.remove(place);
        }
        Some(failure)
    }

    fn takes_html(&self) -> bool {
        let mut switches = self.switches();
        let takes = switches.html > 0;
        switches.html -= u32::from(takes);
        takes
    }

    fn latency(&self) -> Duration {
        self.switches().latency
    }

    fn switches(&self) -> MutexGuard<'_, Switches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switches {
    fn tally(&mut self, method: &Method, path: &str) {
        let key = (method.to_string(), template(path));
        let key = if self.counts.len() < TEMPLATES_MAX || self.counts.contains_key(&key) { key } else { Default::default() };
        *self.counts.entry(key).or_default() += 1;
    }
}

impl Matching {
    /// Requests whose path contains that text, by any method if `method` is empty.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: Some(method.to_owned()).filter(|method| !method.is_empty()), path: path.to_owned() }
    }

    fn covers(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str())) && path.contains(&self.path)
    }
}

/// The layer: everything but `/sim/` goes through it.
pub(crate) async fn layer(State(sim): State<Sim>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/sim/") {
        return next.run(request).await;
    }
    let latency = sim.faults().latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if http::is_graph(&path) && sim.faults().takes_html() {
        return Html("<!DOCTYPE html><html><body>Service unavailable</body></html>").into_response();
    }
    match sim.faults().verdict(request.method(), &path) {
        Some(failure) => http::failed(&failure, request.headers()),
        None => next.run(request).await,
    }
}

/// The path with `{id}` for everything that names one object, so that requests of one kind are counted together.
pub(crate) fn template(path: &str) -> String {
    let keyed = |segment: &str| Uuid::try_parse(segment).is_ok() || segment.contains(['@', '%']);
    let segments = path.split('/').map(|segment| if keyed(segment) { "{id}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// A refusal with that status and the code that Graph has for it.
pub(crate) fn failure(status: u16) -> Failure {
    Failure::new(status, code(status), "The simulator was told to fail this request.")
}

fn code(status: u16) -> &'static str {
    match status {
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
    }
}
