//! The look at a tenant's facts, beside its cycles.

use std::time::Duration;

use tracing::warn;
use xtsync_domain::fact::{Fact, GroupState, TenantFact};
use xtsync_domain::{GroupId, Timestamp};

use super::Tenant;
use crate::error::Error;
use crate::full::Reason;
use crate::{membership, sync_state};

/// How soon facts are read again after a failure.
const FACTS_RETRY_INTERVAL: Duration = Duration::from_secs(5);

impl Tenant {
    /// Reads the facts. A directory that refuses them does not stop the reading of its users: what is not known fresh closes the gate
    /// by itself.
    pub(super) async fn refresh_facts(&mut self, now: Timestamp) -> Result<(), Error> {
        let wait = match self.read_facts(now).await {
            Ok(()) => self.intervals.facts,
            Err(Error::Directory(error)) => {
                let error = Error::Directory(error);
                warn!(tenant = %self.name, code = error.code(), "the tenant's facts cannot be read");
                self.metrics.failed(&self.name, error.code());
                error.wait().unwrap_or(FACTS_RETRY_INTERVAL)
            }
            Err(error) => return Err(error),
        };
        self.facts_due = now.plus(wait);
        Ok(())
    }

    /// Who the tenant is and what it allows goes first: consent must not wait for the groups.
    async fn read_facts(&mut self, now: Timestamp) -> Result<(), Error> {
        let facts = self.facts.read_tenant(&self.source, now).await?;
        for fact in &facts {
            if let Fact::Identity(identity) = &fact.fact {
                self.identity = Some(identity.directory_id.clone());
            }
        }
        self.publish_facts(facts, now).await?;
        if self.is_other_directory() {
            return Ok(());
        }
        let Some((_, projection)) = self.spec.users.clone() else {
            return Ok(());
        };
        let facts = self.facts.read_names(&self.source, &self.spec.names, now).await?;
        self.publish_facts(facts, now).await?;
        let obsolete_names = self.facts.obsolete_names(&self.spec.names);
        self.publisher().tombstone_facts(&obsolete_names).await?;
        self.facts.forget(&obsolete_names);
        let (facts, states) = self.facts.read_groups(&self.source, &projection, now).await?;
        self.publish_facts(facts, now).await?;
        self.groups_readable = states.iter().all(|(_, state)| *state == GroupState::Present);
        self.store_group_states(&states, now).await?;
        self.group_states = states.into_iter().collect();
        self.note_unreported().await
    }

    /// Publishes facts; only then are they said.
    pub(super) async fn publish_facts(&mut self, facts: Vec<TenantFact>, now: Timestamp) -> Result<(), Error> {
        self.publisher().facts(&facts, now).await?;
        self.facts.note_published(facts);
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
