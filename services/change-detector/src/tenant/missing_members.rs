//! Groups of scopes that have members when they are asked and none by delta queries: some directories give groups there without their
//! members (<https://github.com/microsoftgraph/microsoft-graph-docs/issues/6271>). They are reported, and everything is read again.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::warn;
use xtsync_domain::fact::GroupState;
use xtsync_domain::{GroupId, Timestamp};

use super::Tenant;
use crate::error::Error;
use crate::membership;

/// What `status` says.
pub(super) const CODE: &str = "members_not_in_delta";

/// How soon everything is read again a second time; then later each time.
const RETRY_INTERVAL_MIN: Duration = Duration::from_secs(10 * 60);

/// How soon at most often in the long run.
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The groups that have members when they are asked, and none in the mirror.
#[derive(Debug, Default)]
pub(super) struct MissingMembers {
    /// Each with how many cycles were complete when that was first seen.
    seen: BTreeMap<GroupId, u64>,
    /// Whether it is so after a cycle that began later, so that the members are not merely new.
    is_any: bool,
    /// When everything is read again, and how long was waited for it.
    next_read: Option<(Timestamp, Duration)>,
}

impl MissingMembers {
    /// Whether there are some.
    pub(super) fn is_any(&self) -> bool {
        self.is_any
    }

    /// Notes which groups are so now, after so many complete cycles; returns those that are certain now and were not before.
    fn note(&mut self, groups: Vec<GroupId>, cycle: u64, now: Timestamp) -> Vec<GroupId> {
        let is_certain = |since: u64| cycle > since + 1;
        let before = std::mem::take(&mut self.seen);
        self.seen = groups
            .into_iter()
            .map(|group| (before.get(&group).copied().unwrap_or(cycle), group))
            .map(|(since, group)| (group, since))
            .collect();
        let certain: Vec<GroupId> = self.seen.iter().filter(|(_, since)| is_certain(**since)).map(|(group, _)| group.clone()).collect();
        let new_groups = if self.is_any { Vec::new() } else { certain.clone() };
        self.is_any = !certain.is_empty();
        if !self.is_any {
            self.next_read = None;
        } else if self.next_read.is_none() {
            self.next_read = Some((now, RETRY_INTERVAL_MIN));
        }
        new_groups
    }

    /// Whether everything is to be read again now. It is reported once; the next time is later.
    pub(super) fn is_read_due(&mut self, now: Timestamp) -> bool {
        let Some((due, pause)) = self.next_read.filter(|(due, _)| now >= *due) else { return false };
        self.next_read = Some((due.max(now).plus(pause), pause.saturating_mul(2).min(RETRY_INTERVAL_MAX)));
        true
    }
}

impl Tenant {
    /// Asks those groups of scopes that have no members in the mirror whether they have some.
    pub(super) async fn verify_members(&mut self, states: &[(GroupId, GroupState)], now: Timestamp) -> Result<(), Error> {
        if self.sync_state.is_initial() {
            return Ok(());
        }
        let mut missing_members = Vec::new();
        for (group, _) in states.iter().filter(|(_, state)| *state == GroupState::Present) {
            if !membership::has_members(&self.store, &self.name, group).await? && self.source.has_members(group).await? {
                missing_members.push(group.clone());
            }
        }
        for group in self.missing_members.note(missing_members, self.sync_state.cycle, now) {
            warn!(tenant = %self.name, %group, code = CODE, "a group of some scope has members that delta queries do not report");
            self.metrics.failed(&self.name, CODE);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_no_later_cycle_lists_are_missing_until_one_does() {
        let all = || vec![GroupId::from("all")];
        let mut missing_members = MissingMembers::default();
        for (groups, cycle, new_groups, is_any) in [
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
            assert_eq!(missing_members.note(groups, cycle, Timestamp(0)).len(), new_groups, "{cycle}");
            assert_eq!(missing_members.is_any(), is_any, "{cycle}");
        }
    }

    #[test]
    fn full_reads_repeat_at_once_and_then_at_growing_intervals() {
        let mut missing_members = MissingMembers::default();
        let all = || vec![GroupId::from("all")];
        assert!(!missing_members.is_read_due(Timestamp(0)));
        [1, 3].into_iter().for_each(|cycle| drop(missing_members.note(all(), cycle, Timestamp(0))));
        let mut now = Timestamp(0);
        for minutes in [0, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440] {
            now = now.plus(Duration::from_secs(60 * minutes));
            assert!(!missing_members.is_read_due(now.minus(Duration::from_secs(1))) || minutes == 0);
            assert!(missing_members.is_read_due(now), "{minutes}");
            assert!(!missing_members.is_read_due(now), "{minutes}");
        }
    }
}
