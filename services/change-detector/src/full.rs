//! A full read of a directory, beside the incremental cycles: why it is made, and how far it has come.
//!
//! It follows cursors of its own, and the users that it shows are staged. Only a full read that reached its final link changes the mirror, in
//! bounded steps, each of which can be resumed.

use xtsync_directory::Cursor;

use crate::error::{Error, corrupt};

/// Why everything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The tenant was never read.
    Initial,
    /// The directory declared its cursor void.
    Void,
    /// The directory refuses a cursor that it gave.
    Refused,
    /// Its delta pages without end.
    Endless,
    /// More attributes are asked for.
    Selection,
    /// It is time to look for what delta queries lost.
    Comparison,
    /// The last full read could not be relied on.
    Unverified,
    /// A group that could not be read can be read again.
    GroupReadable,
    /// The store was lost or restored.
    Rebuilt,
    /// An operator asks for it.
    Resync,
}

const REASONS: [Reason; 10] = [
    Reason::Initial,
    Reason::Void,
    Reason::Refused,
    Reason::Endless,
    Reason::Selection,
    Reason::Comparison,
    Reason::Unverified,
    Reason::GroupReadable,
    Reason::Rebuilt,
    Reason::Resync,
];

impl Reason {
    /// Its name in the store and in logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Void => "void",
            Self::Refused => "refused",
            Self::Endless => "endless",
            Self::Selection => "selection",
            Self::Comparison => "comparison",
            Self::Unverified => "unverified",
            Self::GroupReadable => "group_readable",
            Self::Rebuilt => "rebuilt",
            Self::Resync => "resync",
        }
    }

    /// Whether the users it finds were missed by delta queries, which reported everything else meanwhile.
    pub(crate) fn is_comparison(self) -> bool {
        matches!(self, Self::Comparison | Self::Unverified | Self::Resync)
    }

    pub(crate) fn of_name(name: &str) -> Result<Self, Error> {
        REASONS.into_iter().find(|reason| reason.name() == name).ok_or_else(|| corrupt("the reason of a full read"))
    }
}

/// How far a full read has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FullPhase {
    /// It reads groups; without a cursor at the beginning.
    Groups(Option<Cursor>),
    /// It reads users; likewise.
    Users(Option<Cursor>),
    /// It has read everything and waits until this many cycles are complete, so that what changed meanwhile is known.
    AwaitCycle(u64),
    /// It is not verified: what it staged is merged over the known state, and no user is removed.
    Merge,
    /// What it staged replaces what is known.
    Replace,
    /// The users that it has not seen are removed.
    Remove,
    /// Users whose projection may be stale are projected.
    Project,
    /// What it staged is cleared away.
    Clear,
}

impl FullPhase {
    /// As it is stored, but for what it goes on at.
    pub(crate) fn number(&self) -> i64 {
        match self {
            Self::Groups(_) => 0,
            Self::Users(_) => 1,
            Self::AwaitCycle(_) => 2,
            Self::Merge => 3,
            Self::Replace => 4,
            Self::Remove => 5,
            Self::Project => 6,
            Self::Clear => 7,
        }
    }

    /// What it goes on at, as stored.
    pub(crate) fn page(&self) -> Option<String> {
        match self {
            Self::Groups(cursor) | Self::Users(cursor) => cursor.as_ref().map(|cursor| cursor.0.clone()),
            Self::AwaitCycle(cycle) => Some(cycle.to_string()),
            Self::Merge | Self::Replace | Self::Remove | Self::Project | Self::Clear => None,
        }
    }

    pub(crate) fn of(number: i64, page: Option<String>) -> Result<Self, Error> {
        Ok(match number {
            0 => Self::Groups(page.map(Cursor)),
            1 => Self::Users(page.map(Cursor)),
            2 => Self::AwaitCycle(page.and_then(|cycle| cycle.parse().ok()).ok_or_else(|| corrupt("the phase of a full read"))?),
            3 => Self::Merge,
            4 => Self::Replace,
            5 => Self::Remove,
            6 => Self::Project,
            7 => Self::Clear,
            _ => return Err(corrupt("the phase of a full read")),
        })
    }

    /// Whether it still reads.
    pub(crate) fn is_reading(&self) -> bool {
        match self {
            Self::Groups(_) | Self::Users(_) => true,
            Self::AwaitCycle(_) | Self::Merge | Self::Replace | Self::Remove | Self::Project | Self::Clear => false,
        }
    }

    /// Whether what it found is being written to the mirror: until that is over it is not known what groups lose.
    pub(crate) fn is_taking_over(&self) -> bool {
        match self {
            Self::Merge | Self::Replace | Self::Remove => true,
            Self::Groups(_) | Self::Users(_) | Self::AwaitCycle(_) | Self::Project | Self::Clear => false,
        }
    }

    /// Whether what it has not shown is removed already.
    pub(crate) fn is_removed(&self) -> bool {
        match self {
            Self::Groups(_) | Self::Users(_) | Self::AwaitCycle(_) | Self::Merge | Self::Replace | Self::Remove => false,
            Self::Project | Self::Clear => true,
        }
    }

    /// Whether what it found is taken over and projected.
    pub(crate) fn is_applying(&self) -> bool {
        match self {
            Self::Groups(_) | Self::Users(_) | Self::AwaitCycle(_) => false,
            Self::Merge | Self::Replace | Self::Remove | Self::Project | Self::Clear => true,
        }
    }
}

/// A full read under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) reason: Reason,
    pub(crate) phase: FullPhase,
    /// The attributes that it asks for, sorted.
    pub(crate) selected: Vec<String>,
    /// Where its own cursors ended.
    pub(crate) groups: Option<Cursor>,
    pub(crate) users: Option<Cursor>,
    /// Whether incremental cycles go on at its cursors; else those are thrown away.
    pub(crate) replaces_cursors: bool,
    /// Whether it adds an attribute to what is known of users.
    pub(crate) widens: bool,
    /// Whether an object of it was rejected.
    pub(crate) rejected: bool,
}

impl Full {
    /// One that begins.
    pub(crate) fn new(reason: Reason, selected: Vec<String>) -> Self {
        let phase = FullPhase::Groups(None);
        Self { reason, phase, selected, groups: None, users: None, replaces_cursors: false, widens: false, rejected: false }
    }

    /// Whether an attribute that the projection needs is still to be read of all users.
    pub(crate) fn is_widening(&self) -> bool {
        self.widens && !matches!(self.phase, FullPhase::Project | FullPhase::Clear)
    }

    /// Its flags, as stored.
    pub(crate) fn flags(&self) -> i64 {
        i64::from(self.replaces_cursors) | i64::from(self.widens) << 1 | i64::from(self.rejected) << 2
    }

    /// The same with these flags.
    pub(crate) fn with_flags(self, flags: i64) -> Self {
        Self { replaces_cursors: flags & 1 != 0, widens: flags & 2 != 0, rejected: flags & 4 != 0, ..self }
    }
}
