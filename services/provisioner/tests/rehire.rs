//! A user leaves and returns with a new account at home, or another user gets the address: no user waits for a freed address.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::rehire::{
    again, check_killed_in_each_call, check_restored, deleted_employee, employee, former_employee, owners, present_employee,
    redeemed_employee, with_address_of,
};
use fixture::target::Fault;
use fixture::{Fixture, Place, address, not_wanted, out_of_scope, wanted};
use xtsync_directory::Error;
use xtsync_domain::link::ConditionKind;
use xtsync_domain::shadow::Object;
use xtsync_store::params;

/// K-21: the former account's shadow user stays in the bin for 30 days.
#[tokio::test]
async fn a_new_account_with_a_deleted_ones_address_is_invited_at_once() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.decide("eva", wanted("eva", "Paris", true)).await;
    fixture.converge().await;
    fixture.decide("eva", not_wanted()).await;
    fixture.converge().await;
    fixture.fake.journal();
    fixture.decide("eva-again", with_address_of("eva", "eva-again")).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal(), ["invite eva@emea.example", "anchor t2 city,displayName,userType"]);
    let links = fixture.links().await;
    assert!(links.iter().all(|record| record.link.is_converged() && record.link.condition.is_none()));
}

#[tokio::test]
async fn a_user_who_waits_for_an_address_gets_it_as_soon_as_the_other_is_deleted() {
    for going in [not_wanted(), out_of_scope(Duration::ZERO)] {
        let fixture = Fixture::new(Place::Sqlite).await;
        fixture.decide("eva", wanted("eva", "Paris", true)).await;
        fixture.converge().await;
        fixture.decide("eva-again", with_address_of("eva", "eva-again")).await;
        fixture.converge().await;
        let condition = fixture.links().await.into_iter().find_map(|record| record.link.condition).unwrap();
        assert_eq!((condition.kind, condition.others), (ConditionKind::Conflict, vec!["emea/eva".to_owned()]));
        fixture.decide("eva", going).await;
        fixture.converge().await;
        assert!(fixture.links().await.iter().all(|record| record.link.is_converged()), "no time has passed");
        assert_eq!(fixture.fake.objects().len(), 2);
    }
}

/// The deletion ends during the look-up of the waiting user: neither job knows of the other.
#[tokio::test]
async fn an_address_released_during_the_look_up_is_free_at_once() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.decide("eva", wanted("eva", "Paris", true)).await;
    fixture.converge().await;
    fixture.fake.fail_call("delete", [Fault::Wait]);
    fixture.decide("eva", not_wanted()).await;
    fixture.decide("eva-again", with_address_of("eva", "eva-again")).await;
    fixture.intake().await;
    let meanwhile = async {
        fixture.fake.hung.notified().await;
        fixture.fake.proceed.notify_one();
    };
    tokio::join!(fixture.work(), meanwhile);
    fixture.converge().await;
    assert!(fixture.links().await.iter().all(|record| record.link.is_converged()));
}

#[tokio::test]
async fn a_user_whose_deletion_is_refused_keeps_the_address() {
    let fixture = Fixture::new(Place::Sqlite).await;
    fixture.decide("eva", wanted("eva", "Paris", true)).await;
    fixture.converge().await;
    let refused = Error::Refused { code: "Request_BadRequest".into(), attribute: None };
    fixture.fake.fail_call("delete", [Fault::Before(refused)]);
    fixture.decide("eva", not_wanted()).await;
    fixture.converge().await;
    fixture.decide("eva-again", with_address_of("eva", "eva-again")).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.objects().len(), 1);
}

/// A user with a second account at home whose first account only left the scope: it still signs in to what it was invited to.
#[tokio::test]
async fn what_an_account_left_that_still_exists_at_home_is_not_restored_for_another() {
    let fixture = former_employee(Place::Sqlite, "007", out_of_scope(Duration::ZERO)).await;
    fixture.decide("eva-again", again("eva-again")).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal()[0], "invite eva@emea.example");
    assert_eq!(owners(&fixture).await, ["eva", "eva-again"]);
}

