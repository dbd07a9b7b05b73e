use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

/// A breaker with its clock and chance.
struct Bench {
    breaker: Breaker,
    rng: StdRng,
    now: Timestamp,
}

fn key(user: usize) -> Key {
    Key { target: "hub".parse().unwrap(), source: "emea".parse().unwrap(), user: format!("u{user}").as_str().into() }
}

fn wait_code(admission: Admission) -> String {
    match admission {
        Admission::Go => "go".to_owned(),
        Admission::SetAside => "set aside".to_owned(),
        Admission::Wait { code, .. } => code,
    }
}

impl Bench {
    fn new() -> Self {
        Self { breaker: Breaker::default(), rng: StdRng::seed_from_u64(7), now: Timestamp(0) }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    fn report(&mut self, lane: Lane, verb: &'static str, user: usize, came: Came) -> Option<String> {
        self.breaker.report(lane, verb, &key(user), &came, self.now, &mut self.rng)
    }

    fn forbid(&mut self, verb: &'static str, users: impl IntoIterator<Item = usize>) {
        for user in users {
            self.report(Lane::Others, verb, user, Came::Failed(Symptom::Forbidden));
        }
    }

    fn press(&mut self, lane: Lane, pressure: Pressure) {
        self.report(lane, "patch", 0, Came::Target(pressure));
    }

    fn admit(&mut self, lane: Lane, verb: &'static str, user: usize) -> String {
        wait_code(self.breaker.admit(lane, &[verb], &key(user), self.now))
    }

    fn passages(&self) -> [Passage; 2] {
        [Lane::Leavers, Lane::Others].map(|lane| self.breaker.passage(lane, self.now))
    }
}

#[test]
fn one_object_that_fails_however_often_leaves_all_others_alone() {
    let mut bench = Bench::new();
    for _ in 0..50 {
        bench.forbid("invite", [1]);
        bench.report(Lane::Others, "look_up", 2, Came::Failed(Symptom::Failing(None)));
    }
    assert_eq!((bench.admit(Lane::Others, "invite", 3), bench.admit(Lane::Others, "look_up", 3)), ("go".into(), "go".into()));
    assert_eq!(bench.passages(), [Passage::Free; 2]);
}

#[test]
fn a_few_objects_that_fail_among_many_leave_the_others_alone() {
    let mut bench = Bench::new();
    for user in 0..388 {
        let came = if user % 75 == 1 { Came::Failed(Symptom::Failing(None)) } else { Came::Answered };
        bench.report(Lane::Others, "look_up", user, came);
        assert_eq!(bench.admit(Lane::Others, "look_up", 1000), "go", "after {user}");
    }
}

#[test]
fn a_verb_that_fails_for_several_objects_is_set_aside_alone_and_leavers_pass() {
    let mut bench = Bench::new();
    bench.forbid("invite", 0..3);
    assert_eq!(bench.admit(Lane::Others, "invite", 9), "invite_forbidden");
    assert_eq!(bench.admit(Lane::Others, "patch", 9), "go");
    assert_eq!(bench.admit(Lane::Leavers, "invite", 9), "go");
    assert_eq!(wait_code(bench.breaker.admit(Lane::Others, &["look_up", "invite"], &key(9), bench.now)), "invite_forbidden");
    assert_eq!((bench.passages(), bench.breaker.reason()), ([Passage::Free; 2], None));
    let blocked = bench.breaker.blocked_verbs();
    assert_eq!((blocked.len(), blocked[0].code.as_str()), (1, "invite_forbidden"));
}

#[test]
fn a_verb_that_was_set_aside_is_tried_by_one_link_and_what_waited_is_due_when_it_works() {
    let mut bench = Bench::new();
    bench.forbid("invite", 0..3);
    bench.pass(1);
    assert_eq!(bench.admit(Lane::Others, "invite", 4), "go");
    assert_eq!(bench.admit(Lane::Others, "invite", 5), "invite_forbidden", "one finds out");
    assert_eq!(bench.admit(Lane::Others, "invite", 4), "go", "the same link goes on");
    bench.forbid("invite", [4]);
    assert_eq!(bench.admit(Lane::Others, "invite", 4), "invite_forbidden");
    bench.pass(1);
    assert_eq!(bench.admit(Lane::Others, "invite", 6), "invite_forbidden", "the pause is longer by then");
    bench.pass(1);
    assert_eq!(bench.admit(Lane::Others, "invite", 6), "go");
    assert_eq!(bench.report(Lane::Others, "invite", 6, Came::Answered).as_deref(), Some("invite_forbidden"));
    assert_eq!(bench.admit(Lane::Others, "invite", 7), "go");
    assert_eq!(bench.report(Lane::Others, "invite", 7, Came::Answered), None);
    assert!(bench.breaker.blocked_verbs().is_empty());
}

#[test]
fn a_link_that_does_not_say_what_it_found_out_keeps_others_waiting_for_a_while_only() {
    let mut bench = Bench::new();
    bench.forbid("invite", 0..3);
    bench.pass(1);
    assert_eq!(bench.admit(Lane::Others, "invite", 4), "go");
    bench.pass(60);
    assert_eq!(bench.admit(Lane::Others, "invite", 5), "go");
}

#[test]
fn the_more_links_wait_for_a_verb_the_further_apart_they_come_back() {
    let mut bench = Bench::new();
    bench.forbid("invite", 0..3);
    let mut spread = |user| match bench.breaker.admit(Lane::Others, &["invite"], &key(user), bench.now) {
        Admission::Wait { spread, .. } => spread,
        other => panic!("{other:?}"),
    };
    assert_eq!(spread(10), APART);
    for user in 11..60 {
        spread(user);
    }
    assert_eq!(spread(60), APART * 51);
}

#[test]
fn refusals_that_repeat_across_verbs_and_objects_concern_the_target_and_leavers_have_their_own_back_off() {
    let mut bench = Bench::new();
    bench.forbid("invite", 0..3);
    bench.forbid("patch", 3..6);
    assert_eq!((bench.breaker.reason(), bench.passages()), (Some("everything_forbidden"), [Passage::Free, Passage::Shut]));
    assert_eq!((bench.admit(Lane::Others, "enable", 9), bench.admit(Lane::Leavers, "revoke", 9)), ("set aside".into(), "go".into()));
    // The leaver meets the same, and is tried again sooner than the others.
    bench.report(Lane::Leavers, "disable", 9, Came::Failed(Symptom::Forbidden));
    assert_eq!(bench.passages(), [Passage::Shut, Passage::Shut]);
    bench.pass(1);
    assert_eq!(bench.passages()[0], Passage::Probe);
    for _ in 0..20 {
        bench.report(Lane::Leavers, "disable", 9, Came::Failed(Symptom::Forbidden));
        bench.pass(30);
        assert_eq!(bench.passages()[0], Passage::Probe, "however often it failed");
    }
    bench.report(Lane::Leavers, "disable", 9, Came::Answered);
    assert_eq!((bench.breaker.reason(), bench.passages()), (None, [Passage::Free; 2]), "one success ends it");
}

#[test]
fn verbs_that_fail_with_successes_between_are_not_the_target_s_fault() {
    let mut bench = Bench::new();
    bench.forbid("invite", 0..3);
    bench.report(Lane::Others, "look_up", 3, Came::Answered);
    bench.forbid("patch", 3..6);
    assert_eq!((bench.breaker.reason(), bench.breaker.blocked_verbs().len()), (None, 2));
}

#[test]
fn a_target_that_cannot_be_reached_is_tried_by_one_and_a_leaver_is_not_asked_to_wait_for_the_others() {
    for pressure in [Pressure::Away, Pressure::Blocked("secret_expired".to_owned())] {
        let mut bench = Bench::new();
        bench.press(Lane::Others, pressure.clone());
        assert_eq!(bench.passages(), [Passage::Free, Passage::Shut]);
        bench.press(Lane::Leavers, pressure.clone());
        assert_eq!(bench.passages(), [Passage::Shut, Passage::Shut]);
        for _ in 0..20 {
            bench.pass(60);
            assert_eq!(bench.passages(), [Passage::Probe, Passage::Probe], "no pause is longer");
            bench.press(Lane::Leavers, pressure.clone());
        }
        bench.pass(30);
        assert_eq!(bench.passages()[0], Passage::Probe);
        bench.report(Lane::Leavers, "revoke", 1, Came::Answered);
        assert_eq!(bench.passages(), [Passage::Free, Passage::Free], "where a leaver gets through the others do");
    }
}

#[test]
fn a_throttling_target_is_left_alone_as_long_as_it_asks_by_those_whom_it_asked() {
    let mut bench = Bench::new();
    for _ in 0..16 {
        bench.press(Lane::Others, Pressure::Throttled(Duration::from_secs(7)));
    }
    assert_eq!((bench.passages(), bench.breaker.reason()), ([Passage::Free, Passage::Shut], Some("throttled")));
    assert_eq!(bench.breaker.shut_until(Lane::Others, bench.now), Some(bench.now.plus(Duration::from_secs(7))));
    bench.report(Lane::Leavers, "revoke", 1, Came::Answered);
    bench.report(Lane::Others, "patch", 1, Came::Answered);
    assert_eq!(bench.passages()[1], Passage::Shut, "a late answer releases nobody");
    bench.pass(7);
    assert_eq!(bench.passages()[1], Passage::Probe);
    bench.report(Lane::Others, "patch", 1, Came::Answered);
    assert_eq!(bench.passages()[1], Passage::Free);
    bench.press(Lane::Leavers, Pressure::Throttled(Duration::from_secs(300)));
    bench.pass(30);
    assert_eq!(bench.passages(), [Passage::Probe, Passage::Shut]);
}

#[test]
fn a_person_who_asks_has_everything_tried_at_once() {
    let mut bench = Bench::new();
    bench.forbid("invite", 0..3);
    bench.press(Lane::Leavers, Pressure::Away);
    bench.breaker.try_now(bench.now);
    assert_eq!(bench.passages(), [Passage::Probe; 2]);
    assert_eq!(bench.admit(Lane::Others, "invite", 9), "go");
}
