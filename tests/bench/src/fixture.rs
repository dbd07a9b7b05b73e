//! The fixture of the measurements: a fleet with sources of a given size, and observation of its work.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value as Json, json};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;
use xtsync_e2e::fleet::{Fleet, Plan, ROLES};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::{ALL_USERS, Entry, Sim, TenantHandle};

use crate::usage;

/// The source, and the target.
pub(crate) const SOURCE: &str = "emea";
/// See [`SOURCE`].
pub(crate) const TARGET: &str = "hub";

/// The longest wait for a fleet to converge, however many users it has.
pub(crate) const LONG: &str = "10000s";

/// A simulator with that many users in the source, all of them in scope.
///
/// # Errors
/// If it cannot be built.
pub(crate) fn tenants(users: usize) -> Result<Sim> {
    Sim::builder().tenant(SOURCE, users).tenant(TARGET, 0).allow(SOURCE, TARGET).seed(7).build()
}

/// One pair, as a user would run it: one process a role.
pub(crate) fn plan() -> Plan {
    Plan::into_one(&[SOURCE], TARGET)
}

/// The users of the source who are in scope.
///
/// # Errors
/// If the simulator lacks the source.
pub(crate) fn users(sim: &Sim) -> Result<(TenantHandle, Vec<Uuid>)> {
    let home = sim.tenant(SOURCE).context("no source")?;
    let group = *home.groups(ALL_USERS).first().context("no group")?;
    let users = home.members(group).into_iter().filter(|id| home.user(*id).is_some_and(|user| user["accountEnabled"] == true)).collect();
    Ok((home, users))
}

/// Creates a user and adds them to the scope group.
///
/// # Errors
/// If the tenant refuses.
pub(crate) fn join(home: &TenantHandle, number: usize) -> Result<Uuid> {
    let (nickname, domain) = (format!("new.user.{number}"), home.domain());
    let id = home.create_user(&json!({
        "accountEnabled": true, "displayName": format!("New User {number}"), "givenName": "New", "surname": format!("User {number}"),
        "mailNickname": nickname, "userPrincipalName": format!("{nickname}@{domain}"), "mail": format!("{nickname}@{domain}"),
        "passwordProfile": {"password": "not-used-anywhere-1"},
    }))?;
    let group = *home.groups(ALL_USERS).first().context("no group")?;
    home.add_member(group, id)?;
    Ok(id)
}

/// Waits until the target has had no write for a while; returns the moment of its last one.
///
/// # Errors
/// If it never rests.
pub(crate) async fn until_quiet(sim: &Sim, within: Duration) -> Result<Instant> {
    const QUIET: Duration = Duration::from_secs(2);
    wait_for(within, "the target to rest", async || {
        let last = sim.journal().since(sim.journal().last().saturating_sub(1)).pop().map(|entry| entry.at);
        Ok(last.filter(|at| at.elapsed() > QUIET))
    })
    .await
}

/// Processor time that the first replica of each role has used.
///
/// # Errors
/// If one does not run.
pub(crate) fn cpu(fleet: &Fleet) -> Result<HashMap<&'static str, Duration>> {
    ROLES.into_iter().map(|role| Ok((role, usage::cpu(fleet.pid(role, 0)?)?))).collect()
}

/// The same, and what the roles depend on: Kafka, PostgreSQL, and this process, which is the simulator.
///
/// # Errors
/// If one does not run.
pub(crate) fn cpu_of_all(fleet: &Fleet) -> Result<Vec<(&'static str, Duration)>> {
    let roles = cpu(fleet)?;
    let mut all: Vec<_> = ROLES.into_iter().map(|role| (role, roles[role])).collect();
    all.push(("Kafka", usage::cpu_of_tree(fleet.kafka.pid().context("no broker runs")?)?));
    all.push(("PostgreSQL", usage::cpu_of_tree(fleet.postgres.pid().context("no database runs")?)?));
    all.push(("simulator and benchmark", usage::cpu(std::process::id())?));
    Ok(all)
}

/// Changes of one property, and when each was made.
pub(crate) struct Changes {
    made: HashMap<Uuid, Instant>,
    property: &'static str,
    /// Where the journal stood before them.
    since: u64,
}

/// Changes a property of each of these users of the source, one every `pace`.
///
/// # Errors
/// If the source refuses one.
pub(crate) async fn change(
    sim: &Sim,
    users: impl Iterator<Item = Uuid>,
    (property, value): (&'static str, Json),
    pace: Duration,
) -> Result<Changes> {
    let home = sim.tenant(SOURCE).context("no source")?;
    let mut changes = Changes::new(sim, property);
    let body = json!({ property: value });
    let mut pace = interval(pace);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for user in users {
        pace.tick().await;
        changes.begin(user);
        home.patch_user(user, &body)?;
    }
    Ok(changes)
}

impl Changes {
    /// None yet, of changes that the target takes over by writing that property.
    pub(crate) fn new(sim: &Sim, property: &'static str) -> Self {
        Self { made: HashMap::new(), property, since: sim.journal().last() }
    }

    /// Notes that this user of the source is changed now.
    pub(crate) fn begin(&mut self, user: Uuid) {
        self.made.insert(user, Instant::now());
    }

    /// How long each took to come across, once all have.
    ///
    /// # Errors
    /// If one does not.
    pub(crate) async fn propagated(&self, sim: &Sim, within: Duration) -> Result<Vec<Duration>> {
        wait_for(within, "the changes to come across", async || {
            let written = self.written(sim);
            let took = |(user, at): (&Uuid, &Instant)| Some(at.duration_since(*self.made.get(user)?));
            Ok((written.len() == self.made.len()).then(|| written.iter().filter_map(took).collect()))
        })
        .await
    }

    /// When each came across that has: at the first write in the target that names the property.
    pub(crate) fn written(&self, sim: &Sim) -> HashMap<Uuid, Instant> {
        let mut first: HashMap<Uuid, Instant> = HashMap::new();
        for entry in sim.journal().since(self.since) {
            if &*entry.tenant == TARGET
                && entry.properties.iter().any(|name| name == self.property)
                && let Some(user) = source_user(&entry)
                && self.made.get(&user).is_some_and(|at| *at < entry.at)
            {
                first.entry(user).or_insert(entry.at);
            }
        }
        first
    }
}

/// The source user of an entry of the target: the last part of the anchor.
pub(crate) fn source_user(entry: &Entry) -> Option<Uuid> {
    entry.anchor.as_deref()?.rsplit('/').next()?.parse().ok()
}

/// The share `part` of the durations is not longer, in milliseconds.
pub(crate) fn percentile_ms(durations: &[Duration], part: f64) -> f64 {
    let mut sorted = durations.to_vec();
    sorted.sort();
    let at = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).map_or(f64::NAN, |duration| duration.as_secs_f64() * 1_000.0)
}
