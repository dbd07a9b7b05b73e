//! What the provisioner does to a target, story by story, on both databases.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::time::Duration;

use bed::target::{Fault, invited};
use bed::{Bed, Place, address, gone, out_of_scope, present, said, tenant};
use xtsync_contract::topic;
use xtsync_contract::{events, internal};
use xtsync_directory::Error;
use xtsync_domain::link::{LoweredBy, TroubleKind};
use xtsync_domain::shadow::{Object, ObjectKind};
use xtsync_domain::{Origin, Timestamp};
use xtsync_provisioner::Config;
use xtsync_runtime::clock::Clock as _;

/// Runs each story on both databases.
macro_rules! stories {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::Place::Sqlite).await; })+
        }

        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::Place::Postgres).await; })+
        }
    };
}

stories! {
    a_person_is_created_changed_disabled_enabled_deleted_and_restored_with_no_call_too_many,
    nobody_is_created_disabled_and_nobody_gone_gets_a_row,
    a_late_or_repeated_decision_does_no_harm,
    what_another_replica_took_in_meanwhile_is_not_taken_again,
    a_loss_of_scope_is_due_after_its_settling_and_a_return_within_it_does_nothing,
    whoever_holds_the_address_is_a_conflict_until_he_moves,
    of_two_people_with_one_address_one_is_created_and_the_other_names_him,
    what_an_invitation_gave_that_was_there_before_is_never_written,
    consent_withdrawn_stops_every_write_and_given_again_writes_exactly_what_changed,
    knowledge_that_grew_old_stops_all_but_leavers,
    who_only_observes_writes_nothing_until_the_mode_changes,
    a_throttling_target_is_left_alone_as_a_whole_and_costs_nobody_an_attempt,
    a_refused_decision_is_told_and_waits_for_another_one,
    sessions_that_cannot_be_ended_keep_nobody_enabled,
    who_was_deleted_in_the_target_by_hand_stays_deleted,
    whom_the_target_blocked_is_not_unblocked_by_a_change,
    no_more_are_deleted_in_a_window_than_the_limit_and_the_rest_keep_their_access,
    who_left_while_the_target_was_being_filled_goes_when_its_share_is_larger,
    limits_of_the_configuration_hold_each_verb_until_they_are_raised,
    a_job_that_panics_puts_its_link_off_and_no_other,
    leavers_go_first_and_no_more_calls_are_under_way_than_allowed,
    a_target_that_is_about_to_throttle_is_left_to_leavers,
    who_is_gone_while_he_is_being_invited_is_cleaned_away_by_the_same_job,
    an_address_that_an_invitation_says_is_taken_is_tried_again_later,
    a_record_that_is_not_ours_is_buried_and_one_of_a_newer_writer_stops_its_partition,
}

async fn a_person_is_created_changed_disabled_enabled_deleted_and_restored_with_no_call_too_many(place: Place) {
    let bed = Bed::new(place).await;
    let rome = || present("ana", "Rome", true);
    let stories = [
        (present("ana", "Paris", true), vec!["invite ana@emea.example", "anchor t1 city,displayName,userType"]),
        (present("ana", "Paris", true), vec![]),
        (rome(), vec!["patch t1 city"]),
        (present("ana", "Rome", false), vec!["revoke t1", "disable t1"]),
        (rome(), vec!["enable t1"]),
        (gone(), vec!["revoke t1", "disable t1", "delete t1"]),
        (gone(), vec![]),
        (present("ana", "Oslo", true), vec!["restore t1", "patch t1 city", "enable t1"]),
    ];
    for (step, (desired, writes)) in stories.into_iter().enumerate() {
        bed.decide("ana", desired).await;
        bed.settle().await;
        assert_eq!(bed.fake.journal(), writes, "step {step}");
    }
    let ana = bed.fake.object(&address("ana")).unwrap();
    assert_eq!((ana.enabled, ana.bin, ana.anchor.as_deref()), (true, None, Some("emea-id/ana")));
    assert_eq!(said(&ana.attributes), "city=Oslo displayName=ana userType=Member");
    let told = [
        "create ana [city,displayName,userType]",
        "update ana [city]",
        "disable ana []",
        "enable ana []",
        "delete ana []",
        "restore ana [city]",
    ];
    assert_eq!(bed.outcomes().await, told);
    let links = bed.links().await;
    assert!(links[0].link.is_reached() && links[0].link.trouble.is_none());
}

