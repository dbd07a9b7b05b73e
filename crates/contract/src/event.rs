//! Headers of records: CloudEvents 1.0 in binary mode (Kafka protocol binding), and the trace the record belongs to.
//!
//! `ce_id` is made of key and version, so that a consumer can drop repetitions. A record whose `ce_type` is not the one a reader expects
//! is foreign: it may decode by accident, since protobuf bytes do not say what they are.

use std::fmt;

use bytes::Bytes;
use prost::Message;
use xtsync_bus::{Outgoing, Topic};
use xtsync_domain::Timestamp;

use crate::role::Role;

const CONTENT_TYPE: &str = "application/protobuf";

/// A message that travels as a record's value, with its event type.
pub trait Typed {
    /// The CloudEvents `type`: reverse domain, package and message.
    const TYPE: &'static str;
}

macro_rules! typed {
    ($($package:ident: $($message:ident),*;)*) => {
        $($(impl Typed for crate::$package::$message {
            const TYPE: &'static str = concat!("dev.xtsync.", stringify!($package), ".v1.", stringify!($message));
        })*)*
    };
}

typed! {
    events: Decision, Link, Outcome, TenantFact, UserDelta;
    internal: Command, ConfigRecord, DeadLetter, ReplayMarker, RoleStatus;
}

/// Why a record is none of ours. Neither ever means gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not the event expected here.
    #[error("event type '{found}' instead of '{expected}'")]
    ForeignType {
        /// What was expected.
        expected: &'static str,
        /// What `ce_type` says; empty where it says nothing.
        found: String,
    },
    /// Its bytes are not the message they say.
    #[error("the value does not decode")]
    Undecodable(#[source] prost::DecodeError),
}

impl Unreadable {
    /// The stable code, the reason in dead letters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignType { .. } => "foreign_type",
            Self::Undecodable(_) => "undecodable",
        }
    }
}

/// The headers of a record: its event type, the role that wrote it, its key and version, when, and the trace it belongs to.
#[must_use]
pub fn headers(
    event_type: &str,
    source_role: &str,
    key: &str,
    version: impl fmt::Display,
    time: Timestamp,
    traceparent: Option<&str>,
) -> Vec<(String, Bytes)> {
    let mut headers = vec![
        header_of("ce_specversion", Bytes::from_static(b"1.0")),
        header_of("ce_id", format!("{key}:{version}").into()),
        header_of("ce_type", event_type.to_owned().into()),
        header_of("ce_source", format!("xtsync/{source_role}").into()),
        header_of("ce_subject", key.to_owned().into()),
        header_of("ce_time", time.to_string().into()),
        header_of("content-type", Bytes::from_static(CONTENT_TYPE.as_bytes())),
    ];
    headers.extend(traceparent.map(|parent| header_of("traceparent", parent.to_owned().into())));
    headers
}

/// The record of an event, with the headers that say what it is, which role wrote it, which version of its key it is, and the trace it
/// belongs to.
#[must_use]
pub fn record<M: Typed>(
    role: Role,
    topic: Topic,
    key: &str,
    version: impl fmt::Display,
    time: Timestamp,
    traceparent: Option<&str>,
    value: Vec<u8>,
) -> Outgoing {
    let headers = headers(M::TYPE, role.name(), key, version, time, traceparent);
    Outgoing { topic, key: Bytes::copy_from_slice(key.as_bytes()), value: Some(value.into()), headers }
}

/// The value of a header; `None` where there is none, or it is no text.
#[must_use]
pub fn header<'a>(headers: &'a [(String, Bytes)], name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(found, _)| found == name)?;
    std::str::from_utf8(value).ok()
}

/// The W3C trace parent that a record carries.
#[must_use]
pub fn traceparent(headers: &[(String, Bytes)]) -> Option<&str> {
    header(headers, "traceparent")
}

