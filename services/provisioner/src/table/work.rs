//! Work: links that are not as desired, by class and time. Retry, grace period, conflict and hold are one thing: a row that is not due.
//!
//! Most changes go with one of the link, in a transaction that has locked it or by a statement that changes both; `waiting.rs` locks links, too.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_domain::link::{Class, ConditionKind};
use xtsync_domain::{TenantName, Timestamp, UserId};
use xtsync_store::{Param, Row, Store, Transaction, params, retry_contended};

use super::Key;
use super::link::{self, Stored};
use crate::error::Result;

/// When a link is worked on next, and what holds it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) class: Class,
    /// `None` where only a change or an operator helps.
    pub(crate) due: Option<Timestamp>,
    pub(crate) condition: Option<(ConditionKind, String)>,
    /// The link, by its record's key, whose object keeps this one from its address.
    pub(crate) blocked_by: Option<String>,
    /// The row as the job read it: a row that was made due since then stays due.
    pub(crate) was: Waited,
}

/// What becomes of the call that may be under way for a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    /// As before.
    Unchanged,
    /// One is about to start, or goes on: until then no other process may call for the link.
    Until(Timestamp),
    /// It has ended with an unknown result: the link may be read from now on.
    Unknown(Timestamp),
    /// It has ended, and what became of it is known.
    Ended,
}

/// How a link waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waited {
    pub(crate) class: Class,
    pub(crate) due: Timestamp,
    pub(crate) has_condition: bool,
}

/// A link that is due.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) key: Key,
    /// The link; `None` where there is none, and an error of its own where it cannot be read: it delays no other link.
    pub(crate) stored: Result<Option<Stored>>,
    /// The end of a call that may be under way without a recorded answer.
    pub(crate) called_until: Option<Timestamp>,
    /// How it waited.
    pub(crate) was: Waited,
    /// The former account, where an administrator has confirmed that the user is a rehire.
    pub(crate) former: Option<UserId>,
}

impl Waited {
    /// Reads class, due and condition.
    fn read(row: &Row) -> Result<Self> {
        let class = Class::of_number(row.int("class")?).unwrap_or(Class::Bulk);
        Ok(Self { class, due: Timestamp(row.opt_int("due")?.unwrap_or_default()), has_condition: row.opt_text("condition")?.is_some() })
    }

    fn params(self) -> Vec<Param> {
        params![self.due, self.has_condition]
    }
}

impl Called {
    /// Until when a call may be under way, if that changes.
    fn until(self) -> Option<Option<Timestamp>> {
        match self {
            Self::Unchanged => None,
            Self::Until(until) | Self::Unknown(until) => Some(Some(until)),
            Self::Ended => Some(None),
        }
    }
}

impl Due {
    fn read(row: &Row) -> Result<Self> {
        let key = Key::read(row)?;
        let was = Waited::read(row)?;
        let called_until = row.opt_int("called_until")?.map(Timestamp);
        let stored = row.opt_bytes("state")?.map(|_| Stored::read(&key, row)).transpose();
        let former = row.opt_text("former_user_id")?.map(UserId);
        Ok(Self { key, stored, called_until, was, former })
    }
}

/// What waits for a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// What is due and worked on by itself, by class.
    pub(crate) pending: BTreeMap<&'static str, u64>,
    /// What waits behind the gate, by reason.
    pub(crate) held: BTreeMap<String, u64>,
    /// What is in conflict or refused.
    pub(crate) degraded: u64,
}