async fn nobody_is_created_disabled_and_nobody_gone_gets_a_row(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("bo", present("bo", "Paris", false)).await;
    bed.decide("cy", gone()).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    let users: Vec<_> = bed.links().await.into_iter().map(|record| record.link.user().to_string()).collect();
    assert_eq!(users, ["bo"]);
    // A late record that is older than what was seen makes no link either.
    bed.decide_as("cy", present("cy", "Paris", true), 0, Origin::Live).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
}

async fn a_late_or_repeated_decision_does_no_harm(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide_as("ana", present("ana", "Rome", true), 100, Origin::Live).await;
    bed.settle().await;
    bed.fake.journal();
    for (delta, desired) in [(99, gone()), (100, gone()), (98, present("ana", "Paris", true))] {
        bed.decide_as("ana", desired, delta, Origin::Live).await;
        bed.settle().await;
    }
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
}

async fn what_another_replica_took_in_meanwhile_is_not_taken_again(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.settle().await;
    bed.fake.journal();
    bed.take_decisions_away().await;
    bed.decide("ana", present("ana", "Oslo", true)).await;
    for _ in 0..5 {
        bed.provisioner.intake_step(Duration::from_millis(20)).await.unwrap();
    }
    bed.work().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
}

async fn a_loss_of_scope_is_due_after_its_settling_and_a_return_within_it_does_nothing(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    bed.fake.journal();
    bed.decide("ana", out_of_scope(Duration::from_secs(30))).await;
    bed.settle().await;
    assert_eq!(bed.due().await, 0, "what settles is not due");
    bed.clock.advance(Duration::from_secs(29));
    bed.settle().await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    bed.decide("ana", out_of_scope(Duration::from_secs(30))).await;
    bed.settle().await;
    bed.clock.advance(Duration::from_secs(30));
    assert_eq!(bed.due().await, 1);
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["revoke t1", "disable t1", "delete t1"]);
    assert_eq!(bed.due().await, 0);
}

async fn whoever_holds_the_address_is_a_conflict_until_he_moves(place: Place) {
    let bed = Bed::new(place).await;
    let kinds = [("bo", ObjectKind::Internal), ("cy", ObjectKind::Contact), ("di", ObjectKind::Invited)];
    for (user, kind) in kinds {
        let old = Timestamp(bed.clock.now().0 - 3_600_000_000);
        bed.fake.put(&address(user), Object { kind, ..invited(&format!("foreign-{user}"), old) });
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    for record in bed.links().await {
        let trouble = record.link.trouble.unwrap();
        let want = (TroubleKind::Conflict, "address_taken", vec![format!("foreign-{}", record.link.desired.user)]);
        assert_eq!((trouble.kind, trouble.code.as_str(), trouble.others), want);
    }
    bed.fake.purge_by_hand(&address("bo"));
    bed.outlast(Duration::from_secs(60)).await;
    assert_eq!(bed.fake.journal().len(), 2, "bo is created, the others still wait");
}

async fn of_two_people_with_one_address_one_is_created_and_the_other_names_him(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("maria", present("maria", "Paris", true)).await;
    bed.decide("maria2", present("maria", "Rome", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1);
    bed.outlast(Duration::from_secs(5)).await;
    let links = bed.links().await;
    let conflicts: Vec<_> = links.iter().filter_map(|record| record.link.trouble.as_ref()).collect();
    let incumbent = links.iter().find(|record| record.link.trouble.is_none()).unwrap();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].others, [format!("emea/{}", incumbent.link.user())]);
    assert_eq!(bed.fake.objects().len(), 1, "nothing is overwritten");
}

async fn what_an_invitation_gave_that_was_there_before_is_never_written(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    // The look-up misses a guest whose address is found by the invitation only.
    let old = Timestamp(bed.clock.now().0 - 3_600_000_000);
    bed.fake.put(&address("ana"), invited("guest", old));
    bed.fake.hide_from_look_up(&address("ana"));
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["invite ana@emea.example"]);
    assert_eq!(bed.fake.object(&address("ana")).unwrap().attributes, xtsync_domain::Attributes::default());
    assert_eq!(bed.links().await[0].link.trouble.as_ref().unwrap().code, "address_taken");
}

