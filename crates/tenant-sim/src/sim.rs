//! The simulator: its tenants, its clients, its journal and its switches, behind one cheap handle.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::http::{HeaderMap, Method, header};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::counts::Counts;
use crate::directory::Directory;
use crate::error::Failure;
use crate::faults::{FaultProfile, FaultState, InjectedFault};
use crate::journal::Journal;
use crate::notify::{Delivery, Subscriptions};
use crate::script::Script;
use crate::token::{Ended, Grant, Tokens};

/// A simulator of several tenants. Clones are handles of the same one.
#[derive(Debug, Clone)]
pub struct Sim(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tenants: Vec<Tenant>,
    tokens: Tokens,
    counts: Counts,
    script: Script,
    journal: Journal,
    fault_state: FaultState,
    subscriptions: Subscriptions,
}

/// One tenant behind its lock.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    pub(crate) domain: String,
    counts: Counts,
    state: RwLock<Directory>,
}

impl Sim {
    pub(crate) fn new(directories: Vec<Directory>, tokens: Tokens, journal: Journal, fault_state: FaultState) -> Self {
        let tenants = directories.into_iter().map(Tenant::new).collect();
        Self(Arc::new(Inner {
            tenants,
            tokens,
            counts: Counts::default(),
            script: Script::default(),
            journal,
            fault_state,
            subscriptions: Subscriptions::default(),
        }))
    }

    /// The names of all tenants, in the order in which they were described.
    pub fn tenant_names(&self) -> Vec<String> {
        self.0.tenants.iter().map(|tenant| tenant.name.to_string()).collect()
    }

    /// Both administrators agree, now, to synchronize users from `source` into `target` without prompts.
    ///
    /// # Errors
    /// If either tenant is unknown, or both are the same.
    pub fn allow(&self, source: &str, target: &str) -> anyhow::Result<()> {
        self.agree(source, target, true)
    }

    /// Both take it back: no synchronization, no redemption without a prompt. Users made so far stay.
    ///
    /// # Errors
    /// If either tenant is unknown, or both are the same.
    pub fn forbid(&self, source: &str, target: &str) -> anyhow::Result<()> {
        self.agree(source, target, false)
    }

    /// Every write that any tenant committed.
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// How many writes the tenant of that name committed.
    pub fn journal_len(&self, tenant: &str) -> usize {
        self.0.journal.len(tenant)
    }

    /// The rules that change what the tenants answer.
    pub fn script(&self) -> &Script {
        &self.0.script
    }

    /// How many requests of that method were made to paths of that template, e.g. `GET` `/v1.0/users/{id}`. Items of a batch count.
    pub fn count(&self, method: &str, template: &str) -> u64 {
        self.0.counts.of(method, template)
    }

