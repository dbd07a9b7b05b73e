//! What the provisioner does to a target, on both databases.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::collections::BTreeSet;
use std::time::Duration;

use fixture::target::{Fault, invited};
use fixture::{Fixture, Place, address, describe_attributes, not_wanted, out_of_scope, out_of_scope_as, shape, tenant, wanted};
use xtsync_contract::topic;
use xtsync_contract::{events, internal};
use xtsync_directory::Error;
use xtsync_domain::decision::{Desired, Wanted};
use xtsync_domain::link::{ConditionKind, DisabledBy};
use xtsync_domain::shadow::{Object, ObjectKind};
use xtsync_domain::{Origin, Timestamp};
use xtsync_provisioner::Config;
use xtsync_runtime::clock::Clock as _;

/// Runs each test on both databases.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::Place::Sqlite).await; })+
        }

        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::Place::Postgres).await; })+
        }
    };
}

on_both_databases! {
    a_user_is_created_updated_disabled_enabled_deleted_and_restored_with_minimal_calls,
    a_disabled_user_is_not_created_and_a_user_not_wanted_gets_no_row,
    a_late_or_repeated_decision_does_no_harm,
    an_id_with_slashes_is_one_users_from_the_decision_to_the_link,
    a_decision_that_wants_the_same_moves_its_version_alone,
    a_shape_of_a_user_who_is_not_wanted_causes_no_work_and_no_record,
    a_loss_of_scope_is_due_after_its_grace_period_and_a_return_within_it_does_nothing,
    an_object_with_the_address_is_a_conflict_until_it_is_gone,
    of_two_users_with_one_address_one_is_created_and_the_others_conflict_names_it,
    an_object_that_existed_before_the_invitation_is_never_written,
    consent_withdrawn_stops_every_write_and_given_again_writes_exactly_what_changed,
    stale_consent_stops_all_but_leavers,
    mode_observe_writes_nothing_until_the_mode_changes,
    a_throttling_target_is_not_called_and_costs_no_attempt,
    a_refused_decision_is_published_and_waits_for_another_one,
    sessions_that_cannot_be_revoked_keep_no_user_enabled,
    a_user_deleted_in_the_target_by_hand_stays_deleted,
    a_user_blocked_by_the_target_is_not_enabled_by_a_change,
    deletions_in_a_window_stay_within_the_limit_and_the_rest_keep_access,
    a_larger_share_releases_users_held_by_the_limit,
    limits_of_the_configuration_hold_each_verb_until_they_are_raised,
    a_job_that_panics_postpones_only_its_own_link,
    leavers_go_first_and_calls_in_flight_stay_within_the_limit,
    a_target_that_warns_of_throttling_serves_leavers_only,
    a_user_not_wanted_during_the_invitation_is_deleted_by_the_same_job,
    an_address_that_an_invitation_says_is_taken_is_tried_again_later,
    an_unusable_record_is_dead_lettered_and_a_newer_writers_stops_its_partition,
}

async fn a_user_is_created_updated_disabled_enabled_deleted_and_restored_with_minimal_calls(place: Place) {
    let fixture = Fixture::new(place).await;
    let rome = || wanted("ana", "Rome", true);
    let steps = [
        (wanted("ana", "Paris", true), vec!["invite ana@emea.example", "anchor t1 city,displayName,userType"]),
        (wanted("ana", "Paris", true), vec![]),
        (rome(), vec!["patch t1 city"]),
        (wanted("ana", "Rome", false), vec!["revoke t1", "disable t1"]),
        (rome(), vec!["enable t1"]),
        (not_wanted(), vec!["revoke t1", "disable t1", "delete t1"]),
        (not_wanted(), vec![]),
        (wanted("ana", "Oslo", true), vec!["restore t1", "patch t1 city", "enable t1"]),
    ];
    for (step, (desired, writes)) in steps.into_iter().enumerate() {
        fixture.decide("ana", desired).await;
        fixture.converge().await;
        assert_eq!(fixture.fake.journal(), writes, "step {step}");
    }
    let ana = fixture.fake.object(&address("ana")).unwrap();
    assert_eq!((ana.enabled, ana.soft_deleted, ana.anchor.as_deref()), (true, None, Some("emea-id/ana")));
    assert_eq!(describe_attributes(&ana.attributes), "city=Oslo displayName=ana userType=Member");
    let outcomes = [
        "create ana [city,displayName,userType]",
        "update ana [city]",
        "disable ana []",
        "enable ana []",
        "delete ana []",
        "restore ana [city]",
    ];
    assert_eq!(fixture.outcomes().await, outcomes);
    let links = fixture.links().await;
    assert!(links[0].link.is_converged() && links[0].link.condition.is_none());
}

