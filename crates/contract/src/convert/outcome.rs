//! Outcomes: operations on shadow users and their results.

use std::time::Duration;

use xtsync_domain::Value;
use xtsync_domain::link::{Change, Ending, Outcome, Verb};

use super::{Invalid, enumeration, id, missing, required, tenant, time, wire_time};
use crate::events;

impl From<Outcome> for events::Outcome {
    fn from(outcome: Outcome) -> Self {
        let (result, code) = match outcome.ending {
            Ending::Done => (events::OutcomeResult::Done, String::new()),
            Ending::Failed(code) => (events::OutcomeResult::Failed, code),
            Ending::Held(code) => (events::OutcomeResult::Held, code),
        };
        Self {
            id: outcome.id,
            source: outcome.source.into(),
            user_id: outcome.user.0,
            target: outcome.target.into(),
            synchronization: outcome.synchronization,
            verb: events::Verb::from(outcome.verb).into(),
            version: Some(outcome.version.into()),
            changes: outcome.changes.into_iter().map(Into::into).collect(),
            // A duration beyond the wire's range does not occur.
            took: prost_types::Duration::try_from(outcome.took).ok(),
            result: result.into(),
            code,
            command_id: String::new(),
            first_seen: Some(wire_time(outcome.first_seen)),
            at: Some(wire_time(outcome.at)),
            target_id: outcome.target_id.map(|id| id.0).unwrap_or_default(),
        }
    }
}

impl TryFrom<events::Outcome> for Outcome {
    type Error = Invalid;

    fn try_from(wire: events::Outcome) -> Result<Self, Invalid> {
        Ok(Self {
            id: wire.id,
            source: tenant("source", wire.source)?,
            user: id("user_id", wire.user_id)?,
            target: tenant("target", wire.target)?,
            synchronization: wire.synchronization,
            verb: verb(wire.verb)?,
            version: required("version", wire.version)?.into(),
            changes: wire.changes.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            took: wire.took.map_or(Ok(Duration::ZERO), TryInto::try_into).map_err(|_| missing("took"))?,
            ending: match enumeration("result", wire.result)? {
                events::OutcomeResult::Unspecified => return Err(missing("result")),
                events::OutcomeResult::Done => Ending::Done,
                events::OutcomeResult::Failed => Ending::Failed(wire.code),
                events::OutcomeResult::Held => Ending::Held(wire.code),
            },
            first_seen: time("first_seen", wire.first_seen)?,
            at: time("at", wire.at)?,
            target_id: Some(wire.target_id).filter(|id| !id.is_empty()).map(Into::into),
        })
    }
}

impl From<Change> for events::AttributeChange {
    fn from(change: Change) -> Self {
        Self { attribute: change.attribute, before: change.before.map(Into::into), after: Some(change.after.into()) }
    }
}

impl TryFrom<events::AttributeChange> for Change {
    type Error = Invalid;

    fn try_from(wire: events::AttributeChange) -> Result<Self, Invalid> {
        let before = wire.before.map(Value::try_from).transpose()?;
        Ok(Self { attribute: wire.attribute, before, after: required("changes.after", wire.after)?.try_into()? })
    }
}

impl From<Verb> for events::Verb {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Create => Self::Create,
            Verb::Update => Self::Update,
            Verb::Disable => Self::Disable,
            Verb::Enable => Self::Enable,
            Verb::Delete => Self::Delete,
            Verb::Restore => Self::Restore,
        }
    }
}

fn verb(number: i32) -> Result<Verb, Invalid> {
    match enumeration("verb", number)? {
        events::Verb::Unspecified => Err(missing("verb")),
        events::Verb::Create => Ok(Verb::Create),
        events::Verb::Update => Ok(Verb::Update),
        events::Verb::Disable => Ok(Verb::Disable),
        events::Verb::Enable => Ok(Verb::Enable),
        events::Verb::Delete => Ok(Verb::Delete),
        events::Verb::Restore => Ok(Verb::Restore),
    }
}

#[cfg(test)]
mod tests {
    use xtsync_domain::{TenantName, Timestamp, Version};

    use super::*;

    #[test]
    fn every_verb_and_ending_of_an_outcome_survives_a_round_trip() {
        for (verb, ending) in Verb::ALL
            .into_iter()
            .flat_map(|verb| [(verb, Ending::Done), (verb, Ending::Failed("refused".into())), (verb, Ending::Held("vetoed".into()))])
        {
            let outcome = Outcome {
                id: "o1".into(),
                source: TenantName::new("emea").unwrap(),
                user: "ana".into(),
                target: TenantName::new("hub").unwrap(),
                synchronization: "to-hub".into(),
                verb,
                version: Version { delta: 1, ..Version::default() },
                changes: vec![Change { attribute: "city".into(), before: Some("Paris".into()), after: Value::Null }],
                took: Duration::from_millis(7),
                ending,
                first_seen: Timestamp(1),
                at: Timestamp(2),
                target_id: Some("a1".into()),
            };
            assert_eq!(Outcome::try_from(events::Outcome::from(outcome.clone())), Ok(outcome));
        }
    }
}
