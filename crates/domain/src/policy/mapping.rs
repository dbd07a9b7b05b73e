//! Maps a source user's attributes to attributes in a target.
//!
//! The defaults of [`attribute`], what the synchronization maps on top of them, and what the target keeps for itself are compiled once a
//! revision into one list; mapping a user is a walk over that list. What was not read is never written: only an explicit null clears.

mod attribute;
mod attributes;

use std::collections::{BTreeMap, BTreeSet};

pub use attribute::{Attribute, ByDefault, Target, ValueType};
pub use attributes::{attribute, is_writable, known};

use crate::resource::{Apply, Mapping, MappingSource, Nulls, PartnerTerms, Synchronization, UserType};
use crate::{Attributes, Value};

/// The compiled mappings of one synchronization.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mappings(Vec<Row>);

/// The mapped attributes of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapped {
    /// Written at creation and kept equal; a null clears the attribute.
    pub attributes: Attributes,
    /// Written at creation only.
    pub on_create: Attributes,
}

/// One target attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Row {
    target: String,
    value_type: ValueType,
    from: Input,
    apply: Apply,
    /// Whether a null is written.
    clears: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Input {
    Attribute(String),
    Constant(Value),
}

/// The compiled mappings of a synchronization. What the target's terms keep for the target is written at creation only.
pub(crate) fn of(synchronization: &Synchronization, terms: Option<&PartnerTerms>) -> Mappings {
    let keeps = terms.map(|terms| terms.keeps.clone()).unwrap_or_default();
    compile(&synchronization.mappings, synchronization.nulls, &keeps)
}

/// Compiles mappings: the defaults, `written` on top of them, and `keeps`, what the target lets be written at creation only.
///
/// What [`crate::configuration::validate`] refuses is left out here.
#[must_use]
pub fn compile(written: &BTreeMap<String, Mapping>, nulls: Nulls, keeps: &BTreeSet<String>) -> Mappings {
    let row = |attribute: &Attribute| {
        let (from, mut apply) = match written.get(attribute.name) {
            Some(mapping) => (compiled(&mapping.from, attribute.value_type)?, mapping.apply),
            None => by_default(attribute)?,
        };
        let clears = match attribute.target {
            Target::Clearable => nulls == Nulls::Clear,
            Target::Required => false,
            Target::Never(_) => return None,
        };
        if keeps.contains(attribute.name) {
            apply = Apply::OnCreate;
        }
        Some(Row { target: attribute.name.to_owned(), value_type: attribute.value_type, from, apply, clears })
    };
    Mappings(known().iter().filter_map(row).collect())
}

/// Maps one user's attributes.
#[must_use]
pub fn map(mappings: &Mappings, attributes: &Attributes) -> Mapped {
    let mut mapped = Mapped::default();
    for row in &mappings.0 {
        let value = match &row.from {
            Input::Constant(value) => value,
            Input::Attribute(name) => match attributes.get(name) {
                Some(value) if row.value_type.holds(value) => value,
                Some(_) | None => continue,
            },
        };
        match (row.apply, value) {
            (Apply::Always, Value::Null) if !row.clears => {}
            (Apply::OnCreate, Value::Null) => {}
            (Apply::Always, value) => mapped.attributes.insert(row.target.as_str(), value.clone()),
            (Apply::OnCreate, value) => mapped.on_create.insert(row.target.as_str(), value.clone()),
        }
    }
    mapped
}

impl Mappings {
    /// The source attributes that are read.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|row| match &row.from {
            Input::Attribute(name) => Some(name.as_str()),
            Input::Constant(_) => None,
        })
    }

    /// The source attributes whose value has a type that the target attribute cannot hold. They are not written.
    pub fn invalid<'a>(&'a self, attributes: &Attributes) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(|row| match &row.from {
            Input::Attribute(name) => attributes.get(name).filter(|value| !row.value_type.holds(value)).map(|_| name.as_str()),
            Input::Constant(_) => None,
        })
    }

    /// The mapped user type. Without one, an invitation creates a guest.
    #[must_use]
    pub fn user_type(&self) -> UserType {
        let row = self.0.iter().find(|row| row.target == "userType");
        match row.map(|row| &row.from) {
            Some(Input::Constant(Value::Text(text))) if text == "Member" => UserType::Member,
            Some(Input::Constant(_) | Input::Attribute(_)) | None => UserType::Guest,
        }
    }
}

fn compiled(from: &MappingSource, value_type: ValueType) -> Option<Input> {
    match from {
        MappingSource::Source(name) => Some(Input::Attribute(name.clone())),
        MappingSource::Constant(text) => value_type.constant(text).map(Input::Constant),
        MappingSource::None => None,
    }
}

fn by_default(attribute: &Attribute) -> Option<(Input, Apply)> {
    match attribute.default {
        ByDefault::Direct => Some((Input::Attribute(attribute.name.to_owned()), Apply::Always)),
        ByDefault::OnCreate(text) => Some((Input::Constant(text.into()), Apply::OnCreate)),
        ByDefault::Unmapped => None,
    }
}

#[cfg(test)]
mod tests;
