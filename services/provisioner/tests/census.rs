//! A first synchronization asks for a census of the target, and what it does not show is met all the same.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::graph::hub;
use fixture::target::{Fault, invited};
use fixture::{Fixture, Place, address, shape, users, wanted};
use xtsync_domain::decision::{Desired, Shape, Wanted};
use xtsync_domain::link::{ConditionKind, Shadow};
use xtsync_domain::shadow::{Object, ObjectKind};
use xtsync_tenant_sim::Sim;

/// Users whose look-ups find nothing, so that a census is taken: a hundred at least.
const ABSENT: usize = 130;

async fn decide(fixture: &Fixture, users: &[String]) {
    for user in users {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
}

/// A target of which a census was just taken.
async fn after_census() -> Fixture {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.fake.put(&address("guest"), older(&fixture, "guest"));
    fixture.fake.put(&address("contact"), Object { kind: ObjectKind::Contact, ..older(&fixture, "contact") });
    let bin = Object { soft_deleted: Some(None), ..older(&fixture, "bin") };
    fixture.fake.put(&address("bin"), bin);
    decide(&fixture, &users(ABSENT)).await;
    fixture.converge().await;
    assert!(fixture.fake.calls("census") > 0, "a census was taken");
    fixture.fake.journal();
    fixture
}

/// A guest who was invited by hand an hour ago.
fn older(fixture: &Fixture, id: &str) -> Object {
    invited_ago(fixture, id, Duration::from_secs(60 * 60))
}

fn invited_ago(fixture: &Fixture, id: &str, ago: Duration) -> Object {
    use xtsync_runtime::clock::Clock as _;
    invited(id, fixture.clock.now().minus(ago))
}

/// The condition of a user's link: its kind, its code and the others that it names.
async fn condition(fixture: &Fixture, user: &str) -> Option<(ConditionKind, String, Vec<String>)> {
    let links = fixture.links().await;
    let link = links.into_iter().find(|record| record.link.user().0 == user).unwrap().link;
    assert!(link.condition.is_none() || link.shadow == Shadow::None, "an object in conflict is not owned");
    link.condition.map(|condition| (condition.kind, condition.code, condition.others))
}

async fn code_of(fixture: &Fixture, user: &str) -> Option<String> {
    let links = fixture.links().await;
    let record = links.into_iter().find(|record| record.link.user().0 == user).unwrap();
    record.link.condition.map(|condition| condition.code)
}

fn taken(by: &[&str]) -> Option<(ConditionKind, String, Vec<String>)> {
    let by = by.iter().map(|by| (*by).to_owned()).collect();
    Some((ConditionKind::Conflict, "address_taken".to_owned(), by))
}

/// All requests about objects, and the writes among them.
fn requests(sim: &Sim) -> (u64, u64) {
    let is_of_objects = |path: &str| ["users", "invitations", "deletedItems", "contacts"].iter().any(|part| path.contains(part));
    let counts = sim.counts();
    let counted = || counts.iter().filter(|((_, path), _)| is_of_objects(path));
    (counted().map(|(_, count)| count).sum(), counted().filter(|((method, _), _)| method != "GET").map(|(_, count)| count).sum())
}

#[tokio::test]
async fn a_first_synchronization_takes_four_requests_and_two_writes_a_user() {
    const USERS: u64 = 800;
    let (sim, fixture, _secrets) = hub().await;
    let _time = fixture.keep_time();
    for some in users(usize::try_from(USERS).unwrap()).chunks(200) {
        decide(&fixture, some).await;
        fixture.converge().await;
        // Consent must not grow old on a slow machine.
        fixture.publish_consent(true).await;
        fixture.facts().await;
    }
    let tenant = sim.tenant("hub").unwrap();
    assert_eq!(tenant.user_count() as u64, USERS);
    let (requests, writes) = requests(&sim);
    assert_eq!(writes, 2 * USERS);
    assert!(requests <= 4 * USERS, "{requests} requests for {USERS} users: {:?}", sim.counts());
}

#[tokio::test]
async fn what_was_there_before_the_census_is_found_before_any_invitation() {
    let fixture = after_census().await;
    decide(&fixture, &["guest", "contact", "bin"].map(str::to_owned)).await;
    fixture.converge().await;
    for user in ["guest", "contact", "bin"] {
        assert_eq!(condition(&fixture, user).await, taken(&[user]), "{user}");
    }
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
}

#[tokio::test]
async fn two_users_with_one_address_meet() {
    let fixture = after_census().await;
    let shared = |user: &str| {
        let shape = Shape { address: "Shared@emea.example".to_owned(), ..shape(user, "Paris") };
        Desired { sign_in_blocked: false, wanted: Wanted::Yes(shape) }
    };
    for user in ["one", "two"] {
        fixture.decide(user, shared(user)).await;
        fixture.converge().await;
    }
    assert_eq!(condition(&fixture, "one").await, None);
    assert_eq!(condition(&fixture, "two").await, taken(&["emea/one"]));
    let journal = fixture.fake.journal();
    assert_eq!(journal.iter().filter(|write| write.starts_with("invite")).count(), 1, "{journal:?}");
}

/// Also one invited so shortly before that clocks which differ would explain it.
#[tokio::test]
async fn a_guest_invited_by_hand_after_the_census_is_never_written() {
    for ago in [Duration::from_secs(6), Duration::from_secs(50), Duration::from_secs(200)] {
        let fixture = after_census().await;
        fixture.fake.put(&address("late"), invited_ago(&fixture, "late", ago));
        let before = fixture.fake.object(&address("late"));
        decide(&fixture, &["late".to_owned()]).await;
        fixture.converge().await;
        assert_eq!(condition(&fixture, "late").await, taken(&["late"]), "{ago:?}");
        assert_eq!(fixture.fake.journal(), ["invite late@emea.example"], "the invitation returned it");
        // The census is dropped, so the next is asked for.
        fixture.fake.put(&address("later"), invited_ago(&fixture, "later", ago));
        decide(&fixture, &["later".to_owned()]).await;
        fixture.converge().await;
        assert_eq!(condition(&fixture, "later").await, taken(&["later"]), "{ago:?}");
        assert_eq!((fixture.fake.journal(), fixture.fake.object(&address("late"))), (Vec::new(), before));
    }
}

#[tokio::test]
async fn a_crash_makes_no_guest_invited_by_hand_ours() {
    for happened in [false, true] {
        let mut fixture = after_census().await;
        fixture.fake.put(&address("late"), invited_ago(&fixture, "late", Duration::from_secs(30)));
        fixture.fake.fail_call("invite", [Fault::Hang { happened }]);
        decide(&fixture, &["late".to_owned()]).await;
        fixture.intake().await;
        assert!(fixture.work_until_hung().await);
        fixture.restart().await;
        fixture.clock.advance(Duration::from_secs(40));
        fixture.publish_consent(true).await;
        fixture.facts().await;
        fixture.converge().await;
        assert_eq!(condition(&fixture, "late").await, taken(&["late"]));
        let journal = fixture.fake.journal();
        assert!(journal.iter().all(|write| write.starts_with("invite")), "{journal:?}");
    }
}

#[tokio::test]
async fn a_census_is_forgotten_when_it_is_old_and_with_the_lease() {
    for restarts in [false, true] {
        let mut fixture = after_census().await;
        match restarts {
            true => fixture.restart().await,
            false => {
                fixture.clock.advance(Duration::from_secs(5 * 60));
                fixture.publish_consent(true).await;
                fixture.facts().await;
            }
        }
        fixture.fake.put(&address("late"), older(&fixture, "late"));
        decide(&fixture, &["late".to_owned()]).await;
        fixture.converge().await;
        assert_eq!(condition(&fixture, "late").await, taken(&["late"]));
        assert_eq!(fixture.fake.journal(), Vec::<String>::new(), "it was looked up");
    }
}

#[tokio::test]
async fn a_census_that_is_throttled_waits_and_goes_on() {
    let fixture = Fixture::new(Place::Sqlite).await;
    let throttled = || Fault::Before(xtsync_directory::Error::Throttled { wait: Duration::from_millis(1) });
    fixture.fake.fail_call("census", [throttled(), throttled()]);
    decide(&fixture, &users(ABSENT)).await;
    fixture.converge().await;
    assert!(fixture.fake.calls("census") > 2);
    fixture.fake.journal();
    fixture.fake.put(&address("late"), invited_ago(&fixture, "late", Duration::from_secs(6)));
    decide(&fixture, &["late".to_owned()]).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["invite late@emea.example"], "the census answered");
}

