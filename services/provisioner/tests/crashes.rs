//! Whatever moment the provisioner is killed at, and whatever answer is lost: one object a person, and in the end as desired.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::sync::Arc;
use std::time::Duration;

use bed::target::Fault;
use bed::{Bed, Place, address, gone, present, said, tenant};
use xtsync_domain::decision::Desired;

/// A life with every verb in it.
fn life() -> [Desired; 7] {
    [
        present("ana", "Paris", true),
        present("ana", "Rome", true),
        present("ana", "Rome", false),
        present("ana", "Rome", true),
        gone(),
        present("ana", "Oslo", true),
        present("ana", "Bern", true),
    ]
}

/// How many writes that life takes without faults.
const WRITES: usize = 13;

async fn check_as_desired(bed: &Bed, story: &str) {
    let ana = bed.fake.object(&address("ana")).unwrap_or_else(|| panic!("{story}: she is not there"));
    assert_eq!((ana.enabled, ana.bin, ana.anchor.as_deref()), (true, None, Some("emea-id/ana")), "{story}");
    assert_eq!(said(&ana.attributes), "city=Bern displayName=ana userType=Member", "{story}");
    let link = &bed.links().await[0].link;
    assert!(link.is_reached() && link.trouble.is_none() && link.veto.is_none(), "{story}: {link:?}");
}

#[tokio::test]
async fn a_life_without_faults_takes_its_writes_and_no_more() {
    let bed = Bed::new(Place::Sqlite).await;
    for desired in life() {
        bed.decide("ana", desired).await;
        bed.settle().await;
    }
    assert_eq!(bed.fake.journal().len(), WRITES);
    check_as_desired(&bed, "no fault").await;
}

#[tokio::test]
async fn a_lost_answer_of_any_write_is_found_out_and_makes_no_second_object() {
    for lost in 0..WRITES {
        let bed = Bed::new(Place::Sqlite).await;
        let faults = (0..WRITES).map(|write| (write == lost).then_some(Fault::After));
        bed.fake.fail(faults);
        for desired in life() {
            bed.decide("ana", desired).await;
            bed.outlast(Duration::from_secs(60)).await;
        }
        check_as_desired(&bed, &format!("answer {lost} lost")).await;
        let invitations = bed.fake.journal().iter().filter(|write| write.starts_with("invite")).count();
        assert_eq!(invitations, 1, "answer {lost} lost");
    }
}

#[tokio::test]
async fn a_provisioner_killed_in_any_write_leaves_what_the_next_one_completes() {
    for happened in [false, true] {
        for killed in 0..WRITES {
            let story = format!("killed in write {killed}, which happened: {happened}");
            let mut bed = Bed::new(Place::Sqlite).await;
            bed.fake.fail((0..WRITES).map(|write| (write == killed).then_some(Fault::Hang { happened })));
            for desired in life() {
                bed.decide("ana", desired).await;
                bed.intake().await;
                if is_hung(&bed).await {
                    bed.restart().await;
                    bed.work().await;
                    let before = bed.fake.journal();
                    bed.work().await;
                    assert_eq!(bed.fake.journal(), Vec::<String>::new(), "{story}: not before the former call must have ended; {before:?}");
                }
                bed.outlast(Duration::from_secs(60)).await;
            }
            check_as_desired(&bed, &story).await;
            let mut verbs: Vec<_> = bed.outcomes().await.iter().map(|told| told.split(' ').next().unwrap().to_owned()).collect();
            verbs.dedup();
            assert_eq!(verbs, ["create", "update", "disable", "enable", "delete", "restore", "update"], "{story}");
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
