//! Reads one record of a decisions topic. A foreign record is dead-lettered with its context; neither it nor a missing record ever means
//! that a user is gone.

use xtsync_bus::Record;
use xtsync_contract::convert::Invalid;
use xtsync_contract::event;
use xtsync_contract::topic::{self, link_key};
use xtsync_contract::{events, internal};
use xtsync_domain::Decision;
use xtsync_service::dead_letter;

use crate::ROLE;
use crate::context::Context;
use crate::error::Result;
use crate::table::Key;

/// A decision as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) key: Key,
    pub(crate) decision: Decision,
    pub(crate) traceparent: Option<String>,
}

/// What a record was.
pub(crate) enum Reading {
    /// A decision.
    Decision(Box<Arrival>),
    /// Nothing that changes a link.
    Nothing,
    /// What only a newer version understands.
    NewerWriter(Invalid),
}

/// Why a record that decodes is not used.
#[derive(Debug, thiserror::Error)]
enum Misplaced {
    #[error("the record's key is not that of its decision")]
    Key,
    #[error("the record is on a topic that carries no decisions")]
    Topic,
}

impl Misplaced {
    /// The reason in dead letters, in the words of the other roles.
    fn code(&self) -> &'static str {
        match self {
            Self::Key => "wrong_key",
            Self::Topic => "wrong_topic",
        }
    }
}

/// Reads a record; dead-letters it if it cannot be used.
pub(crate) async fn read(context: &Context, record: &Record) -> Result<Reading> {
    // The end of a key is said by a value; its tombstone only makes room.
    let Some(value) = &record.value else { return Ok(Reading::Nothing) };
    if event::check::<internal::ReplayMarker>(&record.headers).is_ok() {
        return Ok(Reading::Nothing);
    }
    let wire = match event::decode::<events::Decision>(&record.headers, value) {
        Ok(wire) => wire,
        Err(error) => return dead_letter(context, record, error.code(), &error).await,
    };
    match Decision::try_from(wire) {
        Ok(decision) => match placed(record, decision) {
            Ok(arrival) => Ok(Reading::Decision(Box::new(arrival))),
            Err(error) => dead_letter(context, record, error.code(), &error).await,
        },
        Err(error @ Invalid::NewerWriter(_)) => Ok(Reading::NewerWriter(error)),
        Err(error @ Invalid::Field(..)) => dead_letter(context, record, error.code(), &error).await,
    }
}

fn placed(record: &Record, decision: Decision) -> Result<Arrival, Misplaced> {
    let Some(target) = topic::tenant(&topic::DECISIONS, &record.at.partition.topic) else { return Err(Misplaced::Topic) };
    if record.key != link_key(&decision.source, &decision.user) {
        return Err(Misplaced::Key);
    }
    let key = Key { target: target.clone(), source: decision.source.clone(), user: decision.user.clone() };
    Ok(Arrival { key, decision, traceparent: event::traceparent(&record.headers).map(str::to_owned) })
}

async fn dead_letter(context: &Context, record: &Record, reason: &str, error: &(dyn std::error::Error + Sync)) -> Result<Reading> {
    dead_letter::send(&*context.parts.bus, ROLE, record, reason, error, context.now()).await?;
    if let Some(target) = topic::tenant(&topic::DECISIONS, &record.at.partition.topic) {
        context.metrics.decisions(&target, "dead_lettered", 1);
    }
    Ok(Reading::Nothing)
}
