//! The rules over written mappings: what the directories allow (pitfall R6), said before a call fails on it.

use std::collections::BTreeMap;

use super::Found;
use crate::mapping::{Attribute, Target, ValueType, attribute, checked};
use crate::resource::{Mapping, MappingSource};

pub(super) fn check(mappings: &BTreeMap<String, Mapping>, found: &mut Found<'_>) {
    for (name, mapping) in mappings {
        let path = format!("spec.mappings.{name}");
        match attribute(name).map(|target| (target, target.target)) {
            None => found.add(path, "is no attribute that mappings know"),
            Some((_, Target::Never(why))) => found.add(path, format!("must not be written: {why}")),
            Some((target, Target::Clearable | Target::Required)) => {
                check_origin(&path, target, &mapping.from, found);
                check_default(&path, target, mapping, found);
            }
        }
    }
}

fn check_origin(path: &str, target: &Attribute, from: &MappingSource, found: &mut Found<'_>) {
    match from {
        MappingSource::Source(name) => match attribute(name).filter(|source| source.source) {
            None => found.add(format!("{path}.source"), format!("'{name}' is no attribute that can be read from a source")),
            Some(source) if source.value_type != target.value_type => {
                let message =
                    format!("'{name}' holds {} and '{}' holds {}", describe(source.value_type), target.name, describe(target.value_type));
                found.add(format!("{path}.source"), message);
            }
            Some(_) => {}
        },
        MappingSource::Constant(text) => match (target.name, target.value_type.constant(text)) {
            ("userType", Some(_)) if !matches!(text.as_str(), "Member" | "Guest") => {
                found.add(format!("{path}.constant"), "is neither Member nor Guest");
            }
            (_, Some(_)) => {}
            (_, None) if text.is_empty() => found.add(format!("{path}.constant"), "is empty"),
            (_, None) => found.add(format!("{path}.constant"), format!("cannot be {}", describe(target.value_type))),
        },
        MappingSource::Expression(text) => check_expression(&format!("{path}.expression"), target, text, found),
        MappingSource::None if target.name == "displayName" => {
            found.add(format!("{path}.none"), "a user cannot be without a display name; a target that wants its own `keeps` it");
        }
        MappingSource::None => {}
    }
}

fn check_expression(path: &str, target: &Attribute, text: &str, found: &mut Found<'_>) {
    match checked(text, target.value_type) {
        Err(error) => found.add_at(path, &error, text),
        Ok(Some(kind)) => {
            found.add(path.to_owned(), format!("gives {} and '{}' holds {}", kind.describe(), target.name, describe(target.value_type)));
        }
        Ok(None) if target.name == "userType" => found.add(path.to_owned(), "must be a constant: a target admits user types and not users"),
        Ok(None) => {}
    }
}

fn check_default(path: &str, target: &Attribute, mapping: &Mapping, found: &mut Found<'_>) {
    let Some(text) = &mapping.default else { return };
    if let MappingSource::Constant(_) | MappingSource::None = mapping.from {
        found.add(format!("{path}.default"), "has no effect beside a constant or `none`");
    } else if target.value_type.constant(text).is_none() {
        found.add(format!("{path}.default"), format!("cannot be {}", describe(target.value_type)));
    }
}

fn describe(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "a text",
        ValueType::Texts => "a list of texts",
        ValueType::Flag => "a truth value",
        ValueType::Time => "a moment",
        ValueType::Other => "what no mapping carries",
    }
}
