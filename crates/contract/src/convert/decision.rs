//! Decisions.

use std::time::Duration;

use xtsync_domain::decision::{Decision, DeprovisionReason, Desired, Shape, Skip, SkipReason};
use xtsync_domain::mapping;

use super::{Invalid, attributes, code, enumeration, id, missing, required, tenant, time, version, wire_attributes, wire_time};
use crate::events;
use crate::events::decision::Desired as Wire;

/// What the names of the reasons begin with on the bus.
const SKIP_REASON: &str = "SKIP_REASON_";

impl From<&Decision> for events::Decision {
    fn from(decision: &Decision) -> Self {
        decision.clone().into()
    }
}

impl From<Decision> for events::Decision {
    fn from(decision: Decision) -> Self {
        let digest = decision.digest().to_vec();
        Self {
            digest,
            source: decision.source.into(),
            user_id: decision.user.0,
            synchronization: decision.synchronization,
            version: Some(decision.version.into()),
            origin: events::Origin::from(decision.origin).into(),
            first_seen: Some(wire_time(decision.first_seen)),
            desired: Some(match decision.desired {
                Desired::Wanted(shape) => Wire::Wanted(shape.into()),
                Desired::NotWanted(reason) => Wire::NotWanted(reason.into()),
                Desired::Skipped(Skip { reason, blocked }) => Wire::Skipped(events::Skipped {
                    reason: events::SkipReason::from(reason).into(),
                    sign_in_blocked: blocked,
                    attribute: reason.attribute().to_owned(),
                }),
            }),
        }
    }
}

impl From<Shape> for events::Shape {
    fn from(shape: Shape) -> Self {
        Self {
            enabled: shape.enabled,
            address: shape.address,
            attributes: wire_attributes(shape.attributes),
            on_create: wire_attributes(shape.on_create),
        }
    }
}

impl From<DeprovisionReason> for events::NotWanted {
    fn from(not_wanted: DeprovisionReason) -> Self {
        let (reason, grace_period, sign_in_blocked) = match not_wanted {
            DeprovisionReason::OutOfScope { grace_period_ms, blocked } => {
                (events::DeprovisionReason::OutOfScope, Some(wire_duration(grace_period_ms)), blocked)
            }
            DeprovisionReason::External => (events::DeprovisionReason::External, None, false),
            DeprovisionReason::Deleted => (events::DeprovisionReason::Deleted, None, false),
        };
        Self { reason: reason.into(), grace_period, sign_in_blocked }
    }
}

impl From<SkipReason> for events::SkipReason {
    /// By their code, so that a new reason needs no code here.
    fn from(reason: SkipReason) -> Self {
        Self::from_str_name(&format!("{SKIP_REASON}{}", reason.code().to_uppercase())).unwrap_or_default()
    }
}

impl TryFrom<events::Decision> for Decision {
    type Error = Invalid;

    fn try_from(wire: events::Decision) -> Result<Self, Invalid> {
        let desired = match wire.desired.ok_or(Invalid::NewerWriter("desired"))? {
            Wire::Wanted(shape) => Desired::Wanted(shape.try_into()?),
            Wire::NotWanted(not_wanted) => Desired::NotWanted(not_wanted.try_into()?),
            Wire::Skipped(skipped) => {
                let reason = skip_reason(enumeration("skipped.reason", skipped.reason)?, &skipped.attribute)?;
                Desired::Skipped(Skip { reason, blocked: skipped.sign_in_blocked })
            }
        };
        Ok(Self {
            source: tenant("source", wire.source)?,
            user: id("user_id", wire.user_id)?,
            synchronization: id("synchronization", wire.synchronization)?,
            version: required("version", wire.version)?.into(),
            origin: version::origin(wire.origin)?,
            first_seen: time("first_seen", wire.first_seen)?,
            desired,
        })
    }
}

impl TryFrom<events::Shape> for Shape {
    type Error = Invalid;

    fn try_from(wire: events::Shape) -> Result<Self, Invalid> {
        Ok(Self {
            enabled: wire.enabled,
            address: id("wanted.address", wire.address)?,
            attributes: attributes(wire.attributes)?,
            on_create: attributes(wire.on_create)?,
        })
    }
}

impl TryFrom<events::NotWanted> for DeprovisionReason {
    type Error = Invalid;

    fn try_from(wire: events::NotWanted) -> Result<Self, Invalid> {
        match enumeration("not_wanted.reason", wire.reason)? {
            events::DeprovisionReason::Unspecified => Err(missing("not_wanted.reason")),
            events::DeprovisionReason::OutOfScope => Ok(Self::OutOfScope {
                grace_period_ms: milliseconds("not_wanted.grace_period", wire.grace_period)?,
                blocked: wire.sign_in_blocked,
            }),
            events::DeprovisionReason::External => Ok(Self::External),
            events::DeprovisionReason::Deleted => Ok(Self::Deleted),
        }
    }
}

fn skip_reason(wire: events::SkipReason, attribute: &str) -> Result<SkipReason, Invalid> {
    let code = code(wire.as_str_name(), SKIP_REASON);
    let attribute = mapping::attribute(attribute).map_or("", |known| known.name);
    match SkipReason::all(attribute).into_iter().find(|reason| reason.code() == code) {
        Some(SkipReason::InvalidAttribute("")) => Err(Invalid::NewerWriter("skipped.attribute")),
        Some(reason) => Ok(reason),
        None => Err(missing("skipped.reason")),
    }
}

fn wire_duration(ms: u64) -> prost_types::Duration {
    // The wire's maximum is as good as infinite.
    prost_types::Duration::try_from(Duration::from_millis(ms)).unwrap_or(prost_types::Duration { seconds: i64::MAX, nanos: 0 })
}

/// Reads a duration in milliseconds; unset is zero.
fn milliseconds(field: &'static str, wire: Option<prost_types::Duration>) -> Result<u64, Invalid> {
    let duration = Duration::try_from(wire.unwrap_or_default()).ok();
    let ms = duration.and_then(|duration| u64::try_from(duration.as_millis()).ok());
    ms.ok_or_else(|| Invalid::Field(field, "is out of range".to_owned()))
}

#[cfg(test)]
mod tests;
