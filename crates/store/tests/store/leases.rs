//! Leases, epochs and the fencing of former owners.

use std::time::Duration;

use tokio::sync::watch;
use xtsync_store::{Epoch, Error, Fence, Lease, LeaseState, Store, Transaction, lease, params};

use xtsync_kit::store_fixture::{StoreFixture, numbers};

const TTL: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(20);

async fn take(store: &Store, owner: &str) -> Option<u64> {
    lease::acquire(store, "target/hub", owner, TTL).await.unwrap().map(|epoch| epoch.0)
}

/// Writes in an epoch, in each way that a transaction may require a lease.
async fn write(store: &Store, epoch: u64, id: &str) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO thing (id) VALUES {rows} ON CONFLICT (id) DO NOTHING";
    let rows = || vec![params![id]];
    let asserted = async {
        let mut tx = store.begin().await?;
        tx.insert(PUT, rows()).await?;
        lease::assert(&mut tx, "target/hub", Epoch(epoch)).await?;
        tx.commit().await
    };
    let fence = Fence::new(store.clone(), "target/hub", Epoch(epoch));
    let with_commit = async {
        let mut tx = fence.begin().await?;
        tx.insert(PUT, rows()).await?;
        tx.commit().await
    };
    let together = async {
        let mut tx = fence.begin().await?;
        tx.defer(PUT, rows());
        tx.commit().await
    };
    let checked = fence.check().await;
    let written = [asserted.await, with_commit.await, together.await];
    assert!(written.iter().all(|written| written.is_ok() == checked.is_ok()), "{written:?}");
    assert_eq!(fence.is_lost().await, checked.is_err());
    let held = Fence::held(store, [&fence]).await.unwrap();
    assert_eq!(held.contains(&("target/hub".to_owned(), fence.epoch())), checked.is_ok());
    written.into_iter().chain([checked]).collect()
}

pub(super) async fn wait_for_state(watch: &mut watch::Receiver<LeaseState>, wanted: LeaseState) {
    tokio::time::timeout(LIMIT, watch.wait_for(|held| *held == wanted)).await.expect("the state changes in time").unwrap();
}

pub(crate) async fn a_lease_has_one_owner(fixture: StoreFixture) {
    let store = fixture.open().await;
    assert_eq!(take(&store, "a").await, Some(1));
    assert_eq!(take(&store, "b").await, None);
    assert_eq!(lease::acquire(&store, "target/other", "b", TTL).await.unwrap(), Some(Epoch(1)), "other leases are free");
}

pub(crate) async fn an_expired_lease_continues_in_the_next_epoch(fixture: StoreFixture) {
    let store = fixture.open().await;
    assert_eq!(take(&store, "a").await, Some(1));
    fixture.pass(&store, Duration::from_secs(9)).await;
    assert_eq!(take(&store, "b").await, None);
    assert!(lease::renew(&store, "target/hub", Epoch(1), TTL).await.unwrap());
    fixture.pass(&store, Duration::from_secs(9)).await;
    assert_eq!(take(&store, "b").await, None, "it was renewed");
    fixture.pass(&store, Duration::from_secs(2)).await;
    assert!(!lease::renew(&store, "target/hub", Epoch(1), TTL).await.unwrap(), "an expired lease is not renewed, even if it is free");
    assert_eq!(take(&store, "b").await, Some(2));
    assert!(!lease::renew(&store, "target/hub", Epoch(1), TTL).await.unwrap());
}

pub(crate) async fn a_released_lease_is_free_at_once(fixture: StoreFixture) {
    let store = fixture.open().await;
    assert_eq!(take(&store, "a").await, Some(1));
    lease::release(&store, "target/hub", Epoch(1)).await.unwrap();
    assert_eq!(take(&store, "b").await, Some(2));
    lease::release(&store, "target/hub", Epoch(1)).await.unwrap();
    assert_eq!(take(&store, "a").await, None, "a former owner releases nothing");
}

