//! Each thing that can be waited for, one at a time.

use xtsync_contract::convert::wire_time;
use xtsync_domain::resource::{Id, Kind, Resource, Spec};

use super::*;

const NOW: Timestamp = Timestamp(1_000_000_000);

const REBUILT: &str = "hub to be released: the store of its links was lost and rebuilt; run `xtsync release hub`";

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

fn said(role: &str, tenant: &str) -> RoleStatus {
    let (role, tenant) = (role.to_owned(), tenant.to_owned());
    RoleStatus { role, tenant, replica: "r".into(), at: Some(wire_time(NOW)), revision: 7, round: 3, leader: true, ..Default::default() }
}

/// Everything at rest, after `change`.
fn waiting_after(change: impl FnOnce(&mut Known<'_>, &mut Numbers)) -> Vec<String> {
    let configuration = configuration();
    let synchronization = configuration.synchronizations().next().unwrap();
    let mut known = Known {
        published: true,
        behind: 0,
        missing: None,
        unseen: Vec::new(),
        roles: vec![said("change-detector", "emea"), said("policy", "emea"), said("provisioner", "hub"), said("change-detector", "hub")],
        configuration: &configuration,
        synchronizations: &[],
        now: NOW,
    };
    let mut numbers = Numbers::default();
    numbers.replayed = 7;
    change(&mut known, &mut numbers);
    let synchronizations = [(synchronization, numbers)];
    waiting_for(&Known { synchronizations: &synchronizations, ..known })
}

#[test]
fn at_rest_nothing_is_waited_for_and_what_a_person_must_move_is_not_either() {
    assert_eq!(waiting_after(|_, _| {}), Vec::<String>::new());
    let moved_by_people = waiting_after(|_, numbers| {
        for standing in ["held", "conflict", "refused", "settling", "done"] {
            numbers.stand(standing, 5);
        }
    });
    assert_eq!(moved_by_people, Vec::<String>::new());
}

#[test]
fn before_a_first_apply_that_is_waited_for() {
    let empty = Configuration::default();
    let (unseen, roles) = (vec![], vec![]);
    let known = Known { published: true, behind: 0, missing: None, unseen, roles, configuration: &empty, synchronizations: &[], now: NOW };
    assert_eq!(waiting_for(&known), ["a first apply"]);
}

#[test]
fn what_roles_say_is_waited_for_in_words() {
    type Change = fn(&mut RoleStatus);
    let cases: [(usize, Change, &str); 19] = [
        (0, |role| role.role = String::new(), "a change-detector to say how emea is"),
        (0, |role| role.at = Some(wire_time(NOW.minus(SILENT))), "a change-detector to say how emea is"),
        (0, |role| role.leader = false, "a change-detector to say how emea is"),
        (0, |role| role.blocked = "forbidden".into(), "change-detector of emea: forbidden"),
        (0, |role| role.revision = 6, "change-detector of emea to take up revision 7"),
        (0, |role| role.lag = 2, "change-detector of emea to publish 2 users"),
        (0, |role| role.round = 0, "the first round of emea"),
        (1, |role| role.role = String::new(), "policy to say how it is"),
        (1, |role| role.tenant = "us".into(), "policy to say how emea is"),
        (1, |role| role.blocked = "newer_writer".into(), "policy of emea: newer_writer"),
        (3, |role| role.at = Some(wire_time(NOW.minus(SILENT))), "a change-detector to say how hub is"),
        (3, |role| role.leader = false, "a change-detector to say how hub is"),
        (3, |role| role.blocked = "panicked_detect".into(), "change-detector of hub: panicked_detect"),
        (1, |role| role.revision = 6, "policy to take up revision 7"),
        (1, |role| role.lag = 1, "policy to decide 1 record"),
        (2, |role| role.tenant = "emea".into(), "a provisioner to say how hub is"),
        (2, |role| role.blocked = "rebuilt".into(), REBUILT),
        (2, |role| role.lag = 3, "provisioner of hub to take in 3 records"),
        (2, |role| role.pending = [("live".into(), 4)].into(), "4 links due in hub"),
    ];
    for (role, change, want) in cases {
        assert_eq!(waiting_after(|known, _| change(&mut known.roles[role])), [want]);
    }
}

#[test]
fn what_the_read_model_shows_is_waited_for_too_since_what_roles_said_may_be_old() {
    type Change = fn(&mut Known<'_>, &mut Numbers);
    let cases: [(Change, &str); 9] = [
        (|known, _| known.published = false, "revision 7 to be published"),
        (|known, _| known.behind = 1, "control to read 1 record"),
        (|known, _| known.unseen = vec!["to-hub: group All not seen yet".into()], "to-hub: group All not seen yet"),
        (|_, numbers| numbers.undecided = 1, "to-hub: 1 user not decided yet"),
        (|_, numbers| numbers.replayed = 6, "to-hub: users to be decided again"),
        (|_, numbers| numbers.untaken = 2, "to-hub: 2 links not as desired yet"),
        (|_, numbers| numbers.stand("waiting", 3), "to-hub: 3 links not as desired yet"),
        (|_, numbers| numbers.settling_soon = 1, "to-hub: 1 loss of scope settling"),
        (|_, numbers| numbers.settling_soon = 2, "to-hub: 2 losses of scope settling"),
    ];
    for (change, want) in cases {
        assert_eq!(waiting_after(change), [want]);
    }
}

#[test]
fn a_scope_is_empty_where_it_is_enforced_and_everything_was_read_and_decided() {
    let is_empty = |mode: &str, change: &dyn Fn(&mut Known<'_>, &mut Numbers)| {
        let standing = configuration();
        let spec = format!(r#"{{"to":"hub","mode":"{mode}","scope":{{"everyone":true}}}}"#);
        let id = Id { kind: Kind::Synchronization, tenant: Some(TenantName::new("emea").unwrap()), name: "to-hub".to_owned() };
        let changed = Resource { id, revision: 7, spec: Spec::from_json(Kind::Synchronization, spec.as_bytes()).unwrap() };
        let configuration = Configuration::new(7, [changed]);
        let synchronization = configuration.synchronizations().next().unwrap();
        let (unseen, roles) = (vec![], vec![said("change-detector", "emea")]);
        let mut known =
            Known { published: true, behind: 0, missing: None, unseen, roles, configuration: &standing, synchronizations: &[], now: NOW };
        let mut numbers = Numbers::default();
        numbers.replayed = 7;
        change(&mut known, &mut numbers);
        is_scope_empty(&known, synchronization, &numbers)
    };
    assert!(is_empty("enforce", &|_, _| {}));
    assert!(!is_empty("observe", &|_, _| {}));
    assert!(!is_empty("enforce", &|_, numbers| numbers.is_anybody_in_scope = true));
    assert!(!is_empty("enforce", &|_, numbers| numbers.undecided = 1));
    assert!(!is_empty("enforce", &|_, numbers| numbers.replayed = 6));
    assert!(!is_empty("enforce", &|known, _| known.behind = 1));
    assert!(!is_empty("enforce", &|known, _| known.roles[0].round = 0));
    assert!(!is_empty("enforce", &|known, _| known.roles.clear()));
}