async fn a_disabled_user_is_not_created_and_a_user_not_wanted_gets_no_row(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("bo", wanted("bo", "Paris", false)).await;
    fixture.decide("cy", not_wanted()).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    let users: Vec<_> = fixture.links().await.into_iter().map(|record| record.link.user().to_string()).collect();
    assert_eq!(users, ["bo"]);
    // A late record that is older than what was seen makes no link either.
    fixture.decide_as("cy", wanted("cy", "Paris", true), 0, Origin::Live).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
}

async fn a_late_or_repeated_decision_does_no_harm(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide_as("ana", wanted("ana", "Rome", true), 100, Origin::Live).await;
    fixture.converge().await;
    fixture.fake.journal();
    for (delta, desired) in [(99, not_wanted()), (100, not_wanted()), (98, wanted("ana", "Paris", true))] {
        fixture.decide_as("ana", desired, delta, Origin::Live).await;
        fixture.converge().await;
    }
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
}

/// As a directory may give that wants its user to be taken for another tenant's.
async fn an_id_with_slashes_is_one_users_from_the_decision_to_the_link(place: Place) {
    let fixture = Fixture::new(place).await;
    let users = ["../us/ana", "us%2Fana", "us/ana"];
    for user in users {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.converge().await;
    let mut links: Vec<_> = fixture.links().await.into_iter().map(|record| record.link).collect();
    links.sort_by(|one, other| one.user().cmp(other.user()));
    assert_eq!(links.iter().map(|link| link.user().as_str()).collect::<Vec<_>>(), users);
    assert!(links.iter().all(|link| link.is_converged() && link.shadow.account().is_some()), "{links:?}");
    let records = fixture.all::<events::Link>(topic::LINKS.of(tenant("hub"))).await;
    let keys: BTreeSet<_> = records.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["emea/..%2Fus%2Fana", "emea/us%252Fana", "emea/us%2Fana"]);
    // One who waits for an address learns that it is free from a link with such an id.
    let taken = Desired { sign_in_blocked: false, wanted: Wanted::Yes(shape("us/ana", "Paris")) };
    fixture.decide("bo", taken).await;
    fixture.converge().await;
    fixture.decide("us/ana", not_wanted()).await;
    fixture.converge().await;
    assert!(fixture.links().await.iter().any(|record| record.link.user().as_str() == "bo" && record.link.is_converged()));
}

async fn a_decision_that_wants_the_same_moves_its_version_alone(place: Place) {
    let fixture = Fixture::new(place).await;
    for user in ["ana", "bo"] {
        fixture.decide(user, wanted(user, "Paris", true)).await;
        fixture.converge().await;
    }
    fixture.fake.journal();
    let (versions, outcomes) = (fixture.published_versions().await, fixture.outcomes().await.len());
    let newest = fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.intake().await;
    assert_eq!(fixture.due().await, 0);
    fixture.converge().await;
    // What is older than the newest decision changes nothing, also where the link names an older one.
    fixture.decide_as("ana", wanted("ana", "Oslo", true), newest - 1, Origin::Live).await;
    fixture.converge().await;
    assert_eq!((fixture.published_versions().await, fixture.outcomes().await.len()), (versions, outcomes));
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["patch t1 city"]);
}

/// Bo was in the target and is out of scope; Cy never was.
async fn a_shape_of_a_user_who_is_not_wanted_causes_no_work_and_no_record(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("bo", wanted("bo", "Paris", true)).await;
    fixture.converge().await;
    let out = async |city: &str| {
        for user in ["bo", "cy"] {
            fixture.decide(user, out_of_scope_as(Duration::ZERO, Some(shape(user, city)))).await;
        }
        fixture.intake().await;
    };
    out("Paris").await;
    fixture.converge().await;
    fixture.fake.journal();
    let (versions, outcomes) = (fixture.published_versions().await, fixture.outcomes().await.len());
    out("Rome").await;
    assert_eq!(fixture.due().await, 0);
    fixture.converge().await;
    assert_eq!((fixture.published_versions().await, fixture.outcomes().await.len()), (versions, outcomes));
    assert_eq!((fixture.fake.journal(), fixture.links().await.len()), (Vec::new(), 1));
    fixture.decide("bo", wanted("bo", "Rome", true)).await;
    fixture.converge().await;
    assert_eq!(describe_attributes(&fixture.fake.object(&address("bo")).unwrap().attributes), "city=Rome displayName=bo userType=Member");
}

