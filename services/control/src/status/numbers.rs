//! The numbers of one synchronization, counted in the read model.

use std::collections::BTreeMap;
use std::time::Duration;

use xtsync_contract::control::SynchronizationCounts;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_store::{Error, Store, params};

use crate::view::link::ADDRESS_DIFFERS;

/// A loss of scope that is acted on sooner than this counts as not converged; one that is given weeks does not.
const SOON: Duration = Duration::from_secs(60);

/// The numbers of one synchronization.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    states: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    /// Links that are held, by why.
    holds: BTreeMap<String, u64>,
    /// When the first of the refused links is asked about again.
    pub(crate) refused_next_try: Option<Timestamp>,
    /// Shadow users that nobody has redeemed, invited by another address than is decided now.
    pub(crate) address_differs: u64,
    /// Whether anybody is in scope, as far as was decided.
    pub(crate) has_users_in_scope: bool,
    /// Users whose newest change has no decision yet.
    pub(crate) undecided: u64,
    /// Decisions that no link has taken up yet.
    pub(crate) unprocessed: u64,
    /// Losses of scope that are acted on soon.
    pub(crate) grace_ends_soon: u64,
    /// Up to which revision all of the source's users have been decided again; 0 before that.
    pub(crate) replayed: u64,
    pub(crate) counts: SynchronizationCounts,
}

impl Numbers {
    /// Links whose shadow user is so.
    pub(crate) fn state(&self, state: &str) -> u64 {
        self.states.get(state).copied().unwrap_or(0)
    }

    /// Links that set_status so.
    pub(crate) fn status(&self, status: &str) -> u64 {
        self.statuses.get(status).copied().unwrap_or(0)
    }

    /// Says how many links set_status so.
    #[cfg(test)]
    pub(crate) fn set_status(&mut self, status: &str, links: u64) {
        self.statuses.insert(status.to_owned(), links);
    }

    /// What holds most of the held links.
    pub(crate) fn blocked(&self) -> String {
        self.holds.iter().max_by_key(|(_, links)| **links).map(|(code, _)| code.clone()).unwrap_or_default()
    }
}

/// Counts what stands between two tenants.
pub(crate) async fn read(store: &Store, source: &TenantName, target: &TenantName, now: Timestamp) -> Result<Numbers, Error> {
    let mut numbers = links(store, source, target, now).await?;
    numbers.has_users_in_scope = has_users_in_scope(store, source, target).await?;
    numbers.undecided = undecided(store, source, target).await?;
    numbers.unprocessed = unprocessed(store, source, target).await?;
    let (grace, soon) = grace(store, source, target, now).await?;
    *numbers.statuses.entry("grace".to_owned()).or_default() += grace;
    numbers.grace_ends_soon += soon;
    numbers.replayed = replayed(store, source, target).await?;
    numbers.counts = counts(store, source, target).await?;
    Ok(numbers)
}

/// Also a user who is skipped is in scope, as far as is known.
async fn has_users_in_scope(store: &Store, source: &TenantName, target: &TenantName) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM view_decision WHERE target = $1 AND source = $2 AND desired <> 'not_wanted' LIMIT 1";
    Ok(store.fetch_one_opt(SQL, params![target.as_str(), source.as_str()]).await?.is_some())
}

async fn links(store: &Store, source: &TenantName, target: &TenantName, now: Timestamp) -> Result<Numbers, Error> {
    const SQL: &str = "SELECT state, status, code, COUNT(*),
            CAST(SUM(CASE WHEN status = 'grace' AND due <= $3 THEN 1 ELSE 0 END) AS BIGINT), MIN(CASE WHEN due > 0 THEN due END)
        FROM view_link WHERE target = $1 AND source = $2 GROUP BY state, status, code";
    let mut numbers = Numbers::default();
    for row in store.fetch(SQL, params![target.as_str(), source.as_str(), now.plus(SOON)]).await? {
        let (state, status, links) = (row.text(0)?, row.text(1)?, row.uint(3)?);
        if status == "held" {
            *numbers.holds.entry(row.text(2)?).or_default() += links;
        }
        if status == "done" && row.text(2)? == ADDRESS_DIFFERS {
            numbers.address_differs += links;
        }
        if status == "refused" {
            numbers.refused_next_try = numbers.refused_next_try.into_iter().chain(row.opt_int(5)?.map(Timestamp)).min();
        }
        *numbers.states.entry(state).or_default() += links;
        *numbers.statuses.entry(status).or_default() += links;
        numbers.grace_ends_soon += row.uint(4)?;
    }
    Ok(numbers)
}

