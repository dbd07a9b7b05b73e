//! Stores a batch: one statement per table, and one per key with a tombstone. Rows that are older than the stored ones are ignored: they
//! come from delayed records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use xtsync_domain::Timestamp;
use xtsync_store::{Error, Param, Transaction, params};

use super::batch::{Batch, DecisionRow, Link, MarkerRow, OutcomeRow, User, UserRow};
use super::link::LinkRow;

/// How long the ids of counted outcomes are kept. The provisioner republishes an outcome only after a crash, within minutes.
const OUTCOME_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Stores a batch.
pub(super) async fn store(tx: &mut Transaction, batch: Batch, now: Timestamp) -> Result<(), Error> {
    users(tx, batch.users).await?;
    decisions(tx, batch.decisions).await?;
    markers(tx, batch.markers);
    links(tx, batch.links).await?;
    outcomes(tx, batch.outcomes, now).await?;
    facts(tx, batch.facts).await?;
    roles(tx, batch.roles).await
}

async fn users(tx: &mut Transaction, users: BTreeMap<User, Option<UserRow>>) -> Result<(), Error> {
    // A delta of an out-of-scope user holds no names: the known ones stay.
    const PUT: &str = "INSERT INTO view_user (source, user_id, version, principal_name, mail, part, position) VALUES {rows}
        ON CONFLICT (source, user_id) DO UPDATE SET version = excluded.version, part = excluded.part, position = excluded.position,
        principal_name = CASE WHEN excluded.principal_name = '' THEN view_user.principal_name ELSE excluded.principal_name END,
        mail = CASE WHEN excluded.mail = '' THEN view_user.mail ELSE excluded.mail END
        WHERE excluded.version >= view_user.version";
    const DROP: &str = "DELETE FROM view_user WHERE source = $1 AND user_id = $2";
    let mut rows = Vec::new();
    for ((source, user), row) in users {
        match row {
            Some(UserRow { version, principal_name, mail, at: (part, position) }) => {
                rows.push(params![source, user, version, principal_name, mail, part, position]);
            }
            None => drop(tx.execute(DROP, params![source, user]).await?),
        }
    }
    tx.defer(PUT, rows);
    Ok(())
}

async fn decisions(tx: &mut Transaction, decisions: BTreeMap<Link, Option<DecisionRow>>) -> Result<(), Error> {
    const PUT: &str =
        "INSERT INTO view_decision (target, source, user_id, delta, version, digest, desired, reason, attribute, sign_in_blocked,
        due) VALUES {rows}
        ON CONFLICT (target, source, user_id) DO UPDATE SET delta = excluded.delta, version = excluded.version, digest = excluded.digest,
        desired = excluded.desired, reason = excluded.reason, attribute = excluded.attribute, sign_in_blocked = excluded.sign_in_blocked, due = excluded.due
        WHERE excluded.version >= view_decision.version";
    const DROP: &str = "DELETE FROM view_decision WHERE target = $1 AND source = $2 AND user_id = $3";
    let mut rows = Vec::new();
    for ((target, source, user), decision) in decisions {
        match decision {
            Some(DecisionRow { delta, version, digest, desired, reason, attribute, is_blocked, due }) => {
                rows.push(params![target, source, user, delta, version, digest, desired, reason, attribute, i64::from(is_blocked), due]);
            }
            None => drop(tx.execute(DROP, params![target, source, user]).await?),
        }
    }
    tx.defer(PUT, rows);
    Ok(())
}

fn markers(tx: &mut Transaction, markers: BTreeMap<(String, String, u32), MarkerRow>) {
    const PUT: &str = "INSERT INTO view_marker (target, source, part, partitions, revision) VALUES {rows}
        ON CONFLICT (target, source, part) DO UPDATE SET partitions = excluded.partitions, revision = excluded.revision";
    let row = |((target, source, part), MarkerRow { partitions, revision })| params![target, source, part, partitions, revision];
    tx.defer(PUT, markers.into_iter().map(row).collect());
}

