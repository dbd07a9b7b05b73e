//! What a directory posts: notifications, of which only the client state and the lifecycle event count.
//!
//! Posts are anonymous, so the list is cut off while it is read: more notifications than a directory puts together are refused before they
//! take memory.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

/// Notifications in one delivery; Graph puts fewer together.
pub(super) const NOTIFICATIONS_MAX: usize = 1_000;

/// The longest client state. Source: Microsoft Graph, "subscription resource type" (128 characters).
const STATE_BYTES_MAX: usize = 512;

/// A delivery.
#[derive(Deserialize)]
pub(super) struct Delivery<'a> {
    #[serde(borrow, deserialize_with = "limited")]
    pub(super) value: Vec<Notification<'a>>,
}

/// One notification.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notification<'a> {
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
    ReauthorizationRequired,
}

impl Notification<'_> {
    /// The client state, if it could be one of ours.
    pub(super) fn state(&self) -> Option<&str> {
        self.client_state.as_deref().filter(|state| state.len() <= STATE_BYTES_MAX)
    }

    pub(super) fn event(&self) -> Event {
        match self.lifecycle_event.as_deref() {
            Some("subscriptionRemoved") => Event::Removed,
            Some("reauthorizationRequired") => Event::ReauthorizationRequired,
            Some(_) | None => Event::Changed,
        }
    }
}

fn limited<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Vec<Notification<'a>>, D::Error> {
    struct Notifications;

    impl<'de> Visitor<'de> for Notifications {
        type Value = Vec<Notification<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {NOTIFICATIONS_MAX} notifications")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
            let mut notifications = Vec::new();
            while let Some(notification) = from.next_element()? {
                if notifications.len() == NOTIFICATIONS_MAX {
                    return Err(A::Error::custom("too many notifications"));
                }
                notifications.push(notification);
            }
            Ok(notifications)
        }
    }

    from.deserialize_seq(Notifications)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_has_a_bounded_number_of_notifications() {
        let delivery = |notifications: usize| format!(r#"{{"value":[{}]}}"#, vec!["{}"; notifications].join(","));
        for (notifications, accepted) in [(0, true), (NOTIFICATIONS_MAX, true), (NOTIFICATIONS_MAX + 1, false), (600_000, false)] {
            let text = delivery(notifications);
            assert_eq!(serde_json::from_str::<Delivery<'_>>(&text).is_ok(), accepted, "{notifications}");
        }
        for text in ["", "{}", "[]", r#"{"value":{}}"#, r#"{"value":[7]}"#] {
            assert!(serde_json::from_str::<Delivery<'_>>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_notification_has_a_client_state_and_an_event() {
        let long = "s".repeat(STATE_BYTES_MAX + 1);
        for (text, state, event) in [
            (r#"{"clientState":"s"}"#.to_owned(), Some("s"), Event::Changed),
            (r#"{"clientState":"\u0073","lifecycleEvent":"missed"}"#.to_owned(), Some("s"), Event::Changed),
            (r#"{"lifecycleEvent":"subscriptionRemoved"}"#.to_owned(), None, Event::Removed),
            (r#"{"lifecycleEvent":"reauthorizationRequired","x":[{}]}"#.to_owned(), None, Event::ReauthorizationRequired),
            (format!(r#"{{"clientState":"{long}"}}"#), None, Event::Changed),
        ] {
            let notification: Notification<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!((notification.state(), notification.event()), (state, event), "{text}");
        }
    }
}
