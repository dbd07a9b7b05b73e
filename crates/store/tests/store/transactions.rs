//! Statements, values and transactions.

use std::error::Error as _;

use xtsync_store::{Error, params};

use xtsync_kit::store_fixture::{StoreFixture, increment, numbers, put};

const UPSERT: &str = "INSERT INTO thing (id, n, note) VALUES {rows}
    ON CONFLICT (id) DO UPDATE SET n = excluded.n WHERE excluded.n > thing.n";

pub(crate) async fn what_is_committed_is_read_back_with_its_types(fixture: StoreFixture) {
    let store = fixture.open().await;
    let mut tx = store.begin().await.unwrap();
    let insert = "INSERT INTO thing (id, n, note, body) VALUES ($1, $2, $3, $4)";
    tx.execute(insert, params!["full", i64::MAX, "Zoë 🎈", b"\0\xff".as_slice()]).await.unwrap();
    tx.execute(insert, params!["empty", None::<i64>, None::<&str>, None::<Vec<u8>>]).await.unwrap();
    tx.execute(insert, params!["blank", 0_i64, "", Vec::<u8>::new()]).await.unwrap();
    tx.commit().await.unwrap();
    let rows = store.fetch("SELECT id, n, note, body FROM thing ORDER BY id", vec![]).await.unwrap();
    let read: Vec<_> = rows
        .iter()
        .map(|row| (row.text("id").unwrap(), row.opt_int("n").unwrap(), row.opt_text("note").unwrap(), row.opt_bytes("body").unwrap()))
        .collect();
    let blank = ("blank".to_owned(), Some(0), Some(String::new()), Some(vec![]));
    let full = ("full".to_owned(), Some(i64::MAX), Some("Zoë 🎈".to_owned()), Some(vec![0, 255]));
    assert_eq!(read, [blank, ("empty".to_owned(), None, None, None), full]);
    const SUMS: &str = "SELECT COUNT(*) AS count, CAST(SUM(n) AS BIGINT) AS sum, 1 = 1 AS is_one FROM thing WHERE n = $1";
    let row = store.fetch_one_opt(SUMS, params![0_i64]).await.unwrap();
    let row = row.unwrap();
    assert_eq!((row.uint("count").unwrap(), row.int("sum").unwrap(), row.flag("is_one").unwrap()), (1, 0, true));
}

pub(crate) async fn a_dropped_transaction_leaves_nothing(fixture: StoreFixture) {
    let store = fixture.open().await;
    let mut tx = store.begin().await.unwrap();
    tx.execute("INSERT INTO thing (id) VALUES ($1)", params!["a"]).await.unwrap();
    drop(tx);
    put(&store, "b", 1).await;
    assert_eq!(numbers(&store).await, [("b".to_owned(), Some(1))]);
}

pub(crate) async fn a_cancelled_transaction_leaves_nothing_and_blocks_no_other(fixture: StoreFixture) {
    let store = fixture.open().await;
    for polls in 0..20 {
        let work = async {
            let mut tx = store.begin().await.unwrap();
            tx.execute("INSERT INTO thing (id) VALUES ($1)", params!["a"]).await.unwrap();
            std::future::pending::<()>().await;
        };
        // The future is dropped after a different number of scheduler turns each time.
        tokio::select! {
            biased;
            () = work => {}
            () = async { for _ in 0..polls { tokio::task::yield_now().await } } => {}
        }
    }
    put(&store, "b", 1).await;
    assert_eq!(numbers(&store).await, [("b".to_owned(), Some(1))]);
}