#[tokio::test]
async fn where_it_is_asked_for_the_same_employee_is_restored_and_gets_access_last() {
    for place in [Place::Sqlite, Place::Postgres] {
        let fixture = deleted_employee(place, "007").await;
        fixture.decide("eva-again", again("eva-again")).await;
        fixture.converge().await;
        assert_eq!(fixture.fake.journal(), ["restore t1", "anchor t1 city,displayName,employeeId,userType", "enable t1"]);
        check_restored(&fixture, "restored").await;
        assert!(fixture.outcomes().await.contains(&"restore eva-again [city,displayName,employeeId,userType]".to_owned()));
        // The former account has no link any more.
        fixture.decide("eva", again("eva")).await;
        fixture.converge().await;
        assert_eq!((fixture.fake.journal(), fixture.fake.objects().len()), (vec![], 1));
        assert_eq!(owners(&fixture).await, ["eva-again"]);
    }
}

/// The new account could not sign in to what the former one has redeemed.
#[tokio::test]
async fn a_redeemed_invitation_is_reset_before_the_new_account_may_sign_in() {
    let fixture = redeemed_employee(Place::Sqlite, "007").await;
    fixture.decide("eva-again", again("eva-again")).await;
    fixture.converge().await;
    let anchor = "anchor t1 city,displayName,employeeId,userType";
    assert_eq!(fixture.fake.journal(), ["restore t1", "reset t1 eva@emea.example", anchor, "enable t1"]);
    check_restored(&fixture, "restored").await;
}

/// The target refuses it to an application for a user with an admin role.
#[tokio::test]
async fn where_the_redemption_cannot_be_reset_sign_in_stays_blocked_until_an_administrator_has() {
    let fixture = redeemed_employee(Place::Sqlite, "007").await;
    fixture.fake.fail_always("reset", "t1", Fault::Before(Error::Forbidden { code: "insufficient_privileges".into() }));
    fixture.decide("eva-again", again("eva-again")).await;
    fixture.converge().await;
    let object = fixture.fake.object(&address("eva")).unwrap();
    assert_eq!((object.enabled, object.anchor.as_deref()), (false, Some("emea-id/eva")));
    let condition = fixture.links().await.into_iter().find_map(|record| record.link.condition).unwrap();
    assert_eq!((condition.kind, condition.code.as_str()), (ConditionKind::Refused, "reset_redemption_forbidden"));
    fixture.fake.put(&address("eva"), Object { redeemed: false, ..object });
    fixture.advance_and_converge(Duration::from_secs(3600)).await;
    check_restored(&fixture, "reset by hand").await;
}

#[tokio::test]
async fn another_employee_with_the_former_address_is_never_given_the_former_object() {
    for (former, id) in [("007", "008"), ("007", ""), (" ", " "), ("", "")] {
        let fixture = deleted_employee(Place::Sqlite, former).await;
        fixture.decide("eva-again", employee(with_address_of("eva", "eva-again"), id)).await;
        fixture.converge().await;
        assert_eq!(fixture.fake.journal()[0], "invite eva@emea.example", "{former:?} {id:?}");
        let kept = fixture.fake.objects().into_iter().find(|(_, object)| object.soft_deleted.is_some()).unwrap().1;
        assert_eq!((kept.anchor.as_deref(), kept.enabled), (Some("emea-id/eva"), false));
    }
}

#[tokio::test]
async fn the_same_employee_is_invited_anew_without_rehire_restore() {
    let fixture = deleted_employee(Place::Sqlite, "007").await;
    fixture.rehire("new").await;
    fixture.decide("eva-again", again("eva-again")).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal()[0], "invite eva@emea.example");
}

#[tokio::test]
async fn of_several_former_accounts_none_is_restored() {
    let fixture = deleted_employee(Place::Sqlite, "007").await;
    fixture.rehire("new").await;
    fixture.decide("eva-again", again("eva-again")).await;
    fixture.converge().await;
    fixture.decide("eva-again", not_wanted()).await;
    fixture.converge().await;
    fixture.fake.journal();
    fixture.rehire("restore").await;
    fixture.decide("eva-third", again("eva-third")).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal()[0], "invite eva@emea.example");
    assert_eq!(fixture.fake.objects().iter().filter(|(_, object)| object.soft_deleted.is_some()).count(), 2);
}

#[tokio::test]
async fn what_the_target_deleted_itself_is_not_restored() {
    let fixture = present_employee(Place::Sqlite, "007").await;
    let mut object = fixture.fake.object(&address("eva")).unwrap();
    object.soft_deleted = Some(None);
    fixture.fake.put(&address("eva"), object);
    fixture.clock.advance(Duration::from_secs(600));
    fixture.publish_consent(true).await;
    fixture.facts().await;
    fixture.fake.fail_call("patch", [Fault::Before(Error::NotFound)]);
    fixture.decide("eva", employee(wanted("eva", "Rome", true), "007")).await;
    fixture.advance_and_converge(Duration::from_secs(600)).await;
    assert!(fixture.links().await[0].link.veto.is_some());
    fixture.decide("eva", not_wanted()).await;
    fixture.converge().await;
    fixture.fake.journal();
    fixture.decide("eva-again", again("eva-again")).await;
    fixture.converge().await;
    assert_eq!(fixture.fake.journal()[0], "invite eva@emea.example");
}

