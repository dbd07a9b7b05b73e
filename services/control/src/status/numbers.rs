//! Counts the users and links of every synchronization in the read model. There is one query for each kind of number, so that their number
//! does not grow with that of the synchronizations.

use std::collections::BTreeMap;
use std::time::Duration;

use xtsync_contract::control::SynchronizationCounts;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_store::{Error, Row, Store, params};

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

/// The counts of all synchronizations.
#[derive(Debug, Default)]
pub(crate) struct AllNumbers {
    pairs: BTreeMap<Pair, Numbers>,
    /// The numbers of undecided users between tenants with any decision.
    undecided: BTreeMap<Pair, u64>,
    /// The number of users of each source.
    users: BTreeMap<String, u64>,
}

/// A target and a source.
type Pair = (String, String);

impl AllNumbers {
    /// Takes the counts between two tenants out.
    pub(crate) fn take(&mut self, source: &TenantName, target: &TenantName) -> Numbers {
        let pair = (target.to_string(), source.to_string());
        let undecided = self.undecided.get(&pair).or_else(|| self.users.get(source.as_str())).copied().unwrap_or(0);
        Numbers { undecided, ..self.pairs.remove(&pair).unwrap_or_default() }
    }

    /// The counts of the pair in the columns `target` and `source`.
    fn of(&mut self, row: &Row) -> Result<&mut Numbers, Error> {
        Ok(self.pairs.entry(pair(row)?).or_default())
    }
}

fn pair(row: &Row) -> Result<Pair, Error> {
    Ok((row.text("target")?, row.text("source")?))
}

/// Counts the users and links of all synchronizations.
///
/// # Errors
/// If the store fails.
pub(crate) async fn read(store: &Store, now: Timestamp) -> Result<AllNumbers, Error> {
    let mut all = AllNumbers::default();
    links(store, now, &mut all).await?;
    in_scope(store, &mut all).await?;
    undecided(store, &mut all).await?;
    unprocessed(store, &mut all).await?;
    grace(store, now, &mut all).await?;
    replayed(store, &mut all).await?;
    counts(store, &mut all).await?;
    Ok(all)
}

/// A skipped user counts as in scope, because their scope is not decided.
async fn in_scope(store: &Store, all: &mut AllNumbers) -> Result<(), Error> {
    const SQL: &str = "SELECT DISTINCT target, source FROM view_decision WHERE desired <> 'not_wanted'";
    for row in store.fetch(SQL, params![]).await? {
        all.of(&row)?.has_users_in_scope = true;
    }
    Ok(())
}

async fn links(store: &Store, now: Timestamp, all: &mut AllNumbers) -> Result<(), Error> {
    const SQL: &str = "SELECT target, source, state, status, code, COUNT(*) AS links,
            CAST(SUM(CASE WHEN status = 'grace' AND due <= $1 THEN 1 ELSE 0 END) AS BIGINT) AS grace_ends_soon,
            MIN(CASE WHEN due > 0 THEN due END) AS due
        FROM view_link GROUP BY target, source, state, status, code";
    for row in store.fetch(SQL, params![now.plus(SOON)]).await? {
        let numbers = all.of(&row)?;
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
    Ok(())
}

// The next two queries use correlated subqueries, which no planner turns into a join. Without statistics a planner expects few rows and
// chooses a nested-loop join over the whole tables.

/// Counts the users of each source, with an empty target, and those of them whose newest change is not decided for a target. It is one
/// statement, so that both are of one moment.
async fn undecided(store: &Store, all: &mut AllNumbers) -> Result<(), Error> {
    const SQL: &str = "SELECT '' AS target, source, COUNT(*) AS users FROM view_user GROUP BY source
        UNION ALL SELECT d.target, d.source, (SELECT COUNT(*) FROM view_user AS o WHERE o.source = d.source) -
            COUNT(CASE WHEN d.delta >= (SELECT u.version FROM view_user AS u WHERE u.source = d.source AND u.user_id = d.user_id)
                THEN 1 END)
        FROM view_decision AS d GROUP BY d.target, d.source";
    for row in store.fetch(SQL, params![]).await? {
        let ((target, source), users) = (pair(&row)?, row.uint("users")?);
        match target.is_empty() {
            true => all.users.insert(source, users),
            false => all.undecided.insert((target, source), users),
        };
    }
    Ok(())
}

/// Counts the decisions that the provisioner has not taken in. An unwanted user who never existed in the target has no link and does
/// not count. A decision that wants what the link has already changes no link, so its version does not arrive there.
async fn unprocessed(store: &Store, all: &mut AllNumbers) -> Result<(), Error> {
    const SQL: &str = "SELECT d.target, d.source, COUNT(*) AS users FROM view_decision AS d
        WHERE d.desired <> 'skipped' AND CASE WHEN d.desired = 'wanted'
        THEN NOT EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id
            AND (l.desired >= d.version OR l.digest = d.digest))
        ELSE EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id AND l.desired < d.version
            AND l.digest <> d.digest
            AND (d.due = 0 OR l.state = 'none' OR l.state = 'deleted')) END
        GROUP BY d.target, d.source";
    for row in store.fetch(SQL, params![]).await? {
        all.of(&row)?.unprocessed = row.uint("users")?;
    }
    Ok(())
}

/// Counts the shadow users in a scope grace period whose link still shows the decision before, and how many of these periods end soon. The
/// provisioner takes such a decision in without publishing the link.
async fn grace(store: &Store, now: Timestamp, all: &mut AllNumbers) -> Result<(), Error> {
    const SQL: &str = "SELECT d.target, d.source, COUNT(*) AS users, COUNT(CASE WHEN d.due <= $1 THEN 1 END) AS soon
        FROM view_decision AS d
        WHERE d.due > 0 AND EXISTS (SELECT 1 FROM view_link AS l
            WHERE l.target = d.target AND l.source = d.source AND l.user_id = d.user_id AND l.desired < d.version
            AND l.digest <> d.digest
            AND l.state <> 'none' AND l.state <> 'deleted')
        GROUP BY d.target, d.source";
    for row in store.fetch(SQL, params![now.plus(SOON)]).await? {
        let numbers = all.of(&row)?;
        *numbers.statuses.entry("grace".to_owned()).or_default() += row.uint("users")?;
        numbers.grace_ends_soon += row.uint("soon")?;
    }
    Ok(())
}

/// Reads the revisions that all partitions of a source were replayed for. Markers of a former number of partitions may be left over; they
/// are fewer than they say, because the first partition always has the newest number.
async fn replayed(store: &Store, all: &mut AllNumbers) -> Result<(), Error> {
    const SQL: &str = "SELECT target, source, MIN(revision) AS revision FROM view_marker
        GROUP BY target, source, partitions HAVING COUNT(*) = partitions";
    for row in store.fetch(SQL, params![]).await? {
        all.of(&row)?.replayed = row.uint("revision")?;
    }
    Ok(())
}

async fn counts(store: &Store, all: &mut AllNumbers) -> Result<(), Error> {
    for row in store.fetch("SELECT target, source, verb, n FROM view_count", params![]).await? {
        let counts = &mut all.of(&row)?.counts;
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
    Ok(())
}
