//! The look at a tenant's facts, beside its cycles: who the tenant is, what it allows and which directory extensions its users have, then the
//! names of groups, then the groups.

use std::collections::HashMap;
use std::time::Duration;

use tracing::warn;
use xtsync_directory as directory;
use xtsync_domain::fact::{AccessPolicy, GroupState, Identity, TenantFact};
use xtsync_domain::{DirectoryId, GroupId, Timestamp};

use super::Tenant;
use super::background::Request;
use super::refresh_extensions::{ExtensionsReading, WithExtensions};
use crate::error::Error;
use crate::facts::Facts;
use crate::full::Reason;
use crate::names::Names;
use crate::{membership, sync_state};

/// How soon facts are read again after a failure.
const FACTS_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Which facts are read next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum FactsStage {
    /// Who the tenant is and what it allows: consent must not wait for the groups.
    #[default]
    Tenant,
    Names,
    Groups,
}

/// The facts of a tenant as they were read last, and what is read next.
#[derive(Debug, Default)]
pub(super) struct FactsReading {
    pub(super) published: Facts,
    /// Which directory its domain leads to, as it was read last under this epoch.
    pub(super) identity: Option<DirectoryId>,
    /// Every referenced group was found readable when it was looked at last.
    pub(super) groups_readable: bool,
    /// The groups of scopes, as they were looked at last.
    pub(super) group_states: HashMap<GroupId, GroupState>,
    stage: FactsStage,
    pub(super) extensions: ExtensionsReading,
    /// When the tenant itself was asked about last.
    asked_at: Timestamp,
    /// When a cycle reported last that a group is gone.
    pub(super) gone_at: Timestamp,
    /// When they are read next.
    pub(super) due: Timestamp,
}

impl Tenant {
    /// What is to be asked about the facts.
    pub(super) fn facts_request(&self, now: Timestamp) -> Option<Request> {
        let projection = self.spec.users.as_ref().map(|(_, projection)| projection);
        match (self.facts.stage, projection) {
            _ if now < self.facts.due => None,
            (FactsStage::Names, Some(_)) => Some(Request::Names(self.spec.names.clone())),
            (FactsStage::Groups, Some(projection)) => Some(Request::Groups(projection.groups.iter().cloned().collect())),
            (FactsStage::Tenant, _) | (_, None) => Some(Request::Tenant(WithExtensions(self.facts.extensions.due <= now))),
        }
    }

    /// Has the facts read at once, from the beginning.
    pub(super) fn renew_facts(&mut self) {
        (self.facts.stage, self.facts.due, self.facts.extensions.due) = (FactsStage::Tenant, Timestamp(0), Timestamp(0));
    }

    /// The facts are read; the next time is due so long after they were asked for.
    fn end_facts(&mut self) {
        (self.facts.stage, self.facts.due) = (FactsStage::Tenant, self.facts.asked_at.plus(self.intervals.facts));
    }

    /// The facts cannot be read. That does not stop the reading of users: what is not known fresh closes the gate by itself.
    fn facts_failed(&mut self, error: directory::Error, now: Timestamp) {
        let error = Error::Directory(error);
        warn!(tenant = %self.name, code = error.code(), "the tenant's facts cannot be read");
        self.metrics.failed(&self.name, error.code());
        let wait = error.wait().unwrap_or(FACTS_RETRY_INTERVAL);
        (self.facts.stage, self.facts.due) = (FactsStage::Tenant, now.plus(wait));
    }

    /// Publishes what was read of the tenant itself, as of when it was asked.
    pub(super) async fn note_tenant(
        &mut self,
        identity: directory::Result<Identity>,
        policy: directory::Result<AccessPolicy>,
        (asked_at, now): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        self.facts.asked_at = asked_at;
        if let Ok(identity) = &identity {
            self.facts.identity = Some(identity.directory_id.clone());
        }
        let facts = self.facts.published.of_tenant(identity.as_ref().ok(), policy.as_ref().ok(), asked_at);
        self.publish_facts(facts, now).await?;
        match identity.err().or(policy.err()) {
            Some(error) => self.facts_failed(error, now),
            None if self.is_other_directory() || self.spec.users.is_none() => self.end_facts(),
            None => self.facts.stage = FactsStage::Names,
        }
        Ok(())
    }