pub(crate) async fn batches_of_any_size_are_stored_and_newer_versions_win(fixture: StoreFixture) {
    let store = fixture.open().await;
    let rows = |count: i64, n: i64| (0..count).map(|i| params![format!("{i:04}"), n, None::<&str>]).collect::<Vec<_>>();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.insert(UPSERT, vec![]).await.unwrap(), 0);
    assert_eq!(tx.insert(UPSERT, rows(777, 5)).await.unwrap(), 777);
    assert_eq!(tx.insert(UPSERT, rows(1000, 5)).await.unwrap(), 223, "equal versions change nothing");
    assert_eq!(tx.insert(UPSERT, rows(3, 4)).await.unwrap(), 0, "an older version changes nothing");
    assert_eq!(tx.insert(UPSERT, rows(1, 6)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let row = store.fetch_one_opt("SELECT COUNT(*) AS count, CAST(SUM(n) AS BIGINT) AS sum FROM thing", vec![]).await.unwrap().unwrap();
    assert_eq!((row.int("count").unwrap(), row.int("sum").unwrap()), (1000, 5001));
}

pub(crate) async fn a_batch_of_updates_and_of_look_ups_joins_its_rows(fixture: StoreFixture) {
    let store = fixture.open().await;
    for (id, n) in [("a", 1), ("b", 2), ("c", 3)] {
        put(&store, id, n).await;
    }
    let mut tx = store.begin().await.unwrap();
    let update = "WITH v (id, n) AS (VALUES {rows}) UPDATE thing SET n = v.n FROM v WHERE thing.id = v.id";
    assert_eq!(tx.insert(update, vec![params!["a", 10_i64], params!["x", 7_i64], params!["c", 30_i64]]).await.unwrap(), 2);
    let look_up = "WITH v (id) AS (VALUES {rows}) SELECT thing.id, thing.n FROM thing JOIN v ON thing.id = v.id";
    let found = tx.fetch_rows(look_up, ["a", "b", "y"].map(|id| params![id]).to_vec()).await.unwrap();
    let mut found: Vec<_> = found.iter().map(|row| (row.text("id").unwrap(), row.int("n").unwrap())).collect();
    found.sort();
    assert_eq!(found, [("a".to_owned(), 10), ("b".to_owned(), 2)]);
}

pub(crate) async fn deferred_statements_are_written_with_the_commit_or_not_at_all(fixture: StoreFixture) {
    const REMOVE: &str = "DELETE FROM thing WHERE id IN (VALUES {rows})";
    let store = fixture.open().await;
    put(&store, "gone", 1).await;
    let mut tx = store.begin().await.unwrap();
    tx.defer(UPSERT, vec![params!["a", 1_i64, None::<&str>], params!["b", 2_i64, "note"]]);
    tx.defer(REMOVE, vec![params!["gone"]]);
    tx.defer(REMOVE, vec![]);
    let row = tx.fetch_one_opt("SELECT COUNT(*) AS count FROM thing", vec![]).await.unwrap().unwrap();
    assert_eq!(row.int("count").unwrap(), 1, "deferred statements have not run yet");
    tx.commit().await.unwrap();
    let wanted = [("a".to_owned(), Some(1)), ("b".to_owned(), Some(2))];
    assert_eq!(numbers(&store).await, wanted);
    let mut tx = store.begin().await.unwrap();
    tx.defer(REMOVE, vec![params!["a"]]);
    tx.defer("INSERT INTO thing (id) VALUES {rows}", vec![params!["b"]]);
    let error = tx.commit().await.unwrap_err();
    assert!(matches!(error, Error::NotUnique(_)), "{error:?}");
    let mut tx = store.begin().await.unwrap();
    tx.defer(REMOVE, vec![params!["a"]]);
    drop(tx);
    assert_eq!(numbers(&store).await, wanted);
}

pub(crate) async fn a_commit_writes_nothing_unless_rows_are_as_they_were_read(fixture: StoreFixture) {
    const SET: &str = "WITH v (id, before, after) AS (VALUES {rows})
        UPDATE thing SET n = v.after FROM v WHERE thing.id = v.id AND thing.n = v.before RETURNING 1";
    let store = fixture.open().await;
    put(&store, "a", 1).await;
    put(&store, "b", 1).await;
    let set = |before: i64, after: i64| vec![params!["a", before, after], params!["b", 1_i64, after]];
    // With a statement before, and without any.
    for reads in [true, false] {
        let mut tx = store.begin().await.unwrap();
        if reads {
            tx.fetch_one_opt("SELECT n FROM thing WHERE id = $1", params!["a"]).await.unwrap();
        }
        tx.require(SET, set(7, 2));
        tx.defer(UPSERT, vec![params!["c", 1_i64, None::<&str>]]);
        assert!(matches!(tx.commit().await, Err(Error::Changed)));
        assert_eq!(numbers(&store).await, [("a".to_owned(), Some(1)), ("b".to_owned(), Some(1))]);
    }
    let mut tx = store.begin().await.unwrap();
    tx.require(SET, set(1, 2));
    tx.defer(UPSERT, vec![params!["c", 1_i64, None::<&str>]]);
    tx.commit().await.unwrap();
    assert_eq!(numbers(&store).await, [("a".to_owned(), Some(2)), ("b".to_owned(), Some(2)), ("c".to_owned(), Some(1))]);
}

pub(crate) async fn a_missing_row_is_none(fixture: StoreFixture) {
    let store = fixture.open().await;
    assert_eq!(store.fetch_one_opt("SELECT n FROM thing WHERE id = $1", params!["missing"]).await.unwrap(), None);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.fetch_one_opt("SELECT n FROM thing WHERE id = $1", params!["missing"]).await.unwrap(), None);
    assert_eq!(tx.execute("UPDATE thing SET n = 1 WHERE id = $1", params!["missing"]).await.unwrap(), 0);
}