/// Whether headers say that the value is this message.
///
/// # Errors
/// [`Unreadable::ForeignType`] when they say anything else, or nothing.
pub fn check<M: Typed>(headers: &[(String, Bytes)]) -> Result<(), Unreadable> {
    let found = header(headers, "ce_type").unwrap_or_default();
    if found == M::TYPE { Ok(()) } else { Err(Unreadable::ForeignType { expected: M::TYPE, found: shortened(found) }) }
}

/// Reads a record's value as a message, after its headers have said that it is one.
///
/// # Errors
/// See [`Unreadable`].
pub fn decode<M: Message + Typed + Default>(headers: &[(String, Bytes)], value: &[u8]) -> Result<M, Unreadable> {
    check::<M>(headers)?;
    M::decode(value).map_err(Unreadable::Undecodable)
}

fn header_of(name: &str, value: Bytes) -> (String, Bytes) {
    (name.to_owned(), value)
}

/// A stranger's text, short and plain enough for an error: of what is no type's name only its length is told.
fn shortened(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_/+:".contains(c);
    if text.len() <= 100 && text.chars().all(is_plain) { text.to_owned() } else { format!("({} bytes)", text.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events;

    fn delta_headers(traceparent: Option<&str>) -> Vec<(String, Bytes)> {
        let time = Timestamp::parse("2026-11-21T08:00:00Z").unwrap();
        headers(events::UserDelta::TYPE, "change-detector", "ana", 7, time, traceparent)
    }

    /// The binding's own example of binary mode has these headers, with its values in place of ours.
    #[test]
    fn headers_are_those_of_the_cloudevents_kafka_binding_in_binary_mode() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let text = |(name, value): (String, Bytes)| format!("{name}: {}", std::str::from_utf8(&value).unwrap());
        let got: Vec<_> = delta_headers(Some(trace)).into_iter().map(text).collect();
        let want = [
            "ce_specversion: 1.0",
            "ce_id: ana:7",
            "ce_type: dev.xtsync.events.v1.UserDelta",
            "ce_source: xtsync/change-detector",
            "ce_subject: ana",
            "ce_time: 2026-11-21T08:00:00Z",
            "content-type: application/protobuf",
            &format!("traceparent: {trace}"),
        ];
        assert_eq!(got, want);
        assert_eq!(traceparent(&delta_headers(Some(trace))), Some(trace));
        assert_eq!(traceparent(&delta_headers(None)), None);
    }

    #[test]
    fn a_record_reads_as_what_its_type_says() {
        let delta = events::UserDelta { user_id: "ana".to_owned(), ..Default::default() };
        assert_eq!(decode(&delta_headers(None), &delta.encode_to_vec()), Ok(delta));
    }

    #[test]
    fn a_foreign_type_and_undecodable_bytes_are_distinguished() {
        let bytes = events::UserDelta::default().encode_to_vec();
        let structured = [("content-type".to_owned(), Bytes::from_static(b"application/cloudevents+json"))];
        for (headers, found) in [
            (vec![], ""),
            (structured.to_vec(), ""),
            (headers("com.example.someevent", "x", "k", 1, Timestamp(0), None), "com.example.someevent"),
            (headers("Ana Gomez\n", "x", "k", 1, Timestamp(0), None), "(10 bytes)"),
            (headers(&"x".repeat(101), "x", "k", 1, Timestamp(0), None), "(101 bytes)"),
            (headers(events::Decision::TYPE, "policy", "k", 1, Timestamp(0), None), "dev.xtsync.events.v1.Decision"),
        ] {
            let want = Unreadable::ForeignType { expected: events::UserDelta::TYPE, found: found.to_owned() };
            assert_eq!(decode::<events::UserDelta>(&headers, &bytes), Err(want));
        }
        assert!(matches!(decode::<events::UserDelta>(&delta_headers(None), b"\xff\xff"), Err(Unreadable::Undecodable(_))));
    }
}
