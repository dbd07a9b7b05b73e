//! Record headers: CloudEvents 1.0 in binary content mode (Kafka protocol binding), and the W3C trace parent.
//!
//! `ce_id` consists of key and version, so that a consumer can drop duplicates. A reader rejects a record with an unexpected `ce_type`:
//! protobuf bytes carry no type, so that a foreign message may decode by accident.

use std::fmt;

use bytes::Bytes;
use prost::Message;
use xtsync_bus::{Outgoing, Topic};
use xtsync_domain::Timestamp;

use crate::role::Role;

const CONTENT_TYPE: &str = "application/protobuf";

/// A message that is used as a record's value and has an event type.
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

/// Why a record's value cannot be read. An unreadable record never means that its object is gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The record's event type is not the expected one.
    #[error("event type '{found}' instead of '{expected}'")]
    ForeignType {
        /// The expected type.
        expected: &'static str,
        /// The value of `ce_type`; empty if the header is missing. A value that is not a plausible type name is replaced by its length.
        found: String,
    },
    /// The bytes are not a valid message of the expected type.
    #[error("the value does not decode")]
    Undecodable(#[source] prost::DecodeError),
}

impl Unreadable {
    /// Returns the stable code, which is the `reason` of a dead letter.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignType { .. } => "foreign_type",
            Self::Undecodable(_) => "undecodable",
        }
    }
}

/// Returns the headers of a record: event type, role that wrote it, key and version, time, and trace parent.
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

/// Returns the record of an event, with the headers of [`headers`].
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

/// Returns the value of a header; `None` if the header is missing or not UTF-8.
#[must_use]
pub fn header<'a>(headers: &'a [(String, Bytes)], name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(found, _)| found == name)?;
    std::str::from_utf8(value).ok()
}

/// Returns the W3C trace parent of a record, if it has one.
#[must_use]
pub fn traceparent(headers: &[(String, Bytes)]) -> Option<&str> {
    header(headers, "traceparent")
}

/// Checks that the `ce_type` header names this message.
///
/// # Errors
/// [`Unreadable::ForeignType`] if the header is missing or names another type.
pub fn check<M: Typed>(headers: &[(String, Bytes)]) -> Result<(), Unreadable> {
    let found = header(headers, "ce_type").unwrap_or_default();
    if found == M::TYPE { Ok(()) } else { Err(Unreadable::ForeignType { expected: M::TYPE, found: shortened(found) }) }
}

/// Checks the event type and decodes a record's value.
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

/// Returns foreign text in a form that is safe for an error: text that is not a plausible type name is replaced by its length.
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

    /// The header names are those of the binding's example of binary mode.
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
    fn a_record_with_the_expected_type_is_decoded() {
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
            // The package before the contract was split by audience.
            (headers("dev.xtsync.v1.UserDelta", "x", "k", 1, Timestamp(0), None), "dev.xtsync.v1.UserDelta"),
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
