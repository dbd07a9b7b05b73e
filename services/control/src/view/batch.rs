//! Reduces a batch of records to rows: the newest record of each key, and every outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message;
use tracing::warn;
use xtsync_bus::{Partition, Position, Record};
use xtsync_contract::convert::{LinkRecord, code, time};
use xtsync_contract::event::{self, Typed};
use xtsync_contract::events::{attribute_value, user_delta};
use xtsync_contract::topic;
use xtsync_contract::{events, internal};
use xtsync_domain::{Timestamp, key};

use super::link::{self, LinkRow, version_bytes};
use crate::metrics::Metrics;

/// A user of a source: source, user.
pub(crate) type User = (String, String);

/// The key of a link: target, source, user.
pub(crate) type Link = (String, String, String);

/// The rows of a batch, by table; `None` for a key with a tombstone.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) users: BTreeMap<User, Option<UserRow>>,
    pub(crate) decisions: BTreeMap<Link, Option<DecisionRow>>,
    /// The replay markers, by target, source and partition.
    pub(crate) markers: BTreeMap<(String, String, u32), MarkerRow>,
    pub(crate) links: BTreeMap<Link, Option<LinkRow>>,
    pub(crate) outcomes: Vec<OutcomeRow>,
    /// The encoded facts, by tenant and key.
    pub(crate) facts: BTreeMap<(String, String), Option<Vec<u8>>>,
    /// The encoded statuses and heartbeats, by key.
    pub(crate) roles: BTreeMap<String, Option<Vec<u8>>>,
    /// The next offset of each partition.
    pub(crate) next: BTreeMap<Partition, i64>,
}

/// The columns of a user. The names are in lower case, and empty if the delta has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserRow {
    pub(crate) version: u64,
    pub(crate) principal_name: String,
    pub(crate) mail: String,
    /// The partition and the offset of the delta.
    pub(crate) at: (u32, i64),
}

impl UserRow {
    fn of(delta: events::UserDelta, at: &Position) -> Self {
        let name = |attribute: &str| {
            let Some(user_delta::State::Present(user)) = &delta.state else { return String::new() };
            match user.attributes.get(attribute).and_then(|value| value.value.as_ref()) {
                Some(attribute_value::Value::Text(text)) => text.to_lowercase(),
                Some(_) | None => String::new(),
            }
        };
        let at = (at.partition.index, at.offset);
        Self { version: delta.version, principal_name: name("userPrincipalName"), mail: name("mail"), at }
    }

    /// The row, with the known names where the delta has none: a delta of an out-of-scope user holds no names.
    fn or_names_of(mut self, known: Option<&Self>) -> Self {
        for (name, known) in
            [(&mut self.principal_name, known.map(|known| &known.principal_name)), (&mut self.mail, known.map(|known| &known.mail))]
        {
            if let Some(known) = known.filter(|_| name.is_empty()) {
                name.clone_from(known);
            }
        }
        self
    }
}

/// The columns of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecisionRow {
    pub(crate) delta: u64,
    pub(crate) version: Vec<u8>,
    /// The digest of what is wanted.
    pub(crate) digest: Vec<u8>,
    pub(crate) desired: &'static str,
    /// The stable code of why the user is not wanted or skipped; empty if the user is wanted.
    pub(crate) reason: String,
    /// The attribute at fault of a skipped user; empty if there is none.
    pub(crate) attribute: String,
    /// Whether the user is disabled at home.
    pub(crate) is_blocked: bool,
    /// When the scope grace period ends; 0 if there is none.
    pub(crate) due: Timestamp,
}

/// The columns of a replay marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MarkerRow {
    /// How many partitions the source's deltas had.
    pub(crate) partitions: u32,
    pub(crate) revision: u64,
}

/// The columns of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutcomeRow {
    pub(crate) id: String,
    pub(crate) target: String,
    pub(crate) source: String,
    /// The name of the counter.
    pub(crate) verb: &'static str,
}

impl Batch {
    /// Whether there is anything that is counted.
    pub(crate) fn has_counted(&self) -> bool {
        let Self { users, decisions, markers, links, outcomes, facts: _, roles: _, next: _ } = self;
        !(users.is_empty() && decisions.is_empty() && markers.is_empty() && links.is_empty() && outcomes.is_empty())
    }

