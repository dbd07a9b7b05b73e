//! The one way a request goes to Graph: with a token, bounded in time and size, seen in a span, its failure sorted.
//!
//! Follows no redirect, retries nothing but a refused token (once), and lets no URL, header or message out in an error or a log line.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, Response, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::{Instrument, Span, debug, field};
use url::Url;
use uuid::Uuid;
use xtsync_domain::resource;

use super::request::{Effect, Request};
use super::token::Tokens;
use super::{Options, refusal, retry_after};
use crate::{Error, Result};

/// One tenant's Graph, with the credentials of one application.
pub(super) struct Http {
    client: Client,
    tokens: Tokens,
    endpoint: Url,
    pub(super) options: Options,
}

impl Http {
    /// Graph of that tenant for that application.
    pub(super) fn new(graph: &resource::Graph, application: &resource::Client, options: Options) -> Result<Self> {
        if let Some(field) = graph.plain_http() {
            return Err(Error::Forbidden { code: format!("plain_http_{field}") });
        }
        let client = client(graph, &options)?;
        let tokens = Tokens::new(client.clone(), graph, application, options.body_bytes_max)?;
        Ok(Self { client, tokens, endpoint: graph.endpoint.clone(), options })
    }

    /// A GET below `{endpoint}/v1.0`.
    pub(super) fn get(&self, template: &'static str, parts: &[&str]) -> Result<Request> {
        Request::new(Method::GET, &self.endpoint, template, parts)
    }

    /// A POST below `{endpoint}/v1.0`.
    pub(super) fn post(&self, template: &'static str, parts: &[&str]) -> Result<Request> {
        Request::new(Method::POST, &self.endpoint, template, parts)
    }

    /// A PATCH below `{endpoint}/v1.0`.
    pub(super) fn patch(&self, template: &'static str, parts: &[&str]) -> Result<Request> {
        Request::new(Method::PATCH, &self.endpoint, template, parts)
    }

    /// A DELETE below `{endpoint}/v1.0`.
    pub(super) fn delete(&self, template: &'static str, parts: &[&str]) -> Result<Request> {
        Request::new(Method::DELETE, &self.endpoint, template, parts)
    }

    /// A GET of a link that Graph gave, if it leads to the configured endpoint: our token goes nowhere else.
    pub(super) fn follow(&self, link: &str, template: &'static str) -> Result<Request> {
        self.own(link)
            .map(|url| Request::follow(url, template))
            .ok_or_else(|| Error::Malformed { reason: "a link to another host".to_owned() })
    }

    /// A link that leads to the configured endpoint.
    pub(super) fn own(&self, link: &str) -> Option<Url> {
        let url = Url::parse(link).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        (plain && url.origin() == self.endpoint.origin()).then_some(url)
    }

    /// Sends it and reads the answer as JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        let body = self.call(request).await?;
        serde_json::from_slice(&body).map_err(|_| request.effect.senseless("the answer is not the json expected"))
    }

    /// Sends it and gives the body of a success.
    pub(super) async fn call(&self, request: &Request) -> Result<Vec<u8>> {
        let span = tracing::debug_span!(
            "graph",
            otel.kind = "client",
            http.request.method = %request.method,
            url.template = request.template,
            http.response.status_code = field::Empty,
            client_request_id = field::Empty,
        );
        let seen = async {
            let began = Instant::now();
            let answer = self.authorized(request).await;
            match &answer {
                Ok(_) => debug!(took = ?began.elapsed(), "graph answered"),
                Err(error) => debug!(took = ?began.elapsed(), %error, "graph did not do it"),
            }
            answer
        };
        seen.instrument(span).await
    }

    /// A token can be revoked before it expires, so a refused one is replaced once.
    async fn authorized(&self, request: &Request) -> Result<Vec<u8>> {
        let token = self.tokens.bearer().await?;
        match self.send(request, &token).await {
            Err(Error::Unauthorized { .. }) => {
                self.tokens.discard(&token).await;
                self.send(request, &self.tokens.bearer().await?).await
            }
            answer => answer,
        }
    }

    async fn send(&self, request: &Request, token: &SecretString) -> Result<Vec<u8>> {
        let mut sending = self.client.request(request.method.clone(), request.url.clone()).headers(self.headers(request));
        if let Some(body) = &request.body {
            sending = sending.json(body);
        }
        let sent = sending.bearer_auth(token.expose_secret()).send().await;
        let response = sent.map_err(|error| unanswered(&error, request.effect))?;
        let status = response.status();
        Span::current().record("http.response.status_code", status.as_u16());
        let (wait, is_graphs) = (retry_after::wait(response.headers()), is_graphs(response.headers()));
        let body = body(response, self.options.body_bytes_max, request.effect).await;
        match (status.is_success(), is_graphs) {
            (true, true) => body,
            // A portal or a proxy said yes to something else; Graph may not have been asked at all.
            (true, false) => Err(request.effect.senseless("an answer of a type that is not graph's")),
            // What cannot be read of a refusal changes little: the status says what it is.
            (false, _) => Err(refusal::error(status.as_u16(), wait, &body.unwrap_or_default(), request)),
        }
    }

    fn headers(&self, request: &Request) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let id = Uuid::new_v4().to_string();
        Span::current().record("client_request_id", id.as_str());
        headers.insert("client-request-id", id.parse().expect("a uuid is a header's value"));
        if request.advanced {
            headers.insert("consistencylevel", "eventual".parse().expect("a word is a header's value"));
        }
        if let Some(objects) = request.page_objects_max {
            let prefer = format!("odata.maxpagesize={objects}");
            headers.insert("prefer", prefer.parse().expect("a number is a header's value"));
        }
        if let Some(decorate) = self.options.decorate {
            decorate(&mut headers);
        }
        headers
    }
}

/// Whether an answer is of a type that Graph answers with: JSON, a plain count, or none where nothing is to be said.
fn is_graphs(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
    kind.is_none_or(|kind| ["application/json", "text/plain"].iter().any(|known| kind.starts_with(known)))
}

/// The body of an answer, up to the limit; an answer that goes on is given up where it passes it.
pub(super) async fn body(mut response: Response, bytes_max: usize, effect: Effect) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| effect.lost(symptom(&error)))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(effect.senseless(format!("an answer of more than {bytes_max} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A request that got no answer. One that could not connect was surely not done.
pub(super) fn unanswered(error: &reqwest::Error, effect: Effect) -> Error {
    match error.is_connect() {
        true => Error::Away { reason: symptom(error).to_owned() },
        false => effect.lost(symptom(error)),
    }
}

/// What happened, without the URL that the error's own text holds.
fn symptom(error: &reqwest::Error) -> &'static str {
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connecting took too long",
        (true, false) => "the answer took too long",
        (false, true) => "no connection",
        (false, false) => "the connection broke",
    }
}

fn client(graph: &resource::Graph, options: &Options) -> Result<Client> {
    let mut builder = Client::builder()
        .user_agent(concat!("xtsync/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout);
    // Plain http is for this machine, where a proxy has no business.
    if graph.endpoint.scheme() == "http" || graph.authority.scheme() == "http" {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| Error::Away { reason: "no http client can be made".to_owned() })
}