async fn consent_withdrawn_stops_every_write_and_given_again_writes_exactly_what_changed(place: Place) {
    let bed = Bed::new(place).await;
    let users = ["ana", "bo", "cy"];
    for user in users {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    bed.fake.journal();
    bed.agree(false).await;
    bed.facts().await;
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.decide("bo", gone()).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    let held: Vec<_> = bed.links().await.into_iter().filter_map(|record| record.link.trouble).map(|trouble| trouble.code).collect();
    assert_eq!(held, ["sync_not_allowed", "sync_not_allowed"]);
    bed.settle().await;
    let told: Vec<_> = bed.outcomes().await.into_iter().filter(|told| told.contains("held")).collect();
    let want = ["update ana held sync_not_allowed []", "delete bo held sync_not_allowed []"];
    assert!(told.len() == 2 && want.iter().all(|one| told.iter().any(|told| told == one)), "{told:?}");
    bed.agree(true).await;
    bed.facts().await;
    bed.settle().await;
    let mut journal = bed.fake.journal();
    journal.sort();
    assert_eq!(journal.len(), 4, "{journal:?}");
    assert!(journal.iter().any(|write| write.starts_with("patch")) && journal.iter().any(|write| write.starts_with("delete")));
}

async fn knowledge_that_grew_old_stops_all_but_leavers(place: Place) {
    let bed = Bed::new(place).await;
    for user in ["ana", "bo"] {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    bed.fake.journal();
    bed.clock.advance(Duration::from_secs(61));
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.decide("bo", present("bo", "Paris", false)).await;
    bed.settle().await;
    let journal = bed.fake.journal();
    assert!(journal.len() == 2 && journal[0].starts_with("revoke") && journal[1].starts_with("disable"), "{journal:?}");
    bed.agree(true).await;
    bed.facts().await;
    bed.settle().await;
    assert_eq!(bed.fake.journal().len(), 1);
}

async fn who_only_observes_writes_nothing_until_the_mode_changes(place: Place) {
    let bed = Bed::closed(place, "observe").await;
    bed.agree(true).await;
    bed.facts().await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    assert_eq!(bed.links().await[0].link.trouble.as_ref().unwrap().code, "observing");
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    bed.configure("enforce").await;
    bed.settle().await;
    assert_eq!(bed.fake.journal().len(), 2);
}

async fn a_throttling_target_is_left_alone_as_a_whole_and_costs_nobody_an_attempt(place: Place) {
    let bed = Bed::new(place).await;
    bed.fake.fail_call("find", [Fault::Before(Error::Throttled { wait: Duration::from_secs(7) })]);
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    for user in ["bo", "cy"] {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.clock.advance(Duration::from_millis(6_900));
    bed.settle().await;
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    bed.clock.advance(Duration::from_millis(100));
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 3);
    assert!(bed.links().await.iter().all(|record| record.link.trouble.is_none()));
}

async fn a_refused_decision_is_told_and_waits_for_another_one(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.fake.fail([Some(Fault::Before(Error::Refused { code: "Request_BadRequest".into(), attribute: None }))]);
    bed.settle().await;
    bed.outlast(Duration::from_secs(3600)).await;
    assert_eq!(bed.outcomes().await, ["create ana failed Request_BadRequest []"]);
    assert_eq!(bed.links().await[0].link.trouble.as_ref().unwrap().kind, TroubleKind::Refused);
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal().len(), 2);
}

async fn sessions_that_cannot_be_ended_keep_nobody_enabled(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    bed.fake.journal();
    bed.fake.fail_call("revoke", [Fault::Before(Error::Forbidden { code: "Authorization_RequestDenied".into() })]);
    bed.decide("ana", present("ana", "Paris", false)).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["disable t1"]);
}

async fn who_was_deleted_in_the_target_by_hand_stays_deleted(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    bed.clock.advance(Duration::from_secs(600));
    bed.agree(true).await;
    bed.facts().await;
    let object = bed.fake.object(&address("ana")).unwrap();
    bed.fake.put(&address("ana"), Object { bin: Some(None), ..object });
    bed.fake.journal();
    for city in ["Rome", "Oslo"] {
        bed.decide("ana", present("ana", city, true)).await;
        bed.outlast(Duration::from_secs(20)).await;
    }
    assert_eq!(bed.fake.journal(), Vec::<String>::new());
    let link = &bed.links().await[0].link;
    assert_eq!((link.veto.as_ref().unwrap().by.as_str(), link.trouble.as_ref().unwrap().code.as_str()), ("hub", "vetoed"));
    let told = bed.outcomes().await;
    assert_eq!(told.iter().filter(|told| told.as_str() == "update ana held vetoed []").count(), 2, "once a decision: {told:?}");
}

