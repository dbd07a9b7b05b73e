//! The value of one property of one directory object, and its way from and to Graph's JSON.
//!
//! Texts are reference-counted so that a generated directory keeps each department or city only once. A property that was never set
//! has no value at all; one that was set and cleared has `Null`. Delta queries distinguish the two.

use std::sync::Arc;

use serde_json::Value as Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Flag,
    Number,
    Time,
    Texts,
    Complex,
}

/// The value of a property.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Number(i64),
    Time(OffsetDateTime),
    Text(Arc<str>),
    Texts(Arc<[Arc<str>]>),
    Json(Arc<Json>),
}

impl Value {
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn texts<T: Into<Arc<str>>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::Texts(texts.into_iter().map(Into::into).collect())
    }

    /// Reads a value that a client sent; `None` when it does not fit the property.
    pub(crate) fn from_json(kind: Kind, json: &Json) -> Option<Self> {
        match (kind, json) {
            (_, Json::Null) => Some(Self::Null),
            (Kind::Flag, Json::Bool(flag)) => Some(Self::Flag(*flag)),
            (Kind::Number, Json::Number(number)) => number.as_i64().map(Self::Number),
            (Kind::Text, Json::String(text)) => Some(Self::text(text.as_str())),
            (Kind::Time, Json::String(text)) => parse_time(text).map(Self::Time),
            (Kind::Texts, Json::Array(items)) => {
                items.iter().map(|item| item.as_str().map(Arc::from)).collect::<Option<_>>().map(Self::Texts)
            }
            (Kind::Complex, Json::Object(_) | Json::Array(_)) => Some(Self::Json(Arc::new(json.clone()))),
            (Kind::Flag | Kind::Number | Kind::Text | Kind::Time | Kind::Texts | Kind::Complex, _) => None,
        }
    }

    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Flag(flag) => Json::Bool(*flag),
            Self::Number(number) => Json::from(*number),
            Self::Time(time) => Json::String(format_time(*time)),
            Self::Text(text) => Json::String(text.to_string()),
            Self::Texts(texts) => texts.iter().map(|text| Json::String(text.to_string())).collect(),
            Self::Json(json) => Json::clone(json),
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Time(_) | Self::Texts(_) | Self::Json(_) => None,
        }
    }

    /// The texts within the value: one for a text, all of a list, none of anything else.
    pub(crate) fn each_text(&self) -> &[Arc<str>] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Texts(texts) => texts,
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Time(_) | Self::Json(_) => &[],
        }
    }
}

/// Reads a date and time as Graph accepts it; a bare date means its midnight.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    let midnight = || OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339).ok();
    OffsetDateTime::parse(text, &Rfc3339).ok().or_else(midnight)
}

/// Writes a time as Graph does: RFC 3339 in UTC, to the second.
pub(crate) fn format_time(time: OffsetDateTime) -> String {
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// The text as the directory compares it: without regard to case, letter by letter, so that every comparison and every index agrees.
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// Whether two texts are equal, case aside.
pub(crate) fn same_text(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || folded(left).eq(folded(right))
}

/// Whether the text begins with the other, case aside.
pub(crate) fn starts_with(text: &str, prefix: &str) -> bool {
    let mut letters = folded(text);
    folded(prefix).all(|letter| letters.next() == Some(letter))
}
