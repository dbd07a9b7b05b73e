//! What a directory posts: notifications, of which only the client state and the lifecycle event count.
//!
//! Posts are anonymous, so the list is cut off while it is read: more notifications than a directory puts together are refused before they
//! take memory.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

/// Notifications in one delivery; Graph puts fewer together.
pub(super) const NOTICES_MAX: usize = 1_000;

/// The longest client state. Source: Microsoft Graph, "subscription resource type" (128 characters).
const STATE_BYTES_MAX: usize = 512;

/// A delivery.
#[derive(Deserialize)]
pub(super) struct Delivery<'a> {
    #[serde(borrow, deserialize_with = "limited")]
    pub(super) value: Vec<Notice<'a>>,
}

/// One notification.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice<'a> {
    #[serde(borrow)]
    client_state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lifecycle_event: Option<Cow<'a, str>>,
}

/// What a notification says of its subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// Something changed, or was missed, or is not known to us.
    Changed,
    /// The subscription is gone.
    Removed,
    /// The subscription is to be renewed now.
    Challenged,
}

impl Notice<'_> {
    /// The client state, if it could be one of ours.
    pub(super) fn state(&self) -> Option<&str> {
        self.client_state.as_deref().filter(|state| state.len() <= STATE_BYTES_MAX)
    }

    pub(super) fn event(&self) -> Event {
        match self.lifecycle_event.as_deref() {
            Some("subscriptionRemoved") => Event::Removed,
            Some("reauthorizationRequired") => Event::Challenged,
            Some(_) | None => Event::Changed,
        }
    }
}

fn limited<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Vec<Notice<'a>>, D::Error> {
    struct Notices;

    impl<'de> Visitor<'de> for Notices {
        type Value = Vec<Notice<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {NOTICES_MAX} notifications")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
            let mut notices = Vec::new();
            while let Some(notice) = from.next_element()? {
                if notices.len() == NOTICES_MAX {
                    return Err(A::Error::custom("too many notifications"));
                }
                notices.push(notice);
            }
            Ok(notices)
        }
    }

    from.deserialize_seq(Notices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_as_long_as_a_directory_makes_it() {
        let delivery = |notices: usize| format!(r#"{{"value":[{}]}}"#, vec!["{}"; notices].join(","));
        for (notices, taken) in [(0, true), (NOTICES_MAX, true), (NOTICES_MAX + 1, false), (600_000, false)] {
            let text = delivery(notices);
            assert_eq!(serde_json::from_str::<Delivery<'_>>(&text).is_ok(), taken, "{notices}");
        }
        for text in ["", "{}", "[]", r#"{"value":{}}"#, r#"{"value":[7]}"#] {
            assert!(serde_json::from_str::<Delivery<'_>>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_notification_says_a_state_and_an_event() {
        let long = "s".repeat(STATE_BYTES_MAX + 1);
        for (text, state, event) in [
            (r#"{"clientState":"s"}"#.to_owned(), Some("s"), Event::Changed),
            (r#"{"clientState":"\u0073","lifecycleEvent":"missed"}"#.to_owned(), Some("s"), Event::Changed),
            (r#"{"lifecycleEvent":"subscriptionRemoved"}"#.to_owned(), None, Event::Removed),
            (r#"{"lifecycleEvent":"reauthorizationRequired","x":[{}]}"#.to_owned(), None, Event::Challenged),
            (format!(r#"{{"clientState":"{long}"}}"#), None, Event::Changed),
        ] {
            let notice: Notice<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!((notice.state(), notice.event()), (state, event), "{text}");
        }
    }
}
