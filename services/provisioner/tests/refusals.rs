//! What a target forbids or fails at concerns as little as it can: the object, the verb, and only then the target; leavers least of all.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::time::Duration;

use bed::target::Fault;
use bed::{Bed, Place, address, gone, present};
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_directory::Error;
use xtsync_domain::link::TroubleKind;

fn forbidden() -> Fault {
    Fault::Before(Error::Forbidden { code: "Authorization_RequestDenied".into() })
}

fn failing() -> Fault {
    Fault::Before(Error::Failing { reason: "status 500".into(), wait: None })
}

fn users(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("u{number:02}")).collect()
}

async fn bed_with(users: &[String]) -> Bed {
    let bed = Bed::new(Place::Sqlite).await;
    for user in users {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    bed.fake.journal();
    bed
}

async fn trouble_of(bed: &Bed, user: &str) -> Option<(TroubleKind, String)> {
    let links = bed.links().await;
    let link = links.iter().map(|record| &record.link).find(|link| link.user().as_str() == user).unwrap();
    link.trouble.as_ref().map(|trouble| (trouble.kind, trouble.code.clone()))
}

#[tokio::test]
async fn k_11_one_joiner_who_is_forbidden_holds_up_nobody_else() {
    let users = users(20);
    let bed = bed_with(&users).await;
    bed.fake.fail_always("invite", "joiner@emea.example", forbidden());
    bed.decide("joiner", present("joiner", "Paris", true)).await;
    bed.settle().await;
    for user in &users[1..] {
        bed.decide(user, present(user, "Rome", true)).await;
    }
    bed.decide(&users[0], gone()).await;
    bed.settle().await;
    assert_eq!(trouble_of(&bed, "joiner").await, Some((TroubleKind::Refused, "invite_forbidden".to_owned())));
    let journal = bed.fake.journal();
    assert_eq!(journal.iter().filter(|write| write.starts_with("patch")).count(), 19, "movers do not notice: {journal:?}");
    assert!(bed.fake.object(&address(&users[0])).unwrap().bin.is_some(), "nor does the leaver");
    assert_eq!(bed.held().await.1, "", "the target is not set aside");
    bed.fake.fail_no_more();
    bed.outlast(Duration::from_secs(120)).await;
    assert!(bed.fake.object("joiner@emea.example").is_some(), "it is tried again by itself");
}

#[tokio::test]
async fn k_11_where_all_invitations_are_forbidden_joiners_wait_without_being_asked_for_and_all_others_go_on() {
    let users = users(5);
    let bed = bed_with(&users).await;
    bed.fake.fail_always("invite", "", forbidden());
    for number in 0..100 {
        let user = format!("j{number:02}");
        bed.decide(&user, present(&user, "Paris", true)).await;
    }
    bed.settle().await;
    let (held, blocked) = bed.held().await;
    assert_eq!(blocked, "", "the target is not set aside");
    let waiting = held.get("invite_forbidden").copied().unwrap_or_default();
    assert!(waiting > 0, "{held:?}");
    let asked = bed.fake.calls("invite");
    bed.decide(&users[0], gone()).await;
    bed.decide(&users[1], present(&users[1], "Rome", true)).await;
    bed.settle().await;
    let journal = bed.fake.journal();
    let mut verbs: Vec<&str> = journal.iter().filter_map(|write| write.split(' ').next()).collect();
    verbs.sort_unstable();
    assert_eq!(verbs, ["delete", "disable", "patch", "revoke"], "{journal:?}");
    bed.outlast(Duration::from_secs(600)).await;
    assert!(bed.fake.calls("invite") - asked < 60, "a verb that is set aside is tried now and then: {}", bed.fake.calls("invite") - asked);
    bed.fake.fail_no_more();
    bed.outlast(Duration::from_secs(1800)).await;
    assert_eq!(bed.fake.objects().len(), 105, "all come in when it is allowed again");
    assert!(bed.links().await.iter().all(|record| record.link.trouble.is_none()));
}

#[tokio::test]
async fn k_11_where_everything_is_forbidden_leavers_go_on_being_tried() {
    let users = users(12);
    let bed = bed_with(&users).await;
    for verb in ["invite", "patch", "find", "revoke", "disable", "delete"] {
        bed.fake.fail_always(verb, "", forbidden());
    }
    for number in 0..4 {
        let user = format!("j{number}");
        bed.decide(&user, present(&user, "Paris", true)).await;
    }
    for user in &users[1..5] {
        bed.decide(user, present(user, "Rome", true)).await;
    }
    bed.settle().await;
    assert_eq!(bed.held().await.1, "everything_forbidden");
    bed.decide(&users[0], gone()).await;
    bed.settle().await;
    bed.fake.fail_no_more();
    bed.clock.advance(Duration::from_secs(1));
    bed.decide(&users[6], gone()).await;
    bed.settle().await;
    assert!(bed.fake.object(&address(&users[6])).unwrap().bin.is_some(), "others who leave are tried soon");
    bed.outlast(Duration::from_secs(1200)).await;
    assert!(bed.fake.object(&address(&users[0])).unwrap().bin.is_some());
    assert!(bed.links().await.iter().all(|record| record.link.is_reached()), "and that they pass shows that others do");
}

#[tokio::test]
async fn a_few_whose_look_up_fails_do_not_make_the_target_pass_for_away() {
    let bed = Bed::new(Place::Sqlite).await;
    let users = users(60);
    for user in users.iter().step_by(12) {
        bed.fake.fail_always("find", &address(user), failing());
    }
    for user in &users {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    // Only where those few happened to be the first does anybody wait, and then for a second.
    bed.outlast(Duration::from_secs(6)).await;
    assert_eq!(bed.fake.objects().len(), 55);
    assert_eq!(bed.held().await.1, "");
    assert_eq!(trouble_of(&bed, &users[0]).await.unwrap().1, "look_up_failing");
    bed.fake.fail_no_more();
    bed.outlast(Duration::from_secs(1200)).await;
    assert_eq!(bed.fake.objects().len(), 60);
}

#[tokio::test]
async fn a_target_that_is_away_is_tried_for_leavers_by_their_own_back_off() {
    let users = users(2);
    let bed = bed_with(&users).await;
    let away = || Fault::Before(Error::Away { reason: "no connection".into() });
    bed.fake.fail_always("patch", "", away());
    bed.fake.fail_always("revoke", "", away());
    bed.decide(&users[0], present(&users[0], "Rome", true)).await;
    bed.settle().await;
    assert_eq!(bed.held().await.1, "away");
    bed.decide(&users[1], gone()).await;
    bed.settle().await;
    assert_eq!(bed.fake.calls("revoke"), 1);
    bed.outlast(Duration::from_secs(3600)).await;
    assert!(bed.fake.calls("revoke") >= 6, "at each look");
    bed.fake.fail_no_more();
    bed.outlast(Duration::from_secs(60)).await;
    assert!(bed.links().await.iter().all(|record| record.link.is_reached()));
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A bed with a joiner whom the target's list of domains refuses.
async fn bed_with_a_refused_joiner() -> Bed {
    let bed = Bed::new(Place::Sqlite).await;
    bed.fake.fail_always("invite", "", Fault::Before(Error::Refused { code: "domain_blocked".into(), attribute: None }));
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    assert_eq!(trouble_of(&bed, "ana").await, Some((TroubleKind::Refused, "domain_blocked".to_owned())));
    assert_eq!(bed.fake.calls("invite"), 1);
    bed
}

#[tokio::test]
async fn k_13_a_refusal_is_asked_about_again_hourly_at_first_and_daily_at_last() {
    let bed = bed_with_a_refused_joiner().await;
    let mut asked = Vec::new();
    for hours in [1, 1, 2, 4, 24, 30, 30] {
        bed.outlast(hours * HOUR).await;
        bed.outlast(hours * HOUR / 8).await;
        asked.push(bed.fake.calls("invite"));
    }
    assert_eq!(asked[0], 2, "within an hour or little more");
    assert!(asked.is_sorted() && asked[6] - asked[5] >= 1 && asked[6] <= 12, "and ever less often: {asked:?}");
    let links = bed.links().await;
    let trouble = links[0].link.trouble.as_ref().unwrap();
    assert!(trouble.due.is_some(), "it is said when the next try is");
    bed.fake.fail_no_more();
    bed.outlast(30 * HOUR).await;
    assert_eq!(bed.fake.objects().len(), 1);
}

#[tokio::test]
async fn k_13_a_refusal_is_asked_about_again_on_apply_and_when_a_policy_changes_but_not_when_it_is_read_again() {
    let bed = bed_with_a_refused_joiner().await;
    for _ in 0..3 {
        bed.agree(true).await;
        bed.facts().await;
        bed.settle().await;
    }
    assert_eq!(bed.fake.calls("invite"), 1, "the same policy is no news");
    bed.configure("enforce").await;
    bed.settle().await;
    assert_eq!(bed.fake.calls("invite"), 2);
    bed.fake.fail_no_more();
    bed.agree(false).await;
    bed.facts().await;
    bed.settle().await;
    bed.agree(true).await;
    bed.facts().await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1);
}

#[tokio::test]
async fn k_13_a_command_has_what_waits_tried_again_for_all_or_for_one_and_once() {
    let retry = Action::Retry(internal::Retry {});
    for place in [Place::Sqlite, Place::Postgres] {
        let bed = Bed::new(place).await;
        bed.fake.fail_always("invite", "", Fault::Before(Error::Refused { code: "domain_blocked".into(), attribute: None }));
        for user in ["ana", "bo"] {
            bed.decide(user, present(user, "Paris", true)).await;
        }
        bed.settle().await;
        assert_eq!(bed.fake.calls("invite"), 2);
        bed.command_for("hub", "emea/ana", retry).await;
        bed.settle().await;
        bed.settle().await;
        assert_eq!(bed.fake.calls("invite"), 3, "one, once");
        bed.command_for("emea", "nobody", retry).await;
        bed.command_for("hub", "us/ana", retry).await;
        bed.settle().await;
        assert_eq!(bed.fake.calls("invite"), 3);
        bed.fake.fail_no_more();
        bed.command_for("emea", "", retry).await;
        bed.settle().await;
        assert_eq!(bed.fake.objects().len(), 2);
    }
}

#[tokio::test]
async fn a_command_has_a_target_tried_at_once_that_was_set_aside() {
    let bed = bed_with(&users(1)).await;
    bed.fake.fail_always("patch", "", Fault::Before(Error::Unauthorized { code: "secret_expired".into() }));
    bed.decide("u00", present("u00", "Rome", true)).await;
    bed.settle().await;
    let status = bed.provisioner.status_step(&bed::tenant("hub")).await.unwrap().unwrap();
    assert_eq!((status.blocked.as_str(), status.next_try.is_some()), ("secret_expired", true));
    bed.fake.fail_no_more();
    bed.work().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    bed.command(Action::Retry(internal::Retry {})).await;
    bed.work().await;
    assert_eq!(bed.fake.journal(), ["patch t1 city"]);
}
