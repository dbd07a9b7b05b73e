//! The shadow user of a link. One message serves all stages, because most of its fields are the same in all of them.

use xtsync_domain::Timestamp;
use xtsync_domain::link::{Account, DisabledBy, Inviting, Sessions, Shadow, Stage};

use crate::convert::time::optional_time;
use crate::convert::{Invalid, enumeration, id, missing, time, wire_time};
use crate::events;
use crate::events::ShadowState as Wire;

pub(super) fn wire(shadow: Shadow, anchor: Option<String>) -> events::Shadow {
    let anchor = anchor.unwrap_or_default();
    match shadow {
        Shadow::None => events::Shadow { state: Wire::None.into(), anchor, ..events::Shadow::default() },
        Shadow::Inviting(inviting) => events::Shadow {
            state: Wire::Inviting.into(),
            anchor,
            target_id: inviting.id.map(|id| id.0).unwrap_or_default(),
            address: inviting.address,
            since: Some(wire_time(inviting.began)),
            ..events::Shadow::default()
        },
        Shadow::Object(account) => {
            let (state, since) = wire_stage(account.stage);
            events::Shadow {
                state: state.into(),
                target_id: account.id.0,
                anchor,
                enabled: account.enabled,
                disabled_by: wire_disabled_by(account.disabled_by).into(),
                sessions: wire_sessions(account.sessions).into(),
                redeemed: account.redeemed,
                address: account.address,
                created_at: Some(wire_time(account.created_at)),
                since: since.map(wire_time),
                former_user_id: account.taken_from.map(|user| user.0).unwrap_or_default(),
            }
        }
    }
}

/// Reads what is public of a shadow user, and the anchor.
pub(super) fn read(mut wire: events::Shadow) -> Result<(Shadow, Option<String>), Invalid> {
    let anchor = Some(std::mem::take(&mut wire.anchor)).filter(|anchor| !anchor.is_empty());
    let since = || time("shadow.since", wire.since);
    let stage = match enumeration("shadow.state", wire.state)? {
        Wire::Unspecified => return Err(missing("shadow.state")),
        Wire::None => return Ok((Shadow::None, anchor)),
        Wire::Inviting => {
            let id = Some(wire.target_id).filter(|id| !id.is_empty()).map(Into::into);
            return Ok((Shadow::Inviting(Inviting { address: wire.address, began: time("shadow.since", wire.since)?, id }), anchor));
        }
        Wire::Unverified => Stage::Unverified,
        Wire::Live => Stage::Live,
        Wire::Deprovisioning => Stage::Deprovisioning { since: since()? },
        Wire::SoftDeleted => Stage::SoftDeleted { since: since()? },
        Wire::Restoring => Stage::Restoring { since: since()? },
    };
    let account = Account {
        id: id("shadow.target_id", wire.target_id)?,
        stage,
        enabled: wire.enabled,
        disabled_by: disabled_by(wire.disabled_by)?,
        sessions: sessions(wire.sessions)?,
        redeemed: wire.redeemed,
        address: wire.address,
        created_at: optional_time("shadow.created_at", wire.created_at)?.ok_or_else(|| missing("shadow.created_at"))?,
        creation_incomplete: false,
        former_anchor: None,
        access_taken_at: None,
        taken_from: Some(wire.former_user_id).filter(|id| !id.is_empty()).map(Into::into),
    };
    Ok((Shadow::Object(account), anchor))
}

fn wire_stage(stage: Stage) -> (Wire, Option<Timestamp>) {
    match stage {
        Stage::Unverified => (Wire::Unverified, None),
        Stage::Live => (Wire::Live, None),
        Stage::Deprovisioning { since } => (Wire::Deprovisioning, Some(since)),
        Stage::SoftDeleted { since } => (Wire::SoftDeleted, Some(since)),
        Stage::Restoring { since } => (Wire::Restoring, Some(since)),
    }
}

fn wire_disabled_by(disabled_by: DisabledBy) -> events::DisabledBy {
    match disabled_by {
        DisabledBy::None => events::DisabledBy::None,
        DisabledBy::Xtsync => events::DisabledBy::Xtsync,
        DisabledBy::Target => events::DisabledBy::Target,
    }
}

fn disabled_by(number: i32) -> Result<DisabledBy, Invalid> {
    match enumeration("shadow.disabled_by", number)? {
        events::DisabledBy::Unspecified => Err(missing("shadow.disabled_by")),
        events::DisabledBy::None => Ok(DisabledBy::None),
        events::DisabledBy::Xtsync => Ok(DisabledBy::Xtsync),
        events::DisabledBy::Target => Ok(DisabledBy::Target),
    }
}

fn wire_sessions(sessions: Sessions) -> events::SessionState {
    match sessions {
        Sessions::Open => events::SessionState::Open,
        Sessions::Ended => events::SessionState::Ended,
        Sessions::Refused => events::SessionState::Refused,
    }
}

fn sessions(number: i32) -> Result<Sessions, Invalid> {
    match enumeration("shadow.sessions", number)? {
        events::SessionState::Unspecified => Err(missing("shadow.sessions")),
        events::SessionState::Open => Ok(Sessions::Open),
        events::SessionState::Ended => Ok(Sessions::Ended),
        events::SessionState::Refused => Ok(Sessions::Refused),
    }
}
