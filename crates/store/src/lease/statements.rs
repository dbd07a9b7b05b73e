//! The statements over many leases. Each is a transaction by itself and one round trip on a server.
//!
//! A statement reads the database's clock once, after its caller has read the local one: so the local expiry is never later than the stored
//! one.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::{AssertSqlSafe, SqlSafeStr as _};
use tokio::time::Instant;
use xtsync_domain::Timestamp;

use super::{Claim, Epoch, Error, Param, Row, Store};
use crate::database::Access;
use crate::time::postgres_now;
use crate::{params, transaction};

/// What to do about a row that another transaction has locked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Locked {
    /// Wait until it ends.
    Wait,
    /// Leave the lease to its owner.
    Skip,
}

/// A statement over the rows `v` at the time `clock.now`. A file has no clock, so there the time is in the last column of each row.
struct Timed {
    sqlite: &'static str,
    postgres: &'static str,
}

/// Builds a [`Timed`] from the columns of its rows and its text, which may end differently for PostgreSQL.
macro_rules! timed {
    ($columns:literal, $text:literal) => {
        timed!($columns, $text, "", "")
    };
    ($columns:literal, $text:literal, $postgres:literal, $end:literal) => {
        Timed {
            sqlite: concat!("WITH v (", $columns, ", now) AS (VALUES {rows}), clock (now) AS (SELECT MAX(now) FROM v)", $text, $end),
            postgres: concat!(
                "WITH v (",
                $columns,
                ") AS (VALUES {rows}), clock (now) AS (SELECT ",
                postgres_now!(),
                ")",
                $text,
                $postgres,
                $end
            ),
        }
    };
}

/// Returns which leases are free, have expired or belong to their claim's owner, by name.
///
/// # Errors
/// When the database is unavailable.
pub(super) async fn look(store: &Store, claims: &[&Claim]) -> Result<HashSet<String>, Error> {
    // The time is in each answer, also if no lease is free.
    const SQL: Timed = timed!(
        "name, owner",
        ", free (name) AS (SELECT v.name FROM v CROSS JOIN clock LEFT JOIN lease ON lease.name = v.name
         WHERE lease.name IS NULL OR lease.until <= clock.now OR lease.owner = v.owner)
         SELECT clock.now AS now, free.name AS name FROM clock LEFT JOIN free ON 1 = 1"
    );
    let began = Instant::now();
    let rows = SQL.fetch(store, Access::Read, claims.iter().map(|claim| params![&claim.name, &claim.owner]).collect()).await?;
    note_time(store, &rows, began)?;
    rows.iter().filter_map(|row| row.opt_text("name").transpose()).collect()
}

/// Acquires those leases that are free, have expired or belong to their claim's owner. Returns their new epochs by name. Each name may occur
/// only once.
///
/// # Errors
/// When the database is unavailable.
pub(super) async fn acquire(store: &Store, claims: &[&Claim], locked: Locked) -> Result<HashMap<String, Epoch>, Error> {
    const ADD: &str = "INSERT INTO lease (name, owner, epoch, until) VALUES {rows} ON CONFLICT (name) DO NOTHING";
    // An update changes the epoch, which is in a unique key, so it needs the lock that excludes every transaction that requires the lease.
    macro_rules! take {
        ($postgres:literal) => {
            timed!(
                "name, owner, ttl",
                ", free (name, owner, until) AS (SELECT lease.name, v.owner, clock.now + v.ttl FROM lease JOIN v ON lease.name = v.name
                 CROSS JOIN clock WHERE lease.until <= clock.now OR lease.owner = v.owner",
                $postgres,
                ") UPDATE lease SET owner = free.owner, epoch = lease.epoch + 1, until = free.until FROM free
                 WHERE lease.name = free.name RETURNING lease.name AS name, lease.epoch AS epoch"
            )
        };
    }
    let take = match locked {
        Locked::Wait => take!(" FOR UPDATE OF lease"),
        Locked::Skip => take!(" FOR UPDATE OF lease SKIP LOCKED"),
    };
    let mut claims = claims.to_vec();
    // Two replicas that add the same leases at once wait for each other in one order.
    claims.sort_by(|a, b| a.name.cmp(&b.name));
    let new = claims.iter().map(|claim| params![&claim.name, &claim.owner, 0_i64, 0_i64]).collect();
    fetch(store, Access::Write, ADD, new).await?;
    let rows = claims.iter().map(|claim| params![&claim.name, &claim.owner, micros(claim.ttl)]).collect();
    let rows = take.fetch(store, Access::Write, rows).await?;
    rows.iter().map(|row| Ok((row.text("name")?, row.uint("epoch").map(Epoch)?))).collect()
}

