//! The slow comparison: now and then everything is read again, since delta queries lose changes, and what they lost is counted.
//!
//! Whoever comes out otherwise of such a reading either changed while it was under way, or was lost. So before anybody is cut, the
//! delta queries are followed once more from where they stood before it: whom they tell of by then was not lost. Where that stood is kept
//! in memory: after a restart what was lost is found and published all the same, and not counted.

use std::collections::BTreeSet;

use tracing::{info, warn};
use xtsync_directory::{self as directory, Cursor, GroupChange, MemberChange, MemberKind, Next, UserChange};
use xtsync_domain::{Timestamp, UserId};
use xtsync_platform::turn;

use super::Tenant;
use crate::reading::Reading;

/// A comparison under way.
#[derive(Debug)]
pub(super) struct Comparison {
    /// Where the delta queries are followed on; none where they were to their end.
    groups: Option<Cursor>,
    users: Option<Cursor>,
    /// Of whom they told meanwhile.
    told: BTreeSet<String>,
}

impl Comparison {
    /// One with what delta queries tell from here on.
    pub(super) fn of(reading: &Reading) -> Option<Self> {
        let (groups, users) = (Some(reading.groups.clone()?), Some(reading.users.clone()?));
        Some(Self { groups, users, told: BTreeSet::new() })
    }

    fn note_group(&mut self, change: GroupChange) -> bool {
        let GroupChange::Changed { members, .. } = change else {
            return true;
        };
        let is_known = |change: &MemberChange| match change {
            MemberChange::Joined(member) => member.kind == MemberKind::User,
            MemberChange::Left { .. } => true,
        };
        let known = members.iter().all(is_known);
        self.told.extend(members.iter().map(|change| change.id().to_owned()));
        known
    }
}

impl Tenant {
    /// Whether it is time to read everything again.
    pub(super) fn comparison_due(&self, now: Timestamp) -> bool {
        !self.reading.first() && turn::next(self.name.as_str(), self.pace.compare, self.reading.began).is_some_and(|due| now >= due)
    }

    /// Reads one more page of what delta queries told while everything was read. True while there may be more. What cannot be read only
    /// goes uncounted.
    pub(super) async fn hears_out(&mut self) -> bool {
        let Some(mut comparison) = self.comparison.take() else {
            return false;
        };
        match self.hear(&mut comparison).await {
            Ok(Some(more)) => {
                self.comparison = Some(comparison);
                more
            }
            Ok(None) => {
                info!(tenant = %self.name, "groups were put into groups while everything was read: what was lost is not counted");
                false
            }
            Err(error) => {
                warn!(tenant = %self.name, %error, "delta queries cannot be followed on: what was lost is not counted");
                false
            }
        }
    }

    /// One page; whether there may be more, and none where it cannot be said whom it concerns.
    async fn hear(&self, comparison: &mut Comparison) -> directory::Result<Option<bool>> {
        if let Some(cursor) = comparison.groups.take() {
            let page = self.source.groups(Some(&cursor)).await?;
            comparison.groups = further(page.next);
            let known = page.changes.into_iter().all(|change| comparison.note_group(change));
            return Ok(known.then_some(true));
        }
        if let Some(cursor) = comparison.users.take() {
            let page = self.source.users(&self.reading.selected, Some(&cursor)).await?;
            comparison.users = further(page.next);
            comparison.told.extend(page.changes.into_iter().map(|change| match change {
                UserChange::Changed { id, .. } | UserChange::Gone { id, .. } => id.0,
            }));
            return Ok(Some(true));
        }
        Ok(Some(false))
    }

    /// Counts those who came out otherwise though no delta query told of them.
    pub(super) fn count_lost(&mut self, otherwise: &[UserId]) {
        if let Some(comparison) = &self.comparison {
            let lost = otherwise.iter().filter(|id| !comparison.told.contains(&id.0)).count() as u64;
            self.found_lost += lost;
            self.metrics.found_lost(&self.name, lost);
        }
    }

    /// Says what was found.
    pub(super) fn end_comparison(&mut self) {
        match (self.comparison.take(), self.found_lost) {
            (Some(_), 0) => info!(tenant = %self.name, "everything was compared: nothing was lost"),
            (Some(_), lost) => warn!(tenant = %self.name, lost, "everything was compared: delta queries had lost changes"),
            (None, _) => {}
        }
    }
}

fn further(next: Next) -> Option<Cursor> {
    match next {
        Next::Page(cursor) => Some(cursor),
        Next::Complete(_) => None,
    }
}