#[tokio::test]
async fn a_target_whose_census_fails_is_asked_for_each_user() {
    let fixture = Fixture::new(Place::Sqlite).await;
    let refusal = xtsync_directory::Error::Forbidden { code: "no".into() };
    fixture.fake.fail_always("census", "", Fault::Before(refusal));
    decide(&fixture, &users(2 * ABSENT)).await;
    fixture.converge().await;
    assert_eq!((fixture.fake.calls("census"), fixture.fake.calls("find")), (1, 2 * ABSENT));
    assert_eq!(fixture.fake.objects().len(), 2 * ABSENT);
}

#[tokio::test]
async fn a_contact_or_member_added_after_the_census_is_a_conflict() {
    let (sim, fixture, _secrets) = hub().await;
    decide(&fixture, &users(ABSENT)).await;
    fixture.converge().await;
    let tenant = sim.tenant("hub").unwrap();
    tenant.add_contact(&address("late"));
    let member = serde_json::json!({"displayName": "Member", "mailNickname": "member", "userPrincipalName": "member@hub.example",
        "mail": address("member"), "accountEnabled": true, "passwordProfile": {"password": "x"}});
    tenant.create_user(&member).unwrap();
    let looked_up = sim.count("GET", "/v1.0/contacts");
    decide(&fixture, &["late", "other", "member"].map(str::to_owned)).await;
    fixture.converge().await;
    let (kind, code, others) = condition(&fixture, "late").await.unwrap();
    assert_eq!((kind, code.as_str(), others.len()), (ConditionKind::Conflict, "address_taken", 2), "the guest and the contact");
    assert_eq!(condition(&fixture, "other").await, None);
    assert_eq!(sim.count("GET", "/v1.0/contacts"), looked_up + 1, "the census answered all three look-ups");
    assert_eq!(code_of(&fixture, "member").await.as_deref(), Some("address_taken"), "the invitation is refused");
    let guest = others.iter().find_map(|id| tenant.user(id.parse().unwrap())).unwrap();
    assert_eq!((guest["mail"].as_str(), guest["city"].as_str()), (None, None), "it is not written");
}
