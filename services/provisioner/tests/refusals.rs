//! What a target forbids or fails at concerns as little as it can: the object, the verb, and only then the target; leavers least of all.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::target::Fault;
use fixture::{Fixture, Place, address, not_wanted, users, wanted};
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_directory::Error;
use xtsync_domain::link::ConditionKind;

fn forbidden() -> Fault {
    Fault::Before(Error::Forbidden { code: "Authorization_RequestDenied".into() })
}

fn failing() -> Fault {
    Fault::Before(Error::Failing { reason: "status 500".into(), wait: None })
}

async fn condition_of(fixture: &Fixture, user: &str) -> Option<(ConditionKind, String)> {
    let links = fixture.links().await;
    let link = links.iter().map(|record| &record.link).find(|link| link.user().as_str() == user).unwrap();
    link.condition.as_ref().map(|condition| (condition.kind, condition.code.clone()))
}

#[tokio::test]
async fn k_11_one_forbidden_joiner_blocks_no_other_user() {
    let users = users(20);
    let fixture = Fixture::with(&users).await;
    fixture.fake.fail_always("invite", "joiner@emea.example", forbidden());
    fixture.decide("joiner", wanted("joiner", "Paris", true)).await;
    fixture.converge().await;
    for user in &users[1..] {
        fixture.decide(user, wanted(user, "Rome", true)).await;
    }
    fixture.decide(&users[0], not_wanted()).await;
    fixture.converge().await;
    assert_eq!(condition_of(&fixture, "joiner").await, Some((ConditionKind::Refused, "invite_forbidden".to_owned())));
    let journal = fixture.fake.journal();
    assert_eq!(journal.iter().filter(|write| write.starts_with("patch")).count(), 19, "other updates are not affected: {journal:?}");
    assert!(fixture.fake.object(&address(&users[0])).unwrap().soft_deleted.is_some(), "nor does the leaver");
    assert_eq!(fixture.held().await.1, "", "the target is not blocked");
    fixture.fake.clear_faults();
    fixture.advance_and_converge(Duration::from_secs(120)).await;
    assert!(fixture.fake.object("joiner@emea.example").is_some(), "it is tried again by itself");
}

#[tokio::test]
async fn k_11_where_all_invitations_are_forbidden_joiners_wait_and_all_others_go_on() {
    let users = users(5);
    let fixture = Fixture::with(&users).await;
    fixture.fake.fail_always("invite", "", forbidden());
    for number in 0..100 {
        let user = format!("j{number:02}");
        fixture.decide(&user, wanted(&user, "Paris", true)).await;
    }
    fixture.converge().await;
    let (held, blocked) = fixture.held().await;
    assert_eq!(blocked, "", "the target is not blocked");
    let waiting = held.get("invite_forbidden").copied().unwrap_or_default();
    assert!(waiting > 0, "{held:?}");
    let asked = fixture.fake.calls("invite");
    fixture.decide(&users[0], not_wanted()).await;
    fixture.decide(&users[1], wanted(&users[1], "Rome", true)).await;
    fixture.converge().await;
    let journal = fixture.fake.journal();
    let mut verbs: Vec<&str> = journal.iter().filter_map(|write| write.split(' ').next()).collect();
    verbs.sort_unstable();
    assert_eq!(verbs, ["delete", "disable", "patch", "revoke"], "{journal:?}");
    fixture.advance_and_converge(Duration::from_secs(600)).await;
    assert!(fixture.fake.calls("invite") - asked < 60, "a blocked verb is retried occasionally: {}", fixture.fake.calls("invite") - asked);
    fixture.fake.clear_faults();
    fixture.advance_and_converge(Duration::from_secs(1800)).await;
    assert_eq!(fixture.fake.objects().len(), 105, "all come in when it is allowed again");
    assert!(fixture.links().await.iter().all(|record| record.link.condition.is_none()));
}

