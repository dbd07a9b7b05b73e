//! In which order due links are worked on: leavers first, then what somebody just did, then backlog.

use super::Link;
use crate::{Desired, Origin};

/// A link's class; strict, the lower goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Somebody loses access.
    Revoke,
    /// Somebody waits for what just happened.
    Live,
    /// Initial load, replay, scrub.
    Bulk,
}

impl Class {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Revoke, Self::Live, Self::Bulk];

    /// The name in metrics and on `status`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Live => "live",
            Self::Bulk => "bulk",
        }
    }
}

/// The class of a link's next work.
#[must_use]
pub fn class(link: &Link) -> Class {
    match &link.desired.desired {
        Desired::Gone(_) => Class::Revoke,
        Desired::Present(present) if !present.enabled && link.shadow.account().is_some_and(|account| account.enabled) => Class::Revoke,
        Desired::Present(_) | Desired::Untouched(_) => by_origin(link.desired.origin),
    }
}

fn by_origin(origin: Origin) -> Class {
    match origin {
        Origin::Live => Class::Live,
        Origin::Initial | Origin::Replay | Origin::Scrub => Class::Bulk,
    }
}
