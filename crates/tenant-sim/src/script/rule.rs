//! Which requests a rule is about, how often it applies, and what it does.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::act::Act;
use super::edit::Edit;
use super::pattern;
use crate::error::Failure;
use crate::query::{Query, segments};

/// A scripted answer. What a rule leaves out holds for all requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rule {
    /// The name of the tenant that is asked.
    pub tenant: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The path after the version, or of a token request after the tenant: `/users/*`, `/invitations`, `/oauth2/v2.0/token`. `*` stands for
    /// any text within a segment, `**` for any text. With a `?` in it the decoded query follows.
    pub path: Option<String>,
    /// The request's path, query or body holds one of these texts, case aside; such as the id or the address of a user.
    pub about: Vec<String>,
    /// The request's JSON body holds all of this; more may be in it.
    pub body: Option<Json>,
    /// Where the request came.
    pub place: Place,
    /// How many such requests pass untouched before the rule applies.
    pub after: u32,
    /// How often it applies; until it is removed, if not given.
    pub times: Option<u32>,
    /// Headers of the answer, such as `Retry-After`. They replace those that are there.
    pub headers: BTreeMap<String, String>,
    /// What happens.
    pub then: Act,
}

/// Where a request came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// As a request of its own or as an item of a batch.
    #[default]
    Anywhere,
    /// As a request of its own.
    OutsideBatch,
    /// As an item of a `$batch`.
    InsideBatch,
}

/// A request as rules see it.
#[derive(Debug)]
pub(crate) struct RequestToMatch<'a> {
    /// The tenant that its token or its path names, if any.
    tenant: Option<&'a str>,
    method: &'a Method,
    /// In one spelling: decoded, with `delta` for `microsoft.graph.delta()`.
    path: String,
    /// Decoded.
    query: String,
    body: &'a [u8],
    inside_batch: bool,
}

impl Rule {
    /// A rule about requests of that method and path pattern. An empty text stands for any.
    pub fn on(method: &str, path: &str) -> Self {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self { method: given(method), path: given(path), ..Self::default() }
    }

    /// Only requests to that tenant.
    #[must_use]
    pub fn tenant(self, name: &str) -> Self {
        Self { tenant: Some(name.to_owned()), ..self }
    }

    /// Only requests whose path, query or body holds that text, or another one given so.
    #[must_use]
    pub fn about(mut self, text: impl ToString) -> Self {
        self.about.push(text.to_string());
        self
    }

    /// Only requests whose JSON body holds all of this.
    #[must_use]
    pub fn body(self, part: Json) -> Self {
        Self { body: Some(part), ..self }
    }

    /// Only requests that came there.
    #[must_use]
    pub fn place(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// Lets so many such requests pass before it applies.
    #[must_use]
    pub fn after(self, requests: u32) -> Self {
        Self { after: requests, ..self }
    }

    /// Applies so often at most.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Says when to ask again, with a fraction where it is no whole number of seconds.
    #[must_use]
    pub fn retry_after(self, wait: Option<Duration>) -> Self {
        wait.into_iter().fold(self, |rule, wait| rule.header("Retry-After", wait.as_secs_f64()))
    }

    /// Sets a header of the answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.insert(name.to_owned(), value.to_string());
        self
    }

    /// Refuses such requests in Graph's form; token requests in the authority's form.
    #[must_use]
    pub fn refuse(self, status: u16, code: &str, message: &str) -> Self {
        Self { then: Act::Refuse { status, code: code.to_owned(), message: message.to_owned() }, ..self }
    }

    /// Refuses such requests with that status and the code that Graph has for it.
    #[must_use]
    pub fn fail(self, status: u16) -> Self {
        let Failure { code, message, .. } = Failure::by_status(status);
        self.refuse(status, &code, &message)
    }

    /// Answers such requests with a page of HTML, as a proxy in between would.
    #[must_use]
    pub fn answer_html(self) -> Self {
        let page = "<!DOCTYPE html><html><body>Service unavailable</body></html>";
        self.header("content-type", "text/html; charset=utf-8").answer(200, page.into())
    }

    /// Answers such requests without carrying them out. A bare text is sent as text.
    #[must_use]
    pub fn answer(self, status: u16, body: Json) -> Self {
        Self { then: Act::Answer { status, body }, ..self }
    }

    /// Carries such requests out, and changes their answers.
    #[must_use]
    pub fn rewrite(self, edits: impl IntoIterator<Item = Edit>) -> Self {
        Self { then: Act::Rewrite { status: None, edits: edits.into_iter().collect() }, ..self }
    }

    /// The headers of the answer, in lower case.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        self.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect()
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.path.as_ref().is_some_and(|path| !path.starts_with(['/', '*'])) {
            return Err(Failure::bad_request("The path of a rule begins with '/' or '*'."));
        }
        let is_header =
            |(name, value): (&String, &String)| HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
        if !self.headers.iter().all(is_header) {
            return Err(Failure::bad_request("A header of a rule is none."));
        }
        self.then.check()
    }

    pub(super) fn covers(&self, request: &RequestToMatch<'_>) -> bool {
        let same = |wanted: &Option<String>, given: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| given.is_some_and(|given| wanted.eq_ignore_ascii_case(given)))
        };
        let placed = match self.place {
            Place::Anywhere => true,
            Place::OutsideBatch => !request.inside_batch,
            Place::InsideBatch => request.inside_batch,
        };
        placed
            && same(&self.method, Some(request.method.as_str()))
            && same(&self.tenant, request.tenant)
            && self.path.as_deref().is_none_or(|path| request.is_at(path))
            && (self.about.is_empty() || self.about.iter().any(|text| request.mentions(text)))
            && self.body.as_ref().is_none_or(|part| serde_json::from_slice(request.body).is_ok_and(|body| holds(&body, part)))
    }
}

impl<'a> RequestToMatch<'a> {
    /// A request by its path after the version or the tenant, and its query, both as sent.
    pub(crate) fn new(tenant: Option<&'a str>, method: &'a Method, path: &str, query: &str, body: &'a [u8], inside_batch: bool) -> Self {
        let path = format!("/{}", segments(path).join("/"));
        Self { tenant, method, path, query: Query::parse(query).decoded(), body, inside_batch }
    }

    fn is_at(&self, path: &str) -> bool {
        match path.contains('?') {
            false => pattern::fits(path, &self.path),
            true => pattern::fits(path, &format!("{}?{}", self.path, self.query)),
        }
    }

    fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let body = String::from_utf8_lossy(self.body);
        [self.path.as_str(), self.query.as_str(), &body].iter().any(|place| place.to_lowercase().contains(&text))
    }
}

/// Whether a body holds all of a part: objects by their members, everything else whole, texts without case.
fn holds(body: &Json, part: &Json) -> bool {
    match (body, part) {
        (Json::Object(body), Json::Object(part)) => part.iter().all(|(name, part)| body.get(name).is_some_and(|body| holds(body, part))),
        (Json::String(body), Json::String(part)) => body.eq_ignore_ascii_case(part),
        (body, part) => body == part,
    }
}
