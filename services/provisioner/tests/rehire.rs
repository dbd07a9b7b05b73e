//! A user leaves and comes back with a new account at home, or somebody else gets the address: nobody waits for what is given up.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::sync::Arc;
use std::time::Duration;

use bed::target::Fault;
use bed::{Bed, Place, address, gone, out_of_scope, present, tenant};
use xtsync_directory::Error;
use xtsync_domain::decision::{Desired, Present};
use xtsync_domain::link::TroubleKind;
use xtsync_platform::params;

/// Wanted with the address of another user.
fn with_address_of(other: &str, user: &str) -> Desired {
    match present(user, "Paris", true) {
        Desired::Present(present) => Desired::Present(Present { address: address(other), ..present }),
        desired => desired,
    }
}

/// K-21: the former account's shadow user stays in the bin for 30 days.
#[tokio::test]
async fn a_new_account_with_the_address_of_a_deleted_one_comes_in_at_once_as_a_new_user() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("eva", present("eva", "Paris", true)).await;
    bed.settle().await;
    bed.decide("eva", gone()).await;
    bed.settle().await;
    bed.fake.journal();
    bed.decide("eva-again", with_address_of("eva", "eva-again")).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal(), ["invite eva@emea.example", "anchor t2 city,displayName,userType"]);
    let links = bed.links().await;
    assert!(links.iter().all(|record| record.link.is_reached() && record.link.trouble.is_none()));
}

#[tokio::test]
async fn a_user_who_waits_for_an_address_gets_it_as_soon_as_the_other_is_deleted() {
    for going in [gone(), out_of_scope(Duration::ZERO)] {
        let bed = Bed::new(Place::Sqlite).await;
        bed.decide("eva", present("eva", "Paris", true)).await;
        bed.settle().await;
        bed.decide("eva-again", with_address_of("eva", "eva-again")).await;
        bed.settle().await;
        let trouble = bed.links().await.into_iter().find_map(|record| record.link.trouble).unwrap();
        assert_eq!((trouble.kind, trouble.others), (TroubleKind::Conflict, vec!["emea/eva".to_owned()]));
        bed.decide("eva", going).await;
        bed.settle().await;
        assert!(bed.links().await.iter().all(|record| record.link.is_reached()), "no time has passed");
        assert_eq!(bed.fake.objects().len(), 2);
    }
}

/// The deletion ends while the one who waits is being looked up: neither knows of the other.
#[tokio::test]
async fn an_address_that_is_given_up_while_it_is_asked_for_is_not_waited_for() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("eva", present("eva", "Paris", true)).await;
    bed.settle().await;
    bed.fake.fail_call("delete", [Fault::Wait]);
    bed.decide("eva", gone()).await;
    bed.decide("eva-again", with_address_of("eva", "eva-again")).await;
    bed.intake().await;
    let meanwhile = async {
        bed.fake.hung.notified().await;
        bed.fake.go.notify_one();
    };
    tokio::join!(bed.work(), meanwhile);
    bed.settle().await;
    assert!(bed.links().await.iter().all(|record| record.link.is_reached()));
}

#[tokio::test]
async fn a_user_whose_deletion_is_refused_keeps_the_address() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.decide("eva", present("eva", "Paris", true)).await;
    bed.settle().await;
    let refused = Error::Refused { code: "Request_BadRequest".into(), attribute: None };
    bed.fake.fail_call("delete", [Fault::Before(refused)]);
    bed.decide("eva", gone()).await;
    bed.settle().await;
    bed.decide("eva-again", with_address_of("eva", "eva-again")).await;
    bed.settle().await;
    assert_eq!(bed.fake.objects().len(), 1);
}

/// Wanted with an employee id as well.
fn employee(desired: Desired, id: &str) -> Desired {
    match desired {
        Desired::Present(mut present) => {
            present.attributes.insert("employeeId", id.into());
            Desired::Present(present)
        }
        desired => desired,
    }
}

/// `eva` came and was deleted at home; now whoever comes back is to be restored.
async fn deleted_employee(place: Place, id: &str) -> Bed {
    let bed = Bed::new(place).await;
    bed.rehire("restore").await;
    bed.decide("eva", employee(present("eva", "Paris", true), id)).await;
    bed.settle().await;
    bed.decide("eva", gone()).await;
    bed.settle().await;
    bed.fake.journal();
    bed
}

/// Back with a new account and the former address.
fn again(user: &str) -> Desired {
    employee(with_address_of("eva", user), "007")
}

/// The users whose links own an object, as the store has it.
async fn owners(bed: &Bed) -> Vec<String> {
    let store = bed.beside().await;
    let rows = store.fetch("SELECT user_id FROM link WHERE target_id IS NOT NULL ORDER BY user_id", Vec::new()).await.unwrap();
    store.close().await;
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}

