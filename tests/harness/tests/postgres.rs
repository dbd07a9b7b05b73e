//! Proves the database server of the harness.

use xtsync_harness::{Dir, Postgres, PostgresOptions, unique};

#[tokio::test]
async fn databases_of_the_shared_server_are_isolated() {
    let postgres = Postgres::shared().await.unwrap();
    let (mine, yours) = (unique("mine_"), unique("yours_"));
    for name in [&mine, &yours] {
        let url = postgres.create_database(name).await.unwrap();
        assert!(url.starts_with("postgres://xtsync:") && url.ends_with(name.as_str()), "{url}");
    }
    postgres.sql(&mine, "CREATE TABLE t (x int)").await.unwrap();
    assert_eq!(postgres.sql(&mine, "SELECT count(*) FROM t").await.unwrap(), "0");
    assert!(postgres.sql(&yours, "SELECT count(*) FROM t").await.is_err(), "a table is visible in another database");
    assert_eq!(postgres.sql(&mine, "SHOW fsync").await.unwrap(), "off");
}

#[tokio::test]
async fn a_name_that_is_no_plain_name_is_refused() {
    let postgres = Postgres::shared().await.unwrap();
    for name in ["", "a b", "a;b", "A", "a-b"] {
        assert!(postgres.create_database(name).await.is_err(), "{name:?}");
    }
}

#[tokio::test]
async fn committed_data_survives_a_restart_and_a_crash() {
    let mut postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    assert_eq!(postgres.sql("postgres", "SHOW fsync").await.unwrap(), "on");
    let url = postgres.create_database("kept").await.unwrap();
    postgres.sql("kept", "CREATE TABLE t (x int); INSERT INTO t VALUES (1)").await.unwrap();
    postgres.restart().await.unwrap();
    postgres.sql("kept", "INSERT INTO t VALUES (2)").await.unwrap();
    postgres.crash().await.unwrap();
    assert!(postgres.sql("kept", "SELECT 1").await.is_err(), "a crashed server answers");
    postgres.resume().await.unwrap();
    assert_eq!(postgres.sql("kept", "SELECT x FROM t ORDER BY x").await.unwrap(), "1\n2");
    assert_eq!(postgres.url("kept"), url);
}

#[tokio::test]
async fn a_dump_brings_a_database_back_to_where_it_was() {
    let postgres = Postgres::shared().await.unwrap();
    let (name, dir) = (unique("backup_"), Dir::new().unwrap());
    postgres.create_database(&name).await.unwrap();
    postgres.sql(&name, "CREATE TABLE t (x int); INSERT INTO t VALUES (1)").await.unwrap();
    postgres.dump(&name, &dir.join("dump")).await.unwrap();
    postgres.sql(&name, "INSERT INTO t VALUES (2)").await.unwrap();
    postgres.restore(&name, &dir.join("dump")).await.unwrap();
    assert_eq!(postgres.sql(&name, "SELECT x FROM t").await.unwrap(), "1");
}

#[tokio::test]
async fn a_password_is_needed() {
    let postgres = Postgres::shared().await.unwrap();
    let url = postgres.url("postgres");
    let address = url.split_once('@').unwrap().1;
    let mut psql = std::process::Command::new("psql");
    psql.env_remove("PGPASSWORD").env("PGPASSFILE", "/dev/null").args(["-w", "-c", "SELECT 1"]);
    let output = psql.arg(format!("postgres://xtsync@{address}")).output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("no password supplied"));
}

#[tokio::test]
async fn a_frozen_server_does_not_answer_until_it_is_thawed() {
    let postgres = Postgres::start(PostgresOptions { fast: true }).await.unwrap();
    postgres.freeze().unwrap();
    let query = postgres.sql("postgres", "SELECT 1");
    let frozen = tokio::time::timeout(std::time::Duration::from_secs(1), query).await;
    assert!(frozen.is_err(), "a frozen server answers");
    postgres.thaw().unwrap();
    assert_eq!(postgres.sql("postgres", "SELECT 1").await.unwrap(), "1");
}