#[tokio::test]
async fn k_11_where_everything_is_forbidden_leavers_are_still_tried() {
    let users = users(12);
    let fixture = Fixture::with(&users).await;
    for verb in ["invite", "patch", "find", "revoke", "disable", "delete"] {
        fixture.fake.fail_always(verb, "", forbidden());
    }
    for number in 0..4 {
        let user = format!("j{number}");
        fixture.decide(&user, wanted(&user, "Paris", true)).await;
    }
    for user in &users[1..5] {
        fixture.decide(user, wanted(user, "Rome", true)).await;
    }
    fixture.converge().await;
    assert_eq!(fixture.held().await.1, "everything_forbidden");
    fixture.decide(&users[0], not_wanted()).await;
    fixture.converge().await;
    fixture.fake.clear_faults();
    fixture.clock.advance(Duration::from_secs(1));
    fixture.decide(&users[6], not_wanted()).await;
    fixture.converge().await;
    assert!(fixture.fake.object(&address(&users[6])).unwrap().soft_deleted.is_some(), "others who leave are tried soon");
    fixture.advance_and_converge(Duration::from_secs(1200)).await;
    assert!(fixture.fake.object(&address(&users[0])).unwrap().soft_deleted.is_some());
    assert!(fixture.links().await.iter().all(|record| record.link.is_converged()), "and that they pass shows that others do");
}

