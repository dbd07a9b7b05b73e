//! Two processes on one store. The second one is this test binary; its environment selects its part.

use std::process::Command;
use std::time::Duration;

use xtsync_harness::{Process, Signal, wait_for};
use xtsync_store::{Error, Lease, Store, lease};

use xtsync_kit::store_fixture::{StoreFixture, increment, numbers, put};

const LIMIT: Duration = Duration::from_secs(60);
const TTL: Duration = Duration::from_secs(1);
const ROLE: &str = "XTSYNC_TEST_ROLE";
const STORE: &str = "XTSYNC_TEST_STORE";

pub(crate) async fn two_processes_lose_no_update(fixture: StoreFixture) {
    let fixture = fixture.with_real_time();
    let store = fixture.open().await;
    put(&store, "a", 0).await;
    let mut other = play("increment", &fixture);
    for _ in 0..50 {
        increment(&store, "a").await;
    }
    assert!(other.wait(LIMIT).await.unwrap().success(), "{}", other.tail());
    assert_eq!(numbers(&store).await, [("a".to_owned(), Some(100))]);
}

pub(crate) async fn a_frozen_owner_that_wakes_writes_nothing(fixture: StoreFixture) {
    let fixture = fixture.with_real_time();
    let store = fixture.open().await;
    let mut other = play("own", &fixture);
    wait_for(LIMIT, "the other to write as owner", async || Ok((!numbers(&store).await.is_empty()).then_some(()))).await.unwrap();
    freeze_between_transactions(&other, &store).await;
    let taken = wait_for(LIMIT, "the lease to expire", async || Ok(lease::acquire(&store, "target/hub", "us", LIMIT).await.ok().flatten()));
    let epoch = taken.await.unwrap();
    let count = numbers(&store).await;
    other.signal(Signal::Cont).unwrap();
    assert!(other.wait(LIMIT).await.unwrap().success(), "{}", other.tail());
    assert!(other.stdout().contains("fenced and lost"), "{}", other.tail());
    assert_eq!(epoch.0, 2);
    assert_eq!(numbers(&store).await, count);
}

/// Freezes the process between transactions: within one it would keep the file's only lock, which is safe but not tested here.
async fn freeze_between_transactions(other: &Process, store: &Store) {
    loop {
        other.signal(Signal::Stop).unwrap();
        if store.begin().await.is_ok() {
            return;
        }
        other.signal(Signal::Cont).unwrap();
    }
}

fn play(role: &str, fixture: &StoreFixture) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "store::processes::the_second_process", "--nocapture"]);
    command.env(ROLE, role).env(STORE, &fixture.url);
    Process::start(role, &command).unwrap()
}

/// Not a test by itself: the part of the second process.
#[tokio::test]
async fn the_second_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let fixture = StoreFixture::at(std::env::var(STORE).unwrap());
    match role.as_str() {
        "increment" => {
            let store = fixture.open().await;
            for _ in 0..50 {
                increment(&store, "a").await;
            }
        }
        "own" => own(&fixture).await,
        other => panic!("no such role: {other}"),
    }
}

/// Acquires the lease, writes once, and then writes in the same epoch until it is fenced.
async fn own(fixture: &StoreFixture) {
    let store = fixture.open().await;
    let held_lease = Lease::new(store.clone(), "target/hub", "other", TTL);
    held_lease.watch().wait_for(|_| held_lease.held().is_some()).await.unwrap();
    let epoch = held_lease.held().unwrap();
    put(&store, "written as owner", 1).await;
    let error = loop {
        let tx = held_lease.fence(epoch).begin().await.unwrap();
        if let Err(error) = tx.commit().await {
            break error;
        }
        tokio::time::sleep(TTL / 20).await;
    };
    assert!(matches!(error, Error::Fenced(_)), "{error:?}");
    assert_ne!(held_lease.held(), Some(epoch));
    println!("fenced and lost");
}
