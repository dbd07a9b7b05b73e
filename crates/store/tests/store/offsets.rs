//! Offsets stored with their effect.

use std::collections::BTreeMap;

use xtsync_bus::Partition;
use xtsync_contract::topic;
use xtsync_store::{load_offsets, params, store_offsets};

use xtsync_kit::store_fixture::{StoreFixture, numbers};

pub(crate) async fn an_offset_and_its_effect_are_committed_atomically(fixture: StoreFixture) {
    let store = fixture.open().await;
    for (id, commit) in [("lost", false), ("kept", true)] {
        let mut tx = store.begin().await.unwrap();
        tx.execute("INSERT INTO thing (id) VALUES ($1)", params![id]).await.unwrap();
        store_offsets(&mut tx, &BTreeMap::from([(Partition { topic: topic::CONFIG.topic(), index: 3 }, 42)]));
        if commit {
            tx.commit().await.unwrap();
        }
        let stored = load_offsets(&store, &topic::CONFIG.topic()).await.unwrap();
        assert_eq!(stored, if commit { BTreeMap::from([(3, 42)]) } else { BTreeMap::new() });
    }
    assert_eq!(numbers(&store).await, [("kept".to_owned(), None)]);
    assert_eq!(load_offsets(&store, &topic::STATUS.topic()).await.unwrap(), BTreeMap::new());
}

pub(crate) async fn an_offset_never_decreases(fixture: StoreFixture) {
    let store = fixture.open().await;
    for (next, stands) in [(5, 5), (4, 5), (6, 6)] {
        let mut tx = store.begin().await.unwrap();
        store_offsets(&mut tx, &BTreeMap::from([(Partition { topic: topic::CONFIG.topic(), index: 0 }, next)]));
        tx.commit().await.unwrap();
        assert_eq!(load_offsets(&store, &topic::CONFIG.topic()).await.unwrap(), BTreeMap::from([(0, stands)]));
    }
}
