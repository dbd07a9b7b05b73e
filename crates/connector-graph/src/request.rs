//! One request to Graph before it is sent: a path template with its parts filled in, and what its failures mean.
//!
//! Logs and traces show the template, never the path: a path or a query may hold an address.

use reqwest::Method;
use serde_json::Value as Json;
use url::Url;

use super::limit::Size;
use xtsync_directory::{Error, Result};

/// Whether a request changes something, which decides what a lost answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Read,
    Write,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// `/users/{id}`: what logs show.
    pub(super) template: &'static str,
    pub(super) url: Url,
    pub(super) body: Option<Json>,
    pub(super) effect: Effect,
    /// Whether Graph answers it as an advanced query only (`ConsistencyLevel: eventual`).
    pub(super) advanced: bool,
    /// Objects in a page, at most.
    pub(super) page_objects_max: Option<u32>,
    /// How much the answer may hold.
    pub(super) size: Size,
    /// Whether the answer may say that a delta's cursor is void.
    pub(super) delta: bool,
    /// The attributes it is about; a refusal that names one of them says which.
    pub(super) attributes: Vec<String>,
}

impl Request {
    /// A request to a path below `{endpoint}/v1.0`; each `{…}` of the template stands for the next of `parts`.
    pub(super) fn new(method: Method, endpoint: &Url, template: &'static str, parts: &[&str]) -> Result<Self> {
        let mut url = endpoint.clone();
        let mut parts = parts.iter();
        {
            let mut path = url.path_segments_mut().map_err(|()| malformed("an endpoint that has no paths"))?;
            path.pop_if_empty().push("v1.0");
            for segment in template.split('/').filter(|segment| !segment.is_empty()) {
                match segment.starts_with('{') {
                    true => path.push(opaque(parts.next().expect("a part for each place of the template"))?),
                    false => path.push(segment),
                };
            }
        }
        Ok(Self::to(method, url, template))
    }

    /// A request to a link that Graph gave; `template` is what logs show for it.
    pub(super) fn follow(url: Url, template: &'static str) -> Self {
        Self::to(Method::GET, url, template)
    }

    fn to(method: Method, url: Url, template: &'static str) -> Self {
        let effect = if method == Method::GET { Effect::Read } else { Effect::Write };
        let (body, attributes) = (None, Vec::new());
        Self { method, template, url, body, effect, advanced: false, page_objects_max: None, size: Size::Object, delta: false, attributes }
    }

    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Selects these attributes; a refusal that names one of them says so.
    pub(super) fn select(mut self, attributes: Vec<String>) -> Self {
        self = self.query("$select", &attributes.join(","));
        Self { attributes, ..self }
    }

    /// Sets the body; a refusal that names one of its fields says so.
    pub(super) fn body(self, body: Json) -> Self {
        let attributes = body.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
        Self { attributes, body: Some(body), ..self }
    }

    /// Asks as an advanced query.
    pub(super) fn advanced(self) -> Self {
        Self { advanced: true, ..self }
    }

    /// Says that this POST changes nothing.
    pub(super) fn read_only(self) -> Self {
        Self { effect: Effect::Read, ..self }
    }

    /// Says that this is a page of a delta, and how large it may be.
    pub(super) fn delta(self, page_objects_max: u32) -> Self {
        Self { delta: true, size: Size::Page, page_objects_max: Some(page_objects_max), ..self }
    }

    /// Says how much the answer may hold, where that is more than an object.
    pub(super) fn sized(self, size: Size) -> Self {
        Self { size, ..self }
    }
}

impl Effect {
    /// The answer is lost, or the server failed.
    pub(super) fn answer_lost(self, reason: impl Into<String>) -> Error {
        match self {
            Self::Read => Error::Failing { reason: reason.into(), wait: None },
            Self::Write => Error::Unknown { reason: reason.into() },
        }
    }

    /// The answer says yes, but is not what it should be. A write may have happened.
    pub(super) fn malformed_answer(self, reason: impl Into<String>) -> Error {
        match self {
            Self::Read => Error::Malformed { reason: reason.into() },
            Self::Write => Error::Unknown { reason: reason.into() },
        }
    }
}

/// An id as one segment of a path: nothing in it may lead elsewhere. What else is special in a URL is encoded when it is pushed.
fn opaque(id: &str) -> Result<&str> {
    let fits = (1..=256).contains(&id.len()) && id != "." && id != "..";
    let plain = !id.contains(['/', '\\']) && !id.chars().any(char::is_control);
    if fits && plain { Ok(id) } else { Err(malformed("an id that is no segment of a path")) }
}

fn malformed(reason: &str) -> Error {
    Error::Malformed { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_encoded_segment_and_leads_nowhere_else() {
        let endpoint = Url::parse("http://127.0.0.1:8700/").unwrap();
        for (id, path) in [
            ("28c1-aa", Some("/v1.0/users/28c1-aa/revokeSignInSessions")),
            ("ana_emea#EXT#@hub", Some("/v1.0/users/ana_emea%23EXT%23@hub/revokeSignInSessions")),
            ("a?b%c d", Some("/v1.0/users/a%3Fb%25c%20d/revokeSignInSessions")),
            ("", None),
            (".", None),
            ("..", None),
            ("a/b", None),
            ("a\\b", None),
            ("a\nb", None),
        ] {
            let request = Request::new(Method::POST, &endpoint, "/users/{id}/revokeSignInSessions", &[id]);
            assert_eq!(request.ok().map(|request| request.url.path().to_owned()).as_deref(), path, "{id}");
        }
    }

    #[test]
    fn an_endpoint_may_have_a_path_of_its_own() {
        let endpoint = Url::parse("https://gateway.example/graph").unwrap();
        let request = Request::new(Method::GET, &endpoint, "/users/$count", &[]).unwrap();
        assert_eq!(request.url.as_str(), "https://gateway.example/graph/v1.0/users/$count");
    }
}