/// Links that are due in these classes, at most `limit` of each and the longest due first, each as it is stored and with the call that may be
/// under way for it.
pub(crate) async fn due(
    store: &Store,
    target: &TenantName,
    classes: &BTreeSet<Class>,
    now: Timestamp,
    limit: usize,
) -> Result<BTreeMap<Class, Vec<Due>>> {
    // By class, because the index is.
    macro_rules! of_class {
        ($class:literal) => {
            concat!(
                "SELECT * FROM (SELECT * FROM work WHERE target = $1 AND due <= $2 AND class = ",
                $class,
                " ORDER BY due LIMIT $3) AS of_class"
            )
        };
    }
    const SQL: &str = concat!(
        "SELECT work.target, work.source, work.user_id, work.class, work.due, work.condition, work.called_until,
            rehire.former_user_id, ",
        link::columns!(),
        " FROM (",
        of_class!("$4"),
        " UNION ALL ",
        of_class!("$5"),
        " UNION ALL ",
        of_class!("$6"),
        " UNION ALL ",
        of_class!("$7"),
        ") AS work
        LEFT JOIN link ON link.target = work.target AND link.source = work.source AND link.user_id = work.user_id
        LEFT JOIN rehire ON rehire.target = work.target AND rehire.source = work.source AND rehire.user_id = work.user_id
        ORDER BY work.due"
    );
    let [leaver, revoke, live, bulk] = Class::ALL.map(|class| classes.contains(&class).then(|| class.number()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut due: BTreeMap<Class, Vec<Due>> = BTreeMap::new();
    for row in store.fetch(SQL, params![target.as_str(), now, limit, leaver, revoke, live, bulk]).await? {
        let one = Due::read(&row)?;
        due.entry(one.was.class).or_default().push(one);
    }
    Ok(due)
}

/// How a link waits now.
pub(crate) async fn waits(store: &Store, key: &Key) -> Result<Option<Waited>> {
    const SQL: &str = "SELECT class, due, condition FROM work WHERE target = $1 AND source = $2 AND user_id = $3";
    let row = store.fetch_one_opt(SQL, key.params()).await?;
    row.map(|row| Waited::read(&row)).transpose()
}

/// Whether a link waits or is worked on, as a transaction sees it that has locked the link.
pub(crate) async fn is_queued(tx: &mut Transaction, key: &Key) -> Result<bool> {
    const SQL: &str = "SELECT class FROM work WHERE target = $1 AND source = $2 AND user_id = $3";
    Ok(tx.fetch_one_opt(SQL, key.params()).await?.is_some())
}

/// When something is due next in a target. By class, because the index is.
pub(crate) async fn next_due(store: &Store, target: &TenantName) -> Result<Option<Timestamp>> {
    const SQL: &str = "WITH v (class) AS (VALUES ($2), ($3), ($4), ($5))
        SELECT (SELECT min(due) FROM work WHERE target = $1 AND work.class = v.class) AS due FROM v";
    let [leaver, revoke, live, bulk] = Class::ALL.map(Class::number);
    let rows = store.fetch(SQL, params![target.as_str(), leaver, revoke, live, bulk]).await?;
    let mut next = None;
    for row in &rows {
        next = next.into_iter().chain(row.opt_int("due")?.map(Timestamp)).min();
    }
    Ok(next)
}

/// Puts links that a newer decision came for into the queue: due now, without condition, and in no lower class than they waited in.
pub(crate) fn arrived(tx: &mut Transaction, links: &[(Key, Class)], now: Timestamp) {
    const SQL: &str = "INSERT INTO work (target, source, user_id, class, due) VALUES {rows}
        ON CONFLICT (target, source, user_id) DO UPDATE SET due = excluded.due, condition = NULL, code = NULL, blocked_by = NULL,
            class = CASE WHEN excluded.class < work.class THEN excluded.class ELSE work.class END";
    let rows = links.iter().map(|(key, class)| [key.params(), params![class.number(), now]].concat()).collect();
    tx.defer(SQL, rows);
}

/// A column of a link that is postponed, unless it was made due since its job read it: there is news about it.
macro_rules! unless_news {
    ($column:literal) => {
        concat!(
            $column,
            " = CASE WHEN work.due = v.was_due AND (CASE WHEN work.condition IS NULL THEN 0 ELSE 1 END) = v.had_condition THEN v.",
            $column,
            " ELSE work.",
            $column,
            " END"
        )
    };
}

/// Postpones links, and says what becomes of the calls that may be under way for them.
pub(crate) fn postpone(tx: &mut Transaction, links: Vec<(&Key, Work, Called)>) {
    const SQL: &str = concat!(
        "WITH v (target, source, user_id, class, due, condition, code, blocked_by, was_due, had_condition, is_called, called_until)
            AS (VALUES {rows})
        UPDATE work SET called_until = CASE WHEN v.is_called = 1 THEN v.called_until ELSE work.called_until END, ",
        unless_news!("class"),
        ", ",
        unless_news!("due"),
        ", ",
        unless_news!("condition"),
        ", ",
        unless_news!("code"),
        ", ",
        unless_news!("blocked_by"),
        " FROM v WHERE work.target = v.target AND work.source = v.source AND work.user_id = v.user_id"
    );
    let row = |(key, work, called): (&Key, Work, Called)| {
        let (condition, code) = work.condition.map(|(kind, code)| (kind_name(kind), code)).unzip();
        let call = called.until();
        let rest = params![work.class.number(), work.due, condition, code, work.blocked_by];
        [key.params(), rest, work.was.params(), params![call.is_some(), call.flatten()]].concat()
    };
    tx.defer(SQL, links.into_iter().map(row).collect());
}

/// Says what becomes of the calls that may be under way for links, which else stay as they are. The commit fails unless all are queued: a
/// call does not start without its intent.
pub(crate) fn note_calls(tx: &mut Transaction, links: Vec<(&Key, Called)>) {
    const SQL: &str = "WITH v (target, source, user_id, called_until) AS (VALUES {rows})
        UPDATE work SET called_until = v.called_until FROM v
        WHERE work.target = v.target AND work.source = v.source AND work.user_id = v.user_id RETURNING 1";
    let row = |(key, called): (&Key, Called)| Some([key.params(), params![called.until()?]].concat());
    tx.require(SQL, links.into_iter().filter_map(row).collect());
}

/// Links are as desired.
pub(crate) fn remove(tx: &mut Transaction, keys: Vec<&Key>) {
    const SQL: &str = "DELETE FROM work WHERE (target, source, user_id) IN (VALUES {rows})";
    tx.defer(SQL, keys.into_iter().map(Key::params).collect());
}

/// Makes the links due that wait for the address of one that has given it up; says how many there are.
pub(crate) async fn unblock(store: &Store, by: &Key, now: Timestamp) -> Result<u64> {
    const WAITING: &str = "SELECT count(*) AS links FROM work WHERE target = $1 AND blocked_by = $2 AND condition = 'conflict'";
    const SQL: &str =
        "UPDATE work SET due = $3 WHERE target = $1 AND blocked_by = $2 AND condition = 'conflict' AND (due IS NULL OR due > $3)";
    // Links rarely wait: then nothing is written.
    let waiting = store.fetch_one_opt(WAITING, params![by.target.as_str(), by.record()]).await?.map_or(Ok(0), |row| row.uint("links"))?;
    if waiting == 0 {
        return Ok(0);
    }
    retry_contended(async || -> Result<u64> {
        let mut tx = store.begin().await?;
        let unblocked = tx.execute(SQL, params![by.target.as_str(), by.record(), now]).await?;
        tx.commit().await?;
        Ok(unblocked)
    })
    .await
}

/// What waits for a target. What is not due yet and not held back (a loss of scope in its grace period, a retry) waits for its time only.
pub(crate) async fn counts(store: &Store, target: &TenantName, now: Timestamp) -> Result<Counts> {
    const SQL: &str = "SELECT class, condition, code, count(*) AS links FROM work WHERE target = $1
        AND (condition IN ('held', 'conflict', 'refused') OR due <= $2) GROUP BY class, condition, code";
    let mut counts = Counts::default();
    for row in store.fetch(SQL, params![target.as_str(), now]).await? {
        let (class, count) = (row.int("class")?, row.uint("links")?);
        match row.opt_text("condition")?.as_deref() {
            Some("held") => *counts.held.entry(row.opt_text("code")?.unwrap_or_default()).or_default() += count,
            Some("conflict" | "refused") => counts.degraded += count,
            Some(_) | None => {
                let name = Class::of_number(class).map_or("unknown", Class::name);
                *counts.pending.entry(name).or_default() += count;
            }
        }
    }
    Ok(counts)
}

fn kind_name(kind: ConditionKind) -> &'static str {
    match kind {
        ConditionKind::Retry => "retry",
        ConditionKind::Held => "held",
        ConditionKind::Conflict => "conflict",
        ConditionKind::Refused => "refused",
    }
}

#[cfg(test)]
mod tests;
