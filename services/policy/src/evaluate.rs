//! Evaluates one record into decisions: what every synchronization of its source wants for the user.
//!
//! Pure except for the trace. A tombstone gives no decision, because the deletion was published before; it gives tombstones.

use prost::Message as _;
use tracing::{Span, field, info_span, warn};
use xtsync_bus::{Outgoing, Record, Urgency};
use xtsync_contract::convert::Invalid;
use xtsync_contract::event::{self, Unreadable};
use xtsync_contract::topic::{self, link_key, marker_key};
use xtsync_contract::{events, internal};
use xtsync_domain::configuration::NamedSynchronization;
use xtsync_domain::decide::{CompiledRules, Decided, decide};
use xtsync_domain::decision::{SkipReason, Wanted};
use xtsync_domain::{Configuration, Decision, Origin, TenantName, Timestamp, UserDelta, mapping};
use xtsync_runtime::trace;

use crate::ROLE;
use crate::metrics::Tally;
use crate::partition::{Assigned, Pass};

/// Decisions of several records, to be published together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The records.
    pub(crate) records: Vec<Outgoing>,
    /// Whether any of them is a live change.
    pub(crate) live: bool,
    /// What they say, for the metrics.
    pub(crate) tally: Tally,
}

/// Why a record can never give decisions, or not in this version.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// It is not an event of xtsync.
    #[error("the record cannot be read")]
    Unreadable(#[from] Unreadable),
    /// It breaks the contract, or was written by a newer version.
    #[error("the record is no valid delta")]
    Invalid(#[from] Invalid),
    /// It is in another tenant's topic. A writer of one tenant's topic must not write deltas of another tenant.
    #[error("the delta is of tenant {0}, whose topic this is not")]
    WrongTenant(TenantName),
    /// Its key is not its user's, so its order among the user's deltas is not guaranteed.
    #[error("the delta's key is not its user")]
    WrongKey,
}

/// How an unusable record is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is dead-lettered, for this reason.
    DeadLetter(&'static str),
    /// A newer writer wrote this field: the partition stops.
    Stop(&'static str),
}

impl Unusable {
    /// How the record is handled.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Unreadable(error) => Verdict::DeadLetter(error.code()),
            Self::Invalid(Invalid::NewerWriter(field)) => Verdict::Stop(field),
            Self::Invalid(error @ Invalid::Field(..)) => Verdict::DeadLetter(error.code()),
            Self::WrongTenant(_) => Verdict::DeadLetter("wrong_tenant"),
            Self::WrongKey => Verdict::DeadLetter("wrong_key"),
        }
    }
}

/// Decides one record for the synchronizations of its source: for all of them live, and in a replay for those whose rules changed.
pub(crate) fn evaluate(
    record: &Record,
    assigned: &Assigned,
    rules: &CompiledRules,
    pass: Pass,
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), Unusable> {
    let (source, home) = (&assigned.source, &assigned.home);
    let Some(value) = &record.value else {
        tombstone_decisions(record, source, rules.configuration(), batch);
        return Ok(());
    };
    let delta: UserDelta = event::decode::<events::UserDelta>(&record.headers, value)?.try_into()?;
    if delta.tenant != *source {
        return Err(Unusable::WrongTenant(delta.tenant));
    }
    if delta.user.as_str().as_bytes() != &record.key[..] {
        return Err(Unusable::WrongKey);
    }
    let span = span(record, &delta, pass);
    let _entered = span.enter();
    let traceparent = (pass == Pass::Live).then(|| outgoing_traceparent(&span, record)).flatten();
    batch.tally.user(pass);
    let is_concerned = |one: &&NamedSynchronization| pass == Pass::Live || assigned.progress.replays(&one.name);
    for synchronization in rules.configuration().synchronizations_from(source).filter(is_concerned) {
        let Some(Decided { mut decision, invalid }) = decide(&delta, synchronization, rules, home) else {
            batch.tally.not_decided();
            continue;
        };
        let wanted = &decision.desired.wanted;
        batch.tally.decided(wanted);
        if pass == Pass::Live {
            for mapping::Invalid { attribute, code } in &invalid {
                warn!(tenant = %source, user = %delta.user, attribute, code, "the attribute has no value that fits: it is left as it is");
                batch.tally.invalid(attribute);
            }
        }
        if let (Wanted::Skipped(SkipReason::InvalidAttribute(attribute)), Pass::Live) = (wanted, pass) {
            warn!(tenant = %source, user = %delta.user, attribute, "the attribute is of a wrong type: the user is left as they are");
            batch.tally.invalid(attribute);
        }
        batch.live |= pass == Pass::Live && delta.origin == Origin::Live;
        if pass == Pass::Replay {
            decision.origin = Origin::Replay;
        }
        batch.records.push(outgoing(&synchronization.spec.to, decision, now, traceparent.as_deref()));
    }
    Ok(())
}

/// Adds a tombstone of the user's decision for each target of the source.
fn tombstone_decisions(record: &Record, source: &TenantName, configuration: &Configuration, batch: &mut Batch) {
    let Ok(user) = std::str::from_utf8(&record.key) else { return };
    let key = link_key(source, &user.into());
    let ended = |synchronization: &NamedSynchronization| Outgoing::tombstone(topic::DECISIONS.of(&synchronization.spec.to), &key);
    batch.records.extend(configuration.synchronizations_from(source).map(ended));
}

/// The record that says a partition of a source's deltas, one of so many, is decided for a revision.
pub(crate) fn marker(
    source: &TenantName,
    (partition, partitions): (u32, u32),
    revision: u64,
    target: &TenantName,
    now: Timestamp,
) -> Outgoing {
    let key = marker_key(source, partition);
    let value = internal::ReplayMarker { source: source.to_string(), partition, partitions, revision }.encode_to_vec();
    event::record::<internal::ReplayMarker>(ROLE, topic::DECISIONS.of(target), &key, revision, now, None, value)
}

impl Batch {
    /// How urgent the whole of it is: records of one key must not overtake each other, so it goes out as one.
    pub(crate) fn urgency(&self) -> Urgency {
        if self.live { Urgency::Live } else { Urgency::Bulk }
    }
}

fn outgoing(target: &TenantName, decision: Decision, now: Timestamp, traceparent: Option<&str>) -> Outgoing {
    let key = link_key(&decision.source, &decision.user);
    let (version, value) = (decision.version, events::Decision::from(decision).encode_to_vec());
    event::record::<events::Decision>(ROLE, topic::DECISIONS.of(target), &key, version, now, traceparent, value)
}

/// The span of one record, in the trace of its delta. A replay belongs to no trace: the change behind it was followed long ago.
fn span(record: &Record, delta: &UserDelta, pass: Pass) -> Span {
    if pass == Pass::Replay {
        return Span::none();
    }
    let span = info_span!("decide", trace_id = field::Empty, tenant = %delta.tenant, user = %delta.user);
    if let Some(parent) = event::traceparent(&record.headers) {
        trace::set_parent(&span, parent);
    }
    span
}

/// The trace parent that decisions carry: this step, or the delta's own where no trace is recorded here.
fn outgoing_traceparent(span: &Span, record: &Record) -> Option<String> {
    trace::traceparent_of(span).or_else(|| event::traceparent(&record.headers).map(ToOwned::to_owned))
}

#[cfg(test)]
mod tests;
