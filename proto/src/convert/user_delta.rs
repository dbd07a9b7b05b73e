//! Changes of users.

use xtsync_domain::delta::{Gone, Kind, State, User, UserDelta};

use super::time::optional_time;
use super::{Invalid, attributes, enumeration, id, missing, tenant, time, version, wire_attributes, wire_time};
use crate::v1;
use crate::v1::user_delta::State as Wire;

impl From<&UserDelta> for v1::UserDelta {
    fn from(delta: &UserDelta) -> Self {
        delta.clone().into()
    }
}

impl From<UserDelta> for v1::UserDelta {
    fn from(delta: UserDelta) -> Self {
        Self {
            tenant: delta.tenant.into(),
            user_id: delta.user.0,
            version: delta.version,
            projection: delta.projection,
            origin: v1::Origin::from(delta.origin).into(),
            first_seen: Some(wire_time(delta.first_seen)),
            changed_at: delta.changed_at.map(wire_time),
            changed: delta.changed,
            before: wire_attributes(delta.before),
            state: Some(match delta.state {
                State::Present(user) => Wire::Present(user.into()),
                State::Gone(gone) => Wire::Gone(v1::UserGone { reason: wire_reason(gone).into() }),
            }),
        }
    }
}

impl From<User> for v1::User {
    fn from(user: User) -> Self {
        let kind = match user.kind {
            Kind::Internal => v1::UserKind::Internal,
            Kind::External => v1::UserKind::External,
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

impl TryFrom<v1::UserDelta> for UserDelta {
    type Error = Invalid;

    fn try_from(wire: v1::UserDelta) -> Result<Self, Invalid> {
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

impl TryFrom<v1::User> for User {
    type Error = Invalid;

    fn try_from(wire: v1::User) -> Result<Self, Invalid> {
        let kind = match enumeration("present.kind", wire.kind)? {
            v1::UserKind::Unspecified => return Err(missing("present.kind")),
            v1::UserKind::Internal => Kind::Internal,
            v1::UserKind::External => Kind::External,
        };
        Ok(Self {
            attributes: attributes(wire.attributes)?,
            groups: wire.group_ids.into_iter().map(Into::into).collect(),
            nested_groups: wire.nested_group_ids.into_iter().map(Into::into).collect(),
            kind,
        })
    }
}

fn wire_reason(gone: Gone) -> v1::UserGoneReason {
    match gone {
        Gone::SoftDeleted => v1::UserGoneReason::SoftDeleted,
        Gone::Deleted => v1::UserGoneReason::Deleted,
    }
}

fn reason(number: i32) -> Result<Gone, Invalid> {
    match enumeration("gone.reason", number)? {
        v1::UserGoneReason::Unspecified => Err(missing("gone.reason")),
        v1::UserGoneReason::SoftDeleted => Ok(Gone::SoftDeleted),
        v1::UserGoneReason::Deleted => Ok(Gone::Deleted),
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
    fn a_delta_reads_back_as_it_was() {
        for state in [ana(), State::Gone(Gone::SoftDeleted), State::Gone(Gone::Deleted)] {
            for changed_at in [None, Some(Timestamp(5))] {
                let delta = UserDelta { changed_at, ..delta(state.clone()) };
                assert_eq!(UserDelta::try_from(v1::UserDelta::from(&delta)), Ok(delta));
            }
        }
    }

    #[test]
    fn what_a_newer_writer_wrote_is_told_from_what_is_broken() {
        let good = || v1::UserDelta::from(&delta(ana()));
        let gone = |reason| Some(Wire::Gone(v1::UserGone { reason }));
        let kind = |kind| Some(Wire::Present(v1::User { kind, ..Default::default() }));
        for (wire, want) in [
            (v1::UserDelta { state: None, ..good() }, Invalid::NewerWriter("state")),
            (v1::UserDelta { state: gone(9), ..good() }, Invalid::NewerWriter("gone.reason")),
            (v1::UserDelta { state: kind(9), ..good() }, Invalid::NewerWriter("present.kind")),
            (v1::UserDelta { origin: 9, ..good() }, Invalid::NewerWriter("origin")),
            (v1::UserDelta { state: gone(0), ..good() }, missing("gone.reason")),
            (v1::UserDelta { state: kind(0), ..good() }, missing("present.kind")),
            (v1::UserDelta { user_id: String::new(), ..good() }, missing("user_id")),
            (v1::UserDelta { tenant: String::new(), ..good() }, missing("tenant")),
            (v1::UserDelta { first_seen: None, ..good() }, missing("first_seen")),
        ] {
            assert_eq!(UserDelta::try_from(wire), Err(want));
        }
        let wire = v1::UserDelta { tenant: "EMEA/x".to_owned(), ..good() };
        assert!(matches!(UserDelta::try_from(wire), Err(Invalid::Field("tenant", _))));
    }
}
