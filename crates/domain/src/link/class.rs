//! The order of due work, for a user's delta and for a link: leavers, then users who lost the scope, then live changes, then
//! backlog.
//!
//! Leavers have a class of their own, because many users may lose a scope at once. A dismissed user must not wait behind a group
//! of 50,000 that was emptied.

use super::Link;
use crate::{Origin, Wanted};

/// The class of due work; strict, the lower goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A user disabled or deleted at home, or blocked by an operator, loses access.
    Leaver,
    /// A user who lost the scope loses access.
    Revoke,
    /// A live change, which a user waits for.
    Live,
    /// Initial load, replay, republication.
    Bulk,
}

impl Class {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Leaver, Self::Revoke, Self::Live, Self::Bulk];

    /// The name in metrics and on `status`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Leaver => "leaver",
            Self::Revoke => "revoke",
            Self::Live => "live",
            Self::Bulk => "bulk",
        }
    }

    /// The number it is stored as; it sorts as the classes do.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Leaver => 0,
            Self::Revoke => 1,
            Self::Live => 2,
            Self::Bulk => 3,
        }
    }

    /// Whether a user loses access.
    #[must_use]
    pub fn loses_access(self) -> bool {
        match self {
            Self::Leaver | Self::Revoke => true,
            Self::Live | Self::Bulk => false,
        }
    }

    /// The class that is stored as a number; `None` for any other number.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }
}

/// The class of a link's next work.
#[must_use]
pub fn class(link: &Link) -> Class {
    match link.wanted() {
        Wanted::No(_) if is_leaver(link) => Class::Leaver,
        Wanted::No(_) => Class::Revoke,
        Wanted::Yes(_) | Wanted::Skipped(_) if is_leaver(link) && link.shadow.account().is_some_and(|account| account.enabled) => {
            Class::Leaver
        }
        Wanted::Yes(_) | Wanted::Skipped(_) => by_origin(link.desired.origin),
    }
}

/// Whether a link's user is disabled or deleted at home, whatever is left to be done about it.
#[must_use]
pub fn is_leaver(link: &Link) -> bool {
    link.desired.desired.is_leaver()
}

fn by_origin(origin: Origin) -> Class {
    match origin {
        Origin::Live => Class::Live,
        Origin::Initial | Origin::Replay | Origin::Republish => Class::Bulk,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{account, blocked, link, not_wanted, out_of_scope, skipped, wanted};
    use super::super::{Account, Shadow, Stage};
    use super::*;

    #[test]
    fn a_lost_sign_in_is_urgent_whatever_else_is_not_decided() {
        let live = || Shadow::Object(account(Stage::Live));
        for (desired, shadow, want) in [
            (wanted(false), live(), Class::Leaver),
            (blocked(), live(), Class::Leaver),
            (not_wanted(), live(), Class::Leaver),
            (out_of_scope(0), live(), Class::Revoke),
            (blocked(), Shadow::Object(Account { enabled: false, ..account(Stage::Live) }), Class::Live),
            (blocked(), Shadow::None, Class::Live),
            (skipped(), live(), Class::Live),
        ] {
            assert_eq!(class(&link(desired.clone(), shadow)), want, "{desired:?}");
        }
    }

    #[test]
    fn a_class_is_read_back_from_its_number_and_sorts_like_it() {
        assert!(Class::ALL.is_sorted() && Class::ALL.is_sorted_by_key(|class| class.number()));
        Class::ALL.into_iter().for_each(|class| assert_eq!(Class::of_number(class.number()), Some(class)));
        assert_eq!((Class::of_number(-1), Class::of_number(4)), (None, None));
    }
}