#[tokio::test]
async fn a_few_failed_look_ups_do_not_make_the_target_unreachable() {
    let fixture = Fixture::new(Place::Sqlite).await;
    let users = users(60);
    for user in users.iter().step_by(12) {
        fixture.fake.fail_always("find", &address(user), failing());
    }
    for user in &users {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.converge().await;
    // Links wait only if those few happened to be the first, and then for a second.
    fixture.advance_and_converge(Duration::from_secs(6)).await;
    assert_eq!(fixture.fake.objects().len(), 55);
    assert_eq!(fixture.held().await.1, "");
    assert_eq!(condition_of(&fixture, &users[0]).await.unwrap().1, "look_up_failing");
    fixture.fake.clear_faults();
    fixture.advance_and_converge(Duration::from_secs(1200)).await;
    assert_eq!(fixture.fake.objects().len(), 60);
}

#[tokio::test]
async fn an_unreachable_target_is_retried_for_leavers_with_their_own_backoff() {
    let users = users(2);
    let fixture = Fixture::with(&users).await;
    let away = || Fault::Before(Error::Unavailable { reason: "no connection".into() });
    fixture.fake.fail_always("patch", "", away());
    fixture.fake.fail_always("revoke", "", away());
    fixture.decide(&users[0], wanted(&users[0], "Rome", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.held().await.1, "away");
    fixture.decide(&users[1], not_wanted()).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.calls("revoke"), 1);
    fixture.advance_and_converge(Duration::from_secs(3600)).await;
    assert!(fixture.fake.calls("revoke") >= 6, "at each look");
    fixture.fake.clear_faults();
    fixture.advance_and_converge(Duration::from_secs(60)).await;
    assert!(fixture.links().await.iter().all(|record| record.link.is_converged()));
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A fixture with a joiner that the target's list of domains refuses.
async fn fixture_with_a_refused_joiner() -> Fixture {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.fake.fail_always("invite", "", Fault::Before(Error::Refused { code: "domain_blocked".into(), attribute: None }));
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!(condition_of(&fixture, "ana").await, Some((ConditionKind::Refused, "domain_blocked".to_owned())));
    assert_eq!(fixture.fake.calls("invite"), 1);
    fixture
}

#[tokio::test]
async fn k_13_a_refusal_is_retried_hourly_at_first_and_daily_at_last() {
    let fixture = fixture_with_a_refused_joiner().await;
    let mut asked = Vec::new();
    for hours in [1, 1, 2, 4, 24, 30, 30] {
        fixture.advance_and_converge(hours * HOUR).await;
        fixture.advance_and_converge(hours * HOUR / 8).await;
        asked.push(fixture.fake.calls("invite"));
    }
    assert_eq!(asked[0], 2, "within an hour or little more");
    assert!(asked.is_sorted() && asked[6] - asked[5] >= 1 && asked[6] <= 12, "and ever less often: {asked:?}");
    let links = fixture.links().await;
    let condition = links[0].link.condition.as_ref().unwrap();
    assert!(condition.due.is_some(), "it is said when the next try is");
    fixture.fake.clear_faults();
    fixture.advance_and_converge(30 * HOUR).await;
    assert_eq!(fixture.fake.objects().len(), 1);
}

#[tokio::test]
async fn k_13_a_refusal_is_retried_on_apply_and_on_a_changed_policy_but_not_on_a_reread() {
    let fixture = fixture_with_a_refused_joiner().await;
    for _ in 0..3 {
        fixture.publish_consent(true).await;
        fixture.facts().await;
        fixture.converge().await;
    }
    assert_eq!(fixture.fake.calls("invite"), 1, "the same policy is no news");
    fixture.configure("enforce").await;
    fixture.converge().await;
    assert_eq!(fixture.fake.calls("invite"), 2);
    fixture.fake.clear_faults();
    fixture.publish_consent(false).await;
    fixture.facts().await;
    fixture.converge().await;
    fixture.publish_consent(true).await;
    fixture.facts().await;
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 1);
}

#[tokio::test]
async fn k_13_a_retry_command_retries_all_or_one_link_once() {
    let retry = || Action::Retry(internal::Retry {});
    for place in [Place::Sqlite, Place::Postgres] {
        let fixture = Fixture::new(place).await;
        fixture.fake.fail_always("invite", "", Fault::Before(Error::Refused { code: "domain_blocked".into(), attribute: None }));
        for user in ["ana", "bo"] {
            fixture.decide(user, wanted(user, "Paris", true)).await;
        }
        fixture.converge().await;
        assert_eq!(fixture.fake.calls("invite"), 2);
        fixture.command_for("hub", "emea/ana", retry()).await;
        fixture.converge().await;
        fixture.converge().await;
        assert_eq!(fixture.fake.calls("invite"), 3, "one, once");
        fixture.command_for("emea", "unknown", retry()).await;
        fixture.command_for("hub", "us/ana", retry()).await;
        fixture.converge().await;
        assert_eq!(fixture.fake.calls("invite"), 3);
        fixture.fake.clear_faults();
        fixture.command_for("emea", "", retry()).await;
        fixture.converge().await;
        assert_eq!(fixture.fake.objects().len(), 2);
    }
}

#[tokio::test]
async fn a_command_retries_a_blocked_target_at_once() {
    let fixture = Fixture::with(&users(1)).await;
    fixture.fake.fail_always("patch", "", Fault::Before(Error::Unauthorized { code: "secret_expired".into() }));
    fixture.decide("u00", wanted("u00", "Rome", true)).await;
    fixture.converge().await;
    let status = fixture.provisioner.status_step(&fixture::tenant("hub")).await.unwrap().unwrap();
    assert_eq!((status.blocked.as_str(), status.next_try.is_some()), ("secret_expired", true));
    fixture.fake.clear_faults();
    fixture.work().await;
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    fixture.command(Action::Retry(internal::Retry {})).await;
    fixture.work().await;
    assert_eq!(fixture.fake.journal(), ["patch t1 city"]);
}

/// Its capabilities claim a verb that the connector does not have: a defect, which concerns the links that need the verb.
#[tokio::test]
async fn a_verb_that_a_connector_lacks_keeps_its_links_waiting_and_no_other() {
    let users = users(3);
    let fixture = Fixture::with(&users).await;
    let id = |user: &str| fixture.fake.object(&address(user)).unwrap().id.0;
    fixture.fake.fail_always("patch", &id(&users[0]), Fault::Before(Error::Unsupported { verb: "patch" }));
    fixture.fake.fail_always("revoke", &id(&users[1]), Fault::Before(Error::Unsupported { verb: "revoke_sessions" }));
    for user in &users {
        fixture.decide(user, wanted(user, "Rome", true)).await;
    }
    fixture.converge().await;
    assert_eq!(condition_of(&fixture, &users[0]).await, Some((ConditionKind::Refused, "patch_unsupported".to_owned())));
    assert_eq!(fixture.fake.journal().len(), 2, "the others are updated");
    assert_eq!(fixture.held().await.1, "", "the target is not blocked");
    fixture.decide(&users[1], not_wanted()).await;
    fixture.converge().await;
    assert!(fixture.fake.object(&address(&users[1])).unwrap().soft_deleted.is_some(), "sessions that cannot be revoked keep no user");
    fixture.fake.clear_faults();
    fixture.advance_and_converge(Duration::from_secs(2 * 60 * 60)).await;
    assert_eq!(condition_of(&fixture, &users[0]).await, None, "it is tried again by itself");
}
