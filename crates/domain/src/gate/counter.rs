//! What limits count: users, by what is done to them.
//!
//! Deletions of leavers (users disabled or deleted at home) have their own counter. A lost scope or another source may use up the
//! limit for deletions, and that must not leave access to a dismissed user.

use super::verb;
use crate::link::class::is_leaver;
use crate::link::{Call, Link, Verb};

/// A counter that a limit applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Users changed by this verb, without deletions of leavers.
    Verb(Verb),
    /// Leavers who are deleted.
    LeaverDelete,
}

impl Counter {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Verb(Verb::Create),
        Self::Verb(Verb::Update),
        Self::Verb(Verb::Disable),
        Self::Verb(Verb::Enable),
        Self::Verb(Verb::Delete),
        Self::Verb(Verb::Restore),
        Self::LeaverDelete,
    ];

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verb(verb) => verb.name(),
            Self::LeaverDelete => "leaver_delete",
        }
    }

    /// The counter of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|counter| counter.name() == name)
    }
}

/// What a call for a link counts against.
#[must_use]
pub fn counter(call: &Call, link: &Link) -> Option<Counter> {
    match verb(call, link)? {
        Verb::Delete if is_leaver(link) => Some(Counter::LeaverDelete),
        verb @ (Verb::Create | Verb::Update | Verb::Disable | Verb::Enable | Verb::Delete | Verb::Restore) => Some(Counter::Verb(verb)),
    }
}