    /// Publishes which groups bear the names of the configuration.
    pub(super) async fn note_names(
        &mut self,
        names: &Names,
        found: directory::Result<Vec<(String, Vec<GroupId>)>>,
        (asked_at, now): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.facts_failed(error, now);
                return Ok(());
            }
        };
        let facts = self.facts.published.of_names(found, names.revision, asked_at);
        self.publish_facts(facts, now).await?;
        let obsolete_names = self.facts.published.obsolete_names(names);
        self.publisher().tombstone_facts(&obsolete_names).await?;
        self.facts.published.forget(&obsolete_names);
        self.facts.stage = FactsStage::Groups;
        Ok(())
    }

    /// Publishes the groups of scopes, and stores which of them can be read.
    pub(super) async fn note_groups(
        &mut self,
        found: directory::Result<Vec<(GroupId, Option<String>, GroupState)>>,
        (asked_at, now): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        let found = match found {
            // It is asked again: the answer may be older than what a cycle has reported.
            Ok(_) if asked_at <= self.facts.gone_at => return Ok(()),
            Ok(found) => found,
            Err(error) => {
                self.facts_failed(error, now);
                return Ok(());
            }
        };
        let states: Vec<(GroupId, GroupState)> = found.iter().map(|(id, _, state)| (id.clone(), *state)).collect();
        let facts = self.facts.published.of_groups(found, asked_at);
        self.publish_facts(facts, now).await?;
        self.facts.groups_readable = states.iter().all(|(_, state)| *state == GroupState::Present);
        if states.is_empty() {
            self.listings.is_any_unreported = false;
        } else {
            self.store_group_states(&states, now).await?;
            self.note_unreported().await?;
        }
        self.facts.group_states = states.into_iter().collect();
        self.end_facts();
        Ok(())
    }

    /// Publishes facts; only then are they said. What says again what is known may wait for that of other tenants.
    pub(super) async fn publish_facts(&mut self, facts: Vec<TenantFact>, now: Timestamp) -> Result<(), Error> {
        let is_repeated = |fact: &TenantFact| self.facts.published.is_published(&fact.fact);
        let (repeated, news): (Vec<_>, Vec<_>) = facts.into_iter().partition(is_repeated);
        let publisher = self.publisher();
        publisher.facts(&news, now).await?;
        publisher.repeat(&repeated, now).await;
        self.facts.published.note_published(news);
        self.facts.published.note_published(repeated);
        Ok(())
    }

    /// Freezes groups that cannot be read. One that can be read again is read again from the beginning, with everything else: who left
    /// it meanwhile was not noted.
    async fn store_group_states(&mut self, states: &[(GroupId, GroupState)], now: Timestamp) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let ids: Vec<&GroupId> = states.iter().map(|(id, _)| id).collect();
        let frozen = membership::states(&mut tx, &self.name, &ids).await?;
        let mut reread = false;
        let mut changed = false;
        for (id, state) in states {
            let before = frozen.get(id).copied().unwrap_or(GroupState::Present);
            if before != *state && membership::set_state(&mut tx, &self.name, id, *state).await? {
                warn!(tenant = %self.name, group = %id, ?state, "a group of some scope changed its state");
                reread |= *state == GroupState::Present;
                changed = true;
            }
        }
        if reread {
            self.begin_full(Reason::GroupReadable, now);
            sync_state::save(&mut tx, &self.name, &self.sync_state);
        }
        if changed {
            tx.commit().await?;
        }
        Ok(())
    }
}
