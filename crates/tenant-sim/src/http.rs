//! The listener's side: which path goes where, limits, and how answers and refusals are written.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::connection::Peer;
use crate::error::{Failure, Header};
use crate::faults::{LostAnswer, RequestFaults};
use crate::routes::{self, Answer, Call, Query, Reply};
use crate::script::{RequestToMatch, Verdict};
use crate::sim::Sim;

/// The largest body that is read.
pub(crate) const BODY_MAX: usize = 4 * 1024 * 1024;

/// Everything the simulator serves.
pub(crate) fn router(sim: Sim) -> Router {
    Router::new().fallback(serve).with_state(sim)
}

/// Whether the path belongs to Graph, not to tokens or to the simulator's own door.
pub(crate) fn is_graph(path: &str) -> bool {
    path.starts_with("/v1.0/") || path.starts_with("/beta/")
}

async fn serve(State(sim): State<Sim>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        let failure = Failure::new(413, "RequestEntityTooLarge", "The request body is too large.");
        return failed(&failure, &parts.headers);
    };
    if let Some(rest) = parts.uri.path().strip_prefix("/sim/v1/") {
        return routes::admin::serve(&sim, peer.address, &parts, rest, &body);
    }
    sim.note_request(&parts.method, parts.uri.path());
    let (is_graph, base) = (is_graph(parts.uri.path()), base(&parts, &peer));
    let rewrites = match verdict(&sim, &parts, &body) {
        Verdict::Instead(act, headers) if is_graph => return written(act.reply(headers, &base), &parts.headers),
        Verdict::Instead(act, headers) => return written(act.token_reply(headers, &base), &parts.headers),
        Verdict::Genuine(rewrites) => rewrites,
    };
    let mut response = match is_graph {
        true => graph(&sim, &peer, &parts, body).await,
        false => routes::token::serve(&sim, &parts, &body),
    };
    for rewrite in rewrites {
        response = rewrite.response(response, &base).await;
    }
    response
}

/// What the script says of a request that came alone.
fn verdict(sim: &Sim, parts: &Parts, body: &[u8]) -> Verdict {
    if sim.script().is_empty() {
        return Verdict::Genuine(Vec::new());
    }
    let path = parts.uri.path();
    let (first, rest) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let place = if is_graph(path) { sim.tenant_of(&parts.headers) } else { sim.tenant_place(first) };
    let tenant = place.map(|place| &*sim.tenant_at(place).name);
    sim.script().verdict(&RequestToMatch::new(tenant, &parts.method, rest, parts.uri.query().unwrap_or_default(), body, false))
}

async fn graph(sim: &Sim, peer: &Peer, parts: &Parts, body: Bytes) -> Response {
    let mut request_faults = RequestFaults::begin(sim.fault_state(), &parts.method, parts.uri.path());
    let tenant = sim.tenant_of(&parts.headers).map(|place| &*sim.tenant_at(place).name);
    let latency = request_faults.latency(tenant);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let answer = match call(sim, peer, parts, body) {
        Ok(call) => through(&call, peer, request_faults).await,
        Err(failure) => Err(failure),
    };
    written(answer, &parts.headers)
}

/// The address that the client asks, with the version if it asks Graph.
fn base(parts: &Parts, peer: &Peer) -> String {
    let header_value = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = header_value("host").unwrap_or("localhost");
    let scheme = if peer.is_tls { "https" } else { "http" };
    match parts.uri.path()[1..].split_once('/') {
        Some((version, _)) if is_graph(parts.uri.path()) => format!("{scheme}://{host}/{version}"),
        Some(_) | None => format!("{scheme}://{host}"),
    }
}

/// The request as the routes see it, with the tenant and the application that its token names.
fn call<'a>(sim: &'a Sim, peer: &Peer, parts: &Parts, body: Bytes) -> Result<Call<'a>, Failure> {
    let grant = sim.authorize(&parts.headers)?;
    let (_, path) = parts.uri.path()[1..].split_once('/').unwrap_or_default();
    Ok(Call {
        sim,
        tenant: sim.tenant_at(grant.tenant),
        client: grant.client,
        access: grant.access,
        method: parts.method.clone(),
        path: routes::segments(path),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        headers: parts.headers.clone(),
        body,
        base: base(parts, peer),
    })
}

async fn through(call: &Call<'_>, peer: &Peer, mut request_faults: RequestFaults) -> Answer {
    let metered = request_faults.admit(call)?;
    let answer = routes::dispatch_unbatched(call).await;
    match request_faults.lost(call) {
        None => {}
        Some(LostAnswer::Answer(failure)) => return Err(failure),
        Some(LostAnswer::Connection) => peer.reset(),
    }
    answer.map(|reply| reply.with_headers(metered))
}

fn written(answer: Answer, request_headers: &HeaderMap) -> Response {
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
