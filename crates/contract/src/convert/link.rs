//! Links. The provisioner's row and the record on the bus have the same bytes.

use xtsync_domain::DirectoryAnswer;
use xtsync_domain::link::{Applied, Condition, ConditionKind, Link, Override, Veto};

use super::{Invalid, attributes, enumeration, missing, required, tenant, time, wire_attributes, wire_time};
use crate::convert::time::optional_time;
use crate::events;

mod recovery;
mod shadow;

/// A link with the fields that its store adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    /// The link.
    pub link: Link,
    /// The row version: grows with every change of the link.
    pub version: u64,
    /// The id of the provisioner store that wrote the record.
    pub store_id: String,
}

impl From<LinkRecord> for events::Link {
    fn from(LinkRecord { link, version, store_id }: LinkRecord) -> Self {
        let recovery = recovery::wire(&link, store_id);
        Self {
            source: link.source().to_string(),
            user_id: link.user().to_string(),
            target: link.target.into(),
            synchronization: link.desired.synchronization.clone(),
            link_version: version,
            desired: Some(link.desired.into()),
            desired_since: Some(wire_time(link.desired_since)),
            applied: Some(link.applied.into()),
            shadow: Some(shadow::wire(link.shadow, link.anchor)),
            veto: link.veto.map(Into::into),
            r#override: link.reject.map(Into::into),
            holders: link.holders.into_iter().collect(),
            condition: link.condition.map(Into::into),
            recovery,
        }
    }
}

impl TryFrom<events::Link> for LinkRecord {
    type Error = Invalid;

    fn try_from(wire: events::Link) -> Result<Self, Invalid> {
        let (shadow, anchor) = shadow::read(required("shadow", wire.shadow)?)?;
        let mut link = Link {
            target: tenant("target", wire.target)?,
            desired: required("desired", wire.desired)?.try_into()?,
            desired_since: time("desired_since", wire.desired_since)?,
            anchor,
            shadow,
            applied: required("applied", wire.applied)?.try_into()?,
            veto: wire.veto.map(TryInto::try_into).transpose()?,
            reject: wire.r#override.map(TryInto::try_into).transpose()?,
            holders: wire.holders.into_iter().collect(),
            condition: wire.condition.map(TryInto::try_into).transpose()?,
        };
        let store_id = recovery::read(&wire.recovery, &mut link)?;
        Ok(Self { link, version: wire.link_version, store_id })
    }
}

impl From<Applied> for events::Applied {
    fn from(applied: Applied) -> Self {
        Self {
            version: Some(applied.version.into()),
            attributes: wire_attributes(applied.attributes),
            at: applied.at.map(wire_time),
            failed_attributes: applied.failed.into_iter().collect(),
        }
    }
}

impl TryFrom<events::Applied> for Applied {
    type Error = Invalid;

    fn try_from(wire: events::Applied) -> Result<Self, Invalid> {
        Ok(Self {
            version: required("applied.version", wire.version)?.into(),
            attributes: attributes(wire.attributes)?,
            failed: wire.failed_attributes.into_iter().collect(),
            at: optional_time("applied.at", wire.at)?,
            ..Self::default()
        })
    }
}

impl From<Veto> for events::Veto {
    fn from(veto: Veto) -> Self {
        Self { by: veto.by, reason: veto.reason, until: veto.until.map(wire_time) }
    }
}

impl TryFrom<events::Veto> for Veto {
    type Error = Invalid;

    fn try_from(wire: events::Veto) -> Result<Self, Invalid> {
        Ok(Self { by: wire.by, reason: wire.reason, until: optional_time("veto.until", wire.until)? })
    }
}

impl From<Override> for events::Override {
    fn from(reject: Override) -> Self {
        Self { by: reject.by, reason: reject.reason, against: Some(reject.against.into()) }
    }
}

impl TryFrom<events::Override> for Override {
    type Error = Invalid;

    fn try_from(wire: events::Override) -> Result<Self, Invalid> {
        Ok(Self { by: wire.by, reason: wire.reason, against: required("override.against", wire.against)?.into() })
    }
}

impl From<Condition> for events::Condition {
    fn from(condition: Condition) -> Self {
        let kind = match condition.kind {
            ConditionKind::Retry => events::ConditionKind::Retry,
            ConditionKind::Held => events::ConditionKind::Held,
            ConditionKind::Conflict => events::ConditionKind::Conflict,
            ConditionKind::Refused => events::ConditionKind::Refused,
        };
        Self {
            kind: kind.into(),
            code: condition.code,
            others: condition.others,
            attempts: condition.attempts,
            due: condition.due.map(wire_time),
            since: Some(wire_time(condition.since)),
            answer: condition.answer.map(Into::into),
        }
    }
}

impl TryFrom<events::Condition> for Condition {
    type Error = Invalid;

    fn try_from(wire: events::Condition) -> Result<Self, Invalid> {
        let kind = match enumeration("condition.kind", wire.kind)? {
            events::ConditionKind::Unspecified => return Err(missing("condition.kind")),
            events::ConditionKind::Retry => ConditionKind::Retry,
            events::ConditionKind::Held => ConditionKind::Held,
            events::ConditionKind::Conflict => ConditionKind::Conflict,
            events::ConditionKind::Refused => ConditionKind::Refused,
        };
        Ok(Self {
            kind,
            code: wire.code,
            others: wire.others,
            attempts: wire.attempts,
            due: optional_time("condition.due", wire.due)?,
            since: time("condition.since", wire.since)?,
            answer: wire.answer.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<DirectoryAnswer> for events::DirectoryAnswer {
    fn from(answer: DirectoryAnswer) -> Self {
        let DirectoryAnswer { status, code, message_class, request_id } = answer;
        Self { status: status.into(), code, message_class, request_id }
    }
}

impl TryFrom<events::DirectoryAnswer> for DirectoryAnswer {
    type Error = Invalid;

    fn try_from(wire: events::DirectoryAnswer) -> Result<Self, Invalid> {
        let events::DirectoryAnswer { status, code, message_class, request_id } = wire;
        let status = u16::try_from(status).map_err(|_| Invalid::Field("condition.answer.status", "no HTTP status".to_owned()))?;
        Ok(Self { status, code, message_class, request_id })
    }
}

#[cfg(test)]
mod tests;