async fn whom_the_target_blocked_is_not_unblocked_by_a_change(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    let object = bed.fake.object(&address("ana")).unwrap();
    bed.fake.put(&address("ana"), Object { enabled: false, ..object });
    // Something makes us look: an answer that was lost.
    bed.fake.fail([Some(Fault::After)]);
    bed.decide("ana", present("ana", "Rome", true)).await;
    bed.outlast(Duration::from_secs(20)).await;
    bed.decide("ana", present("ana", "Oslo", true)).await;
    bed.outlast(Duration::from_secs(20)).await;
    let ana = bed.fake.object(&address("ana")).unwrap();
    assert_eq!((ana.enabled, ana.attributes.text("city")), (false, Some("Oslo")));
    assert_eq!(bed.links().await[0].link.shadow.account().unwrap().lowered_by, LoweredBy::Target);
}

/// Fifteen users who came, and lost the scope all at once.
async fn fifteen_shall_go(place: Place) -> Bed {
    let bed = Bed::new(place).await;
    let users: Vec<String> = (0..15).map(|number| format!("u{number:02}")).collect();
    for user in &users {
        bed.decide(user, present(user, "Paris", true)).await;
    }
    bed.settle().await;
    for user in &users {
        bed.decide(user, out_of_scope(Duration::ZERO)).await;
    }
    bed.settle().await;
    bed
}

/// How many may sign in.
fn enabled(bed: &Bed) -> usize {
    bed.fake.objects().iter().filter(|(_, object)| object.enabled && object.bin.is_none()).count()
}

async fn no_more_are_deleted_in_a_window_than_the_limit_and_the_rest_keep_their_access(place: Place) {
    let bed = fifteen_shall_go(place).await;
    assert_eq!(enabled(&bed), 5, "ten may go");
    bed.outlast(Duration::from_secs(3000)).await;
    assert_eq!(enabled(&bed), 5);
    bed.outlast(Duration::from_secs(1000)).await;
    assert_eq!(enabled(&bed), 0, "the window has moved on");
}

async fn who_left_while_the_target_was_being_filled_goes_when_its_share_is_larger(place: Place) {
    let bed = fifteen_shall_go(place).await;
    assert_eq!(enabled(&bed), 5, "ten may go");
    for number in 0..300 {
        let user = format!("v{number:03}");
        bed.decide(&user, present(&user, "Paris", true)).await;
    }
    bed.settle().await;
    bed.outlast(Duration::from_secs(60)).await;
    assert_eq!(enabled(&bed), 300, "a twentieth of three hundred may go");
}

