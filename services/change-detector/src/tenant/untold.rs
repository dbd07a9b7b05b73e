//! Groups of scopes that have members when they are asked and none by delta queries: some directories give groups there without their
//! members (<https://github.com/microsoftgraph/microsoft-graph-docs/issues/6271>). They are told of, and everything is read again.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::warn;
use xtsync_domain::fact::GroupState;
use xtsync_domain::{GroupId, Timestamp};

use super::Tenant;
use crate::error::Error;
use crate::membership;

/// What `status` says.
pub(super) const CODE: &str = "members_not_told";

/// How soon everything is read again a second time; then later each time.
const FIRST: Duration = Duration::from_secs(10 * 60);

/// How soon at most often in the long run.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The groups that have members when they are asked, and none in the mirror.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// Each with how many cycles were complete when that was first seen.
    seen: BTreeMap<GroupId, u64>,
    /// Whether it is so after a cycle that began later, so that the members are not merely new.
    is_any: bool,
    /// When everything is read again, and how long was waited for it.
    again: Option<(Timestamp, Duration)>,
}

impl Untold {
    /// Whether there are some.
    pub(super) fn is_any(&self) -> bool {
        self.is_any
    }

    /// Notes which groups are so now, after so many complete cycles; gives those that are certain now and were not before.
    fn note(&mut self, groups: Vec<GroupId>, round: u64, now: Timestamp) -> Vec<GroupId> {
        let is_certain = |since: u64| round > since + 1;
        let before = std::mem::take(&mut self.seen);
        self.seen = groups
            .into_iter()
            .map(|group| (before.get(&group).copied().unwrap_or(round), group))
            .map(|(since, group)| (group, since))
            .collect();
        let certain: Vec<GroupId> = self.seen.iter().filter(|(_, since)| is_certain(**since)).map(|(group, _)| group.clone()).collect();
        let news = if self.is_any { Vec::new() } else { certain.clone() };
        self.is_any = !certain.is_empty();
        if !self.is_any {
            self.again = None;
        } else if self.again.is_none() {
            self.again = Some((now, FIRST));
        }
        news
    }

    /// Whether everything is to be read again now. It is told once; the next time is later.
    pub(super) fn is_read_due(&mut self, now: Timestamp) -> bool {
        let Some((due, pause)) = self.again.filter(|(due, _)| now >= *due) else { return false };
        self.again = Some((due.max(now).plus(pause), pause.saturating_mul(2).min(LONGEST)));
        true
    }
}

impl Tenant {
    /// Asks those groups of scopes that have no members in the mirror whether they have some.
    pub(super) async fn verify_members(&mut self, states: &[(GroupId, GroupState)], now: Timestamp) -> Result<(), Error> {
        if self.reading.first() {
            return Ok(());
        }
        let mut untold = Vec::new();
        for (group, _) in states.iter().filter(|(_, state)| *state == GroupState::Present) {
            if !membership::has_members(&self.store, &self.name, group).await? && self.source.has_members(group).await? {
                untold.push(group.clone());
            }
        }
        for group in self.untold.note(untold, self.reading.round, now) {
            warn!(tenant = %self.name, %group, code = CODE, "a group of some scope has members, of whom delta queries tell nothing");
            self.metrics.failed(&self.name, CODE);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_no_later_cycle_tells_of_are_untold_until_one_does() {
        let all = || vec![GroupId::from("all")];
        let mut untold = Untold::default();
        for (groups, round, news, is_any) in [
            (all(), 1, 0, false),
            (all(), 2, 0, false),
            (all(), 3, 1, true),
            (all(), 4, 0, true),
            (vec![], 5, 0, false),
            (all(), 6, 0, false),
            (vec![], 7, 0, false),
            (all(), 9, 0, false),
            (all(), 11, 1, true),
        ] {
            assert_eq!(untold.note(groups, round, Timestamp(0)).len(), news, "{round}");
            assert_eq!(untold.is_any(), is_any, "{round}");
        }
    }

    #[test]
    fn everything_is_read_again_at_once_and_then_later_each_time() {
        let mut untold = Untold::default();
        let all = || vec![GroupId::from("all")];
        assert!(!untold.is_read_due(Timestamp(0)));
        [1, 3].into_iter().for_each(|round| drop(untold.note(all(), round, Timestamp(0))));
        let mut now = Timestamp(0);
        for minutes in [0, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440] {
            now = now.plus(Duration::from_secs(60 * minutes));
            assert!(!untold.is_read_due(now.minus(Duration::from_secs(1))) || minutes == 0);
            assert!(untold.is_read_due(now), "{minutes}");
            assert!(!untold.is_read_due(now), "{minutes}");
        }
    }
}
