//! User deltas: changes of a source tenant's users.

use xtsync_domain::delta::{Gone, Kind, State, User, UserDelta};

use super::time::optional_time;
use super::{Invalid, attributes, enumeration, id, missing, tenant, time, version, wire_attributes, wire_time};
use crate::events;
use crate::events::user_delta::State as Wire;

impl From<&UserDelta> for events::UserDelta {
    fn from(delta: &UserDelta) -> Self {
        delta.clone().into()
    }
}

impl From<UserDelta> for events::UserDelta {
    fn from(delta: UserDelta) -> Self {
        Self {
            tenant: delta.tenant.into(),
            user_id: delta.user.0,
            version: delta.version,
            projection: delta.projection,
            origin: events::Origin::from(delta.origin).into(),
            first_seen: Some(wire_time(delta.first_seen)),
            changed_at: delta.changed_at.map(wire_time),
            changed: delta.changed,
            before: wire_attributes(delta.before),
            state: Some(match delta.state {
                State::Present(user) => Wire::Present(user.into()),
                State::Gone(gone) => Wire::Gone(events::UserGone { reason: wire_reason(gone).into() }),
            }),
        }
    }
}

impl From<User> for events::User {
    fn from(user: User) -> Self {
        let kind = match user.kind {
            Kind::Internal => events::UserKind::Internal,
            Kind::External => events::UserKind::External,
        };
        Self {
            attributes: wire_attributes(user.attributes),
            group_ids: user.groups.into_iter().map(|group| group.0).collect(),
            nested_group_ids: user.nested_groups.into_iter().map(|group| group.0).collect(),
            kind: kind.into(),
            path: Vec::new(),
        }
    }
}

impl TryFrom<events::UserDelta> for UserDelta {
    type Error = Invalid;

    fn try_from(wire: events::UserDelta) -> Result<Self, Invalid> {
        Ok(Self {
            tenant: tenant("tenant", wire.tenant)?,
            user: id("user_id", wire.user_id)?,
            version: wire.version,
            projection: wire.projection,
            origin: version::origin(wire.origin)?,
            first_seen: time("first_seen", wire.first_seen)?,
            changed_at: optional_time("changed_at", wire.changed_at)?,
            state: match wire.state.ok_or(Invalid::NewerWriter("state"))? {
                Wire::Present(user) => State::Present(user.try_into()?),
                Wire::Gone(gone) => State::Gone(reason(gone.reason)?),
            },
            changed: wire.changed,
            before: attributes(wire.before)?,
        })
    }
}

impl TryFrom<events::User> for User {
    type Error = Invalid;

    fn try_from(wire: events::User) -> Result<Self, Invalid> {
        let kind = match enumeration("present.kind", wire.kind)? {
            events::UserKind::Unspecified => return Err(missing("present.kind")),
            events::UserKind::Internal => Kind::Internal,
            events::UserKind::External => Kind::External,
        };
        Ok(Self {
            attributes: attributes(wire.attributes)?,
            groups: wire.group_ids.into_iter().map(Into::into).collect(),
            nested_groups: wire.nested_group_ids.into_iter().map(Into::into).collect(),
            kind,
        })
    }
}

fn wire_reason(gone: Gone) -> events::UserGoneReason {
    match gone {
        Gone::SoftDeleted => events::UserGoneReason::SoftDeleted,
        Gone::Deleted => events::UserGoneReason::Deleted,
    }
}

fn reason(number: i32) -> Result<Gone, Invalid> {
    match enumeration("gone.reason", number)? {
        events::UserGoneReason::Unspecified => Err(missing("gone.reason")),
        events::UserGoneReason::SoftDeleted => Ok(Gone::SoftDeleted),
        events::UserGoneReason::Deleted => Ok(Gone::Deleted),
    }
}

#[cfg(test)]
mod tests {
    use xtsync_domain::{Attributes, Origin, TenantName, Timestamp, Value};

    use super::*;

    fn delta(state: State) -> UserDelta {
        UserDelta {
            tenant: TenantName::new("emea").unwrap(),
            user: "ana".into(),
            version: 7,
            projection: 3,
            origin: Origin::Live,
            first_seen: Timestamp(1_763_712_000_123_456),
            changed_at: Some(Timestamp(1_763_712_000_000_000)),
            state,
            changed: vec!["department".to_owned()],
            before: Attributes::from_iter([("department", Value::from("Sales"))]),
        }
    }

    fn ana() -> State {
        State::Present(User {
            attributes: Attributes::from_iter([("department", Value::from("Legal")), ("city", Value::Null)]),
            groups: vec!["g1".into(), "g2".into()],
            nested_groups: vec!["g3".into()],
            kind: Kind::Internal,
        })
    }

    #[test]
    fn a_delta_survives_a_round_trip() {
        for state in [ana(), State::Gone(Gone::SoftDeleted), State::Gone(Gone::Deleted)] {
            for changed_at in [None, Some(Timestamp(5))] {
                let delta = UserDelta { changed_at, ..delta(state.clone()) };
                assert_eq!(UserDelta::try_from(events::UserDelta::from(&delta)), Ok(delta));
            }
        }
    }

    #[test]
    fn newer_writers_and_invalid_fields_are_distinguished() {
        let good = || events::UserDelta::from(&delta(ana()));
        let gone = |reason| Some(Wire::Gone(events::UserGone { reason }));
        let kind = |kind| Some(Wire::Present(events::User { kind, ..Default::default() }));
        for (wire, want) in [
            (events::UserDelta { state: None, ..good() }, Invalid::NewerWriter("state")),
            (events::UserDelta { state: gone(9), ..good() }, Invalid::NewerWriter("gone.reason")),
            (events::UserDelta { state: kind(9), ..good() }, Invalid::NewerWriter("present.kind")),
            (events::UserDelta { origin: 9, ..good() }, Invalid::NewerWriter("origin")),
            (events::UserDelta { state: gone(0), ..good() }, missing("gone.reason")),
            (events::UserDelta { state: kind(0), ..good() }, missing("present.kind")),
            (events::UserDelta { user_id: String::new(), ..good() }, missing("user_id")),
            (events::UserDelta { tenant: String::new(), ..good() }, missing("tenant")),
            (events::UserDelta { first_seen: None, ..good() }, missing("first_seen")),
        ] {
            assert_eq!(UserDelta::try_from(wire), Err(want));
        }
        let wire = events::UserDelta { tenant: "EMEA/x".to_owned(), ..good() };
        assert!(matches!(UserDelta::try_from(wire), Err(Invalid::Field("tenant", _))));
    }
}