pub(crate) async fn a_second_row_with_a_key_is_refused(fixture: StoreFixture) {
    let store = fixture.open().await;
    put(&store, "a", 1).await;
    let mut tx = store.begin().await.unwrap();
    let error = tx.execute("INSERT INTO thing (id) VALUES ($1)", params!["a"]).await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
}

pub(crate) async fn a_refused_statement_is_named_without_its_values(fixture: StoreFixture) {
    let store = fixture.open().await;
    let mut tx = store.begin().await.unwrap();
    let error = tx.execute("UPDATE nothing SET a = $1", params!["ana@contoso.com"]).await.unwrap_err();
    assert_eq!(error.to_string(), "running `UPDATE nothing SET a = $1`");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("nothing") && !source.contains("ana@"), "{source}");
}

pub(crate) async fn a_column_of_another_type_is_an_error(fixture: StoreFixture) {
    let store = fixture.open().await;
    put(&store, "a", -1).await;
    let row = store.fetch_one_opt("SELECT id, n, note FROM thing", vec![]).await.unwrap().unwrap();
    assert!(matches!(row.int("id"), Err(Error::Corrupt(_))));
    assert!(matches!(row.text("n"), Err(Error::Corrupt(_))));
    assert!(matches!(row.uint("n"), Err(Error::Corrupt(_))), "a negative number");
    assert!(matches!(row.text("note"), Err(Error::Corrupt(_))), "a null");
    assert_eq!(row.int("total").unwrap_err().to_string(), "column total is not an integer", "no such column");
}

pub(crate) async fn concurrent_writers_lose_no_update(fixture: StoreFixture) {
    let store = fixture.open().await;
    put(&store, "a", 0).await;
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    increment(&store, "a").await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(numbers(&store).await, [("a".to_owned(), Some(80))]);
}

pub(crate) async fn readers_see_the_last_commit_while_another_writes(fixture: StoreFixture) {
    let store = fixture.open().await;
    put(&store, "a", 1).await;
    let mut tx = store.begin().await.unwrap();
    tx.execute("UPDATE thing SET n = 2", vec![]).await.unwrap();
    assert_eq!(numbers(&store).await, [("a".to_owned(), Some(1))]);
    tx.commit().await.unwrap();
    assert_eq!(numbers(&store).await, [("a".to_owned(), Some(2))]);
}
