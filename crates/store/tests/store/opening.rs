//! Opening a store: ids, migrations, refusals.

use xtsync_store::{Error, Migration, Migrations, Options, Store};

use xtsync_kit::store_fixture::{StoreFixture, THINGS, put};

const LATER: Migrations = Migrations {
    sqlite: &[THINGS.sqlite[0], Migration { name: "0002_more", sql: "CREATE TABLE more (id TEXT NOT NULL PRIMARY KEY) STRICT;" }],
    postgres: &[THINGS.postgres[0], Migration { name: "0002_more", sql: "CREATE TABLE more (id TEXT NOT NULL PRIMARY KEY);" }],
};

const OTHER: Migrations = Migrations {
    sqlite: &[Migration { name: "0001_thing", sql: "CREATE TABLE thing (id TEXT) STRICT;" }],
    postgres: &[Migration { name: "0001_thing", sql: "CREATE TABLE thing (id TEXT);" }],
};

pub(crate) async fn the_store_id_survives_reopening_and_differs_between_stores(fixture: StoreFixture) {
    let store = fixture.open().await;
    let first_id = store.store_id().to_owned();
    store.close().await;
    assert_eq!(fixture.open().await.store_id(), first_id);
    let other = Store::open(fixture.options("other", THINGS)).await.unwrap();
    assert_ne!(other.store_id(), first_id);
}

pub(crate) async fn replicas_that_open_a_new_store_at_once_agree_on_its_id(fixture: StoreFixture) {
    let opening: Vec<_> = (0..6).map(|_| tokio::spawn(Store::open(fixture.options("test", THINGS)))).collect();
    let mut ids = Vec::new();
    for store in opening {
        ids.push(store.await.unwrap().unwrap().store_id().to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

pub(crate) async fn migrations_run_once_and_later_ones_are_added(fixture: StoreFixture) {
    put(&fixture.open().await, "a", 1).await;
    for _ in 0..2 {
        let store = Store::open(fixture.options("test", LATER)).await.unwrap();
        assert_eq!(store.fetch("SELECT id FROM thing", vec![]).await.unwrap().len(), 1);
        assert_eq!(store.fetch("SELECT id FROM more", vec![]).await.unwrap().len(), 0);
    }
}

pub(crate) async fn tables_of_a_newer_program_are_refused(fixture: StoreFixture) {
    Store::open(fixture.options("test", LATER)).await.unwrap();
    refused(fixture.options("test", THINGS), "its tables are of a newer program (migration 1002)").await;
}

pub(crate) async fn tables_of_another_program_are_refused(fixture: StoreFixture) {
    fixture.open().await;
    refused(fixture.options("test", OTHER), "its tables are of another program (migration 1001 differs)").await;
}

pub(crate) async fn two_services_share_a_database_and_no_table(fixture: StoreFixture) {
    let (one, two) = (fixture.open().await, Store::open(fixture.options("change-detector", THINGS)).await.unwrap());
    put(&one, "a", 1).await;
    assert_eq!(two.fetch("SELECT id FROM thing", vec![]).await.unwrap(), []);
}

async fn refused(options: Options, words: &str) {
    let error = Store::open(options).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }) && !error.is_transient(), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_created_is_named() {
    let fixture = StoreFixture::sqlite();
    let file = format!("{}/file", fixture.url);
    std::fs::write(&file, "").unwrap();
    let options = Options { url: format!("{file}/below"), ..fixture.options("test", THINGS) };
    refused(options, "making the directory").await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let fixture = StoreFixture::sqlite();
    std::fs::write(format!("{}/test.sqlite", fixture.url), "this is not a database, however long it may be. ".repeat(100)).unwrap();
    refused(fixture.options("test", THINGS), "test.sqlite").await;
}

#[tokio::test]
async fn a_full_disk_is_reported_as_such() {
    let fixture = StoreFixture::sqlite();
    let store = fixture.open().await;
    let mut tx = store.begin().await.unwrap();
    tx.fetch("PRAGMA max_page_count = 50", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let error = tx.execute("INSERT INTO thing (id, body) VALUES ('a', $1)", xtsync_store::params![vec![0_u8; 1 << 20]]).await.unwrap_err();
    assert!(matches!(error, Error::Full(_)) && error.is_transient(), "{error:?}");
}

pub(crate) async fn a_server_without_tls_is_refused_if_the_url_requires_verification(fixture: StoreFixture) {
    fixture.open().await.close().await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = Options { url: format!("{}?sslmode={mode}", fixture.url), ..fixture.options("test", THINGS) };
        assert!(Store::open(options).await.is_err(), "{mode}");
    }
}
