//! Tests of the reasons that prevent convergence, one at a time.

use xtsync_contract::convert::wire_time;
use xtsync_domain::resource::{Id, Kind, Resource, Spec};

use super::*;

const NOW: Timestamp = Timestamp(1_000_000_000);

const OBSERVE_ONLY: &str = "hub to be resumed: the store of its links was lost and rebuilt; run `xtsync resume hub`";

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
    waiting_for(&Snapshot { synchronizations: &synchronizations, ..snapshot })
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
    assert_eq!(waiting_for(&snapshot), ["a first apply"]);
}

#[test]
fn each_role_status_gives_its_reason() {
    type Change = fn(&mut RoleStatus);
    let cases: [(usize, Change, &str); 19] = [
        (0, |role| role.role = String::new(), "a change-detector to report on emea"),
        (0, |role| role.at = Some(wire_time(NOW.minus(STATUS_TIMEOUT))), "a change-detector to report on emea"),
        (0, |role| role.leader = false, "a change-detector to report on emea"),
        (0, |role| role.blocked = "forbidden".into(), "change-detector of emea: forbidden"),
        (0, |role| role.revision = 6, "change-detector of emea to take up revision 7"),
        (0, |role| role.lag = 2, "change-detector of emea to publish 2 users"),
        (0, |role| role.cycle = 0, "the first cycle of emea"),
        (1, |role| role.role = String::new(), "policy to report its status"),
        (1, |role| role.tenant = "us".into(), "policy to report on emea"),
        (1, |role| role.blocked = "newer_writer".into(), "policy of emea: newer_writer"),
        (3, |role| role.at = Some(wire_time(NOW.minus(STATUS_TIMEOUT))), "a change-detector to report on hub"),
        (3, |role| role.leader = false, "a change-detector to report on hub"),
        (3, |role| role.blocked = "panicked_detect".into(), "change-detector of hub: panicked_detect"),
        (1, |role| role.revision = 6, "policy to take up revision 7"),
        (1, |role| role.lag = 1, "policy to decide 1 record"),
        (2, |role| role.tenant = "emea".into(), "a provisioner to report on hub"),
        (2, |role| role.blocked = "observe_only_after_rebuild".into(), OBSERVE_ONLY),
        (2, |role| role.lag = 3, "provisioner of hub to take in 3 records"),
        (2, |role| role.pending = [("live".into(), 4)].into(), "4 links due in hub"),
    ];
    for (role, change, want) in cases {
        assert_eq!(waiting_after(|snapshot, _| change(&mut snapshot.roles[role])), [want]);
    }
}

#[test]
fn the_read_model_gives_reasons_independent_of_role_statuses() {
    type Change = fn(&mut Snapshot<'_>, &mut Numbers);
    let cases: [(Change, &str); 9] = [
        (|snapshot, _| snapshot.published = false, "revision 7 to be published"),
        (|snapshot, _| snapshot.total_lag = 1, "control to read 1 record"),
        (|snapshot, _| snapshot.unresolved = vec!["to-hub: group All not seen yet".into()], "to-hub: group All not seen yet"),
        (|_, numbers| numbers.undecided = 1, "to-hub: 1 user not decided yet"),
        (|_, numbers| numbers.replayed = 6, "to-hub: users to be decided again"),
        (|_, numbers| numbers.unprocessed = 2, "to-hub: 2 links not as desired yet"),
        (|_, numbers| numbers.set_status("waiting", 3), "to-hub: 3 links not as desired yet"),
        (|_, numbers| numbers.grace_ends_soon = 1, "to-hub: 1 loss of scope in the grace period"),
        (|_, numbers| numbers.grace_ends_soon = 2, "to-hub: 2 losses of scope in the grace period"),
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