// Both ask row by row, in forms that no planner turns into a join: of tables that it has no statistics of yet it expects a row or two,
// and joins them by comparing each with each.

async fn undecided(store: &Store, source: &TenantName, target: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT COUNT(*) FROM view_user AS u WHERE u.source = $2 AND u.version >
        COALESCE((SELECT d.delta FROM view_decision AS d WHERE d.target = $1 AND d.source = u.source AND d.user_id = u.user_id), -1)";
    fetch_count(store, SQL, source, target).await
}

/// Decisions that the provisioner has not taken in. Whoever must not be there and never was has no link.
async fn unprocessed(store: &Store, source: &TenantName, target: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT COUNT(*) FROM view_decision AS d
        WHERE d.target = $1 AND d.source = $2 AND d.desired <> 'skipped' AND CASE WHEN d.desired = 'wanted'
        THEN NOT EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id AND l.desired >= d.version)
        ELSE EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id AND l.desired < d.version
            AND (d.due = 0 OR l.state = 'none' OR l.state = 'deleted')) END";
    fetch_count(store, SQL, source, target).await
}

/// Losses of scope that are decided and not acted on yet, of users that are in the target; and how many of them are acted on soon. The
/// provisioner takes them up in silence: what it says of the link is still of the decision before.
async fn grace(store: &Store, source: &TenantName, target: &TenantName, now: Timestamp) -> Result<(u64, u64), Error> {
    const SQL: &str = "SELECT COUNT(*), COALESCE(CAST(SUM(CASE WHEN d.due <= $3 THEN 1 ELSE 0 END) AS BIGINT), 0) FROM view_decision AS d
        WHERE d.target = $1 AND d.source = $2 AND d.due > 0 AND EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id AND l.desired < d.version
            AND l.state <> 'none' AND l.state <> 'deleted')";
    let row = store.fetch_one_opt(SQL, params![target.as_str(), source.as_str(), now.plus(SOON)]).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.uint(0)?, row.uint(1)?)))
}

async fn replayed(store: &Store, source: &TenantName, target: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT COUNT(*), MIN(revision) FROM view_marker WHERE target = $1 AND source = $2";
    let Some(row) = store.fetch_one_opt(SQL, params![target.as_str(), source.as_str()]).await? else { return Ok(0) };
    let all = row.uint(0)? >= u64::from(xtsync_contract::topic::PARTITIONS);
    Ok(if all { row.opt_int(1)?.and_then(|revision| u64::try_from(revision).ok()).unwrap_or(0) } else { 0 })
}

async fn counts(store: &Store, source: &TenantName, target: &TenantName) -> Result<SynchronizationCounts, Error> {
    const SQL: &str = "SELECT verb, n FROM view_count WHERE target = $1 AND source = $2";
    let mut counts = SynchronizationCounts::default();
    for row in store.fetch(SQL, params![target.as_str(), source.as_str()]).await? {
        let counter = match row.text(0)?.as_str() {
            "created" => &mut counts.created,
            "updated" => &mut counts.updated,
            "disabled" => &mut counts.disabled,
            "enabled" => &mut counts.enabled,
            "deleted" => &mut counts.deleted,
            "restored" => &mut counts.restored,
            "failed" => &mut counts.failed,
            verb => return Err(Error::Corrupt(format!("a counter is named {verb}"))),
        };
        *counter = row.uint(1)?;
    }
    Ok(counts)
}

async fn fetch_count(store: &Store, sql: &'static str, source: &TenantName, target: &TenantName) -> Result<u64, Error> {
    let row = store.fetch_one_opt(sql, params![target.as_str(), source.as_str()]).await?;
    row.map_or(Ok(0), |row| row.uint(0))
}
