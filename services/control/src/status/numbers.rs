//! Counts the users and links of one synchronization in the read model.

use std::collections::BTreeMap;
use std::time::Duration;

use xtsync_contract::control::SynchronizationCounts;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_store::{Error, Store, params};

use crate::view::link::ADDRESS_DIFFERS;

/// A scope grace period that ends sooner than this prevents convergence; a longer one does not.
const SOON: Duration = Duration::from_secs(60);

/// The counts of one synchronization.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    states: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    /// The number of held links, by code.
    holds: BTreeMap<String, u64>,
    /// The earliest retry time of the refused links.
    pub(crate) refused_next_try: Option<Timestamp>,
    /// Shadow users with an unredeemed invitation to another address than the one decided now.
    pub(crate) address_differs: u64,
    /// Whether any decided user is in scope.
    pub(crate) has_users_in_scope: bool,
    /// Users whose newest change has no decision yet.
    pub(crate) undecided: u64,
    /// Decisions that the provisioner has not taken in yet.
    pub(crate) unprocessed: u64,
    /// Users whose scope grace period ends within [`SOON`].
    pub(crate) grace_ends_soon: u64,
    /// The newest revision for which policy has replayed all partitions of the source's users; 0 before the first.
    pub(crate) replayed: u64,
    pub(crate) counts: SynchronizationCounts,
}

impl Numbers {
    /// Returns the number of links whose shadow user is in this state.
    pub(crate) fn state(&self, state: &str) -> u64 {
        self.states.get(state).copied().unwrap_or(0)
    }

    /// Returns the number of links with this status.
    pub(crate) fn status(&self, status: &str) -> u64 {
        self.statuses.get(status).copied().unwrap_or(0)
    }

    /// Sets the number of links with this status.
    #[cfg(test)]
    pub(crate) fn set_status(&mut self, status: &str, links: u64) {
        self.statuses.insert(status.to_owned(), links);
    }

    /// Returns the code that holds the most links; empty if none is held.
    pub(crate) fn blocked(&self) -> String {
        self.holds.iter().max_by_key(|(_, links)| **links).map(|(code, _)| code.clone()).unwrap_or_default()
    }
}

/// Counts the users and links between two tenants.
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

/// A skipped user counts as in scope, because their scope is not decided.
pub(super) async fn has_users_in_scope(store: &Store, source: &TenantName, target: &TenantName) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM view_decision WHERE target = $1 AND source = $2 AND desired <> 'not_wanted' LIMIT 1";
    Ok(store.fetch_one_opt(SQL, params![target.as_str(), source.as_str()]).await?.is_some())
}

async fn links(store: &Store, source: &TenantName, target: &TenantName, now: Timestamp) -> Result<Numbers, Error> {
    const SQL: &str = "SELECT state, status, code, COUNT(*) AS links,
            CAST(SUM(CASE WHEN status = 'grace' AND due <= $3 THEN 1 ELSE 0 END) AS BIGINT) AS grace_ends_soon,
            MIN(CASE WHEN due > 0 THEN due END) AS due
        FROM view_link WHERE target = $1 AND source = $2 GROUP BY state, status, code";
    let mut numbers = Numbers::default();
    for row in store.fetch(SQL, params![target.as_str(), source.as_str(), now.plus(SOON)]).await? {
        let (state, status, links) = (row.text("state")?, row.text("status")?, row.uint("links")?);
        if status == "held" {
            *numbers.holds.entry(row.text("code")?).or_default() += links;
        }
        if status == "done" && row.text("code")? == ADDRESS_DIFFERS {
            numbers.address_differs += links;
        }
        if status == "refused" {
            numbers.refused_next_try = numbers.refused_next_try.into_iter().chain(row.opt_int("due")?.map(Timestamp)).min();
        }
        *numbers.states.entry(state).or_default() += links;
        *numbers.statuses.entry(status).or_default() += links;
        numbers.grace_ends_soon += row.uint("grace_ends_soon")?;
    }
    Ok(numbers)
}