    /// Reduces records, in the order given.
    pub(crate) fn of(records: &[Record], metrics: &Metrics) -> Self {
        let mut batch = Self::default();
        for record in records {
            batch.next.insert(record.at.partition.clone(), record.at.offset + 1);
            if batch.add(record).is_none() {
                metrics.unreadable(record);
                warn!(topic = %record.at.partition.topic, partition = record.at.partition.index, offset = record.at.offset, "unreadable record skipped");
            }
        }
        batch
    }

    /// Adds a record; `None` if it is unreadable.
    fn add(&mut self, record: &Record) -> Option<()> {
        let key = String::from_utf8(record.key.to_vec()).ok()?;
        let topic = &record.at.partition.topic;
        if let Some(source) = topic::USER_DELTAS.scope(topic) {
            let key = (source.to_owned(), key);
            let known = self.users.get(&key).and_then(Option::as_ref);
            let row = read::<events::UserDelta>(record)?.map(|delta| UserRow::of(delta, &record.at).or_names_of(known));
            put(&mut self.users, key, row, |row| row.version);
        } else if let Some(tenant) = topic::TENANT_FACTS.scope(topic) {
            self.facts.insert((tenant.to_owned(), key), bytes::<events::TenantFact>(record)?);
        } else if let Some(target) = topic::DECISIONS.scope(topic) {
            match marker(record) {
                Some(internal::ReplayMarker { source, partition, partitions, revision }) => {
                    self.markers.insert((target.to_owned(), source, partition), MarkerRow { partitions, revision });
                }
                None => self.add_decision(target.to_owned(), &key, read(record)?)?,
            }
        } else if let Some(target) = topic::LINKS.scope(topic) {
            self.add_link(target.to_owned(), &key, read(record)?)?;
        } else if let Some(target) = topic::OUTCOMES.scope(topic) {
            self.outcomes.extend(outcome(target.to_owned(), read(record)??));
        } else if topic.is(&topic::STATUS) {
            self.roles.insert(key, bytes::<internal::RoleStatus>(record)?);
        }
        Some(())
    }

    fn add_link(&mut self, target: String, key: &str, link: Option<events::Link>) -> Option<()> {
        let [source, user] = key::parse(key)?;
        let row = match link {
            Some(wire) => {
                let record = wire.encode_to_vec();
                Some(link::row(&LinkRecord::try_from(wire).ok()?, record))
            }
            None => None,
        };
        put(&mut self.links, (target, source.into_owned(), user.into_owned()), row, |row| row.version);
        Some(())
    }

    fn add_decision(&mut self, target: String, key: &str, decision: Option<events::Decision>) -> Option<()> {
        let [source, user] = key::parse(key)?;
        let row = match decision {
            Some(decision) => Some(decision_row(&decision)?),
            None => None,
        };
        put(&mut self.decisions, (target, source.into_owned(), user.into_owned()), row, |row| row.version.clone());
        Some(())
    }
}

/// Stores a row unless the known row is newer. A delayed record may arrive after the records that replaced it.
fn put<K: Ord, R, V: Ord>(rows: &mut BTreeMap<K, Option<R>>, key: K, row: Option<R>, version: impl Fn(&R) -> V) {
    let is_late = match (rows.get(&key), &row) {
        (Some(Some(known)), Some(row)) => version(row) < version(known),
        (_, None) | (None | Some(None), _) => false,
    };
    if !is_late {
        rows.insert(key, row);
    }
}

/// The replay marker in a record of a decisions topic, if it is one.
fn marker(record: &Record) -> Option<internal::ReplayMarker> {
    event::decode(&record.headers, record.value.as_ref()?).ok()
}

