//! Tests of what is due, at times that the test passes in.

use super::*;

const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// A ledger with statuses to publish, and the time since the start.
struct Replica {
    ledger: Ledger,
    statuses: Statuses,
    began: Instant,
    elapsed: Duration,
}

impl Replica {
    fn start() -> Self {
        let began = Instant::now();
        Self { ledger: Ledger::new(Role::POLICY, "r1", began), statuses: Statuses::new(), began, elapsed: Duration::ZERO }
    }

    fn set(&mut self, status: RoleStatus) {
        self.statuses.insert(status.tenant.clone(), status);
    }

    fn due(&mut self, is_last: bool) -> Due {
        self.ledger.due(&self.statuses, START.plus(self.elapsed), self.began + self.elapsed, is_last)
    }

    /// Publishes what is due after some time. Returns it as text: the heartbeat, or tenant and lag, or the tenant of a tombstone.
    fn published_after(&mut self, millis: u64) -> Vec<String> {
        self.elapsed += Duration::from_millis(millis);
        let due = self.due(false);
        let published = due.records.iter().map(text).collect();
        self.ledger.confirm(due);
        published
    }

    /// As [`Self::published_after`], but the publication fails.
    fn failed_after(&mut self, millis: u64) -> Vec<String> {
        self.elapsed += Duration::from_millis(millis);
        self.due(false).records.iter().map(text).collect()
    }
}

fn status(tenant: &str, lag: u64) -> RoleStatus {
    RoleStatus { tenant: tenant.to_owned(), lag, ..RoleStatus::default() }
}

fn read(record: &Outgoing) -> Option<RoleStatus> {
    record.value.as_ref().map(|value| event::decode(&record.headers, value).unwrap())
}

fn key(record: &Outgoing) -> &str {
    std::str::from_utf8(&record.key).unwrap()
}

fn text(record: &Outgoing) -> String {
    match read(record) {
        Some(status) if status.tenant.is_empty() => "heartbeat".to_owned(),
        Some(status) => format!("{} {}", status.tenant, status.lag),
        None => format!("end of {}", key(record).rsplit('/').next().unwrap()),
    }
}

#[test]
fn at_rest_only_the_heartbeat_is_published_however_many_tenants_there_are() {
    let mut replica = Replica::start();
    (0..300).for_each(|n| replica.set(status(&format!("t{n}"), 0)));
    assert_eq!(replica.published_after(0).len(), 1 + 300);
    for _ in 0..3 {
        assert_eq!(replica.published_after(4_999), [""; 0]);
        assert_eq!(replica.published_after(1), ["heartbeat"]);
    }
}

#[test]
fn a_change_is_published_at_once_and_counters_at_most_once_a_second() {
    let mut replica = Replica::start();
    replica.set(status("emea", 1));
    assert_eq!(replica.published_after(0), ["heartbeat", "emea 1"]);
    replica.set(RoleStatus { pending: [("live".to_owned(), 2)].into(), ..status("emea", 2) });
    assert_eq!(replica.published_after(250), [""; 0]);
    assert!(replica.due(false).is_postponed);
    assert_eq!(replica.published_after(749), [""; 0]);
    assert_eq!(replica.published_after(1), ["emea 2"]);
    type Change = fn(&mut RoleStatus);
    let changes: [Change; 4] = [
        |status| status.blocked = "away".into(),
        |status| status.leader = true,
        |status| status.warning = "scope_loss".into(),
        |status| status.republishing = true,
    ];
    for (lag, change) in (3..).zip(changes) {
        let now = replica.statuses.get_mut("emea").unwrap();
        now.lag = lag;
        change(now);
        assert_eq!(replica.published_after(1), [format!("emea {lag}")]);
    }
    replica.set(RoleStatus { lag: 9, ..replica.statuses["emea"].clone() });
    assert!(!replica.due(true).is_postponed, "nothing comes after the last time");
}

