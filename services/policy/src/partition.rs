//! One assigned partition of a source's deltas: two cursors over the same records, live and replay.

use xtsync_bus::{Committed, Ends};
use xtsync_domain::TenantName;
use xtsync_domain::address::Home;
use xtsync_domain::decide::CompiledRules;

use crate::progress::{Progress, Rules};

/// Which of the two cursors a record came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// The first time it is decided.
    Live,
    /// Decided again, for another revision or other rules.
    Replay,
}

/// An assigned partition.
#[derive(Debug)]
pub(crate) struct Assigned {
    /// The source of the deltas.
    pub(crate) source: TenantName,
    /// How many partitions the source's deltas have.
    pub(crate) partitions: u32,
    /// The offset up to which the live cursor's decisions are published; it is committed.
    pub(crate) next: i64,
    /// The offset that the live cursor reads next. The decisions of what lies between the two are on their way.
    pub(crate) decided: i64,
    /// How far it is decided.
    pub(crate) progress: Progress,
    /// What is known of the source as a home, under the version that this partition's decisions carry.
    pub(crate) home: Home,
    /// The field of a newer writer that this version cannot read. No later record is read before this replica is upgraded.
    pub(crate) stopped: Option<&'static str>,
    /// Whether the marker that closes this revision's replay is still to be published.
    pub(crate) needs_marker: bool,
    low: i64,
}

impl Assigned {
    /// A newly assigned partition, one of so many, with the group's committed offset and metadata.
    pub(crate) fn new(
        source: TenantName,
        partitions: u32,
        committed: Option<Committed>,
        ends: Ends,
        rules: &CompiledRules,
        home: &Home,
    ) -> Self {
        // An offset past the end means that the topic was recreated.
        let committed = committed.filter(|committed| committed.next <= ends.high);
        let progress = match &committed {
            Some(committed) => Progress::parse(&committed.metadata).unwrap_or(Progress::unknown()),
            None => Progress::fresh(rules.configuration().revision(), Rules::of(rules.digests(&source)), home),
        };
        let next = committed.map_or(ends.low, |committed| committed.next.max(ends.low));
        let mut assigned = Self {
            source,
            partitions,
            next,
            decided: next,
            progress,
            home: Home::default(),
            stopped: None,
            needs_marker: true,
            low: ends.low,
        };
        assigned.reconcile(rules, home);
        assigned
    }

    /// Turns to a revision, and to what is known of the source.
    pub(crate) fn reconcile(&mut self, rules: &CompiledRules, home: &Home) {
        let progress = std::mem::replace(&mut self.progress, Progress::unknown());
        // Nothing waits for the marker of a revision that changes nothing for this source.
        self.needs_marker |= rules.configuration().basis(&self.source) > progress.revision;
        let of_source = Rules::of(rules.digests(&self.source));
        self.progress = progress.toward(rules.configuration().revision(), of_source, home, self.low);
        self.home = Home { domains: home.domains.clone(), facts: self.progress.facts };
        self.replayed_to(self.replay_position().unwrap_or(self.low));
    }

    /// Where the replay goes on, if there is one.
    fn replay_position(&self) -> Option<i64> {
        self.progress.replay.as_ref().map(|replay| replay.next)
    }

    /// Where the replay goes on, if there is one and nothing stops it.
    pub(crate) fn replays_from(&self) -> Option<i64> {
        self.replay_position().filter(|_| self.stopped.is_none())
    }

    /// Whether a record is to be decided. A record that the live cursor has not reached is not replayed, because the live cursor
    /// decides it.
    pub(crate) fn takes(&self, offset: i64, pass: Pass) -> bool {
        match pass {
            Pass::Live => self.stopped.is_none(),
            Pass::Replay => self.replays_from().is_some() && offset < self.decided,
        }
    }

    /// Advances the replay. It ends at the live cursor's position *then*, not at its position when the replay began. Records decided
    /// live meanwhile are decided again, so that the last decision for each user is the one for the last delta, whatever
    /// compaction leaves.
    pub(crate) fn replayed_to(&mut self, offset: i64) {
        if let Some(replay) = &mut self.progress.replay {
            replay.next = offset;
        }
        self.progress.replay.take_if(|replay| replay.next >= self.decided);
    }

    /// What is to be committed for it.
    pub(crate) fn committed(&self) -> Committed {
        Committed { next: self.next, metadata: self.progress.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use xtsync_domain::Configuration;
    use xtsync_domain::decide::RULES_VERSION;
    use xtsync_domain::resource::{Id, Kind, Resource, Spec};

    use super::*;

    const ENDS: Ends = Ends { low: 10, high: 50 };

    /// Rules of one synchronization of `emea`.
    fn rules() -> CompiledRules {
        let id = Id { kind: Kind::Synchronization, tenant: TenantName::new("emea").ok(), name: "to-hub".to_owned() };
        let spec = Spec::from_json(Kind::Synchronization, br#"{"to":"hub","scope":{"everyone":true}}"#).unwrap();
        CompiledRules::compile(Arc::new(Configuration::new(9, [Resource { id, revision: 9, spec }])))
    }

    /// Their digests.
    fn known() -> Rules {
        Rules::of(rules().digests(&TenantName::new("emea").unwrap()))
    }

    fn assigned(next: i64, metadata: &str) -> Assigned {
        let committed = Committed { next, metadata: metadata.to_owned() };
        Assigned::new(TenantName::new("emea").unwrap(), 1, Some(committed), ENDS, &rules(), &Home::default())
    }

    #[test]
    fn a_partition_goes_on_where_its_group_was() {
        let done = Progress::fresh(9, known(), &Home::default());
        let again = Progress::unknown().toward(9, known(), &Home::default(), 20);
        let other = Progress { rules_version: RULES_VERSION + 1, ..done.clone() };
        for (next, note, live, replay) in [
            (30, done.to_string(), 30, None),
            (30, again.to_string(), 30, Some(20)),
            (5, done.to_string(), 10, None),
            (60, done.to_string(), 10, None),
            (30, "what is this".to_owned(), 30, Some(10)),
            (10, "what is this".to_owned(), 10, None),
            (30, other.to_string(), 30, Some(10)),
        ] {
            let assigned = assigned(next, &note);
            assert_eq!((assigned.next, assigned.replays_from()), (live, replay), "{next} {note}");
        }
        let fresh = Assigned::new(TenantName::new("emea").unwrap(), 1, None, ENDS, &rules(), &Home::default());
        assert_eq!((fresh.next, fresh.replays_from(), fresh.progress), (10, None, done));
    }

    #[test]
    fn a_replay_ends_where_the_live_cursor_is_by_then() {
        let mut assigned = assigned(30, "unknown");
        assigned.replayed_to(29);
        assigned.decided = 31;
        assert!(assigned.takes(30, Pass::Replay) && !assigned.takes(31, Pass::Replay));
        assigned.replayed_to(30);
        assert_eq!(assigned.replays_from(), Some(30));
        assigned.replayed_to(31);
        assert_eq!(assigned.replays_from(), None);
        assert!(!assigned.takes(20, Pass::Replay), "there is nothing to replay any more");
        assigned.replayed_to(12);
        assert_eq!(assigned.replays_from(), None, "and it does not begin by itself");
    }

    #[test]
    fn a_stopped_partition_takes_nothing() {
        let mut assigned = assigned(30, "unknown");
        assert!(assigned.takes(30, Pass::Live) && assigned.takes(20, Pass::Replay));
        assigned.stopped = Some("state");
        assert!(!assigned.takes(30, Pass::Live) && !assigned.takes(20, Pass::Replay));
    }
}