async fn a_loss_of_scope_is_due_after_its_grace_period_and_a_return_within_it_does_nothing(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    fixture.fake.journal();
    fixture.decide("ana", out_of_scope(Duration::from_secs(30))).await;
    fixture.converge().await;
    assert_eq!(fixture.due().await, 0, "a link in its grace period is not due");
    fixture.clock.advance(Duration::from_secs(29));
    fixture.converge().await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    fixture.decide("ana", out_of_scope(Duration::from_secs(30))).await;
    fixture.converge().await;
    fixture.clock.advance(Duration::from_secs(30));
    assert_eq!(fixture.due().await, 1);
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
    assert_eq!(fixture.due().await, 0);
}

async fn an_object_with_the_address_is_a_conflict_until_it_is_gone(place: Place) {
    let fixture = Fixture::new(place).await;
    let kinds = [("bo", ObjectKind::Internal), ("cy", ObjectKind::Contact), ("di", ObjectKind::Invited)];
    for (user, kind) in kinds {
        let old = Timestamp(fixture.clock.now().0 - 3_600_000_000);
        fixture.fake.put(&address(user), Object { kind, ..invited(&format!("foreign-{user}"), old) });
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    for record in fixture.links().await {
        let condition = record.link.condition.unwrap();
        let want = (ConditionKind::Conflict, "address_taken", vec![format!("foreign-{}", record.link.desired.user)]);
        assert_eq!((condition.kind, condition.code.as_str(), condition.others), want);
    }
    fixture.fake.purge_by_hand(&address("bo"));
    fixture.advance_and_converge(Duration::from_secs(60)).await;
    assert_eq!(fixture.fake.journal().len(), 2, "bo is created, the others still wait");
}

async fn of_two_users_with_one_address_one_is_created_and_the_others_conflict_names_it(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("maria", wanted("maria", "Paris", true)).await;
    fixture.decide("maria2", wanted("maria", "Rome", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 1);
    fixture.advance_and_converge(Duration::from_secs(5)).await;
    let links = fixture.links().await;
    let conflicts: Vec<_> = links.iter().filter_map(|record| record.link.condition.as_ref()).collect();
    let incumbent = links.iter().find(|record| record.link.condition.is_none()).unwrap();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].others, [format!("emea/{}", incumbent.link.user())]);
    assert_eq!(fixture.fake.objects().len(), 1, "nothing is overwritten");
}

async fn an_object_that_existed_before_the_invitation_is_never_written(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    // The look-up misses a guest whose address is found by the invitation only.
    let old = Timestamp(fixture.clock.now().0 - 3_600_000_000);
    fixture.fake.put(&address("ana"), invited("guest", old));
    fixture.fake.hide_from_look_up(&address("ana"));
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["invite ana@emea.example"]);
    assert_eq!(fixture.fake.object(&address("ana")).unwrap().attributes, xtsync_domain::Attributes::default());
    assert_eq!(fixture.links().await[0].link.condition.as_ref().unwrap().code, "address_taken");
}