pub(crate) async fn an_owner_takes_its_own_lease_back_at_once_in_a_new_epoch(fixture: StoreFixture) {
    let store = fixture.open().await;
    assert_eq!(take(&store, "a").await, Some(1));
    assert_eq!(take(&store, "a").await, Some(2));
    assert!(matches!(write(&store, 1, "x").await, Err(Error::Fenced(_))));
}

pub(crate) async fn a_former_owner_writes_nothing(fixture: StoreFixture) {
    let store = fixture.open().await;
    take(&store, "a").await;
    write(&store, 1, "as owner").await.unwrap();
    fixture.pass(&store, TTL).await;
    assert!(matches!(write(&store, 1, "after it expired").await, Err(Error::Fenced(_))));
    take(&store, "b").await;
    assert!(matches!(write(&store, 1, "after b has it").await, Err(Error::Fenced(_))));
    write(&store, 2, "by b").await.unwrap();
    assert_eq!(numbers(&store).await, [("as owner".to_owned(), None), ("by b".to_owned(), None)]);
}

/// Also where something else that it requires is not so.
pub(crate) async fn a_former_owner_learns_that_it_is_fenced_by_one_statement(fixture: StoreFixture) {
    const UPDATE: &str = "WITH v (id) AS (VALUES {rows}) UPDATE thing SET n = 1 FROM v WHERE thing.id = v.id RETURNING 1";
    let store = fixture.open().await;
    take(&store, "a").await;
    for (epoch, is_fenced) in [(1, false), (7, true)] {
        let mut tx = Fence::new(store.clone(), "target/hub", Epoch(epoch)).begin().await.unwrap();
        tx.require(UPDATE, vec![params!["missing"]]);
        tx.defer("INSERT INTO thing (id) VALUES {rows}", vec![params!["new"]]);
        let error = tx.commit().await.unwrap_err();
        assert_eq!(matches!(error, Error::Fenced(_)), is_fenced, "{error:?}");
        assert_eq!(matches!(error, Error::Changed), !is_fenced, "{error:?}");
    }
    assert_eq!(numbers(&store).await, []);
}

pub(crate) async fn a_fence_is_lost_only_if_the_database_says_so(fixture: StoreFixture) {
    let store = fixture.open().await;
    let lease = Lease::new(store.clone(), "target/hub", "a", TTL);
    wait_for_state(&mut lease.watch(), LeaseState::Held(Epoch(1))).await;
    let (own, later) = (lease.fence(Epoch(1)), lease.fence(Epoch(2)));
    assert_eq!((own.epoch(), own.is_lost().await, later.is_lost().await), (Epoch(1), false, true));
    store.close().await;
    assert!(matches!(later.check().await, Err(Error::Unavailable(_))));
    assert!(!later.is_lost().await);
}

pub(crate) async fn no_owner_takes_a_lease_over_while_a_transaction_requires_it(fixture: StoreFixture) {
    let store = fixture.open().await;
    take(&store, "a").await;
    let mut tx = store.begin().await.unwrap();
    lease::assert(&mut tx, "target/hub", Epoch(1)).await.unwrap();
    tx.execute("INSERT INTO thing (id, n) VALUES ('a', 1)", vec![]).await.unwrap();
    let mut other = tokio::spawn({
        let store = store.clone();
        async move {
            // An owner may acquire its own lease at any time, in a new epoch, so the test needs no clock.
            let epoch = take(&store, "a").await;
            (epoch, numbers(&store).await)
        }
    });
    tokio::time::timeout(Duration::from_millis(200), &mut other).await.expect_err("the other waits");
    tx.commit().await.unwrap();
    let (epoch, seen) = other.await.unwrap();
    assert_eq!(epoch, Some(2));
    assert_eq!(seen, [("a".to_owned(), Some(1))], "the next owner sees the former owner's writes, and none follow");
}