async fn check_restored(bed: &Bed, story: &str) {
    let object = bed.fake.object(&address("eva")).unwrap();
    assert_eq!((object.anchor.as_deref(), object.enabled, object.bin), (Some("emea-id/eva-again"), true, None), "{story}");
    assert_eq!(object.attributes.text("displayName"), Some("eva-again"), "{story}");
    assert_eq!(bed.fake.objects().len(), 1, "{story}");
    assert_eq!(owners(bed).await, ["eva-again"], "{story}");
    let links = bed.links().await;
    assert!(links.iter().all(|record| record.link.is_reached() && record.link.trouble.is_none()), "{story}: {links:?}");
}

/// Somebody with a second account at home, of which the first only left the scope: it still signs in to what it was invited to.
#[tokio::test]
async fn what_an_account_left_that_still_exists_at_home_is_not_restored_for_another() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.rehire("restore").await;
    bed.decide("eva", employee(present("eva", "Paris", true), "007")).await;
    bed.settle().await;
    bed.decide("eva", out_of_scope(Duration::ZERO)).await;
    bed.settle().await;
    bed.fake.journal();
    bed.decide("eva-again", again("eva-again")).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal()[0], "invite eva@emea.example");
    assert_eq!(owners(&bed).await, ["eva", "eva-again"]);
}

#[tokio::test]
async fn where_it_is_asked_for_the_same_employee_is_restored_and_gets_access_last() {
    for place in [Place::Sqlite, Place::Postgres] {
        let bed = deleted_employee(place, "007").await;
        bed.decide("eva-again", again("eva-again")).await;
        bed.settle().await;
        assert_eq!(bed.fake.journal(), ["restore t1", "anchor t1 city,displayName,employeeId,userType", "enable t1"]);
        check_restored(&bed, "restored").await;
        assert!(bed.outcomes().await.contains(&"restore eva-again [city,displayName,employeeId,userType]".to_owned()));
        // The former account leads nowhere any more.
        bed.decide("eva", again("eva")).await;
        bed.settle().await;
        assert_eq!((bed.fake.journal(), bed.fake.objects().len()), (vec![], 1));
        assert_eq!(owners(&bed).await, ["eva-again"]);
    }
}

#[tokio::test]
async fn another_employee_with_the_former_address_is_never_given_the_former_object() {
    for (former, id) in [("007", "008"), ("007", ""), (" ", " "), ("", "")] {
        let bed = deleted_employee(Place::Sqlite, former).await;
        bed.decide("eva-again", employee(with_address_of("eva", "eva-again"), id)).await;
        bed.settle().await;
        assert_eq!(bed.fake.journal()[0], "invite eva@emea.example", "{former:?} {id:?}");
        let kept = bed.fake.objects().into_iter().find(|(_, object)| object.bin.is_some()).unwrap().1;
        assert_eq!((kept.anchor.as_deref(), kept.enabled), (Some("emea-id/eva"), false));
    }
}

#[tokio::test]
async fn the_same_employee_is_invited_anew_where_nobody_asked_for_more() {
    let bed = deleted_employee(Place::Sqlite, "007").await;
    bed.rehire("new").await;
    bed.decide("eva-again", again("eva-again")).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal()[0], "invite eva@emea.example");
}

#[tokio::test]
async fn of_several_former_accounts_none_is_restored() {
    let bed = deleted_employee(Place::Sqlite, "007").await;
    bed.rehire("new").await;
    bed.decide("eva-again", again("eva-again")).await;
    bed.settle().await;
    bed.decide("eva-again", gone()).await;
    bed.settle().await;
    bed.fake.journal();
    bed.rehire("restore").await;
    bed.decide("eva-third", again("eva-third")).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal()[0], "invite eva@emea.example");
    assert_eq!(bed.fake.objects().iter().filter(|(_, object)| object.bin.is_some()).count(), 2);
}

#[tokio::test]
async fn what_the_target_deleted_itself_is_not_restored() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.rehire("restore").await;
    bed.decide("eva", employee(present("eva", "Paris", true), "007")).await;
    bed.settle().await;
    let mut object = bed.fake.object(&address("eva")).unwrap();
    object.bin = Some(None);
    bed.fake.put(&address("eva"), object);
    bed.clock.advance(Duration::from_secs(600));
    bed.agree(true).await;
    bed.facts().await;
    bed.fake.fail_call("patch", [Fault::Before(Error::NotFound)]);
    bed.decide("eva", employee(present("eva", "Rome", true), "007")).await;
    bed.outlast(Duration::from_secs(600)).await;
    assert!(bed.links().await[0].link.veto.is_some());
    bed.decide("eva", gone()).await;
    bed.settle().await;
    bed.fake.journal();
    bed.decide("eva-again", again("eva-again")).await;
    bed.settle().await;
    assert_eq!(bed.fake.journal()[0], "invite eva@emea.example");
}