async fn consent_withdrawn_stops_every_write_and_given_again_writes_exactly_what_changed(place: Place) {
    let fixture = Fixture::new(place).await;
    let users = ["ana", "bo", "cy"];
    for user in users {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.converge().await;
    fixture.fake.journal();
    fixture.publish_consent(false).await;
    fixture.facts().await;
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.decide("bo", not_wanted()).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    let held: Vec<_> =
        fixture.links().await.into_iter().filter_map(|record| record.link.condition).map(|condition| condition.code).collect();
    assert_eq!(held, ["sync_not_allowed", "sync_not_allowed"]);
    fixture.converge().await;
    let outcomes: Vec<_> = fixture.outcomes().await.into_iter().filter(|outcome| outcome.contains("held")).collect();
    let want = ["update ana held sync_not_allowed []", "delete bo held sync_not_allowed []"];
    assert!(outcomes.len() == 2 && want.iter().all(|one| outcomes.iter().any(|outcome| outcome == one)), "{outcomes:?}");
    fixture.publish_consent(true).await;
    fixture.facts().await;
    fixture.converge().await;
    let mut journal = fixture.fake.journal();
    journal.sort();
    assert_eq!(journal.len(), 4, "{journal:?}");
    assert!(journal.iter().any(|write| write.starts_with("patch")) && journal.iter().any(|write| write.starts_with("delete")));
}

async fn stale_consent_stops_all_but_leavers(place: Place) {
    let fixture = Fixture::new(place).await;
    for user in ["ana", "bo"] {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.converge().await;
    fixture.fake.journal();
    fixture.clock.advance(Duration::from_secs(61));
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.decide("bo", wanted("bo", "Paris", false)).await;
    fixture.converge().await;
    let journal = fixture.fake.journal();
    assert!(journal.len() == 2 && journal[0].starts_with("revoke") && journal[1].starts_with("disable"), "{journal:?}");
    fixture.publish_consent(true).await;
    fixture.facts().await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal().len(), 1);
}

async fn mode_observe_writes_nothing_until_the_mode_changes(place: Place) {
    let fixture = Fixture::closed(place, "observe").await;
    fixture.publish_consent(true).await;
    fixture.facts().await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.links().await[0].link.condition.as_ref().unwrap().code, "observing");
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    fixture.configure("enforce").await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal().len(), 2);
}

async fn a_throttling_target_is_not_called_and_costs_no_attempt(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.fake.fail_call("find", [Fault::Before(Error::Throttled { wait: Duration::from_secs(7) })]);
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    for user in ["bo", "cy"] {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.clock.advance(Duration::from_millis(6_900));
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    fixture.clock.advance(Duration::from_millis(100));
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 3);
    assert!(fixture.links().await.iter().all(|record| record.link.condition.is_none()));
}

async fn a_refused_decision_is_published_and_waits_for_another_one(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.fake.fail([Some(Fault::Before(Error::Refused { code: "Request_BadRequest".into(), attribute: None }))]);
    fixture.converge().await;
    fixture.advance_and_converge(Duration::from_secs(3600)).await;
    assert_eq!(fixture.outcomes().await, ["create ana failed Request_BadRequest []"]);
    assert_eq!(fixture.links().await[0].link.condition.as_ref().unwrap().kind, ConditionKind::Refused);
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal().len(), 2);
}

async fn sessions_that_cannot_be_revoked_keep_no_user_enabled(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    fixture.fake.journal();
    fixture.fake.fail_call("revoke", [Fault::Before(Error::Forbidden { code: "Authorization_RequestDenied".into() })]);
    fixture.decide("ana", wanted("ana", "Paris", false)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["disable t1"]);
}

async fn a_user_deleted_in_the_target_by_hand_stays_deleted(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    fixture.clock.advance(Duration::from_secs(600));
    fixture.publish_consent(true).await;
    fixture.facts().await;
    let object = fixture.fake.object(&address("ana")).unwrap();
    fixture.fake.put(&address("ana"), Object { soft_deleted: Some(None), ..object });
    fixture.fake.journal();
    for city in ["Rome", "Oslo"] {
        fixture.decide("ana", wanted("ana", city, true)).await;
        fixture.advance_and_converge(Duration::from_secs(20)).await;
    }
    assert_eq!(fixture.fake.journal(), Vec::<String>::new());
    let link = &fixture.links().await[0].link;
    assert_eq!((link.veto.as_ref().unwrap().by.as_str(), link.condition.as_ref().unwrap().code.as_str()), ("hub", "vetoed"));
    let outcomes = fixture.outcomes().await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.as_str() == "update ana held vetoed []").count(),
        2,
        "once a decision: {outcomes:?}"
    );
}

