//! The look at a tenant's facts, beside its rounds.

use std::time::Duration;

use tracing::warn;
use xtsync_domain::fact::{Fact, GroupState, TenantFact};
use xtsync_domain::{GroupId, Timestamp};

use super::Tenant;
use crate::error::Error;
use crate::full::Reason;
use crate::{membership, reading};

/// How soon facts are read again after a failure.
const FACTS_AGAIN: Duration = Duration::from_secs(5);

impl Tenant {
    /// Reads the facts. A directory that refuses them does not stop the reading of its users: what is not known fresh closes the gate
    /// by itself.
    pub(super) async fn look_at_facts(&mut self, now: Timestamp) -> Result<(), Error> {
        let wait = match self.read_facts(now).await {
            Ok(()) => self.pace.facts,
            Err(Error::Directory(error)) => {
                let error = Error::Directory(error);
                warn!(tenant = %self.name, code = error.code(), "the tenant's facts cannot be read");
                self.metrics.failed(&self.name, error.code());
                error.wait().unwrap_or(FACTS_AGAIN)
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
        self.say(facts, now).await?;
        if self.is_elsewhere() {
            return Ok(());
        }
        let Some((_, projection)) = self.order.users.clone() else {
            return Ok(());
        };
        let facts = self.facts.read_names(&self.source, &self.order.names, now).await?;
        self.say(facts, now).await?;
        let unwritten = self.facts.unwritten(&self.order.names);
        self.press().end_facts(&unwritten).await?;
        self.facts.ended(&unwritten);
        let (facts, states) = self.facts.read_groups(&self.source, &projection, now).await?;
        self.say(facts, now).await?;
        self.groups_readable = states.iter().all(|(_, state)| *state == GroupState::Present);
        self.note_states(&states, now).await?;
        self.verify_members(&states, now).await
    }

    /// Publishes facts; only then are they said.
    pub(super) async fn say(&mut self, facts: Vec<TenantFact>, now: Timestamp) -> Result<(), Error> {
        self.press().facts(&facts, now).await?;
        self.facts.said(facts);
        Ok(())
    }

    /// Freezes groups that cannot be read. One that can be read again is read again from the beginning, with everything else: who left
    /// it meanwhile was not noted.
    async fn note_states(&mut self, states: &[(GroupId, GroupState)], now: Timestamp) -> Result<(), Error> {
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
            reading::save(&mut tx, &self.name, &self.reading);
        }
        if changed {
            tx.commit().await?;
        }
        Ok(())
    }
}
