//! Many leases of one process: they are acquired, renewed and looked at together, and each is lost or released alone.

use std::time::Duration;

use xtsync_harness::wait_for;
use xtsync_store::{Epoch, Lease, LeaseState, Store, lease, params};

use super::leases::wait_for_state;
use xtsync_kit::store_fixture::StoreFixture;

const COUNT: usize = 200;
/// Renewed after two seconds.
const TTL: Duration = Duration::from_secs(6);
const LIMIT: Duration = Duration::from_secs(20);

fn name(at: usize) -> String {
    format!("target/{at:03}")
}

fn many(store: &Store, owner: &str, ttl: Duration) -> Vec<Lease> {
    (0..COUNT).map(|at| Lease::new(store.clone(), &name(at), owner, ttl)).collect()
}

async fn wait_all_held(leases: &[Lease], epoch: u64) {
    for lease in leases {
        wait_for_state(&mut lease.watch(), LeaseState::Held(Epoch(epoch))).await;
    }
}

/// The number of different times at which the leases expire, and the earliest. Each statement reads the clock once, so leases that it acquires
/// or renews expire together.
async fn expiries(store: &Store) -> (i64, i64) {
    let row = store.fetch_one_opt("SELECT COUNT(DISTINCT until) AS times, MIN(until) AS first FROM lease", vec![]).await.unwrap().unwrap();
    (row.int("times").unwrap(), row.int("first").unwrap())
}

pub(crate) async fn many_leases_are_acquired_and_renewed_by_one_statement(fixture: StoreFixture) {
    let store = fixture.open().await;
    let leases = many(&store, "a", TTL);
    wait_all_held(&leases, 1).await;
    let (times, acquired) = expiries(&store).await;
    assert_eq!(times, 1, "one statement acquires all");
    fixture.pass(&store, Duration::from_millis(1)).await;
    let renewed = async || {
        let (times, first) = expiries(&store).await;
        Ok((first > acquired).then_some(times))
    };
    assert_eq!(wait_for(LIMIT, "a renewal of all", renewed).await.unwrap(), 1, "one statement renews all");
    assert!(leases.iter().all(|lease| lease.held() == Some(Epoch(1))));
}

pub(crate) async fn a_standby_takes_over_many_released_leases(fixture: StoreFixture) {
    let (store, standby) = (fixture.open().await, fixture.open().await);
    let leases = many(&store, "a", TTL);
    wait_all_held(&leases, 1).await;
    let standing_by = many(&standby, "b", TTL);
    assert!(standing_by.iter().all(|lease| lease.held().is_none()));
    futures::future::join_all(leases.into_iter().map(Lease::release)).await;
    wait_all_held(&standing_by, 2).await;
}

pub(crate) async fn an_expired_lease_is_taken_over_among_many(fixture: StoreFixture) {
    let store = fixture.open().await;
    let of_another = lease::acquire(&store, &name(7), "b", Duration::from_secs(30)).await.unwrap();
    assert_eq!(of_another, Some(Epoch(1)));
    let leases = many(&store, "a", Duration::from_secs(60));
    wait_all_held(&leases[..7], 1).await;
    wait_all_held(&leases[8..], 1).await;
    assert_eq!(leases[7].held(), None);
    fixture.pass(&store, Duration::from_secs(30)).await;
    wait_for_state(&mut leases[7].watch(), LeaseState::Held(Epoch(2))).await;
    assert!(leases.iter().enumerate().all(|(at, lease)| at == 7 || lease.held() == Some(Epoch(1))));
}