/// The former link is in the queue at that moment: its job must not find its row changed under it.
#[tokio::test]
async fn a_former_account_with_a_queued_decision_is_restored_after_it() {
    let fixture = former_employee(Place::Sqlite, "007", out_of_scope(Duration::ZERO)).await;
    fixture.decide("eva-again", again("eva-again")).await;
    fixture.decide("eva", not_wanted()).await;
    fixture.advance_and_converge(Duration::from_secs(60)).await;
    assert_eq!(fixture.fake.journal(), ["restore t1", "anchor t1 city,displayName,employeeId,userType", "enable t1"]);
    check_restored(&fixture, "restored").await;
}

/// Gone again before anything was written: the object still bears the first account's anchor.
#[tokio::test]
async fn a_third_account_restores_what_the_second_did_not() {
    let fixture = deleted_employee(Place::Sqlite, "007").await;
    let failing = Error::Failing { reason: "busy".into(), wait: None };
    fixture.fake.fail_call("restore", [Fault::Before(failing)]);
    fixture.decide("eva-second", again("eva-second")).await;
    fixture.converge().await;
    assert_eq!(owners(&fixture).await, ["eva-second"]);
    fixture.decide("eva-second", not_wanted()).await;
    fixture.converge().await;
    fixture.decide("eva-again", again("eva-again")).await;
    fixture.advance_and_converge(Duration::from_secs(120)).await;
    assert_eq!(fixture.fake.journal(), ["restore t1", "anchor t1 city,displayName,employeeId,userType", "enable t1"]);
    check_restored(&fixture, "restored").await;
}

#[tokio::test]
async fn a_lost_answer_of_any_write_of_a_restoration_is_recovered() {
    for call in ["restore", "reset", "patch", "enable"] {
        let fixture = redeemed_employee(Place::Sqlite, "007").await;
        fixture.fake.fail_call(call, [Fault::After]);
        fixture.decide("eva-again", again("eva-again")).await;
        fixture.advance_and_converge(Duration::from_secs(120)).await;
        check_restored(&fixture, call).await;
    }
}

#[tokio::test]
async fn a_provisioner_killed_in_any_call_of_a_restoration_leaves_what_the_next_one_completes() {
    // A look-up, a restoration, a reading, the redemption, the anchor, the sign-in.
    check_killed_in_each_call(6, again("eva-again"), async || redeemed_employee(Place::Sqlite, "007").await).await;
}

/// The topic may still hold the record by which the former link owns the object.
#[tokio::test]
async fn a_store_lost_after_a_restoration_rebuilds_the_owner() {
    for place in [Place::Sqlite, Place::Postgres] {
        let mut fixture = deleted_employee(place, "007").await;
        fixture.decide("eva-again", again("eva-again")).await;
        fixture.converge().await;
        fixture.lose_store().await;
        fixture.advance_and_converge(Duration::from_secs(60)).await;
        assert_eq!(owners(&fixture).await, ["eva-again"]);
    }
}

/// The backup says that the former link owns the object, and the topic that the new one does, which sorts before it.
#[tokio::test]
async fn a_store_backup_from_before_a_restoration_learns_the_owner() {
    const BACK: &str = "UPDATE link SET state = $1, target_id = 't1', link_version = $2 WHERE user_id = 'eva'";
    for place in [Place::Sqlite, Place::Postgres] {
        let mut fixture = deleted_employee(place, "007").await;
        let store = fixture.second_store().await;
        let row = store.fetch_one_opt("SELECT state, link_version FROM link WHERE user_id = 'eva'", Vec::new()).await.unwrap().unwrap();
        fixture.decide("a-new-eva", again("a-new-eva")).await;
        fixture.converge().await;
        assert_eq!(owners(&fixture).await, ["a-new-eva"]);
        fixture.forget("a-new-eva").await;
        let mut tx = store.begin().await.unwrap();
        tx.execute(BACK, params![row.bytes("state").unwrap(), row.uint("link_version").unwrap()]).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
        fixture.restart().await;
        fixture.advance_and_converge(Duration::from_secs(60)).await;
        assert_eq!(owners(&fixture).await, ["a-new-eva"]);
    }
}