async fn links(tx: &mut Transaction, links: BTreeMap<Link, Option<LinkRow>>) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO view_link (target, source, user_id, version, desired, digest, state, status, code, due, record) VALUES {rows}
        ON CONFLICT (target, source, user_id) DO UPDATE SET version = excluded.version, desired = excluded.desired, digest = excluded.digest,
        state = excluded.state, status = excluded.status, code = excluded.code, due = excluded.due, record = excluded.record
        WHERE excluded.version >= view_link.version";
    const DROP: &str = "DELETE FROM view_link WHERE target = $1 AND source = $2 AND user_id = $3";
    let mut rows = Vec::new();
    for ((target, source, user), link) in links {
        match link {
            Some(link) => {
                let status = link.status.as_str();
                let LinkRow { version, desired, digest, state, code, due, record, .. } = link;
                rows.push(params![target, source, user, version, desired, digest, state, status, code, due, record]);
            }
            None => drop(tx.execute(DROP, params![target, source, user]).await?),
        }
    }
    tx.defer(PUT, rows);
    Ok(())
}

/// Counts the outcomes that are not counted yet, and removes expired ids.
async fn outcomes(tx: &mut Transaction, outcomes: Vec<OutcomeRow>, now: Timestamp) -> Result<(), Error> {
    const KNOWN: &str = "INSERT INTO view_outcome (id, at) VALUES {rows} ON CONFLICT (id) DO NOTHING RETURNING id";
    const COUNT: &str = "INSERT INTO view_count (target, source, verb, n) VALUES {rows}
        ON CONFLICT (target, source, verb) DO UPDATE SET n = view_count.n + excluded.n";
    if outcomes.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.id.as_str()).collect();
    let fresh = tx.fetch_rows(KNOWN, ids.into_iter().map(|id| params![id, now]).collect()).await?;
    let mut fresh: BTreeSet<String> = fresh.iter().map(|row| row.text("id")).collect::<Result<_, _>>()?;
    let mut counts: BTreeMap<(String, String, &str), i64> = BTreeMap::new();
    for outcome in outcomes {
        if fresh.remove(&outcome.id) {
            *counts.entry((outcome.target, outcome.source, outcome.verb)).or_default() += 1;
        }
    }
    let row = |((target, source, verb), n)| params![target, source, verb, n];
    tx.defer(COUNT, counts.into_iter().map(row).collect());
    tx.execute("DELETE FROM view_outcome WHERE at < $1", params![now.minus(OUTCOME_RETENTION)]).await.map(drop)
}

async fn facts(tx: &mut Transaction, facts: BTreeMap<(String, String), Option<Vec<u8>>>) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO view_fact (tenant, key, record) VALUES {rows}
        ON CONFLICT (tenant, key) DO UPDATE SET record = excluded.record";
    const DROP: &str = "DELETE FROM view_fact WHERE tenant = $1 AND key = $2";
    let mut rows: Vec<Vec<Param>> = Vec::new();
    for ((tenant, key), record) in facts {
        match record {
            Some(record) => rows.push(params![tenant, key, record]),
            None => drop(tx.execute(DROP, params![tenant, key]).await?),
        }
    }
    tx.defer(PUT, rows);
    Ok(())
}

async fn roles(tx: &mut Transaction, roles: BTreeMap<String, Option<Vec<u8>>>) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO view_role (key, record) VALUES {rows} ON CONFLICT (key) DO UPDATE SET record = excluded.record";
    const DROP: &str = "DELETE FROM view_role WHERE key = $1";
    let mut rows: Vec<Vec<Param>> = Vec::new();
    for (key, record) in roles {
        match record {
            Some(record) => rows.push(params![key, record]),
            None => drop(tx.execute(DROP, params![key]).await?),
        }
    }
    tx.defer(PUT, rows);
    Ok(())
}
