//! Facts about a tenant, besides its users.

use xtsync_domain::extension::{DataType, Extension, Extensions};
use xtsync_domain::fact::{AccessPolicy, Fact, Group, GroupState, Identity, Partner, Redemption, TenantFact};

use super::{Invalid, enumeration, id, missing, required, time, wire_time};
use crate::events;
use crate::events::tenant_fact::Fact as Wire;

impl From<&TenantFact> for events::TenantFact {
    fn from(fact: &TenantFact) -> Self {
        fact.clone().into()
    }
}

impl From<TenantFact> for events::TenantFact {
    fn from(TenantFact { version, read_at, fact }: TenantFact) -> Self {
        let fact = match fact {
            Fact::Group(group) => {
                Wire::Group(events::GroupFact { id: group.id.0, name: group.name, state: wire_state(group.state).into() })
            }
            Fact::GroupName { name, ids, resolution } => {
                Wire::GroupName(events::GroupName { name, ids: ids.into_iter().map(|id| id.0).collect(), resolution })
            }
            Fact::AccessPolicy(policy) => Wire::AccessPolicy(policy.into()),
            Fact::Identity(Identity { directory_id, verified_domains, default_domain }) => {
                let default_domain = default_domain.unwrap_or_default();
                Wire::Identity(events::TenantIdentity { directory_id: directory_id.into(), verified_domains, default_domain })
            }
            Fact::Extensions(extensions) => Wire::Extensions(extensions.into()),
            Fact::Freshness { round, completed_at } => {
                Wire::Freshness(events::Freshness { cycle: round, completed_at: Some(wire_time(completed_at)) })
            }
        };
        Self { version, read_at: Some(wire_time(read_at)), fact: Some(fact) }
    }
}

impl From<AccessPolicy> for events::AccessPolicy {
    fn from(policy: AccessPolicy) -> Self {
        let partners = policy.partners.into_iter().map(|(directory_id, partner)| events::Partner {
            directory_id: directory_id.into(),
            sync_allowed: partner.sync_allowed,
            redemption: Some(partner.redemption.into()),
        });
        Self { default: Some(policy.default.into()), partners: partners.collect() }
    }
}

impl From<Extensions> for events::Extensions {
    fn from(extensions: Extensions) -> Self {
        let users = extensions.0.into_iter().map(|(name, extension)| events::Extension {
            name,
            r#type: wire_type(extension.data_type).into(),
            is_multi_valued: extension.is_multi_valued,
        });
        Self { users: users.collect() }
    }
}

impl From<Redemption> for events::Redemption {
    fn from(redemption: Redemption) -> Self {
        Self { inbound: redemption.inbound, outbound: redemption.outbound }
    }
}

impl TryFrom<events::TenantFact> for TenantFact {
    type Error = Invalid;

    fn try_from(wire: events::TenantFact) -> Result<Self, Invalid> {
        let fact = match wire.fact.ok_or(Invalid::NewerWriter("fact"))? {
            Wire::Group(group) => Fact::Group(Group { id: id("group.id", group.id)?, name: group.name, state: state(group.state)? }),
            Wire::GroupName(found) => {
                let ids = found.ids.into_iter().map(Into::into).collect();
                Fact::GroupName { name: id("group_name.name", found.name)?, ids, resolution: found.resolution }
            }
            Wire::AccessPolicy(policy) => Fact::AccessPolicy(policy.try_into()?),
            Wire::Identity(identity) => Fact::Identity(Identity {
                directory_id: id::<String>("identity.directory_id", identity.directory_id)?.into(),
                verified_domains: identity.verified_domains,
                default_domain: Some(identity.default_domain).filter(|domain| !domain.is_empty()),
            }),
            Wire::Extensions(extensions) => Fact::Extensions(extensions.try_into()?),
            Wire::Freshness(freshness) => {
                let completed_at = time("freshness.completed_at", freshness.completed_at)?;
                Fact::Freshness { round: freshness.cycle, completed_at }
            }
        };
        Ok(Self { version: wire.version, read_at: time("read_at", wire.read_at)?, fact })
    }
}

impl TryFrom<events::Extensions> for Extensions {
    type Error = Invalid;

    fn try_from(wire: events::Extensions) -> Result<Self, Invalid> {
        let users = wire.users.into_iter().map(|extension| {
            let data_type = data_type(extension.r#type());
            Ok((id("extensions.users.name", extension.name)?, Extension { data_type, is_multi_valued: extension.is_multi_valued }))
        });
        Ok(Self(users.collect::<Result<_, Invalid>>()?))
    }
}

impl TryFrom<events::AccessPolicy> for AccessPolicy {
    type Error = Invalid;