pub(crate) async fn a_keeper_acquires_renews_notifies_and_releases(fixture: StoreFixture) {
    let store = fixture.open().await;
    let ttl = Duration::from_millis(600);
    let first = Lease::new(store.clone(), "target/hub", "a", ttl);
    wait_for_state(&mut first.watch(), LeaseState::Held(Epoch(1))).await;
    assert_eq!(first.held(), Some(Epoch(1)));
    let second = Lease::new(store.clone(), "target/hub", "b", ttl);
    assert_eq!(second.held(), None);
    let until = || async { store.fetch("SELECT until FROM lease", vec![]).await.unwrap()[0].int("until").unwrap() };
    let before = until().await;
    fixture.pass(&store, Duration::from_millis(1)).await;
    xtsync_harness::wait_for(LIMIT, "a renewal", async || Ok((until().await > before).then_some(()))).await.unwrap();
    assert_eq!(first.held(), Some(Epoch(1)));
    let mut seen = first.watch();
    first.release().await;
    assert_eq!(*seen.borrow_and_update(), LeaseState::Lost);
    wait_for_state(&mut second.watch(), LeaseState::Held(Epoch(2))).await;
}

pub(crate) async fn a_keeper_whose_lease_was_taken_notifies_that_it_is_lost(fixture: StoreFixture) {
    let store = fixture.open().await;
    let held_lease = Lease::new(store.clone(), "target/hub", "a", Duration::from_millis(600));
    wait_for_state(&mut held_lease.watch(), LeaseState::Held(Epoch(1))).await;
    let mut tx = store.begin().await.unwrap();
    tx.execute("UPDATE lease SET owner = 'b', epoch = 2, until = $1", params![i64::MAX]).await.unwrap();
    tx.commit().await.unwrap();
    wait_for_state(&mut held_lease.watch(), LeaseState::Lost).await;
    assert_eq!(held_lease.held(), None);
}

/// More transactions than connections are open or wait to begin.
pub(crate) async fn a_lease_does_not_wait_for_the_connections_of_other_work(fixture: StoreFixture) {
    let store = fixture.open().await;
    let mut busy = Vec::new();
    let begin = async || -> Result<Transaction, Error> {
        let mut tx = store.begin().await?;
        tx.fetch("SELECT 1 AS one", vec![]).await?;
        Ok(tx)
    };
    while let Ok(Ok(tx)) = tokio::time::timeout(Duration::from_secs(2), begin()).await {
        busy.push(tx);
        assert!(busy.len() < 100, "connections have no end");
    }
    let epoch = take(&store, "a").await.map(Epoch).unwrap();
    assert!(lease::renew(&store, "target/hub", epoch, TTL).await.unwrap());
    lease::release(&store, "target/hub", epoch).await.unwrap();
    drop(busy);
}

pub(crate) async fn a_lease_does_not_stand_in_line_with_other_writers(fixture: StoreFixture) {
    let store = fixture.open().await;
    // It exists, so that taking it again is quick.
    assert_eq!(take(&store, "a").await, Some(1));
    let first = store.begin().await.unwrap();
    let (done, mut order) = tokio::sync::mpsc::channel(51);
    for _ in 0..50 {
        let (store, done) = (store.clone(), done.clone());
        tokio::spawn(async move {
            let tx = store.begin().await.unwrap();
            done.try_send("writer").unwrap();
            tx.commit().await.unwrap();
        });
    }
    tokio::task::yield_now().await;
    let taken = tokio::spawn(async move {
        assert_eq!(take(&store, "a").await, Some(2));
        done.try_send("lease").unwrap();
    });
    tokio::task::yield_now().await;
    first.commit().await.unwrap();
    taken.await.unwrap();
    let mut before = 0;
    while order.recv().await != Some("lease") {
        before += 1;
    }
    // One before each of its two statements, and one that begins after them.
    assert!(before <= 3, "{before} writers went first");
}