/// Reduces a decision; `None` if it is unreadable.
pub(crate) fn decision_row(decision: &events::Decision) -> Option<DecisionRow> {
    use events::decision::Desired;
    let version = decision.version?;
    let desired = match decision.desired.as_ref()? {
        Desired::Wanted(_) if !decision.sign_in_blocked => "wanted",
        // A user disabled at home is not created, so there may be no link.
        Desired::Wanted(_) => "disabled",
        Desired::NotWanted(_) => "not_wanted",
        Desired::Skipped(_) => "skipped",
    };
    // Policy decides again as soon as the home tenant's domains are known. Until then the user counts as undecided.
    let is_pending =
        matches!(&decision.desired, Some(Desired::Skipped(skipped)) if skipped.reason() == events::SkipReason::HomeDomainsUnknown);
    let delta = if is_pending { 0 } else { version.delta };
    let (reason, due) = reason_and_due(decision);
    let attribute = match &decision.desired {
        Some(Desired::Skipped(skipped)) => skipped.attribute.clone(),
        Some(Desired::Wanted(_) | Desired::NotWanted(_)) | None => String::new(),
    };
    let is_blocked = decision.sign_in_blocked;
    let (version, digest) = (version_bytes(version.into()), decision.digest.clone());
    Some(DecisionRow { delta, version, digest, desired, reason, attribute, is_blocked, due })
}

/// Returns the columns `reason` and `due` of a decision.
fn reason_and_due(decision: &events::Decision) -> (String, Timestamp) {
    use events::decision::Desired;
    match &decision.desired {
        Some(Desired::NotWanted(not_wanted)) => {
            let grace_period = not_wanted.grace_period.and_then(|period| Duration::try_from(period).ok()).unwrap_or_default();
            let since = time("first_seen", decision.first_seen).unwrap_or_default();
            let due = if grace_period.is_zero() { Timestamp(0) } else { since.plus(grace_period) };
            (code(not_wanted.reason().as_str_name(), "DEPROVISION_REASON_"), due)
        }
        Some(Desired::Skipped(skipped)) => (code(skipped.reason().as_str_name(), "SKIP_REASON_"), Timestamp(0)),
        Some(Desired::Wanted(_)) | None => (String::new(), Timestamp(0)),
    }
}

fn outcome(target: String, outcome: events::Outcome) -> Option<OutcomeRow> {
    let verb = match (outcome.result(), outcome.verb()) {
        (events::OutcomeResult::Failed, _) => "failed",
        (events::OutcomeResult::Done, events::Verb::Create) => "created",
        (events::OutcomeResult::Done, events::Verb::Update) => "updated",
        (events::OutcomeResult::Done, events::Verb::Disable) => "disabled",
        (events::OutcomeResult::Done, events::Verb::Enable) => "enabled",
        (events::OutcomeResult::Done, events::Verb::Delete) => "deleted",
        (events::OutcomeResult::Done, events::Verb::Restore) => "restored",
        (events::OutcomeResult::Done, events::Verb::Unspecified)
        | (events::OutcomeResult::Held | events::OutcomeResult::Unspecified, _) => return None,
    };
    Some(OutcomeRow { id: outcome.id, target, source: outcome.source, verb })
}

/// Decodes a record's message; `None` if it is unreadable, `Some(None)` if it is a tombstone.
#[expect(clippy::option_option, reason = "unreadable, tombstone and message are three things")]
fn read<M: Message + Typed + Default>(record: &Record) -> Option<Option<M>> {
    match &record.value {
        None => Some(None),
        Some(value) => event::decode(&record.headers, value).ok().map(Some),
    }
}

/// As [`read`], but returns the message as it was encoded.
#[expect(clippy::option_option, reason = "unreadable, tombstone and message are three things")]
fn bytes<M: Message + Typed + Default>(record: &Record) -> Option<Option<Vec<u8>>> {
    read::<M>(record).map(|_| record.value.as_ref().map(|value| value.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_roles_repeat_at_rest_is_not_counted() {
        let key = ("hub".to_owned(), "emea".to_owned());
        let rest = Batch {
            facts: [(key.clone(), Some(Vec::new()))].into(),
            roles: [("policy/r".to_owned(), Some(Vec::new()))].into(),
            ..Batch::default()
        };
        assert!(!rest.has_counted());
        assert!(Batch { users: [(key, None)].into(), ..rest }.has_counted());
    }

    #[test]
    fn a_late_older_record_does_not_replace_a_newer_one() {
        let mut rows = BTreeMap::new();
        for (row, stays) in
            [(Some(5), Some(5)), (Some(4), Some(5)), (Some(5), Some(5)), (Some(7), Some(7)), (None, None), (Some(3), Some(3))]
        {
            put(&mut rows, "ana", row, |row| *row);
            assert_eq!(rows["ana"], stays);
        }
    }
}
