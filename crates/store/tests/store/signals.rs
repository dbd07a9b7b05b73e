//! Signals between replicas.

use std::time::Duration;

use tokio::time::timeout;
use xtsync_kit::store_fixture::StoreFixture;
use xtsync_store::{Listener, Signal, Store, params};

const LIMIT: Duration = Duration::from_secs(30);

async fn next(listener: &mut Listener) -> Signal {
    timeout(LIMIT, listener.next()).await.expect("a signal")
}

/// Waits until signals are heard, whatever was missed until then.
async fn until_heard(store: &Store, listener: &mut Listener) {
    let signalling = async {
        loop {
            signal(store, &["probe"]).await;
            if let Ok(Signal::Of(_)) = timeout(Duration::from_millis(100), listener.next()).await {
                return;
            }
        }
    };
    timeout(LIMIT, signalling).await.expect("signals are heard");
}

async fn signal(store: &Store, subjects: &[&str]) {
    let mut tx = store.begin().await.unwrap();
    subjects.iter().for_each(|subject| tx.signal(subject));
    tx.commit().await.unwrap();
}

/// The next signal that is no probe and tells something.
async fn next_subject(listener: &mut Listener) -> String {
    loop {
        match next(listener).await {
            Signal::Of(subject) if subject != "probe" => return subject,
            Signal::Of(_) | Signal::Missed => {}
        }
    }
}

pub(crate) async fn every_listener_hears_what_is_committed_and_nothing_else(fixture: StoreFixture) {
    let store = fixture.open().await;
    let (mut one, mut other) = (store.listen(), store.listen());
    assert_eq!(next(&mut one).await, Signal::Missed, "it begins");
    until_heard(&store, &mut one).await;
    let mut dropped = store.begin().await.unwrap();
    dropped.signal("dropped");
    drop(dropped);
    signal(&store, &["emea", "us"]).await;
    for listener in [&mut one, &mut other] {
        assert_eq!([next_subject(listener).await, next_subject(listener).await], ["emea", "us"]);
    }
    store.close().await;
}

#[tokio::test]
async fn another_process_hears_them_and_learns_that_it_may_have_missed_some() {
    let fixture = StoreFixture::postgres().await;
    let (here, there) = (fixture.open().await, fixture.open().await);
    let mut listener = there.listen();
    assert_eq!(next(&mut listener).await, Signal::Missed);
    until_heard(&here, &mut listener).await;
    signal(&here, &["emea"]).await;
    assert_eq!(next_subject(&mut listener).await, "emea");
    const END: &str =
        "SELECT pg_terminate_backend(pid)::TEXT AS ended FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    let ended = here.fetch(END, params![]).await.unwrap();
    assert_eq!(ended.len(), 1);
    let missed = async { while next(&mut listener).await != Signal::Missed {} };
    timeout(LIMIT, missed).await.expect("the loss is heard");
    until_heard(&here, &mut listener).await;
    signal(&here, &["us"]).await;
    assert_eq!(next_subject(&mut listener).await, "us");
}