    fn try_from(wire: events::AccessPolicy) -> Result<Self, Invalid> {
        let partners = wire.partners.into_iter().map(|partner| {
            let redemption = redemption(required("access_policy.partners.redemption", partner.redemption)?);
            let directory_id: String = id("access_policy.partners.directory_id", partner.directory_id)?;
            Ok((directory_id.into(), Partner { sync_allowed: partner.sync_allowed, redemption }))
        });
        let default = redemption(required("access_policy.default", wire.default)?);
        Ok(Self { default, partners: partners.collect::<Result<_, Invalid>>()? })
    }
}

fn redemption(wire: events::Redemption) -> Redemption {
    Redemption { inbound: wire.inbound, outbound: wire.outbound }
}

fn wire_type(data_type: DataType) -> events::ExtensionType {
    match data_type {
        DataType::Binary => events::ExtensionType::Binary,
        DataType::Boolean => events::ExtensionType::Boolean,
        DataType::DateTime => events::ExtensionType::DateTime,
        DataType::Integer => events::ExtensionType::Integer,
        DataType::LargeInteger => events::ExtensionType::LargeInteger,
        DataType::String => events::ExtensionType::String,
        DataType::Other => events::ExtensionType::Unspecified,
    }
}

/// A type of a newer version is another one, which no mapping carries: that stops nothing.
fn data_type(wire: events::ExtensionType) -> DataType {
    match wire {
        events::ExtensionType::Binary => DataType::Binary,
        events::ExtensionType::Boolean => DataType::Boolean,
        events::ExtensionType::DateTime => DataType::DateTime,
        events::ExtensionType::Integer => DataType::Integer,
        events::ExtensionType::LargeInteger => DataType::LargeInteger,
        events::ExtensionType::String => DataType::String,
        events::ExtensionType::Unspecified => DataType::Other,
    }
}

fn wire_state(state: GroupState) -> events::GroupState {
    match state {
        GroupState::Present => events::GroupState::Present,
        GroupState::Gone => events::GroupState::Gone,
        GroupState::Unreadable => events::GroupState::Unreadable,
    }
}

fn state(number: i32) -> Result<GroupState, Invalid> {
    match enumeration("group.state", number)? {
        events::GroupState::Unspecified => Err(missing("group.state")),
        events::GroupState::Present => Ok(GroupState::Present),
        events::GroupState::Gone => Ok(GroupState::Gone),
        events::GroupState::Unreadable => Ok(GroupState::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use xtsync_domain::Timestamp;

    use super::*;

    /// One of each type, and one with several values.
    fn extensions() -> Extensions {
        use DataType::{Binary, Boolean, DateTime, Integer, LargeInteger, Other, String};
        let types = [Binary, Boolean, DateTime, Integer, LargeInteger, String, Other].into_iter().zip("abcdefg".chars());
        let extension = |data_type, is_multi_valued| Extension { data_type, is_multi_valued };
        let single = types.map(|(data_type, name)| (name.to_string(), extension(data_type, false)));
        Extensions(single.chain([("h".to_owned(), extension(String, true))]).collect())
    }

    #[test]
    fn a_type_that_a_newer_version_knows_is_another_one() {
        let users = vec![events::Extension { name: "a".to_owned(), r#type: 99, is_multi_valued: false }];
        let read = Extensions::try_from(events::Extensions { users }).unwrap();
        assert_eq!(read.0["a"].data_type, DataType::Other);
    }

    fn facts() -> Vec<Fact> {
        let group = |state| Fact::Group(Group { id: "g1".into(), name: "Sales".to_owned(), state });
        let partner = Partner { sync_allowed: Some(false), redemption: Redemption { inbound: Some(true), outbound: None } };
        let partners = BTreeMap::from([("d1".into(), partner), ("d2".into(), Partner::default())]);
        let default = Redemption { inbound: None, outbound: Some(true) };
        vec![
            group(GroupState::Present),
            group(GroupState::Gone),
            group(GroupState::Unreadable),
            Fact::GroupName { name: "Sales".to_owned(), ids: vec!["g1".into(), "g2".into()], resolution: 7 },
            Fact::AccessPolicy(AccessPolicy { default, partners }),
            Fact::AccessPolicy(AccessPolicy::default()),
            Fact::Identity(Identity {
                directory_id: "d1".into(),
                verified_domains: vec!["contoso.example".to_owned()],
                default_domain: Some("contoso.example".to_owned()),
            }),
            Fact::Extensions(extensions()),
            Fact::Freshness { round: 4, completed_at: Timestamp(9) },
        ]
    }

    #[test]
    fn a_fact_survives_a_round_trip_and_unset_stays_unset() {
        for fact in facts() {
            let fact = TenantFact { version: 3, read_at: Timestamp(8), fact };
            assert_eq!(TenantFact::try_from(events::TenantFact::from(&fact)), Ok(fact));
        }
    }

    #[test]
    fn newer_writers_and_invalid_fields_are_distinguished() {
        let wire = |fact| events::TenantFact { version: 1, read_at: Some(wire_time(Timestamp(1))), fact };
        let group = |id: &str, state| Some(Wire::Group(events::GroupFact { id: id.to_owned(), name: String::new(), state }));
        for (wire, want) in [
            (wire(None), Invalid::NewerWriter("fact")),
            (wire(group("g1", 9)), Invalid::NewerWriter("group.state")),
            (wire(group("g1", 0)), missing("group.state")),
            (wire(group("", 1)), missing("group.id")),
            (events::TenantFact { read_at: None, ..wire(group("g1", 1)) }, missing("read_at")),
            (wire(Some(Wire::AccessPolicy(events::AccessPolicy::default()))), missing("access_policy.default")),
        ] {
            assert_eq!(TenantFact::try_from(wire), Err(want));
        }
    }
}
