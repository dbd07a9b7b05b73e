//! Decisions, and the markers that stand among them.

use std::time::Duration;

use xtsync_domain::decision::{Decision, Departure, Desired, Present, Skip, Untouched};
use xtsync_domain::mapping;

use super::{Invalid, attributes, enumeration, id, missing, required, tenant, time, version, wire_attributes, wire_time};
use crate::events;
use crate::events::decision::Desired as Wire;

/// What one record of a decisions topic holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionRecord {
    /// A decision.
    Decision(Decision),
    /// A partition of the source's deltas has been replayed for a revision.
    Marker {
        /// Whose deltas.
        source: xtsync_domain::TenantName,
        /// Which partition of them.
        partition: u32,
        /// For which revision.
        revision: u64,
    },
}

impl From<DecisionRecord> for events::Decision {
    fn from(record: DecisionRecord) -> Self {
        match record {
            DecisionRecord::Decision(decision) => decision.into(),
            DecisionRecord::Marker { source, partition, revision } => Self {
                source: source.into(),
                desired: Some(Wire::ReplayMarker(events::ReplayMarker { partition, revision })),
                ..Self::default()
            },
        }
    }
}

impl From<&Decision> for events::Decision {
    fn from(decision: &Decision) -> Self {
        decision.clone().into()
    }
}

impl From<Decision> for events::Decision {
    fn from(decision: Decision) -> Self {
        Self {
            source: decision.source.into(),
            user_id: decision.user.0,
            synchronization: decision.synchronization,
            version: Some(decision.version.into()),
            origin: events::Origin::from(decision.origin).into(),
            first_seen: Some(wire_time(decision.first_seen)),
            desired: Some(match decision.desired {
                Desired::Present(present) => Wire::Present(present.into()),
                Desired::Gone(departure) => Wire::Gone(departure.into()),
                Desired::Untouched(Skip { reason, blocked }) => {
                    let attribute = match reason {
                        Untouched::InvalidAttribute(name) => name.to_owned(),
                        Untouched::NotOneOrganization
                        | Untouched::ScopeUnresolved
                        | Untouched::NoAddress
                        | Untouched::NoVerifiedAddress
                        | Untouched::HomeDomainsUnknown
                        | Untouched::UserTypeNotAdmitted => String::new(),
                    };
                    Wire::Untouched(events::Untouched {
                        reason: events::UntouchedReason::from(reason).into(),
                        sign_in_blocked: blocked,
                        attribute,
                    })
                }
            }),
        }
    }
}

impl From<Present> for events::Present {
    fn from(present: Present) -> Self {
        Self {
            enabled: present.enabled,
            address: present.address,
            attributes: wire_attributes(present.attributes),
            on_create: wire_attributes(present.on_create),
        }
    }
}

impl From<Departure> for events::Gone {
    fn from(departure: Departure) -> Self {
        let (reason, settle, sign_in_blocked) = match departure {
            Departure::OutOfScope { settle_ms, blocked } => (events::GoneReason::OutOfScope, Some(wire_duration(settle_ms)), blocked),
            Departure::External => (events::GoneReason::External, None, false),
            Departure::Deleted => (events::GoneReason::Deleted, None, false),
        };
        Self { reason: reason.into(), settle, sign_in_blocked }
    }
}

impl From<Untouched> for events::UntouchedReason {
    fn from(reason: Untouched) -> Self {
        match reason {
            Untouched::NotOneOrganization => Self::NotOneOrganization,
            Untouched::ScopeUnresolved => Self::ScopeUnresolved,
            Untouched::NoAddress => Self::NoAddress,
            Untouched::UserTypeNotAdmitted => Self::UserTypeNotAdmitted,
            Untouched::NoVerifiedAddress => Self::NoVerifiedAddress,
            Untouched::HomeDomainsUnknown => Self::HomeDomainsUnknown,
            Untouched::InvalidAttribute(_) => Self::InvalidAttribute,
        }
    }
}

impl TryFrom<events::Decision> for DecisionRecord {
    type Error = Invalid;

