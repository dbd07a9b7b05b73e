//! Tests of the reasons that prevent convergence, one at a time.

use xtsync_contract::convert::wire_time;
use xtsync_domain::resource::{Id, Kind, Resource, Spec};

use super::*;
use crate::condition::codes;

const NOW: Timestamp = Timestamp(1_000_000_000);

fn configuration() -> Configuration {
    let resource = |kind, tenant: &str, name: &str, json: &str| {
        let id = Id { kind, tenant: Some(TenantName::new(tenant).unwrap()), name: name.to_owned() };
        Resource { id, revision: 7, spec: Spec::from_json(kind, json.as_bytes()).unwrap() }
    };
    let client = r#"{"clientId":"app","clientSecret":{"file":"/run/s"}}"#;
    let tenant = format!(r#"{{"organization":"o","graph":{{"domain":"a.example","reader":{client}}}}}"#);
    Configuration::new(
        7,
        [
            resource(Kind::Tenant, "emea", "emea", &tenant),
            resource(Kind::Tenant, "hub", "hub", &tenant),
            resource(Kind::Synchronization, "emea", "to-hub", r#"{"to":"hub","scope":{"everyone":true}}"#),
        ],
    )
}

fn role_status(role: &str, tenant: &str) -> RoleStatus {
    let (role, tenant) = (role.to_owned(), tenant.to_owned());
    RoleStatus { role, tenant, replica: "r".into(), at: Some(wire_time(NOW)), revision: 7, cycle: 3, leader: true, ..Default::default() }
}

/// Applies `change` to a converged fleet and returns what it then waits for.
fn waiting_after(change: impl FnOnce(&mut Snapshot<'_>, &mut Numbers)) -> Vec<String> {
    let configuration = configuration();
    let synchronization = configuration.synchronizations().next().unwrap();
    let mut snapshot = Snapshot {
        published: true,
        total_lag: 0,
        missing: None,
        unresolved: Vec::new(),
        roles: vec![
            role_status("change-detector", "emea"),
            role_status("policy", "emea"),
            role_status("provisioner", "hub"),
            role_status("change-detector", "hub"),
        ],
        configuration: &configuration,
        synchronizations: &[],
        names: &Names::default(),
        now: NOW,
    };
    let mut numbers = Numbers::default();
    numbers.replayed = 7;
    change(&mut snapshot, &mut numbers);
    let synchronizations = [(synchronization, numbers)];
    codes(&waiting_for(&Snapshot { synchronizations: &synchronizations, ..snapshot }))
}

#[test]
fn links_that_wait_for_an_administrator_do_not_prevent_convergence() {
    assert_eq!(waiting_after(|_, _| {}), Vec::<String>::new());
    let waiting = waiting_after(|_, numbers| {
        for status in ["held", "conflict", "refused", "grace", "done"] {
            numbers.set_status(status, 5);
        }
    });
    assert_eq!(waiting, Vec::<String>::new());
}

#[test]
fn without_any_apply_the_first_one_is_waited_for() {
    let empty = Configuration::default();
    let (unresolved, roles) = (vec![], vec![]);
    let snapshot = Snapshot {
        published: true,
        total_lag: 0,
        missing: None,
        unresolved,
        roles,
        configuration: &empty,
        synchronizations: &[],
        names: &Names::default(),
        now: NOW,
    };
    assert_eq!(codes(&waiting_for(&snapshot)), ["first_apply"]);
}

#[test]
fn each_role_status_gives_its_reason() {
    type Change = fn(&mut RoleStatus);
    let cases: [(usize, Change, &str); 19] = [
        (0, |role| role.role = String::new(), "role_silent role=change-detector tenant=emea"),
        (0, |role| role.at = Some(wire_time(NOW.minus(STATUS_TIMEOUT))), "role_silent role=change-detector tenant=emea"),
        (0, |role| role.leader = false, "role_silent role=change-detector tenant=emea"),
        (0, |role| role.blocked = "forbidden".into(), "role_blocked code=forbidden role=change-detector tenant=emea"),
        (0, |role| role.revision = 6, "role_behind revision=7 role=change-detector tenant=emea"),
        (0, |role| role.lag = 2, "unpublished_users tenant=emea users=2"),
        (0, |role| role.cycle = 0, "first_cycle tenant=emea"),
        (1, |role| role.role = String::new(), "role_silent role=policy"),
        (1, |role| role.tenant = "us".into(), "role_silent role=policy tenant=emea"),
        (1, |role| role.blocked = "newer_writer".into(), "role_blocked code=newer_writer role=policy tenant=emea"),
        (3, |role| role.at = Some(wire_time(NOW.minus(STATUS_TIMEOUT))), "role_silent role=change-detector tenant=hub"),
        (3, |role| role.leader = false, "role_silent role=change-detector tenant=hub"),
        (3, |role| role.blocked = "panicked_detect".into(), "role_blocked code=panicked_detect role=change-detector tenant=hub"),
        (1, |role| role.revision = 6, "role_behind revision=7 role=policy"),
        (1, |role| role.lag = 1, "unevaluated_records records=1"),
        (2, |role| role.tenant = "emea".into(), "role_silent role=provisioner tenant=hub"),
        (2, |role| role.blocked = "observe_only_after_rebuild".into(), "observe_only_after_rebuild tenant=hub"),
        (2, |role| role.lag = 3, "unprocessed_decisions records=3 tenant=hub"),
        (2, |role| role.pending = [("live".into(), 4)].into(), "due_links links=4 tenant=hub"),
    ];
    for (role, change, want) in cases {
        assert_eq!(waiting_after(|snapshot, _| change(&mut snapshot.roles[role])), [want]);
    }
}

#[test]
fn the_read_model_gives_reasons_independent_of_role_statuses() {
    type Change = fn(&mut Snapshot<'_>, &mut Numbers);
    let cases: [(Change, &str); 9] = [
        (|snapshot, _| snapshot.published = false, "unpublished_revision revision=7"),
        (|snapshot, _| snapshot.total_lag = 1, "unread_records records=1"),
        (|snapshot, _| snapshot.unresolved = vec![condition(Code::GroupNotSeen, &[("group", &"All")])], "group_not_seen group=All"),
        (|_, numbers| numbers.undecided = 1, "undecided_users synchronization=to-hub users=1"),
        (|_, numbers| numbers.replayed = 6, "replay synchronization=to-hub"),
        (|_, numbers| numbers.unprocessed = 2, "open_links links=2 synchronization=to-hub"),
        (|_, numbers| numbers.set_status("waiting", 3), "open_links links=3 synchronization=to-hub"),
        (|_, numbers| numbers.grace_ends_soon = 1, "grace_period synchronization=to-hub users=1"),
        (|_, numbers| numbers.grace_ends_soon = 2, "grace_period synchronization=to-hub users=2"),
    ];
    for (change, want) in cases {
        assert_eq!(waiting_after(change), [want]);
    }
}

#[test]
fn a_scope_is_empty_only_if_it_is_enforced_and_completely_read_and_decided() {
    let is_empty = |mode: &str, change: &dyn Fn(&mut Snapshot<'_>, &mut Numbers)| {
        let stored = configuration();
        let spec = format!(r#"{{"to":"hub","mode":"{mode}","scope":{{"everyone":true}}}}"#);
        let id = Id { kind: Kind::Synchronization, tenant: Some(TenantName::new("emea").unwrap()), name: "to-hub".to_owned() };
        let changed = Resource { id, revision: 7, spec: Spec::from_json(Kind::Synchronization, spec.as_bytes()).unwrap() };
        let configuration = Configuration::new(7, [changed]);
        let synchronization = configuration.synchronizations().next().unwrap();
        let (unresolved, roles) = (vec![], vec![role_status("change-detector", "emea")]);
        let mut snapshot = Snapshot {
            published: true,
            total_lag: 0,
            missing: None,
            unresolved,
            roles,
            configuration: &stored,
            synchronizations: &[],
            names: &Names::default(),
            now: NOW,
        };
        let mut numbers = Numbers::default();
        numbers.replayed = 7;
        change(&mut snapshot, &mut numbers);
        is_scope_empty(&snapshot, synchronization, &numbers)
    };
    assert!(is_empty("enforce", &|_, _| {}));
    assert!(!is_empty("observe", &|_, _| {}));
    assert!(!is_empty("enforce", &|_, numbers| numbers.has_users_in_scope = true));
    assert!(!is_empty("enforce", &|_, numbers| numbers.undecided = 1));
    assert!(!is_empty("enforce", &|_, numbers| numbers.replayed = 6));
    assert!(!is_empty("enforce", &|snapshot, _| snapshot.total_lag = 1));
    assert!(!is_empty("enforce", &|snapshot, _| snapshot.roles[0].cycle = 0));
    assert!(!is_empty("enforce", &|snapshot, _| snapshot.roles.clear()));
}
