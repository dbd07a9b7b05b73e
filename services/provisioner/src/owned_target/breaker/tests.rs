use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

/// A breaker with its clock and chance.
struct Fixture {
    breaker: Breaker,
    rng: StdRng,
    now: Timestamp,
}

fn key(user: usize) -> Key {
    Key { target: "hub".parse().unwrap(), source: "emea".parse().unwrap(), user: format!("u{user}").as_str().into() }
}

fn describe(admission: Admission) -> String {
    match admission {
        Admission::Allowed => "allowed".to_owned(),
        Admission::TargetBlocked => "target blocked".to_owned(),
        Admission::Wait { code, .. } => code,
    }
}

impl Fixture {
    fn new() -> Self {
        Self { breaker: Breaker::default(), rng: StdRng::seed_from_u64(7), now: Timestamp(0) }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    fn report(&mut self, lane: Lane, verb: &'static str, user: usize, call_result: CallResult) -> Option<String> {
        self.breaker.report(lane, verb, &key(user), &call_result, self.now, &mut self.rng)
    }

    fn forbid(&mut self, verb: &'static str, users: impl IntoIterator<Item = usize>) {
        for user in users {
            self.report(Lane::Others, verb, user, CallResult::Failed(VerbFailure::Forbidden));
        }
    }

    fn fail_target(&mut self, lane: Lane, failure: TargetFailure) {
        self.report(lane, "patch", 0, CallResult::TargetFailed(failure));
    }

    fn admit(&mut self, lane: Lane, verb: &'static str, user: usize) -> String {
        describe(self.breaker.admit(lane, &[verb], &key(user), self.now))
    }

    fn passages(&self) -> [Passage; 2] {
        [Lane::Leavers, Lane::Others].map(|lane| self.breaker.passage(lane, self.now))
    }
}

#[test]
fn one_failing_object_blocks_no_other() {
    let mut fixture = Fixture::new();
    for _ in 0..50 {
        fixture.forbid("invite", [1]);
        fixture.report(Lane::Others, "look_up", 2, CallResult::Failed(VerbFailure::Failing(None)));
    }
    assert_eq!((fixture.admit(Lane::Others, "invite", 3), fixture.admit(Lane::Others, "look_up", 3)), ("allowed".into(), "allowed".into()));
    assert_eq!(fixture.passages(), [Passage::Free; 2]);
}

#[test]
fn a_few_failing_objects_block_no_other() {
    let mut fixture = Fixture::new();
    for user in 0..388 {
        let call_result = if user % 75 == 1 { CallResult::Failed(VerbFailure::Failing(None)) } else { CallResult::Answered };
        fixture.report(Lane::Others, "look_up", user, call_result);
        assert_eq!(fixture.admit(Lane::Others, "look_up", 1000), "allowed", "after {user}");
    }
}

#[test]
fn a_verb_that_fails_for_several_objects_is_blocked_alone_and_leavers_pass() {
    let mut fixture = Fixture::new();
    fixture.forbid("invite", 0..3);
    assert_eq!(fixture.admit(Lane::Others, "invite", 9), "invite_forbidden");
    assert_eq!(fixture.admit(Lane::Others, "patch", 9), "allowed");
    assert_eq!(fixture.admit(Lane::Leavers, "invite", 9), "allowed");
    assert_eq!(describe(fixture.breaker.admit(Lane::Others, &["look_up", "invite"], &key(9), fixture.now)), "invite_forbidden");
    assert_eq!((fixture.passages(), fixture.breaker.reason()), ([Passage::Free; 2], None));
    let blocked = fixture.breaker.blocked_verbs();
    assert_eq!((blocked.len(), blocked[0].code.as_str()), (1, "invite_forbidden"));
}

#[test]
fn a_blocked_verb_is_probed_by_one_link_and_waiting_links_are_due_when_it_works() {
    let mut fixture = Fixture::new();
    fixture.forbid("invite", 0..3);
    fixture.pass(1);
    assert_eq!(fixture.admit(Lane::Others, "invite", 4), "allowed");
    assert_eq!(fixture.admit(Lane::Others, "invite", 5), "invite_forbidden", "one finds out");
    assert_eq!(fixture.admit(Lane::Others, "invite", 4), "allowed", "the same link goes on");
    fixture.forbid("invite", [4]);
    assert_eq!(fixture.admit(Lane::Others, "invite", 4), "invite_forbidden");
    fixture.pass(1);
    assert_eq!(fixture.admit(Lane::Others, "invite", 6), "invite_forbidden", "the pause is longer by then");
    fixture.pass(1);
    assert_eq!(fixture.admit(Lane::Others, "invite", 6), "allowed");
    assert_eq!(fixture.report(Lane::Others, "invite", 6, CallResult::Answered).as_deref(), Some("invite_forbidden"));
    assert_eq!(fixture.admit(Lane::Others, "invite", 7), "allowed");
    assert_eq!(fixture.report(Lane::Others, "invite", 7, CallResult::Answered), None);
    assert!(fixture.breaker.blocked_verbs().is_empty());
}

#[test]
fn a_probe_without_a_result_blocks_others_for_a_limited_time() {
    let mut fixture = Fixture::new();
    fixture.forbid("invite", 0..3);
    fixture.pass(1);
    assert_eq!(fixture.admit(Lane::Others, "invite", 4), "allowed");
    fixture.pass(60);
    assert_eq!(fixture.admit(Lane::Others, "invite", 5), "allowed");
}

#[test]
fn links_that_wait_for_a_verb_return_spread_over_time() {
    let mut fixture = Fixture::new();
    fixture.forbid("invite", 0..3);
    let mut spread = |user| match fixture.breaker.admit(Lane::Others, &["invite"], &key(user), fixture.now) {
        Admission::Wait { spread, .. } => spread,
        other => panic!("{other:?}"),
    };
    assert_eq!(spread(10), SPREAD_STEP);
    for user in 11..60 {
        spread(user);
    }
    assert_eq!(spread(60), SPREAD_STEP * 51);
}

#[test]
fn refusals_across_verbs_and_objects_block_the_target_and_leavers_have_their_own_backoff() {
    let mut fixture = Fixture::new();
    fixture.forbid("invite", 0..3);
    fixture.forbid("patch", 3..6);
    assert_eq!((fixture.breaker.reason(), fixture.passages()), (Some("everything_forbidden"), [Passage::Free, Passage::Blocked]));
    assert_eq!(
        (fixture.admit(Lane::Others, "enable", 9), fixture.admit(Lane::Leavers, "revoke", 9)),
        ("target blocked".into(), "allowed".into())
    );
    // The leaver meets the same, and is tried again sooner than the others.
    fixture.report(Lane::Leavers, "disable", 9, CallResult::Failed(VerbFailure::Forbidden));
    assert_eq!(fixture.passages(), [Passage::Blocked, Passage::Blocked]);
    fixture.pass(1);
    assert_eq!(fixture.passages()[0], Passage::Probe);
    for _ in 0..20 {
        fixture.report(Lane::Leavers, "disable", 9, CallResult::Failed(VerbFailure::Forbidden));
        fixture.pass(30);
        assert_eq!(fixture.passages()[0], Passage::Probe, "however often it failed");
    }
    fixture.report(Lane::Leavers, "disable", 9, CallResult::Answered);
    assert_eq!((fixture.breaker.reason(), fixture.passages()), (None, [Passage::Free; 2]), "one success ends it");
}

#[test]
fn verbs_that_fail_with_successes_between_are_not_the_target_s_fault() {
    let mut fixture = Fixture::new();
    fixture.forbid("invite", 0..3);
    fixture.report(Lane::Others, "look_up", 3, CallResult::Answered);
    fixture.forbid("patch", 3..6);
    assert_eq!((fixture.breaker.reason(), fixture.breaker.blocked_verbs().len()), (None, 2));
}

#[test]
fn an_unreachable_target_is_probed_by_one_link_and_leavers_have_their_own_circuit() {
    for failure in [TargetFailure::Unavailable, TargetFailure::Blocked("secret_expired".to_owned())] {
        let mut fixture = Fixture::new();
        fixture.fail_target(Lane::Others, failure.clone());
        assert_eq!(fixture.passages(), [Passage::Free, Passage::Blocked]);
        fixture.fail_target(Lane::Leavers, failure.clone());
        assert_eq!(fixture.passages(), [Passage::Blocked, Passage::Blocked]);
        for _ in 0..20 {
            fixture.pass(60);
            assert_eq!(fixture.passages(), [Passage::Probe, Passage::Probe], "no pause is longer");
            fixture.fail_target(Lane::Leavers, failure.clone());
        }
        fixture.pass(30);
        assert_eq!(fixture.passages()[0], Passage::Probe);
        fixture.report(Lane::Leavers, "revoke", 1, CallResult::Answered);
        assert_eq!(fixture.passages(), [Passage::Free, Passage::Free], "where a leaver gets through the others do");
    }
}

#[test]
fn a_throttling_target_is_not_called_for_as_long_as_it_asks() {
    let mut fixture = Fixture::new();
    for _ in 0..16 {
        fixture.fail_target(Lane::Others, TargetFailure::Throttled(Duration::from_secs(7)));
    }
    assert_eq!((fixture.passages(), fixture.breaker.reason()), ([Passage::Free, Passage::Blocked], Some("throttled")));
    assert_eq!(fixture.breaker.open_until(Lane::Others, fixture.now), Some(fixture.now.plus(Duration::from_secs(7))));
    fixture.report(Lane::Leavers, "revoke", 1, CallResult::Answered);
    fixture.report(Lane::Others, "patch", 1, CallResult::Answered);
    assert_eq!(fixture.passages()[1], Passage::Blocked, "a late answer releases no link");
    fixture.pass(7);
    assert_eq!(fixture.passages()[1], Passage::Probe);
    fixture.report(Lane::Others, "patch", 1, CallResult::Answered);
    assert_eq!(fixture.passages()[1], Passage::Free);
    fixture.fail_target(Lane::Leavers, TargetFailure::Throttled(Duration::from_secs(300)));
    fixture.pass(30);
    assert_eq!(fixture.passages(), [Passage::Probe, Passage::Blocked]);
}

#[test]
fn a_retry_command_probes_everything_at_once() {
    let mut fixture = Fixture::new();
    fixture.forbid("invite", 0..3);
    fixture.fail_target(Lane::Leavers, TargetFailure::Unavailable);
    fixture.breaker.probe_now(fixture.now);
    assert_eq!(fixture.passages(), [Passage::Probe; 2]);
    assert_eq!(fixture.admit(Lane::Others, "invite", 9), "allowed");
}
