//! Decisions.

use std::time::Duration;

use xtsync_domain::decision::{Decision, DeprovisionReason, Desired, Shape, SkipReason, Wanted};
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
        let Desired { sign_in_blocked, wanted } = decision.desired;
        let (shape, desired) = match wanted {
            Wanted::Yes(shape) => (Some(shape), Wire::Wanted(events::Wanted {})),
            Wanted::No(reason) => not_wanted(reason),
            Wanted::Skipped(reason) => (None, Wire::Skipped(reason.into())),
        };
        Self {
            digest,
            shape: shape.map(Into::into),
            sign_in_blocked,
            desired: Some(desired),
            source: decision.source.into(),
            user_id: decision.user.0,
            synchronization: decision.synchronization,
            version: Some(decision.version.into()),
            origin: events::Origin::from(decision.origin).into(),
            first_seen: Some(wire_time(decision.first_seen)),
        }
    }
}

impl From<Shape> for events::Shape {
    fn from(shape: Shape) -> Self {
        Self { address: shape.address, attributes: wire_attributes(shape.attributes), on_create: wire_attributes(shape.on_create) }
    }
}

/// A reason and the shape that is known with it.
fn not_wanted(reason: DeprovisionReason) -> (Option<Shape>, Wire) {
    let (reason, grace_period, shape) = match reason {
        DeprovisionReason::OutOfScope { grace_period_ms, shape } => {
            (events::DeprovisionReason::OutOfScope, Some(wire_duration(grace_period_ms)), shape)
        }
        DeprovisionReason::External => (events::DeprovisionReason::External, None, None),
        DeprovisionReason::Deleted => (events::DeprovisionReason::Deleted, None, None),
    };
    (shape, Wire::NotWanted(events::NotWanted { reason: reason.into(), grace_period }))
}

impl From<SkipReason> for events::Skipped {
    fn from(reason: SkipReason) -> Self {
        Self { reason: events::SkipReason::from(reason).into(), attribute: reason.attribute().to_owned() }
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
        let wanted = match wire.desired.ok_or(Invalid::NewerWriter("desired"))? {
            Wire::Wanted(events::Wanted {}) => Wanted::Yes(required("shape", wire.shape)?.try_into()?),
            Wire::NotWanted(not_wanted) => Wanted::No(deprovision_reason(&not_wanted, wire.shape)?),
            Wire::Skipped(skipped) => Wanted::Skipped(skip_reason(enumeration("skipped.reason", skipped.reason)?, &skipped.attribute)?),
        };
        Ok(Self {
            source: tenant("source", wire.source)?,
            user: id("user_id", wire.user_id)?,
            synchronization: id("synchronization", wire.synchronization)?,
            version: required("version", wire.version)?.into(),
            origin: version::origin(wire.origin)?,
            first_seen: time("first_seen", wire.first_seen)?,
            desired: Desired { sign_in_blocked: wire.sign_in_blocked, wanted },
        })
    }
}

impl TryFrom<events::Shape> for Shape {
    type Error = Invalid;

    fn try_from(wire: events::Shape) -> Result<Self, Invalid> {
        Ok(Self {
            address: id("shape.address", wire.address)?,
            attributes: attributes(wire.attributes)?,
            on_create: attributes(wire.on_create)?,
        })
    }
}

fn deprovision_reason(wire: &events::NotWanted, shape: Option<events::Shape>) -> Result<DeprovisionReason, Invalid> {
    match enumeration("not_wanted.reason", wire.reason)? {
        events::DeprovisionReason::Unspecified => Err(missing("not_wanted.reason")),
        events::DeprovisionReason::OutOfScope => Ok(DeprovisionReason::OutOfScope {
            grace_period_ms: milliseconds("not_wanted.grace_period", wire.grace_period)?,
            shape: shape.map(TryInto::try_into).transpose()?,
        }),
        events::DeprovisionReason::External => Ok(DeprovisionReason::External),
        events::DeprovisionReason::Deleted => Ok(DeprovisionReason::Deleted),
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
