//! `$select` and `$expand`: which properties an answer has.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::error::Failure;
use crate::object::{Object, show};
use crate::property::{self, ObjectKind, Prop, Schema};

/// The properties of one answer.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    props: Vec<Prop>,
}

impl Select {
    /// Reads `$select`; without one, the properties that Graph shows by default.
    pub(crate) fn parse(schema: &Schema, kind: ObjectKind, text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(Self { props: property::shown(kind).collect() });
        };
        let props = names(text).map(|name| find(schema, kind, name)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { props })
    }

    /// An object with the selected properties. `typed` adds `@odata.type`, as collections of mixed kinds have it.
    pub(crate) fn object<O: Object>(&self, schema: &Schema, object: &O, typed: bool) -> Json {
        let mut json = Map::new();
        if typed {
            json.insert("@odata.type".to_owned(), odata_type(O::KIND).into());
        }
        for prop in &self.props {
            json.insert(schema.name(*prop).to_owned(), show(object, schema, *prop));
        }
        Json::Object(json)
    }
}

/// What a delta query tracks.
#[derive(Debug, Clone)]
pub(crate) struct Tracked {
    pub(crate) props: Vec<Prop>,
    pub(crate) mask: u128,
    pub(crate) manager: bool,
    pub(crate) members: bool,
}

impl Tracked {
    /// Reads the `$select` of a delta query: also the references `manager` of users and `members` of groups. Without one, the default
    /// properties, and of groups the members.
    pub(crate) fn parse(schema: &Schema, kind: ObjectKind, text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            let props = property::shown(kind).filter(|prop| *prop != property::DELETED);
            return Ok(Self::of(props.collect(), false, kind == ObjectKind::Group));
        };
        let (mut props, mut manager, mut members) = (Vec::new(), false, false);
        for name in names(text) {
            match (kind, name) {
                (ObjectKind::User, "manager") => manager = true,
                (ObjectKind::Group, "members") => members = true,
                (ObjectKind::User | ObjectKind::Group | ObjectKind::Policy, _) => props.push(find(schema, kind, name)?),
            }
        }
        Ok(Self::of(props, manager, members))
    }

    fn of(props: Vec<Prop>, manager: bool, members: bool) -> Self {
        let mask = props.iter().fold(0, |mask, prop| mask | prop.bit());
        Self { props, mask: if manager { mask | property::MANAGER.bit() } else { mask }, manager, members }
    }
}

/// A reference to an object, for collections of which only ids are asked.
pub(crate) fn reference(kind: ObjectKind, id: Uuid) -> Json {
    serde_json::json!({"@odata.type": odata_type(kind), "id": id.to_string()})
}

pub(crate) fn odata_type(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => "#microsoft.graph.user",
        ObjectKind::Group => "#microsoft.graph.group",
        ObjectKind::Policy => "#microsoft.graph.crossTenantAccessPolicy",
    }
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn find(schema: &Schema, kind: ObjectKind, name: &str) -> Result<Prop, Failure> {
    let resource = if kind == ObjectKind::Group { "group" } else { "user" };
    schema.find(kind, name).ok_or_else(|| Failure::no_property(name, resource))
}
