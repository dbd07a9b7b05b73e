//! Groups of some scope that lost more than half of their people, and more than ten, in one round (I-5): those whom such a group lost
//! stay in it as published, until most of them are back or an administrator lets them go.
//!
//! The mirror's memberships are the directory's own; whom a group keeps stands beside them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tracing::{error, info};
use xtsync_domain::delta::{State, User};
use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_platform::params;
use xtsync_platform::store::Transaction;

use crate::closure::Memberships;
use crate::cutting::Knife;
use crate::error::Error;
use crate::membership;
use crate::mirror::{self, is_collapse};

/// How the groups of scopes count; one that is not named counts as [`Scope::default`].
pub(crate) type Scopes = BTreeMap<GroupId, Scope>;

/// How a group counts in the scopes it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Whether members of its groups count in all of them.
    pub(crate) nested: bool,
    /// Whether all of them let it lose most of its people at once.
    pub(crate) lets_go: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self { nested: true, lets_go: false }
    }
}

impl Scope {
    fn includes(self, group: &GroupId, direct: &[GroupId], nested: &[GroupId]) -> bool {
        direct.contains(group) || (self.nested && nested.contains(group))
    }
}

/// A user whose cut may be stale: as he was published, and what he is in now.
struct Stale {
    id: UserId,
    before: Option<User>,
    after: Memberships,
}

/// What a round changes in one group.
#[derive(Default)]
struct Change {
    lost: u64,
    gained: u64,
}

/// Before the users of a round are cut: notes whom the groups keep that the round would leave with less than half of their people, and
/// lets go of groups that have most of theirs back.
pub(crate) async fn weigh(tx: &mut Transaction, knife: &Knife<'_>, scopes: &Scopes) -> Result<(), Error> {
    let held = groups(tx, knife.tenant).await?;
    let mut holding: BTreeSet<GroupId> = BTreeSet::new();
    for (group, change) in changes(tx, knife, scopes).await? {
        let scope = scopes.get(&group).copied().unwrap_or_default();
        let people = membership::people(tx, knife.tenant, &group, scope.nested).await?;
        let stayed = people.saturating_sub(change.gained);
        if is_collapse(change.lost, stayed) && !scope.lets_go {
            error!(tenant = %knife.tenant, %group, lost = change.lost, stayed, "a group lost most of its people: nobody is taken out of it");
            holding.insert(group);
        }
    }
    for group in held {
        if !holding.contains(&group) && has_most_back(tx, knife.tenant, &group).await? {
            release(tx, knife.tenant, &group, knife.now).await?;
        } else {
            holding.insert(group);
        }
    }
    if !holding.is_empty() {
        keep(tx, knife, scopes, &holding).await?;
    }
    Ok(())
}

/// What the users whose cut may be stale change in each group that is referred to, where it is a loss that may be too large.
async fn changes(tx: &mut Transaction, knife: &Knife<'_>, scopes: &Scopes) -> Result<Vec<(GroupId, Change)>, Error> {
    let mut changes: BTreeMap<GroupId, Change> = BTreeMap::new();
    let mut last = None;
    while let Some(stale) = next(tx, knife, &mut last).await? {
        for user in stale {
            let lost = user.lost(knife, scopes);
            lost.for_each(|(group, _)| changes.entry(group.clone()).or_default().lost += 1);
            let gained = user.gained(knife, scopes);
            gained.for_each(|group| changes.entry(group.clone()).or_default().gained += 1);
        }
    }
    Ok(changes.into_iter().filter(|(_, change)| is_collapse(change.lost, 0)).collect())
}

/// Notes whom these groups have lost.
async fn keep(tx: &mut Transaction, knife: &Knife<'_>, scopes: &Scopes, holding: &BTreeSet<GroupId>) -> Result<(), Error> {
    const SQL: &str =
        "INSERT INTO kept (tenant, user_id, group_id, direct) VALUES {rows} ON CONFLICT (tenant, user_id, group_id) DO NOTHING";
    let mut last = None;
    while let Some(stale) = next(tx, knife, &mut last).await? {
        let row = |id: &UserId, group: &GroupId, direct: bool| params![knife.tenant.as_str(), id.as_str(), group.as_str(), direct];
        let rows = stale.iter().flat_map(|user| {
            let lost = user.lost(knife, scopes).filter(|(group, _)| holding.contains(*group));
            lost.map(|(group, direct)| row(&user.id, group, direct)).collect::<Vec<_>>()
        });
        tx.insert(SQL, rows.collect()).await?;
    }
    Ok(())
}

/// The next chunk of users whose cut may be stale and who are here.
async fn next(tx: &mut Transaction, knife: &Knife<'_>, last: &mut Option<String>) -> Result<Option<Vec<Stale>>, Error> {
    let users = mirror::dirty(tx, knife.tenant, last.as_deref().unwrap_or_default()).await?;
    let Some(end) = users.last() else { return Ok(None) };
    *last = Some(end.id.to_string());
    let ids: Vec<UserId> = users.iter().map(|user| user.id.clone()).collect();
    let groups = membership::groups_of(tx, knife.tenant, &ids).await?;
    let stale = users.into_iter().filter(|user| user.gone.is_none()).map(|user| Stale {
        after: knife.closure.memberships(groups.get(&user.id).into_iter().flatten()),
        before: match user.cut.map(|delta| delta.state) {
            Some(State::Present(before)) => Some(before),
            Some(State::Gone(_)) | None => None,
        },
        id: user.id,
    });
    Ok(Some(stale.collect()))
}

