//! Attribute values, and sets of attributes in order of their names.

use std::collections::BTreeMap;

use xtsync_domain::value::Reference;
use xtsync_domain::{Attributes, Value, mapping};

use super::{Invalid, id, tenant, time, wire_time};
use crate::events;
use crate::events::attribute_value::Value as Wire;

/// Converts attributes to their wire form.
#[must_use]
pub fn wire_attributes(attributes: Attributes) -> BTreeMap<String, events::AttributeValue> {
    attributes.into_iter().map(|(name, value)| (name.into_owned(), value.into())).collect()
}

/// Converts attributes from their wire form.
///
/// # Errors
/// [`Invalid::NewerWriter`] if a value is of an unknown kind, [`Invalid::Field`] if a value is invalid.
pub fn attributes(wire: BTreeMap<String, events::AttributeValue>) -> Result<Attributes, Invalid> {
    let pairs = wire.into_iter().map(|(name, value)| Ok((mapping::name(&name), Value::try_from(value)?)));
    pairs.collect()
}

impl From<Value> for events::AttributeValue {
    fn from(value: Value) -> Self {
        let value = match value {
            Value::Null => Wire::Null(events::Null {}),
            Value::Text(text) => Wire::Text(text),
            Value::Flag(flag) => Wire::Flag(flag),
            Value::Number(number) => Wire::Number(number),
            Value::Texts(values) => Wire::Texts(events::TextList { values }),
            Value::Time(time) => Wire::Time(wire_time(time)),
            Value::Reference(Reference { tenant, user }) => Wire::Reference(events::Reference { tenant: tenant.into(), user_id: user.0 }),
            Value::Binary(bytes) => Wire::Binary(bytes),
        };
        Self { value: Some(value) }
    }
}

impl TryFrom<events::AttributeValue> for Value {
    type Error = Invalid;

    fn try_from(wire: events::AttributeValue) -> Result<Self, Invalid> {
        Ok(match wire.value.ok_or(Invalid::NewerWriter("attributes.value"))? {
            Wire::Null(events::Null {}) => Self::Null,
            Wire::Text(text) => Self::Text(text),
            Wire::Flag(flag) => Self::Flag(flag),
            Wire::Number(number) => Self::Number(number),
            Wire::Texts(texts) => Self::Texts(texts.values),
            Wire::Time(wire) => Self::Time(time("attributes.time", Some(wire))?),
            Wire::Reference(reference) => Self::Reference(Reference {
                tenant: tenant("attributes.reference.tenant", reference.tenant)?,
                user: id("attributes.reference.user_id", reference.user_id)?,
            }),
            Wire::Binary(bytes) => Self::Binary(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;
    use xtsync_domain::{TenantName, Timestamp, UserId};

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<String>().prop_map(Value::Text),
            any::<bool>().prop_map(Value::Flag),
            any::<i64>().prop_map(Value::Number),
            prop::collection::vec(any::<String>(), 0..4).prop_map(Value::Texts),
            any::<i64>().prop_map(|micros| Value::Time(Timestamp(micros))),
            ("[a-z0-9-]{1,40}", "\\PC+").prop_map(|(tenant, user)| {
                Value::Reference(Reference { tenant: TenantName::new(tenant).unwrap(), user: UserId(user) })
            }),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Binary),
        ]
    }

    proptest! {
        #[test]
        fn attributes_survive_a_round_trip_and_equal_sets_have_equal_bytes(
            set in prop::collection::btree_map(any::<String>(), value(), 0..8)
        ) {
            let set: Attributes = set.into_iter().collect();
            let message = events::Shape { attributes: wire_attributes(set.clone()), ..Default::default() };
            let bytes = message.encode_to_vec();
            let decoded = events::Shape::decode(bytes.as_slice()).unwrap();
            prop_assert_eq!(decoded.encode_to_vec(), bytes);
            prop_assert_eq!(attributes(decoded.attributes), Ok(set));
        }
    }

    #[test]
    fn an_unknown_kind_of_value_is_reported_as_newer_writer() {
        let unknown = BTreeMap::from([("badge".to_owned(), events::AttributeValue { value: None })]);
        assert_eq!(attributes(unknown), Err(Invalid::NewerWriter("attributes.value")));
    }

    #[test]
    fn a_reference_without_a_user_names_the_field() {
        let reference = Wire::Reference(events::Reference { tenant: "emea".to_owned(), user_id: String::new() });
        let wire = BTreeMap::from([("manager".to_owned(), events::AttributeValue { value: Some(reference) })]);
        assert!(matches!(attributes(wire), Err(Invalid::Field("attributes.reference.user_id", _))));
    }
}
