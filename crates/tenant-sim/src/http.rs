//! The listener's side: serving, limits, and which path goes where.

use std::future::{Future, IntoFuture};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::serve::{Listener, ListenerExt as _, TapIo};
use tokio::net::TcpListener;

use crate::call::Call;
use crate::connection::{Peer, ResettableListener};
use crate::error::Failure;
use crate::faults::{LostAnswer, RequestFaults};
use crate::query::{Query, segments};
use crate::reply::{Answer, failed, written};
use crate::script::{RequestToMatch, Verdict};
use crate::sim::Sim;
use crate::tls::Tls;
use crate::{notify, routes};

/// The largest body that is read.
pub(crate) const BODY_MAX: usize = 4 * 1024 * 1024;

impl Sim {
    /// Serves all tenants on the listener until `shutdown` completes, and meanwhile notifies the subscribers of changes.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        self.serve_on(ResettableListener(listener).tap_io(|connection| connection.set_nodelay()), shutdown).await
    }

    /// As [`Self::serve`], over TLS.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve_tls(
        &self,
        listener: TcpListener,
        tls: &Tls,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        // Its connections are set up before their handshakes.
        let listener = tls.listen(ResettableListener(listener))?.tap_io(|_| ());
        self.serve_on(listener, shutdown).await
    }

    async fn serve_on<L, F>(&self, listener: TapIo<L, F>, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()>
    where
        L: Listener<Addr = Peer>,
        F: FnMut(&mut L::Io) + Send + 'static,
    {
        let service = router(self.clone()).into_make_service_with_connect_info::<Peer>();
        let notifying = notify::run(self.clone(), self.journal().subscribe());
        tokio::select! {
            served = axum::serve(listener, service).with_graceful_shutdown(shutdown).into_future() => served,
            never = notifying => match never {},
        }
    }
}

/// Everything the simulator serves.
fn router(sim: Sim) -> Router {
    Router::new().fallback(serve).with_state(sim)
}

/// Whether the path belongs to Graph, not to tokens or to the admin API.
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
    sim.note_request(sim.tenant_of(&parts.headers).map(|place| sim.tenant_at(place)), &parts.method, parts.uri.path());
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
        path: segments(path),
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
