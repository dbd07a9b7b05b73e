//! The form of a `$batch`: requests in one body, answers in another, matched by their ids.
//!
//! Source: Microsoft Graph, "Combine multiple requests in one HTTP call using JSON batching".

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};

use super::answer::Answer;
use super::limit::Size;
use super::request::{Effect, Request};
use xtsync_directory::{Error, Result};

/// Requests in one batch; Graph takes no more.
pub(super) const ITEMS_MAX: usize = 20;

/// One request of a batch, but for its id, which is its place there.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    method: String,
    url: String,
    headers: Map<String, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Json>,
}

#[derive(Serialize)]
struct Numbered<'a> {
    id: String,
    #[serde(flatten)]
    item: &'a Item,
}

/// What was said to a batch.
pub(super) enum BatchResponse {
    /// The same to all, as where it was refused as a whole.
    Whole(Answer),
    /// To each.
    PerRequest(Vec<ItemAnswer>),
}

#[derive(Deserialize)]
struct Answers {
    responses: Vec<ItemAnswer>,
}

#[derive(Deserialize)]
pub(super) struct ItemAnswer {
    id: String,
    status: u16,
    headers: Option<Box<RawValue>>,
    body: Option<Box<RawValue>>,
}

impl Item {
    /// A request as a part of a batch, with urls below `base`; none for one that leads elsewhere, or whose answer is a large page.
    pub(super) fn of(request: &Request, headers: &HeaderMap, base: &str) -> Option<Self> {
        let path = request.url.path().strip_prefix(base).filter(|_| request.size != Size::Page)?;
        let url = request.url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let header = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.into()));
        let mut headers: Map<String, Json> = headers.iter().filter_map(header).collect();
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE.to_string(), "application/json".into());
        }
        Some(Self { method: request.method.to_string(), url, headers, body: request.body.clone() })
    }
}

/// The body of a batch.
pub(super) fn body(items: &[Item]) -> Json {
    let items: Vec<Numbered<'_>> = items.iter().enumerate().map(|(place, item)| Numbered { id: place.to_string(), item }).collect();
    json!({ "requests": items })
}

impl BatchResponse {
    /// Reads the answer to a batch.
    pub(super) fn read(answer: Answer) -> Result<Self> {
        if !answer.is_success() || !answer.is_graph_content {
            return Ok(Self::Whole(answer));
        }
        let answers: Answers =
            Size::Batch.read(&answer.body?).ok_or_else(|| Effect::Write.malformed_answer("the answer to a batch is none"))?;
        Ok(Self::PerRequest(answers.responses))
    }

    /// What was said to the request at that place.
    pub(super) fn answer_to(&self, place: usize, effect: Effect) -> Result<Answer> {
        match self {
            Self::Whole(answer) => Ok(answer.clone()),
            Self::PerRequest(answers) => {
                let id = place.to_string();
                let answer = answers.iter().find(|answer| answer.id == id);
                answer.map(ItemAnswer::answer).ok_or_else(|| effect.malformed_answer("the answer to a batch leaves requests out"))
            }
        }
    }
}

/// What it means to a request that its batch failed. What is unknown of the batch is unknown of those that write.
pub(super) fn failed(error: &Error, effect: Effect) -> Error {
    match error {
        Error::Unknown { reason } => effect.answer_lost(reason.as_str()),
        error => error.clone(),
    }
}

impl ItemAnswer {
    fn answer(&self) -> Answer {
        // Values are made of as much as a server sends with a single answer.
        let headers = self.headers.as_ref().and_then(|headers| Size::Refusal.read::<Map<String, Json>>(headers.get().as_bytes()));
        let headers = headers.unwrap_or_default();
        let header = |(name, value): (&String, &Json)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
        };
        let headers: HeaderMap = headers.iter().filter_map(header).collect();
        let body = self.body.as_ref().map(|body| body.get().as_bytes().to_vec());
        Answer::new(self.status, &headers, Ok(body.unwrap_or_default()))
    }
}
