//! The one way a request goes to Graph: with a token, bounded in time and size, seen in a span, its failure sorted.
//!
//! Follows no redirect, retries nothing but a refused token (once), and lets no URL, header or message out in an error or a log line.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, redirect};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::{Instrument, Span, debug, field};
use url::Url;
use uuid::Uuid;

use xtsync_domain::resource::is_safe_for_secrets;

use super::exchange::{Exchanges, RequestContext};
use super::request::Request;
use super::section;
use super::section::Graph;
use super::token::Tokens;
use super::{Options, refusal};
use xtsync_directory::{Error, Result};

/// The longest link that is followed; Graph's own have about two thousand bytes.
const LINK_BYTES_MAX: usize = 64 * 1024;

/// One tenant's Graph, with the credentials of one application.
pub(super) struct Http {
    exchanges: Exchanges,
    tokens: Tokens,
    near_limit: AtomicBool,
    endpoint: Url,
    pub(super) options: Options,
}

impl Http {
    /// Graph of that tenant for that application.
    pub(super) fn new(graph: &Graph, application: &section::Client, options: Options) -> Result<Self> {
        if let Some(unsafe_url) = graph.describe().urls.iter().find(|described| !is_safe_for_secrets(&described.url)) {
            return Err(Error::Forbidden { code: format!("plain_http_{}", unsafe_url.field).into() });
        }
        let client = client(graph, &options)?;
        let tokens = Tokens::new(client.clone(), graph, application, &options)?;
        let exchanges = Exchanges::new(client, &graph.endpoint, &options)?;
        Ok(Self { exchanges, tokens, near_limit: AtomicBool::new(false), endpoint: graph.endpoint.clone(), options })
    }

    /// Whether an answer has said since this was asked last that most of a limit is used up.
    pub(super) fn take_throttle_warning(&self) -> bool {
        self.near_limit.swap(false, Ordering::Relaxed)
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
        self.parse_link(link)
            .map(|url| Request::follow(url, template))
            .ok_or_else(|| Error::Malformed { reason: "a link to another host, or one that cannot be followed".to_owned() })
    }

    /// A link that leads to the configured endpoint. It is stored as it is, so what no database holds or no server takes is no link.
    pub(super) fn parse_link(&self, link: &str) -> Option<Url> {
        if link.len() > LINK_BYTES_MAX || link.contains(char::is_control) {
            return None;
        }
        let url = Url::parse(link).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        (plain && url.origin() == self.endpoint.origin()).then_some(url)
    }

    /// Sends it and reads the answer as JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        let body = self.call(request).await?;
        request.size.read(&body).ok_or_else(|| request.effect.malformed_answer("the answer is not the json expected"))
    }

    /// Sends it and returns the body of a success.
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
        // One limit for both attempts. A request for a token has its own limit, so a call may take longer; writers bound the whole.
        let deadline = Instant::now() + self.options.timeout;
        let token = self.tokens.bearer().await?;
        match self.send(request, &token, deadline).await {
            Err(Error::Unauthorized { .. }) => {
                self.tokens.discard(&token).await;
                self.send(request, &self.tokens.bearer().await?, deadline).await
            }
            answer => answer,
        }
    }

    async fn send(&self, request: &Request, token: &SecretString, deadline: Instant) -> Result<Vec<u8>> {
        let context = RequestContext { headers: self.headers(request), token, deadline };
        let answer = self.exchanges.exchange(request, context).await?;
        Span::current().record("http.response.status_code", answer.status);
        self.near_limit.fetch_or(answer.is_near_limit, Ordering::Relaxed);
        match (answer.is_success(), answer.is_graph_content) {
            (true, true) => answer.body,
            // A portal or a proxy said yes to something else; Graph may not have been asked at all.
            (true, false) => Err(request.effect.malformed_answer("an answer of a type that is not graph's")),
            // What cannot be read of a refusal changes little: the status says what it is.
            (false, _) => {
                let (request_id, body) = (answer.request_id.as_deref(), answer.body.unwrap_or_default());
                Err(refusal::error(answer.status, answer.wait, request_id, &body, request))
            }
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

/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: u32 = 64 * 1024;

fn client(graph: &Graph, options: &Options) -> Result<Client> {
    let mut builder = Client::builder()
        .user_agent(concat!("xtsync/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .http2_max_header_list_size(HEAD_BYTES_MAX)
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout);
    // Plain http is for this machine, where a proxy has no business.
    if graph.endpoint.scheme() == "http" || graph.authority.scheme() == "http" {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| Error::Unavailable { reason: "no http client can be made".to_owned() })
}