impl Stale {
    /// The groups he was in and is in no more, and whether he was in them directly.
    fn lost<'a>(&'a self, knife: &'a Knife<'_>, scopes: &'a Scopes) -> impl Iterator<Item = (&'a GroupId, bool)> {
        let direct = self.before.iter().flat_map(|before| &before.groups).map(|group| (group, true));
        let nested = self.before.iter().flat_map(|before| &before.nested_groups).map(|group| (group, false));
        direct.chain(nested).filter(move |(group, is_direct)| {
            let scope = scopes.get(group).copied().unwrap_or_default();
            let was_in = *is_direct || scope.nested;
            was_in && knife.projection.groups.contains(*group) && !scope.includes(group, &self.after.direct, &self.after.nested)
        })
    }

    /// The groups he was not in and is in now.
    fn gained<'a>(&'a self, knife: &'a Knife<'_>, scopes: &'a Scopes) -> impl Iterator<Item = &'a GroupId> {
        knife.projection.groups.iter().filter(move |group| {
            let scope = scopes.get(group).copied().unwrap_or_default();
            let was_in = self.before.as_ref().is_some_and(|before| scope.includes(group, &before.groups, &before.nested_groups));
            !was_in && scope.includes(group, &self.after.direct, &self.after.nested)
        })
    }
}

/// The groups that keep people.
pub(crate) async fn groups(tx: &mut Transaction, tenant: &TenantName) -> Result<BTreeSet<GroupId>, Error> {
    let rows = tx.fetch("SELECT DISTINCT group_id FROM kept WHERE tenant = $1", params![tenant.as_str()]).await?;
    rows.iter().map(|row| Ok(row.text(0)?.into())).collect()
}

/// How many memberships are kept.
pub(crate) async fn count(tx: &mut Transaction, tenant: &TenantName) -> Result<u64, Error> {
    let row = tx.fetch_one_opt("SELECT COUNT(*) FROM kept WHERE tenant = $1", params![tenant.as_str()]).await?;
    Ok(row.map(|row| row.uint(0)).transpose()?.unwrap_or(0))
}

/// The groups that keep these users, and whether they were in them directly.
pub(crate) async fn kept_by(
    tx: &mut Transaction,
    tenant: &TenantName,
    users: &[UserId],
) -> Result<HashMap<UserId, Vec<(GroupId, bool)>>, Error> {
    const SQL: &str = "SELECT user_id, group_id, direct FROM kept WHERE (tenant, user_id) IN (VALUES {rows})";
    let rows = tx.fetch_rows(SQL, users.iter().map(|id| params![tenant.as_str(), id.as_str()]).collect()).await?;
    let mut kept: HashMap<UserId, Vec<(GroupId, bool)>> = HashMap::new();
    for row in &rows {
        kept.entry(row.text(0)?.into()).or_default().push((row.text(1)?.into(), row.int(2)? != 0));
    }
    Ok(kept)
}

/// Lets go of whom a group keeps: who is not back is cut without it.
pub(crate) async fn release(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, now: Timestamp) -> Result<(), Error> {
    const TOUCH: &str = "UPDATE user_ SET first_seen = CASE WHEN dirty = 1 THEN first_seen ELSE $3 END, dirty = 1 WHERE tenant = $1 \
        AND id IN (SELECT user_id FROM kept WHERE tenant = $1 AND group_id = $2)";
    tx.execute(TOUCH, params![tenant.as_str(), group.as_str(), now]).await?;
    let kept = tx.execute("DELETE FROM kept WHERE tenant = $1 AND group_id = $2", params![tenant.as_str(), group.as_str()]).await?;
    info!(%tenant, %group, kept, "a group lets go of whom it lost");
    Ok(())
}

/// Whether most of those whom a group keeps are in it again.
async fn has_most_back(tx: &mut Transaction, tenant: &TenantName, group: &GroupId) -> Result<bool, Error> {
    const SQL: &str = "WITH RECURSIVE below (id) AS (SELECT CAST($2 AS TEXT) UNION SELECT member.child_id FROM member \
        JOIN below ON member.group_id = below.id WHERE member.tenant = $1 AND member.child_kind = 1) \
        SELECT COUNT(*), COUNT(CASE WHEN EXISTS (SELECT 1 FROM member JOIN below ON member.group_id = below.id \
        WHERE member.tenant = $1 AND member.child_id = kept.user_id) THEN 1 END) \
        FROM kept JOIN user_ ON user_.tenant = kept.tenant AND user_.id = kept.user_id AND user_.gone = 0 \
        WHERE kept.tenant = $1 AND kept.group_id = $2";
    let Some(row) = tx.fetch_one_opt(SQL, params![tenant.as_str(), group.as_str()]).await? else { return Ok(true) };
    let (kept, back) = (row.uint(0)?, row.uint(1)?);
    Ok(!is_collapse(kept.saturating_sub(back), back))
}
