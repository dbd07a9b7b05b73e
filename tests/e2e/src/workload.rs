//! A workload for source tenants, by seed: users join, move, are renamed, disabled, leave and come back.

use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use uuid::Uuid;
use xtsync_tenant_sim::{ALL_USERS, Sim, TenantHandle};

/// One of this many users may leave the group or the company. The hourly limit of a target is a twentieth of its shadow users, and not all
/// of them may exist yet.
const USERS_PER_LEAVER: usize = 50;

/// The departments to which users move.
const DEPARTMENTS: [&str; 6] = ["Sales", "Legal", "Finance", "Research", "Support", "Shared Services"];

/// A generator of changes.
pub struct Workload {
    homes: Vec<SourceTenant>,
    rng: StdRng,
    changes_made: usize,
    /// Number of users who may still leave.
    leavers: usize,
}

/// One source tenant.
struct SourceTenant {
    tenant: TenantHandle,
    all_users: Uuid,
    disabled: Vec<Uuid>,
    outside: Vec<Uuid>,
    deleted: Vec<Uuid>,
}

/// The kinds of changes.
#[derive(Debug, Clone, Copy)]
enum Event {
    Hired,
    Moved,
    Renamed,
    Disabled,
    Enabled,
    LeftGroup,
    JoinedGroup,
    Deleted,
    Restored,
}

/// The weight of each kind.
const EVENTS: [(Event, u32); 9] = [
    (Event::Moved, 50),
    (Event::Renamed, 10),
    (Event::Disabled, 10),
    (Event::Enabled, 8),
    (Event::Hired, 6),
    (Event::LeftGroup, 4),
    (Event::JoinedGroup, 4),
    (Event::Deleted, 4),
    (Event::Restored, 4),
];

impl Workload {
    /// The workload in these tenants.
    ///
    /// # Errors
    /// If one is not in the simulator.
    pub fn new(sim: &Sim, tenants: &[&str], seed: u64) -> Result<Self> {
        let home = |name: &&str| {
            let tenant = sim.tenant(name).with_context(|| format!("no tenant {name}"))?;
            let all_users = *tenant.groups(ALL_USERS).first().context("no group of all users")?;
            Ok(SourceTenant { tenant, all_users, disabled: Vec::new(), outside: Vec::new(), deleted: Vec::new() })
        };
        let homes = tenants.iter().map(home).collect::<Result<Vec<SourceTenant>>>()?;
        let people: usize = homes.iter().map(|home| home.tenant.user_count()).sum();
        Ok(Self { homes, rng: StdRng::seed_from_u64(seed), changes_made: 0, leavers: people / USERS_PER_LEAVER })
    }

    /// Makes one change to a random user.
    ///
    /// # Errors
    /// If the tenant refuses it.
    pub fn apply_change(&mut self) -> Result<()> {
        self.changes_made += 1;
        let (number, rng) = (self.changes_made, &mut self.rng);
        let (event, _) = *EVENTS.choose_weighted(rng, |(_, weight)| *weight).context("no event")?;
        let home = self.homes.iter_mut().choose(rng).context("no tenant")?;
        if matches!(event, Event::LeftGroup | Event::Deleted) {
            let Some(fewer) = self.leavers.checked_sub(1) else { return Ok(()) };
            self.leavers = fewer;
        }
        home.apply_change(event, number, rng)
    }

    /// The number of changes made.
    #[must_use]
    pub fn changes_made(&self) -> usize {
        self.changes_made
    }
}

impl SourceTenant {
    fn apply_change(&mut self, event: Event, number: usize, rng: &mut StdRng) -> Result<()> {
        match event {
            Event::Hired => {
                let hired = self.create_user(number)?;
                self.tenant.add_member(self.all_users, hired)?;
            }
            Event::Moved => {
                let department = DEPARTMENTS.choose(rng).context("no department")?;
                let body = json!({"department": department, "jobTitle": format!("Position {number}")});
                self.tenant.patch_user(self.random_member(rng)?, &body)?;
            }
            Event::Renamed => {
                let name = format!("Renamed-{number}");
                self.tenant.patch_user(self.random_member(rng)?, &json!({"surname": name, "displayName": format!("Robin {name}")}))?;
            }
            Event::Disabled => {
                let user = self.random_member(rng)?;
                self.tenant.patch_user(user, &json!({"accountEnabled": false}))?;
                self.disabled.push(user);
            }
            Event::Enabled => {
                if let Some(user) = take_random(&mut self.disabled, rng).filter(|user| self.tenant.user(*user).is_some()) {
                    self.tenant.patch_user(user, &json!({"accountEnabled": true}))?;
                }
            }
            Event::LeftGroup => {
                let user = self.random_member(rng)?;
                self.tenant.remove_member(self.all_users, user)?;
                self.outside.push(user);
            }
            Event::JoinedGroup => {
                if let Some(user) = take_random(&mut self.outside, rng).filter(|user| self.tenant.user(*user).is_some()) {
                    self.tenant.add_member(self.all_users, user)?;
                }
            }
            Event::Deleted => {
                let user = self.random_member(rng)?;
                self.tenant.delete_user(user)?;
                self.deleted.push(user);
            }
            Event::Restored => {
                if let Some(user) = take_random(&mut self.deleted, rng) {
                    self.tenant.restore_user(user)?;
                }
            }
        }
        Ok(())
    }

    /// A random user of the group.
    fn random_member(&self, rng: &mut StdRng) -> Result<Uuid> {
        let members = self.tenant.members(self.all_users);
        let people = || members.iter().copied().filter(|id| self.tenant.user(*id).is_some());
        // Most members are users: a few samples find one.
        let sampled = (0..20).find_map(|_| members.choose(rng).copied().filter(|id| self.tenant.user(*id).is_some()));
        sampled.or_else(|| people().next()).context("no user is in the group")
    }

    fn create_user(&self, number: usize) -> Result<Uuid> {
        let (nickname, domain) = (format!("ana.lopez.{number}"), self.tenant.domain());
        Ok(self.tenant.create_user(&json!({
            "accountEnabled": true, "displayName": format!("Ana Lopez {number}"), "givenName": "Ana", "surname": "Lopez",
            "mailNickname": nickname, "userPrincipalName": format!("{nickname}@{domain}"), "mail": format!("{nickname}@{domain}"),
            "passwordProfile": {"password": "not-used-anywhere-1"},
        }))?)
    }
}

fn take_random(from: &mut Vec<Uuid>, rng: &mut StdRng) -> Option<Uuid> {
    (!from.is_empty()).then(|| from.swap_remove(rng.random_range(0..from.len())))
}
