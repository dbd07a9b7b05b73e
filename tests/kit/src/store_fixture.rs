//! Stores to test: in a new directory, or in a new database of a PostgreSQL server that the tests share.

use std::sync::Arc;
use std::time::Duration;

use xtsync_domain::Timestamp;
use xtsync_harness::{Dir, Postgres, unique};
use xtsync_runtime::clock::{Clock, ManualClock, SystemClock};
use xtsync_store::{Migration, Migrations, Options, Store, params};

/// A table with every type.
pub const THINGS: Migrations = Migrations {
    sqlite: &[Migration {
        name: "0001_thing",
        sql: "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY, n INTEGER, note TEXT, body BLOB) STRICT;",
    }],
    postgres: &[Migration {
        name: "0001_thing",
        sql: "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY, n BIGINT, note TEXT, body BYTEA);",
    }],
};

/// The location of a store, and its clock.
pub struct StoreFixture {
    pub url: String,
    clock: Option<Arc<ManualClock>>,
    _dir: Option<Dir>,
}

impl StoreFixture {
    pub fn sqlite() -> Self {
        let dir = Dir::new().unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-11-21T08:00:00Z").unwrap());
        Self { url: dir.path().display().to_string(), clock: Some(Arc::new(clock)), _dir: Some(dir) }
    }

    pub async fn postgres() -> Self {
        let postgres = Postgres::shared().await.unwrap();
        let url = postgres.create_database(&unique("store").replace('-', "_")).await.unwrap();
        Self::at(url)
    }

    /// The store at a URL that another process passes.
    pub fn at(url: String) -> Self {
        Self { url, clock: None, _dir: None }
    }

    /// Uses the system clock, as another process would.
    pub fn with_real_time(mut self) -> Self {
        self.clock = None;
        self
    }

    pub fn options(&self, service: &'static str, migrations: Migrations) -> Options {
        let clock: Arc<dyn Clock> = match &self.clock {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock),
        };
        Options { url: self.url.clone(), service, migrations, clock }
    }

    pub async fn open(&self) -> Store {
        Store::open(self.options("test", THINGS)).await.unwrap()
    }

    /// Advances the time of all leases of a store.
    pub async fn pass(&self, store: &Store, while_: Duration) {
        match &self.clock {
            Some(clock) => clock.advance(while_),
            None => {
                let mut tx = store.begin().await.unwrap();
                let micros = i64::try_from(while_.as_micros()).unwrap();
                tx.execute("UPDATE lease SET until = until - $1", params![micros]).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    }
}

/// The numbers of all things, in order of their ids.
pub async fn numbers(store: &Store) -> Vec<(String, Option<i64>)> {
    let rows = store.fetch("SELECT id, n FROM thing ORDER BY id", vec![]).await.unwrap();
    rows.iter().map(|row| (row.text("id").unwrap(), row.opt_int("n").unwrap())).collect()
}

/// Inserts one thing.
pub async fn put(store: &Store, id: &str, n: i64) {
    let mut tx = store.begin().await.unwrap();
    tx.execute("INSERT INTO thing (id, n) VALUES ($1, $2)", params![id, n]).await.unwrap();
    tx.commit().await.unwrap();
}

/// Adds one to a thing's number.
pub async fn increment(store: &Store, id: &str) {
    let mut tx = store.begin().await.unwrap();
    tx.execute("UPDATE thing SET n = n + 1 WHERE id = $1", params![id]).await.unwrap();
    tx.commit().await.unwrap();
}