pub(crate) async fn one_lost_lease_among_many_is_noticed_alone(fixture: StoreFixture) {
    let store = fixture.open().await;
    let leases = many(&store, "a", TTL);
    wait_all_held(&leases, 1).await;
    let mut tx = store.begin().await.unwrap();
    tx.execute("UPDATE lease SET owner = 'b', epoch = 2, until = $1 WHERE name = $2", params![i64::MAX, name(7)]).await.unwrap();
    tx.commit().await.unwrap();
    wait_for_state(&mut leases[7].watch(), LeaseState::Lost).await;
    let held = |at: usize| leases[at].held();
    assert!((0..COUNT).all(|at| held(at) == (at != 7).then_some(Epoch(1))));
}

pub(crate) async fn a_later_lease_is_acquired_beside_many_and_released_alone(fixture: StoreFixture) {
    let store = fixture.open().await;
    let mut leases = many(&store, "a", TTL);
    wait_all_held(&leases, 1).await;
    let later = Lease::new(store.clone(), "target/later", "a", TTL);
    wait_for_state(&mut later.watch(), LeaseState::Held(Epoch(1))).await;
    later.release().await;
    let acquire = async |name: String| lease::acquire(&store, &name, "b", TTL).await.unwrap();
    assert_eq!(acquire("target/later".to_owned()).await, Some(Epoch(2)));
    drop(leases.remove(7));
    wait_for(LIMIT, "the release of the dropped one", async || Ok(acquire(name(7)).await)).await.unwrap();
    assert_eq!((acquire(name(6)).await, acquire(name(8)).await), (None, None));
    assert!(leases.iter().all(|lease| lease.held() == Some(Epoch(1))));
}

pub(crate) async fn leases_of_a_hanging_database_are_lost_and_acquired_again(fixture: StoreFixture) {
    let store = fixture.open().await;
    let leases = many(&store, "a", Duration::from_secs(2));
    for lease in &leases {
        lease.watch().wait_for(|state| *state != LeaseState::Lost).await.unwrap();
    }
    let mut tx = store.begin().await.unwrap();
    // In a file the transaction is the only writer anyway.
    tx.execute(tx.by_database("SELECT 1", "LOCK TABLE lease"), vec![]).await.unwrap();
    for lease in &leases {
        wait_for_state(&mut lease.watch(), LeaseState::Lost).await;
        assert_eq!(lease.held(), None);
    }
    drop(tx);
    for lease in &leases {
        tokio::time::timeout(LIMIT, lease.watch().wait_for(|state| *state != LeaseState::Lost)).await.unwrap().unwrap();
    }
}

/// PostgreSQL only: in a file a transaction is the only writer.
pub(crate) async fn a_lease_that_a_transaction_requires_delays_no_other(fixture: StoreFixture) {
    let store = fixture.open().await;
    let epoch = lease::acquire(&store, &name(7), "b", TTL).await.unwrap().unwrap();
    let mut tx = store.begin().await.unwrap();
    lease::assert(&mut tx, &name(7), epoch).await.unwrap();
    fixture.pass(&store, TTL).await;
    let leases = many(&store, "a", TTL);
    wait_all_held(&leases[..7], 1).await;
    wait_all_held(&leases[8..], 1).await;
    assert_eq!(leases[7].held(), None, "the transaction relies on the former owner's lease");
    tx.commit().await.unwrap();
    wait_for_state(&mut leases[7].watch(), LeaseState::Held(Epoch(2))).await;
}

/// A file only: the task ends with its runtime.
#[test]
fn a_handle_learns_that_its_task_has_ended() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (fixture, first) = (StoreFixture::sqlite(), runtime());
    let (lease, mut watch) = first.block_on(async {
        let lease = Lease::new(fixture.open().await, "target/hub", "a", TTL);
        let mut watch = lease.watch();
        wait_for_state(&mut watch, LeaseState::Held(Epoch(1))).await;
        (lease, watch)
    });
    drop(first);
    runtime().block_on(async {
        let ended = tokio::time::timeout(LIMIT, async { while watch.changed().await.is_ok() {} });
        ended.await.expect("the watchers learn it");
        tokio::time::timeout(LIMIT, lease.release()).await.expect("a release does not wait for it");
    });
}