/// The former link is in the queue at that moment: its job must not find its row changed under it.
#[tokio::test]
async fn a_former_account_that_is_decided_about_at_the_same_time_is_restored_after_that() {
    let bed = Bed::new(Place::Sqlite).await;
    bed.rehire("restore").await;
    bed.decide("eva", employee(present("eva", "Paris", true), "007")).await;
    bed.settle().await;
    bed.decide("eva", out_of_scope(Duration::ZERO)).await;
    bed.settle().await;
    bed.fake.journal();
    bed.decide("eva-again", again("eva-again")).await;
    bed.decide("eva", gone()).await;
    bed.outlast(Duration::from_secs(60)).await;
    assert_eq!(bed.fake.journal(), ["restore t1", "anchor t1 city,displayName,employeeId,userType", "enable t1"]);
    check_restored(&bed, "restored").await;
}

/// Gone again before anything was written: the object still bears the first account's anchor.
#[tokio::test]
async fn a_third_account_gets_what_the_second_had_no_time_to_restore() {
    let bed = deleted_employee(Place::Sqlite, "007").await;
    let failing = Error::Failing { reason: "busy".into(), wait: None };
    bed.fake.fail_call("restore", [Fault::Before(failing)]);
    bed.decide("eva-second", again("eva-second")).await;
    bed.settle().await;
    assert_eq!(owners(&bed).await, ["eva-second"]);
    bed.decide("eva-second", gone()).await;
    bed.settle().await;
    bed.decide("eva-again", again("eva-again")).await;
    bed.outlast(Duration::from_secs(120)).await;
    assert_eq!(bed.fake.journal(), ["restore t1", "anchor t1 city,displayName,employeeId,userType", "enable t1"]);
    check_restored(&bed, "restored").await;
}

#[tokio::test]
async fn a_lost_answer_of_any_write_of_a_restoration_is_found_out() {
    for call in ["restore", "patch", "enable"] {
        let bed = deleted_employee(Place::Sqlite, "007").await;
        bed.fake.fail_call(call, [Fault::After]);
        bed.decide("eva-again", again("eva-again")).await;
        bed.outlast(Duration::from_secs(120)).await;
        check_restored(&bed, call).await;
    }
}

#[tokio::test]
async fn a_provisioner_killed_in_any_call_of_a_restoration_leaves_what_the_next_one_completes() {
    for happened in [false, true] {
        for killed in 0.. {
            let story = format!("killed in call {killed}, which happened: {happened}");
            let mut bed = deleted_employee(Place::Sqlite, "007").await;
            bed.fake.fall_silent(killed, [happened]);
            bed.decide("eva-again", again("eva-again")).await;
            bed.intake().await;
            let is_killed = is_hung(&bed).await;
            bed.fake.speak();
            if is_killed {
                bed.restart().await;
            }
            bed.outlast(Duration::from_secs(180)).await;
            check_restored(&bed, &story).await;
            assert!(bed.fake.journal().iter().all(|write| !write.starts_with("invite")), "{story}");
            if !is_killed {
                assert!(killed >= 5, "a look-up, a restoration, a reading, the anchor, the sign-in");
                break;
            }
        }
    }
}

/// Works until nothing is due, or a call hangs: then what was under way is dropped as a kill drops it.
async fn is_hung(bed: &Bed) -> bool {
    let provisioner = Arc::clone(&bed.provisioner);
    let work = tokio::spawn(async move { provisioner.work_step(&tenant("hub")).await });
    let abort = work.abort_handle();
    tokio::select! {
        done = work => {
            done.unwrap().unwrap();
            false
        }
        () = bed.fake.hung.notified() => {
            abort.abort();
            true
        }
    }
}

/// The topic may still hold the record by which the former link owns the object.
#[tokio::test]
async fn a_store_that_is_lost_after_a_restoration_knows_whose_the_object_is() {
    for place in [Place::Sqlite, Place::Postgres] {
        let mut bed = deleted_employee(place, "007").await;
        bed.decide("eva-again", again("eva-again")).await;
        bed.settle().await;
        bed.lose_store().await;
        bed.outlast(Duration::from_secs(60)).await;
        assert_eq!(owners(&bed).await, ["eva-again"]);
    }
}

/// The backup says that the former link owns the object, and the topic that the new one does, which sorts before it.
#[tokio::test]
async fn a_store_that_is_put_back_to_before_a_restoration_learns_whose_the_object_is() {
    const BACK: &str = "UPDATE link SET state = $1, target_id = 't1', link_version = $2, published_version = $2 WHERE user_id = 'eva'";
    for place in [Place::Sqlite, Place::Postgres] {
        let mut bed = deleted_employee(place, "007").await;
        let store = bed.beside().await;
        let row = store.fetch_one_opt("SELECT state, link_version FROM link WHERE user_id = 'eva'", Vec::new()).await.unwrap().unwrap();
        bed.decide("a-new-eva", again("a-new-eva")).await;
        bed.settle().await;
        assert_eq!(owners(&bed).await, ["a-new-eva"]);
        bed.forget("a-new-eva").await;
        let mut tx = store.begin().await.unwrap();
        tx.execute(BACK, params![row.bytes(0).unwrap(), row.uint(1).unwrap()]).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
        bed.restart().await;
        bed.outlast(Duration::from_secs(60)).await;
        assert_eq!(owners(&bed).await, ["a-new-eva"]);
    }
}
