//! What a page of a directory belongs to, and where it is merged.

use std::sync::Arc;

use xtsync_directory::{Source, UserChange};
use xtsync_domain::{TenantName, Timestamp};

use crate::full::FullPhase;

/// Where a page is merged.
pub(crate) struct Context<'a> {
    pub(crate) tenant: &'a TenantName,
    /// The reading of everything that rows are marked with.
    pub(crate) full_cycle: u64,
    /// What the page belongs to.
    pub(crate) of: PageOf<'a>,
    pub(crate) now: Timestamp,
    /// The attributes that are kept of users, sorted; beside those that the directory's connector needs.
    pub(crate) selected: &'a [String],
    pub(crate) source: &'a Arc<dyn Source>,
}

/// What a page belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PageOf<'a> {
    /// An incremental cycle.
    Cycle {
        /// The phase of the full read beside it: its pages do not override what the cycle reports.
        full: Option<&'a FullPhase>,
        /// Whether listings of members are under way beside it; likewise.
        is_listing: bool,
    },
    /// A full read that began then.
    Full { began: Timestamp },
    /// A listing of the members of a group that began then.
    Listing {
        began: Timestamp,
        /// How many cycles are complete.
        cycle: u64,
    },
}

impl PageOf<'_> {
    /// Whether the page also mentions what is known already.
    pub(crate) fn mentions_all(self) -> bool {
        self.began().is_some()
    }

    /// When the pages began that cycles may have overtaken; none for cycles themselves.
    pub(crate) fn began(self) -> Option<Timestamp> {
        match self {
            Self::Cycle { .. } => None,
            Self::Full { began } | Self::Listing { began, .. } => Some(began),
        }
    }

    /// The phase of the full read beside a cycle.
    pub(crate) fn full_beside(self) -> Option<FullPhase> {
        match self {
            Self::Cycle { full, .. } => full.cloned(),
            Self::Full { .. } | Self::Listing { .. } => None,
        }
    }

    /// Whether members that a cycle reports are noted.
    pub(crate) fn notes_members(self) -> bool {
        match self {
            Self::Cycle { full, is_listing } => is_listing || matches!(full, Some(FullPhase::Groups(_))),
            Self::Full { .. } | Self::Listing { .. } => false,
        }
    }
}

impl Context<'_> {
    fn selects(&self, attribute: &str) -> bool {
        self.selected.binary_search_by(|name| name.as_str().cmp(attribute)).is_ok() || self.source.needs(attribute)
    }

    /// The change without attributes that are not kept.
    pub(crate) fn selected(&self, mut change: UserChange) -> UserChange {
        if let UserChange::Changed { attributes, .. } = &mut change {
            attributes.keep(|name| self.selects(name));
        }
        change
    }
}