    /// All counts by (method, path template).
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        self.0.counts.all()
    }

    /// Changes the profile, from the next request on. Requests are numbered anew, and all quotas are full.
    pub fn set_fault_profile(&self, profile: FaultProfile) {
        self.0.fault_state.set(profile);
    }

    /// What the profile did so far.
    pub fn injected_faults(&self) -> BTreeMap<InjectedFault, u64> {
        self.0.fault_state.injected_faults()
    }

    /// Changes how notifications are delivered, from the next on.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.0.subscriptions.set_delivery(delivery);
    }

    /// Every access token given out so far is refused from now on.
    pub fn expire_tokens(&self) {
        self.0.tokens.expire();
    }

    /// The client's secret has expired: it is refused as such from now on, until another one is set. Tokens given out so far go on.
    ///
    /// # Errors
    /// If there is no such client.
    pub fn expire_secret(&self, client: &str) -> anyhow::Result<()> {
        self.0.tokens.expire_secret(client)
    }

    /// The client gets a new secret; the former ones have expired.
    ///
    /// # Errors
    /// If there is no such client.
    pub fn renew_secret(&self, client: &str, secret: &str) -> anyhow::Result<()> {
        self.0.tokens.renew_secret(client, secret)
    }

    /// Sets what both sides say, one after the other.
    fn agree(&self, source: &str, target: &str, given: bool) -> anyhow::Result<()> {
        let unknown = |name: &str| anyhow::anyhow!("tenant '{name}' is not one of the simulator's");
        let named = |name: &str| self.0.tenants.iter().find(|tenant| *tenant.name == *name).ok_or_else(|| unknown(name));
        let (from, to) = (named(source)?, named(target)?);
        anyhow::ensure!(from.id != to.id, "tenant '{source}' cannot allow itself");
        from.write().release_to(to.id, given)?;
        to.write().admit_from(from.id, source, given)?;
        Ok(())
    }

    pub(crate) fn subscriptions(&self) -> &Subscriptions {
        &self.0.subscriptions
    }

    /// Counts a request that came, for all tenants and for the one that its bearer asks.
    pub(crate) fn note_request(&self, tenant: Option<&Tenant>, method: &Method, path: &str) {
        self.0.counts.note(method, path);
        if let Some(tenant) = tenant {
            tenant.counts.note(method, path);
        }
    }

    pub(crate) fn fault_state(&self) -> &FaultState {
        &self.0.fault_state
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// The place of the tenant with that name, directory id, or domain.
    pub(crate) fn tenant_place(&self, key: &str) -> Option<usize> {
        let is = |tenant: &Tenant| *tenant.name == *key || Uuid::parse_str(key) == Ok(tenant.id) || tenant.read().owns_domain(key);
        self.0.tenants.iter().position(is)
    }

    /// Whether the home tenant of an invited address allows outbound and the inviting tenant inbound collaboration; `None` if no tenant of
    /// the simulator has the domain.
    pub(crate) fn is_collaboration_allowed(&self, invitation: &Map<String, Json>, target: Uuid) -> Option<bool> {
        let address = invitation.get("invitedUserEmailAddress").and_then(Json::as_str)?;
        let (_, domain) = address.rsplit_once('@')?;
        let home = self.0.tenants.iter().find(|tenant| tenant.id != target && tenant.read().owns_domain(domain))?;
        let outbound = home.read().policy.collaborates(target, "b2bCollaborationOutbound");
        let target = self.0.tenants.iter().find(|tenant| tenant.id == target)?;
        Some(outbound && target.read().policy.collaborates(home.id, "b2bCollaborationInbound"))
    }

    pub(crate) fn tenants(&self) -> &[Tenant] {
        &self.0.tenants
    }

    pub(crate) fn tenant_at(&self, place: usize) -> &Tenant {
        &self.0.tenants[place]
    }

    /// The place of the tenant that the bearer of these headers asks, as far as the token is known. The token is not used by that.
    pub(crate) fn tenant_of(&self, headers: &HeaderMap) -> Option<usize> {
        self.0.tokens.tenant(bearer(headers)?)
    }

    /// What the bearer of these headers may do.
    pub(crate) fn authorize(&self, headers: &HeaderMap) -> Result<Grant, Failure> {
        let token = bearer(headers).ok_or_else(|| Failure::new(401, "InvalidAuthenticationToken", "Access token is empty."))?;
        let invalid = || Failure::new(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.");
        let uses_max = self.0.fault_state.profile().and_then(|profile| profile.expires_tokens_every).map_or(u32::MAX, NonZeroU32::get);
        self.0.tokens.grant(token, uses_max).map_err(|ended| {
            if ended == Ended::Early {
                self.0.fault_state.note(InjectedFault::TokenExpired);
            }
            invalid()
        })
    }
}

/// The token that the headers bear.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim())
}

impl Tenant {
    fn new(directory: Directory) -> Self {
        let (name, id, domain) = (Arc::clone(&directory.name), directory.id, directory.domain.clone());
        Self { name, id, domain, counts: Counts::default(), state: RwLock::new(directory) }
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.state.read()
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.state.write()
    }
}