#[test]
fn changed_counters_make_fifty_records_a_second_however_many_tenants_there_are() {
    for tenants in [50, 300] {
        let mut replica = Replica::start();
        let mut seen = 0;
        for round in 0..48 {
            for tenant in 0..tenants {
                replica.set(RoleStatus { revision: round, ..status(&format!("t{tenant}"), round) });
            }
            let published = replica.published_after(250);
            let statuses = published.iter().filter(|text| *text != "heartbeat").count();
            seen += if round == 0 { 0 } else { statuses };
        }
        // In 12 seconds, beside the first publication of each.
        let want = 12 * 50 - tenants;
        assert_eq!(seen, usize::try_from(want).unwrap(), "{tenants} tenants");
    }
}

#[test]
fn what_was_not_published_is_repeated() {
    let mut replica = Replica::start();
    assert_eq!(replica.published_after(0), ["heartbeat"]);
    replica.set(status("emea", 1));
    assert_eq!(replica.failed_after(250), ["emea 1"]);
    replica.set(status("us", 1));
    assert_eq!(replica.failed_after(250), ["emea 1", "us 1"]);
    // It may have been published.
    replica.statuses.remove("us");
    assert_eq!(replica.failed_after(250), ["emea 1", "end of us"]);
    assert_eq!(replica.published_after(4_250), ["heartbeat", "emea 1", "end of us"]);
    assert_eq!(replica.published_after(5_000), ["heartbeat"]);
}

#[test]
fn a_tenant_that_is_no_longer_reported_ends_once() {
    let mut replica = Replica::start();
    replica.set(status("emea", 1));
    let keys: Vec<String> = replica.due(false).records.iter().map(|record| key(record).to_owned()).collect();
    assert_eq!(keys, ["policy/r1", "policy/r1/1800000000000000/emea"]);
    assert_eq!(replica.published_after(0), ["emea 1"]);
    replica.statuses.clear();
    let due = replica.due(false);
    assert_eq!(due.records.iter().map(key).collect::<Vec<_>>(), ["policy/r1/1800000000000000/emea"]);
    assert_eq!(replica.published_after(0), ["end of emea"]);
    assert_eq!(replica.published_after(0), [""; 0]);
}

#[test]
fn the_heartbeat_and_the_statuses_name_the_same_start() {
    let mut replica = Replica::start();
    replica.set(status("emea", 1));
    replica.elapsed = Duration::from_secs(3);
    let first = replica.due(false);
    let since = Some(wire_time(START.plus(Duration::from_secs(3))));
    for record in &first.records {
        let status = read(record).unwrap();
        assert_eq!((status.role.as_str(), status.replica.as_str()), ("policy", "r1"));
        assert_eq!((status.at, status.reporting_since), (since, since));
    }
    replica.ledger.confirm(first);
    replica.set(status("us", 1));
    replica.elapsed = Duration::from_secs(8);
    for record in replica.due(false).records {
        let status = read(&record).unwrap();
        assert_eq!((status.at, status.reporting_since), (Some(wire_time(START.plus(Duration::from_secs(8)))), since));
    }
}

#[test]
fn after_a_long_silence_everything_is_published_under_another_start() {
    let gap = u64::try_from(GAP_MAX.as_millis()).unwrap();
    let mut replica = Replica::start();
    replica.set(status("emea", 1));
    assert_eq!(replica.published_after(0), ["heartbeat", "emea 1"]);
    let start = |replica: &mut Replica| read(&replica.due(false).records[0]).unwrap().reporting_since;
    assert_eq!(replica.failed_after(gap - 5_000), ["heartbeat"]);
    assert_eq!(replica.published_after(4_999), [""; 0]);
    replica.elapsed += Duration::from_millis(1);
    assert_eq!(start(&mut replica), Some(wire_time(START.plus(GAP_MAX))));
    assert_eq!(replica.published_after(0), ["emea 1"]);
    // The heartbeat was not confirmed.
    assert_eq!(replica.published_after(5_000), ["heartbeat", "emea 1"]);
    assert_eq!(replica.published_after(gap - 1), ["heartbeat"]);
    assert_eq!(replica.published_after(gap), ["heartbeat", "emea 1"]);
}