async fn limits_of_the_configuration_hold_each_verb_until_they_are_raised(place: Place) {
    let bed = Bed::new(place).await;
    bed.limit(r#"{"create":2,"update":1,"disable":1}"#).await;
    let cities = |city: &'static str| ["ana", "bo", "cy"].map(|user| (user, present(user, city, true)));
    for (user, desired) in cities("Paris") {
        bed.decide(user, desired).await;
    }
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 2);
    let held = || async { bed.outcomes().await.into_iter().filter(|told| told.contains("held")).count() };
    assert_eq!(held().await, 1, "who is held is told of");
    bed.limit(r#"{"update":1,"disable":1}"#).await;
    bed.settle().await;
    assert_eq!((bed.fake.objects().len(), held().await), (3, 1), "a limit that is lifted lets the rest go at once");
    bed.fake.journal();
    for (user, desired) in cities("Rome") {
        bed.decide(user, desired).await;
    }
    bed.settle().await;
    assert_eq!(bed.fake.journal().len(), 1);
    for user in ["ana", "bo", "cy"] {
        bed.decide(user, present(user, "Rome", false)).await;
    }
    bed.settle().await;
    let journal = bed.fake.journal();
    let count = |verb: &str| journal.iter().filter(|write| write.starts_with(verb)).count();
    assert_eq!((count("revoke"), count("disable")), (1, 1), "whose sign-in waits keeps his sessions: {journal:?}");
}

async fn a_job_that_panics_puts_its_link_off_and_no_other(place: Place) {
    let bed = Bed::new(place).await;
    bed.fake.fail_call("patch", [Fault::Panic, Fault::Panic]);
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.intake().await;
    assert_eq!(bed.work().await, 1, "it is not tried again at once");
    bed.provisioner.publish_step(&tenant("hub")).await.unwrap();
    let trouble = bed.links().await.remove(0).link.trouble.unwrap();
    assert_eq!((trouble.kind, trouble.code.as_str(), trouble.attempts), (TroubleKind::Retry, "panicked", 1));
    bed.decide("bo", present("bo", "Paris", true)).await;
    bed.outlast(Duration::from_secs(120)).await;
    assert_eq!(bed.fake.objects().len(), 2);
    assert!(bed.links().await.iter().all(|record| record.link.is_reached()));
}

async fn leavers_go_first_and_no_more_calls_are_under_way_than_allowed(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("leaver", present("leaver", "Paris", true)).await;
    bed.settle().await;
    bed.fake.journal();
    for number in 0..200 {
        let user = format!("u{number:03}");
        bed.decide_as(&user, present(&user, "Paris", true), 1000 + number, Origin::Initial).await;
    }
    bed.decide_as("leaver", present("leaver", "Paris", false), 2000, Origin::Live).await;
    bed.settle().await;
    let journal = bed.fake.journal();
    let position = journal.iter().position(|write| write == "disable t1").unwrap();
    // His two writes wait for nobody but those in hand, of whom each may have written twice.
    let in_hand = Config::new("").in_flight_max;
    assert!(position < 2 * in_hand, "the leaver was disabled after {position} of {} writes", journal.len());
    assert_eq!(bed.fake.objects().len(), 201);
    assert!(bed.fake.in_flight_most() <= in_hand);
}

async fn who_is_gone_while_he_is_being_invited_is_cleaned_away_by_the_same_job(place: Place) {
    let bed = Bed::new(place).await;
    bed.fake.fail_call("invite", [Fault::Wait]);
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.intake().await;
    let meanwhile = async {
        bed.fake.hung.notified().await;
        bed.decide("ana", gone()).await;
        bed.intake().await;
        bed.fake.go.notify_one();
    };
    tokio::join!(bed.work(), meanwhile);
    assert_eq!(bed.fake.journal(), ["invite ana@emea.example", "anchor t1 ", "revoke t1", "disable t1", "delete t1"]);
}

async fn an_address_that_an_invitation_says_is_taken_is_tried_again_later(place: Place) {
    let bed = Bed::new(place).await;
    bed.fake.fail([Some(Fault::Before(Error::Refused { code: "already_exists".into(), attribute: None }))]);
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    let trouble = bed.links().await.remove(0).link.trouble.unwrap();
    assert_eq!((trouble.kind, trouble.code.as_str()), (TroubleKind::Conflict, "address_taken"));
    bed.outlast(Duration::from_secs(60)).await;
    assert_eq!(bed.fake.objects().len(), 1);
}

async fn a_record_that_is_not_ours_is_buried_and_one_of_a_newer_writer_stops_its_partition(place: Place) {
    let bed = Bed::new(place).await;
    let decisions = || topic::DECISIONS.of(tenant("hub"));
    bed.publish(decisions(), "emea/ana", &internal::RoleStatus::default()).await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1, "what follows a buried record is taken in");
    let letters = bed.all::<internal::DeadLetter>(topic::DEAD_LETTERS.topic()).await;
    assert_eq!((letters.len(), letters[0].1.reason.as_str()), (1, "foreign_type"));
    bed.publish(decisions(), "emea/ana", &events::Decision { source: "emea".into(), user_id: "ana".into(), ..events::Decision::default() })
        .await;
    bed.decide("ana", gone()).await;
    for _ in 0..5 {
        bed.provisioner.intake_step(Duration::from_millis(20)).await.ok();
    }
    bed.work().await;
    assert_eq!(bed.fake.object(&address("ana")).unwrap().bin, None, "nothing after it is taken in, and it never means gone");
}

async fn a_target_that_is_about_to_throttle_is_left_to_leavers(place: Place) {
    let bed = Bed::new(place).await;
    bed.decide("leaver", present("leaver", "Paris", true)).await;
    bed.settle().await;
    bed.fake.warn(true);
    bed.decide("first", present("first", "Paris", true)).await;
    bed.settle().await;
    bed.fake.journal();
    for number in 0..20 {
        let user = format!("u{number:02}");
        bed.decide_as(&user, present(&user, "Paris", true), 1000 + number, Origin::Initial).await;
    }
    bed.decide_as("leaver", present("leaver", "Paris", false), 2000, Origin::Live).await;
    bed.intake().await;
    bed.work().await;
    assert_eq!(bed.fake.journal(), ["revoke t1", "disable t1"]);
    for _ in 0..20 {
        bed.outlast(Duration::from_secs(1)).await;
    }
    assert_eq!(bed.fake.objects().len(), 22, "whoever is begun comes to his end, also where the warning stays");
}