    fn try_from(wire: events::Decision) -> Result<Self, Invalid> {
        match wire.desired {
            Some(Wire::ReplayMarker(marker)) => {
                Ok(Self::Marker { source: tenant("source", wire.source)?, partition: marker.partition, revision: marker.revision })
            }
            Some(Wire::Present(_) | Wire::Gone(_) | Wire::Untouched(_)) | None => Ok(Self::Decision(wire.try_into()?)),
        }
    }
}

impl TryFrom<events::Decision> for Decision {
    type Error = Invalid;

    fn try_from(wire: events::Decision) -> Result<Self, Invalid> {
        let desired = match wire.desired.ok_or(Invalid::NewerWriter("desired"))? {
            Wire::Present(present) => Desired::Present(present.try_into()?),
            Wire::Gone(gone) => Desired::Gone(gone.try_into()?),
            Wire::Untouched(untouched) => {
                let reason = untouched_reason(enumeration("untouched.reason", untouched.reason)?, &untouched.attribute)?;
                Desired::Untouched(Skip { reason, blocked: untouched.sign_in_blocked })
            }
            Wire::ReplayMarker(_) => return Err(Invalid::Field("desired", "is a replay marker, no decision".to_owned())),
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

impl TryFrom<events::Present> for Present {
    type Error = Invalid;

    fn try_from(wire: events::Present) -> Result<Self, Invalid> {
        Ok(Self {
            enabled: wire.enabled,
            address: id("present.address", wire.address)?,
            attributes: attributes(wire.attributes)?,
            on_create: attributes(wire.on_create)?,
        })
    }
}

impl TryFrom<events::Gone> for Departure {
    type Error = Invalid;

    fn try_from(wire: events::Gone) -> Result<Self, Invalid> {
        match enumeration("gone.reason", wire.reason)? {
            events::GoneReason::Unspecified => Err(missing("gone.reason")),
            events::GoneReason::OutOfScope => {
                Ok(Self::OutOfScope { settle_ms: milliseconds("gone.settle", wire.settle)?, blocked: wire.sign_in_blocked })
            }
            events::GoneReason::External => Ok(Self::External),
            events::GoneReason::Deleted => Ok(Self::Deleted),
        }
    }
}

fn untouched_reason(wire: events::UntouchedReason, attribute: &str) -> Result<Untouched, Invalid> {
    match wire {
        events::UntouchedReason::Unspecified => Err(missing("untouched.reason")),
        events::UntouchedReason::NotOneOrganization => Ok(Untouched::NotOneOrganization),
        events::UntouchedReason::ScopeUnresolved => Ok(Untouched::ScopeUnresolved),
        events::UntouchedReason::NoAddress => Ok(Untouched::NoAddress),
        events::UntouchedReason::UserTypeNotAdmitted => Ok(Untouched::UserTypeNotAdmitted),
        events::UntouchedReason::NoVerifiedAddress => Ok(Untouched::NoVerifiedAddress),
        events::UntouchedReason::HomeDomainsUnknown => Ok(Untouched::HomeDomainsUnknown),
        events::UntouchedReason::InvalidAttribute => match mapping::attribute(attribute) {
            Some(known) => Ok(Untouched::InvalidAttribute(known.name)),
            None => Err(Invalid::NewerWriter("untouched.attribute")),
        },
    }
}

fn wire_duration(ms: u64) -> prost_types::Duration {
    // Longer than the wire can say is as good as for ever.
    prost_types::Duration::try_from(Duration::from_millis(ms)).unwrap_or(prost_types::Duration { seconds: i64::MAX, nanos: 0 })
}

/// A duration in milliseconds; unset is zero.
fn milliseconds(field: &'static str, wire: Option<prost_types::Duration>) -> Result<u64, Invalid> {
    let duration = Duration::try_from(wire.unwrap_or_default()).ok();
    let ms = duration.and_then(|duration| u64::try_from(duration.as_millis()).ok());
    ms.ok_or_else(|| Invalid::Field(field, "is out of range".to_owned()))
}

#[cfg(test)]
mod tests;