async fn a_user_blocked_by_the_target_is_not_enabled_by_a_change(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    let object = fixture.fake.object(&address("ana")).unwrap();
    fixture.fake.put(&address("ana"), Object { enabled: false, ..object });
    // Something makes us look: an answer that was lost.
    fixture.fake.fail([Some(Fault::After)]);
    fixture.decide("ana", wanted("ana", "Rome", true)).await;
    fixture.advance_and_converge(Duration::from_secs(20)).await;
    fixture.decide("ana", wanted("ana", "Oslo", true)).await;
    fixture.advance_and_converge(Duration::from_secs(20)).await;
    let ana = fixture.fake.object(&address("ana")).unwrap();
    assert_eq!((ana.enabled, ana.attributes.text("city")), (false, Some("Oslo")));
    assert_eq!(fixture.links().await[0].link.shadow.account().unwrap().disabled_by, DisabledBy::Target);
}

/// Fifteen users who came, and lost the scope all at once.
async fn fifteen_out_of_scope(place: Place) -> Fixture {
    let fixture = Fixture::new(place).await;
    let users: Vec<String> = (0..15).map(|number| format!("u{number:02}")).collect();
    for user in &users {
        fixture.decide(user, wanted(user, "Paris", true)).await;
    }
    fixture.converge().await;
    for user in &users {
        fixture.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    fixture.converge().await;
    fixture
}

/// How many may sign in.
fn enabled(fixture: &Fixture) -> usize {
    fixture.fake.objects().iter().filter(|(_, object)| object.enabled && object.soft_deleted.is_none()).count()
}

async fn deletions_in_a_window_stay_within_the_limit_and_the_rest_keep_access(place: Place) {
    let fixture = fifteen_out_of_scope(place).await;
    assert_eq!(enabled(&fixture), 5, "ten may go");
    fixture.advance_and_converge(Duration::from_secs(3000)).await;
    assert_eq!(enabled(&fixture), 5);
    fixture.advance_and_converge(Duration::from_secs(1000)).await;
    assert_eq!(enabled(&fixture), 0, "the window has moved on");
}

async fn a_larger_share_releases_users_held_by_the_limit(place: Place) {
    let fixture = fifteen_out_of_scope(place).await;
    assert_eq!(enabled(&fixture), 5, "ten may go");
    for number in 0..300 {
        let user = format!("v{number:03}");
        fixture.decide(&user, wanted(&user, "Paris", true)).await;
    }
    fixture.converge().await;
    fixture.advance_and_converge(Duration::from_secs(60)).await;
    assert_eq!(enabled(&fixture), 300, "a twentieth of three hundred may go");
}

async fn limits_of_the_configuration_hold_each_verb_until_they_are_raised(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.limit(r#"{"create":2,"update":1,"disable":1}"#).await;
    let cities = |city: &'static str| ["ana", "bo", "cy"].map(|user| (user, wanted(user, city, true)));
    for (user, desired) in cities("Paris") {
        fixture.decide(user, desired).await;
    }
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 2);
    let held = || async { fixture.outcomes().await.into_iter().filter(|outcome| outcome.contains("held")).count() };
    assert_eq!(held().await, 1, "a held user is reported");
    fixture.limit(r#"{"update":1,"disable":1}"#).await;
    fixture.converge().await;
    assert_eq!((fixture.fake.objects().len(), held().await), (3, 1), "a limit that is lifted lets the rest go at once");
    fixture.fake.journal();
    for (user, desired) in cities("Rome") {
        fixture.decide(user, desired).await;
    }
    fixture.converge().await;
    assert_eq!(fixture.fake.journal().len(), 1);
    for user in ["ana", "bo", "cy"] {
        fixture.decide(user, wanted(user, "Rome", false)).await;
    }
    fixture.converge().await;
    let journal = fixture.fake.journal();
    let count = |verb: &str| journal.iter().filter(|write| write.starts_with(verb)).count();
    assert_eq!((count("revoke"), count("disable")), (1, 1), "a user whose sign-in change waits keeps the sessions: {journal:?}");
}

async fn a_job_that_panics_postpones_only_its_own_link(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.fake.fail_call("patch", [Fault::Panic, Fault::Panic]);
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.intake().await;
    assert_eq!(fixture.work().await, 1, "it is not tried again at once");
    fixture.provisioner.publish_step(&tenant("hub")).await.unwrap();
    let condition = fixture.links().await.remove(0).link.condition.unwrap();
    assert_eq!((condition.kind, condition.code.as_str(), condition.attempts), (ConditionKind::Retry, "panicked", 1));
    fixture.decide("bo", wanted("bo", "Paris", true)).await;
    fixture.advance_and_converge(Duration::from_secs(120)).await;
    assert_eq!(fixture.fake.objects().len(), 2);
    assert!(fixture.links().await.iter().all(|record| record.link.is_converged()));
}

async fn leavers_go_first_and_calls_in_flight_stay_within_the_limit(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("leaver", wanted("leaver", "Paris", true)).await;
    fixture.converge().await;
    fixture.fake.journal();
    for number in 0..200 {
        let user = format!("u{number:03}");
        fixture.decide_as(&user, wanted(&user, "Paris", true), 1000 + number, Origin::Initial).await;
    }
    fixture.decide_as("leaver", wanted("leaver", "Paris", false), 2000, Origin::Live).await;
    fixture.converge().await;
    let journal = fixture.fake.journal();
    let position = journal.iter().position(|write| write == "disable t1").unwrap();
    // The two writes wait only for links in progress, each of which may have written twice.
    let in_flight_max = Config::new("").in_flight_max;
    assert!(position < 2 * in_flight_max, "the leaver was disabled after {position} of {} writes", journal.len());
    assert_eq!(fixture.fake.objects().len(), 201);
    assert!(fixture.fake.in_flight_most() <= in_flight_max);
}

async fn a_user_not_wanted_during_the_invitation_is_deleted_by_the_same_job(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.fake.fail_call("invite", [Fault::Wait]);
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.intake().await;
    fixture.work_and_decide_meanwhile("ana", not_wanted()).await;
    assert_eq!(fixture.fake.journal(), ["invite ana@emea.example", "anchor t1 ", "revoke t1", "disable t1", "delete t1"]);
}

async fn an_address_that_an_invitation_says_is_taken_is_tried_again_later(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.fake.fail([Some(Fault::Before(Error::Refused { code: "already_exists".into(), attribute: None }))]);
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    let condition = fixture.links().await.remove(0).link.condition.unwrap();
    assert_eq!((condition.kind, condition.code.as_str()), (ConditionKind::Conflict, "address_taken"));
    fixture.advance_and_converge(Duration::from_secs(60)).await;
    assert_eq!(fixture.fake.objects().len(), 1);
}

async fn an_unusable_record_is_dead_lettered_and_a_newer_writers_stops_its_partition(place: Place) {
    let fixture = Fixture::new(place).await;
    let decisions = || topic::DECISIONS.of(tenant("hub"));
    fixture.publish(decisions(), "emea/ana", &internal::RoleStatus::default()).await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 1, "a record after a dead-lettered one is taken in");
    let dead_letters = fixture.all::<internal::DeadLetter>(topic::DEAD_LETTERS.topic()).await;
    assert_eq!((dead_letters.len(), dead_letters[0].1.reason.as_str()), (1, "foreign_type"));
    fixture
        .publish(decisions(), "emea/ana", &events::Decision { source: "emea".into(), user_id: "ana".into(), ..events::Decision::default() })
        .await;
    fixture.decide("ana", not_wanted()).await;
    for _ in 0..5 {
        fixture.provisioner.intake_step(Duration::from_millis(20)).await.ok();
    }
    fixture.work().await;
    assert_eq!(fixture.fake.object(&address("ana")).unwrap().soft_deleted, None, "nothing after it is taken in, and it never means gone");
}

async fn a_target_that_warns_of_throttling_serves_leavers_only(place: Place) {
    let fixture = Fixture::new(place).await;
    fixture.decide("leaver", wanted("leaver", "Paris", true)).await;
    fixture.converge().await;
    fixture.fake.warn(true);
    fixture.decide("first", wanted("first", "Paris", true)).await;
    fixture.converge().await;
    fixture.fake.journal();
    for number in 0..20 {
        let user = format!("u{number:02}");
        fixture.decide_as(&user, wanted(&user, "Paris", true), 1000 + number, Origin::Initial).await;
    }
    fixture.decide_as("leaver", wanted("leaver", "Paris", false), 2000, Origin::Live).await;
    fixture.intake().await;
    fixture.work().await;
    assert_eq!(fixture.fake.journal(), ["revoke t1", "disable t1"]);
    for _ in 0..20 {
        fixture.advance_and_converge(Duration::from_secs(1)).await;
    }
    assert_eq!(fixture.fake.objects().len(), 22, "a link that was begun is finished, also while the warning lasts");
}