/// Extends leases; returns those that had neither expired nor another owner.
///
/// # Errors
/// When the database is unavailable.
pub(super) async fn renew(store: &Store, held: &[(&str, Epoch, Duration)]) -> Result<HashSet<(String, Epoch)>, Error> {
    const SQL: Timed = timed!(
        "name, epoch, ttl",
        " UPDATE lease SET until = clock.now + v.ttl FROM v CROSS JOIN clock WHERE lease.name = v.name AND lease.epoch = v.epoch
         AND lease.until > clock.now RETURNING lease.name AS name, lease.epoch AS epoch",
        ", clock.now AS now",
        ""
    );
    let began = Instant::now();
    let rows = held.iter().map(|(name, epoch, ttl)| params![*name, *epoch, micros(*ttl)]).collect();
    let rows = SQL.fetch(store, Access::Write, rows).await?;
    note_time(store, &rows, began)?;
    rows.iter().map(|row| Ok((row.text("name")?, row.uint("epoch").map(Epoch)?))).collect()
}

/// Returns which leases have neither expired nor another owner.
///
/// # Errors
/// When the database is unavailable.
pub(super) async fn held(store: &Store, held: &[(&str, Epoch)]) -> Result<HashSet<(String, Epoch)>, Error> {
    const SQL: Timed = timed!(
        "name, epoch",
        " SELECT lease.name AS name, lease.epoch AS epoch FROM lease JOIN v ON lease.name = v.name AND lease.epoch = v.epoch
         CROSS JOIN clock WHERE lease.until > clock.now"
    );
    let rows = SQL.fetch(store, Access::Read, held.iter().map(|(name, epoch)| params![*name, *epoch]).collect()).await?;
    rows.iter().map(|row| Ok((row.text("name")?, row.uint("epoch").map(Epoch)?))).collect()
}

/// Releases leases, so that the next owner need not wait for their expiry.
///
/// # Errors
/// When the database is unavailable.
pub(super) async fn release(store: &Store, held: &[(&str, Epoch)]) -> Result<(), Error> {
    const SQL: &str = "WITH v (name, epoch) AS (VALUES {rows}) UPDATE lease SET until = 0 FROM v
        WHERE lease.name = v.name AND lease.epoch = v.epoch";
    let rows = held.iter().map(|(name, epoch)| params![*name, *epoch]).collect();
    fetch(store, Access::Write, SQL, rows).await.map(drop)
}

impl Timed {
    async fn fetch(&self, store: &Store, access: Access, mut rows: Vec<Vec<Param>>) -> Result<Vec<Row>, Error> {
        let Some(now) = store.file_now() else { return fetch(store, access, self.postgres, rows).await };
        for row in &mut rows {
            row.push(now.into());
        }
        fetch(store, access, self.sqlite, rows).await
    }
}

/// Stores the reading of a server's clock that a statement returned.
fn note_time(store: &Store, rows: &[Row], began: Instant) -> Result<(), Error> {
    if let (None, Some(row)) = (store.file_now(), rows.first()) {
        store.time.note(row.int("now").map(Timestamp)?, began);
    }
    Ok(())
}

/// Runs a statement over rows on the connections of leases.
async fn fetch(store: &Store, access: Access, template: &'static str, rows: Vec<Vec<Param>>) -> Result<Vec<Row>, Error> {
    let mut answers = Vec::new();
    for statement in store.leases.statements(template, rows)? {
        let answer = store.leases.fetch(access, AssertSqlSafe(statement.sql).into_sql_str(), statement.values).await;
        answers.extend(answer.map_err(|source| transaction::failed(template, source, &store.has_write_failed))?);
    }
    Ok(answers)
}

fn micros(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)
}
