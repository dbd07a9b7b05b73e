//! Makes links due that wait, since what they wait for may have changed.
//!
//! In portions, each a transaction that locks its links in the order in which all others do, so that no two wait for each other.

use std::collections::BTreeSet;

use xtsync_domain::{TenantName, Timestamp, UserId};
use xtsync_store::{Param, Row, Store, params, retry_contended};

use crate::error::Result;

/// Links in one portion.
const PORTION: u64 = 500;

/// Work of a target that waits so, after a link.
macro_rules! waiting {
    () => {
        " WHERE work.target = $1 AND ($2 = '' OR work.source = $2) AND ($3 = '' OR work.user_id = $3)
            AND work.condition IS NOT NULL AND work.code NOT IN ('vetoed', 'rejected') AND CASE $4
                WHEN 'gate' THEN work.condition = 'held' AND work.code NOT LIKE 'limit%'
                    AND work.code NOT LIKE '%_forbidden' AND work.code NOT LIKE '%_failing'
                WHEN 'held' THEN work.condition = 'held'
                WHEN 'refused' THEN work.condition IN ('held', 'refused')
                WHEN 'verb' THEN work.code = $5
                ELSE $4 = 'anything' END
            AND (work.source, work.user_id) > ($6, $7)"
    };
}

/// Which of the links that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// Behind the gate: not those that an operator holds, that a full window holds, or that wait for a verb.
    Gate,
    /// For whatever holds them, but for an operator.
    Held,
    /// For that, or for the target.
    HeldOrRefused,
    /// For whatever it is, but for an operator.
    Anything,
    /// For a verb that works again, or for their own turn at it.
    Verb,
}

/// Links that wait, by what is known of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting<'a> {
    pub(crate) target: &'a TenantName,
    /// Of this source; of any without one.
    pub(crate) source: Option<&'a TenantName>,
    /// Of this user; of any without one.
    pub(crate) user: Option<&'a UserId>,
    pub(crate) waits: Waits,
    /// The code of the verb that works again.
    pub(crate) code: &'a str,
}

/// The pairs of source and target with any link that waits.
pub(crate) async fn pairs(store: &Store) -> Result<BTreeSet<(TenantName, TenantName)>> {
    let rows = store.fetch("SELECT DISTINCT source, target FROM work WHERE condition IS NOT NULL", params![]).await?;
    let name = |row: &Row, column| TenantName::new(row.text(column)?).map_err(|error| xtsync_store::Error::Corrupt(error.to_string()));
    Ok(rows.iter().map(|row| Ok((name(row, "source")?, name(row, "target")?))).collect::<Result<_, xtsync_store::Error>>()?)
}

impl<'a> Waiting<'a> {
    /// All links of a target that wait so.
    pub(crate) fn all(target: &'a TenantName, waits: Waits) -> Self {
        Self { target, source: None, user: None, waits, code: "" }
    }

    /// Makes them due; returns the number. It ends where none is left after the last one looked at: of a portion some may have
    /// changed while their links were being locked.
    pub(crate) async fn wake(self, store: &Store, now: Timestamp) -> Result<u64> {
        let (mut after, mut woken) = ((String::new(), String::new()), 0);
        while let Some(last) = self.last_of_portion(store, &after).await? {
            woken += retry_contended(|| self.portion(store, &after, &last, now)).await?;
            after = last;
        }
        Ok(woken)
    }

    /// Source and user of the last link of a portion.
    async fn last_of_portion(self, store: &Store, after: &(String, String)) -> Result<Option<(String, String)>> {
        const SQL: &str = concat!(
            "SELECT source, user_id FROM (SELECT work.source, work.user_id FROM work",
            waiting!(),
            " ORDER BY work.source, work.user_id LIMIT $8) portion ORDER BY source DESC, user_id DESC LIMIT 1"
        );
        let row = store.fetch_one_opt(SQL, [self.params(after), params![PORTION]].concat()).await?;
        row.map(|row| Ok((row.text("source")?, row.text("user_id")?))).transpose()
    }

    async fn portion(self, store: &Store, after: &(String, String), last: &(String, String), now: Timestamp) -> Result<u64> {
        // What waits is asked for again after the lock: a job may have changed it meanwhile.
        macro_rules! sql {
            ($lock:literal) => {
                concat!(
                    "WITH v AS (SELECT work.target, work.source, work.user_id FROM work
                        JOIN link ON link.target = work.target AND link.source = work.source AND link.user_id = work.user_id",
                    waiting!(),
                    " AND (work.source, work.user_id) <= ($8, $9) ",
                    $lock,
                    ") UPDATE work SET due = $10, condition = NULL, code = NULL FROM v
                    WHERE work.target = v.target AND work.source = v.source AND work.user_id = v.user_id AND work.condition IS NOT NULL"
                )
            };
        }
        let mut tx = store.begin().await?;
        let sql = tx.by_database(
            sql!(""),
            sql!(r#"ORDER BY work.target COLLATE "C", work.source COLLATE "C", work.user_id COLLATE "C" FOR UPDATE OF link"#),
        );
        let links = tx.execute(sql, [self.params(after), params![last.0.as_str(), last.1.as_str(), now]].concat()).await?;
        tx.commit().await?;
        Ok(links)
    }

    /// What [`waiting!`] names.
    fn params(self, after: &(String, String)) -> Vec<Param> {
        let (source, user) = (self.source.map_or("", TenantName::as_str), self.user.map_or("", UserId::as_str));
        params![self.target.as_str(), source, user, self.waits.name(), self.code, after.0.as_str(), after.1.as_str()]
    }
}

impl Waits {
    fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Held => "held",
            Self::HeldOrRefused => "refused",
            Self::Anything => "anything",
            Self::Verb => "verb",
        }
    }
}