// The next two queries use correlated subqueries, which no planner turns into a join. Without statistics a planner expects few rows and
// chooses a nested-loop join over the whole tables.

async fn undecided(store: &Store, source: &TenantName, target: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT COUNT(*) AS users FROM view_user AS u WHERE u.source = $2 AND u.version >
        COALESCE((SELECT d.delta FROM view_decision AS d WHERE d.target = $1 AND d.source = u.source AND d.user_id = u.user_id), -1)";
    fetch_count(store, SQL, source, target).await
}

/// Counts the decisions that the provisioner has not taken in. An unwanted user who never existed in the target has no link and does
/// not count. A decision that wants what the link has already changes no link, so its version does not arrive there.
async fn unprocessed(store: &Store, source: &TenantName, target: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT COUNT(*) AS users FROM view_decision AS d
        WHERE d.target = $1 AND d.source = $2 AND d.desired <> 'skipped' AND CASE WHEN d.desired = 'wanted'
        THEN NOT EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id
            AND (l.desired >= d.version OR l.digest = d.digest))
        ELSE EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id AND l.desired < d.version
            AND l.digest <> d.digest
            AND (d.due = 0 OR l.state = 'none' OR l.state = 'deleted')) END";
    fetch_count(store, SQL, source, target).await
}

/// Counts the shadow users in a scope grace period whose link still shows the decision before, and how many of these periods end soon. The
/// provisioner takes such a decision in without publishing the link.
async fn grace(store: &Store, source: &TenantName, target: &TenantName, now: Timestamp) -> Result<(u64, u64), Error> {
    const SQL: &str = "SELECT COUNT(*) AS users, COALESCE(CAST(SUM(CASE WHEN d.due <= $3 THEN 1 ELSE 0 END) AS BIGINT), 0) AS soon
        FROM view_decision AS d
        WHERE d.target = $1 AND d.source = $2 AND d.due > 0 AND EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id AND l.desired < d.version
            AND l.digest <> d.digest
            AND l.state <> 'none' AND l.state <> 'deleted')";
    let row = store.fetch_one_opt(SQL, params![target.as_str(), source.as_str(), now.plus(SOON)]).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.uint("users")?, row.uint("soon")?)))
}

async fn replayed(store: &Store, source: &TenantName, target: &TenantName) -> Result<u64, Error> {
    const SQL: &str = "SELECT COUNT(*) AS parts, MIN(revision) AS revision FROM view_marker WHERE target = $1 AND source = $2";
    let Some(row) = store.fetch_one_opt(SQL, params![target.as_str(), source.as_str()]).await? else { return Ok(0) };
    let all = row.uint("parts")? >= u64::from(xtsync_contract::topic::PARTITIONS);
    Ok(if all { row.opt_int("revision")?.and_then(|revision| u64::try_from(revision).ok()).unwrap_or(0) } else { 0 })
}

async fn counts(store: &Store, source: &TenantName, target: &TenantName) -> Result<SynchronizationCounts, Error> {
    const SQL: &str = "SELECT verb, n FROM view_count WHERE target = $1 AND source = $2";
    let mut counts = SynchronizationCounts::default();
    for row in store.fetch(SQL, params![target.as_str(), source.as_str()]).await? {
        let counter = match row.text("verb")?.as_str() {
            "created" => &mut counts.created,
            "updated" => &mut counts.updated,
            "disabled" => &mut counts.disabled,
            "enabled" => &mut counts.enabled,
            "deleted" => &mut counts.deleted,
            "restored" => &mut counts.restored,
            "failed" => &mut counts.failed,
            verb => return Err(Error::Corrupt(format!("a counter is named {verb}"))),
        };
        *counter = row.uint("n")?;
    }
    Ok(counts)
}

async fn fetch_count(store: &Store, sql: &'static str, source: &TenantName, target: &TenantName) -> Result<u64, Error> {
    let row = store.fetch_one_opt(sql, params![target.as_str(), source.as_str()]).await?;
    row.map_or(Ok(0), |row| row.uint("users"))
}
