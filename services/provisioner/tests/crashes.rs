//! Whatever moment the provisioner is killed at, and whatever answer is lost: one object a user, and in the end as desired.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::target::Fault;
use fixture::{Fixture, Place, address, describe_attributes, not_wanted, tenant, wanted};
use tokio::time::timeout;
use xtsync_domain::decision::Desired;
use xtsync_harness::wait_for;

/// A life with every verb in it.
fn life() -> [Desired; 7] {
    [
        wanted("ana", "Paris", true),
        wanted("ana", "Rome", true),
        wanted("ana", "Rome", false),
        wanted("ana", "Rome", true),
        not_wanted(),
        wanted("ana", "Oslo", true),
        wanted("ana", "Bern", true),
    ]
}

/// How many writes that life takes without faults.
const WRITES: usize = 13;

async fn check_as_desired(fixture: &Fixture, case: &str) {
    let ana = fixture.fake.object(&address("ana")).unwrap_or_else(|| panic!("{case}: the user is not there"));
    assert_eq!((ana.enabled, ana.soft_deleted, ana.anchor.as_deref()), (true, None, Some("emea-id/ana")), "{case}");
    assert_eq!(describe_attributes(&ana.attributes), "city=Bern displayName=ana userType=Member", "{case}");
    let link = &fixture.links().await[0].link;
    assert!(link.is_converged() && link.condition.is_none() && link.veto.is_none(), "{case}: {link:?}");
}

#[tokio::test]
async fn a_lifecycle_without_faults_takes_the_expected_writes() {
    let fixture = Fixture::new(Place::Sqlite).await;
    for desired in life() {
        fixture.decide("ana", desired).await;
        fixture.converge().await;
    }
    assert_eq!(fixture.fake.journal().len(), WRITES);
    check_as_desired(&fixture, "no fault").await;
}

#[tokio::test]
async fn a_lost_answer_of_any_write_makes_no_second_object() {
    for lost in 0..WRITES {
        let fixture = Fixture::new(Place::Sqlite).await;
        let faults = (0..WRITES).map(|write| (write == lost).then_some(Fault::After));
        fixture.fake.fail(faults);
        for desired in life() {
            fixture.decide("ana", desired).await;
            fixture.advance_and_converge(Duration::from_secs(60)).await;
        }
        check_as_desired(&fixture, &format!("answer {lost} lost")).await;
        let invitations = fixture.fake.journal().iter().filter(|write| write.starts_with("invite")).count();
        assert_eq!(invitations, 1, "answer {lost} lost");
    }
}

#[tokio::test]
async fn a_provisioner_killed_in_any_write_leaves_what_the_next_one_completes() {
    for happened in [false, true] {
        for killed in 0..WRITES {
            let case = format!("killed in write {killed}, which happened: {happened}");
            let mut fixture = Fixture::new(Place::Sqlite).await;
            fixture.fake.fail((0..WRITES).map(|write| (write == killed).then_some(Fault::Hang { happened })));
            for desired in life() {
                fixture.decide("ana", desired).await;
                fixture.intake().await;
                if fixture.work_until_hung().await {
                    fixture.restart().await;
                    fixture.work().await;
                    let before = fixture.fake.journal();
                    fixture.work().await;
                    assert_eq!(
                        fixture.fake.journal(),
                        Vec::<String>::new(),
                        "{case}: not before the former call must have ended; {before:?}"
                    );
                }
                fixture.advance_and_converge(Duration::from_secs(60)).await;
            }
            check_as_desired(&fixture, &case).await;
            let mut verbs: Vec<_> = fixture.outcomes().await.iter().map(|outcome| outcome.split(' ').next().unwrap().to_owned()).collect();
            verbs.dedup();
            assert_eq!(verbs, ["create", "update", "disable", "enable", "delete", "restore", "update"], "{case}");
        }
    }
}

#[tokio::test]
async fn the_intent_of_a_call_is_extended_while_it_goes_on_and_the_call_ends_with_it() {
    let mut fixture = Fixture::new(Place::Sqlite).await;
    fixture.restart_with_intents_of(Duration::from_secs(1)).await;
    fixture.fake.fail([Some(Fault::Hang { happened: false })]);
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.intake().await;
    let provisioner = fixture.provisioner.clone();
    let worker = tokio::spawn(async move { provisioner.work_step(&tenant("hub")).await });
    fixture.fake.hung.notified().await;
    let until = fixture.call_until().await;
    fixture.clock.advance(Duration::from_secs(5));
    let is_extended = async || Ok((fixture.call_until().await >= until + 5_000_000).then_some(()));
    wait_for(Duration::from_secs(60), "the intent to be extended", is_extended).await.unwrap();
    assert!(!worker.is_finished());
    // Nor is it answered now; another owner may call once the intent has ended.
    fixture.take_lease_away().await;
    let result = timeout(Duration::from_secs(60), worker).await.expect("the call ends").unwrap();
    assert!(result.is_err(), "{result:?}");
}
