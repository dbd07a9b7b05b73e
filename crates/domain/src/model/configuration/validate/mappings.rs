//! The rules over written mappings: what the directories allow (pitfall R6), said before a call fails on it.

use std::collections::BTreeMap;

use xtsync_language::nearest;

use super::Found;
use crate::TenantName;
use crate::extension::{is_extension, own_name};
use crate::mapping::{self, Attribute, AttributeTable, Tables, Target, ValueType, checked};
use crate::resource::{Mapping, MappingSource};

/// The directories between which is mapped, and how messages name them.
pub(super) struct Sides<'a> {
    pub(super) source: &'a TenantName,
    pub(super) target: &'a TenantName,
    pub(super) tables: Tables<'a>,
}

/// Checks the mappings that name no directory extension; the others see [`super::extensions`].
pub(super) fn check(source: &TenantName, target: &TenantName, mappings: &BTreeMap<String, Mapping>, found: &mut Found<'_>) {
    let sides = Sides { source, target, tables: Tables::default() };
    for (name, mapping) in mappings.iter().filter(|(name, mapping)| !mapping::names_extension(name, mapping)) {
        check_one(name, mapping, &sides, found);
    }
}

/// Checks one mapping.
pub(super) fn check_one(name: &str, mapping: &Mapping, sides: &Sides<'_>, found: &mut Found<'_>) {
    let path = format!("spec.mappings.{name}");
    let table = &sides.tables.target;
    match table.attribute(name).map(|target| (target, target.target)) {
        None if is_extension(name) => found.add(path, no_extension(name, sides.target, table)),
        None => found.add(path, "is no attribute that mappings know"),
        Some((_, Target::Never(why))) => found.add(path, format!("must not be written: {why}")),
        Some((target, Target::Clearable | Target::Required)) => {
            check_origin(&path, &target, &mapping.from, sides, found);
            check_default(&path, &target, mapping, found);
        }
    }
}

/// That a tenant has no extension of that name, and which one may be meant.
fn no_extension(name: &str, tenant: &TenantName, table: &AttributeTable<'_>) -> String {
    let gone = if table.is_gone(name) { " any more" } else { "" };
    // Names differ in what the application has called them; the rest says little.
    let own = nearest(own_name(name).unwrap_or_default(), table.extensions().filter_map(own_name));
    let meant = own.and_then(|own| table.extensions().find(|known| own_name(known) == Some(&own)));
    let meant = meant.map(|meant| format!(", did you mean `{meant}`?")).unwrap_or_default();
    let none = if table.extensions().next().is_none() { ": the directory lists none" } else { "" };
    format!("there is no directory extension `{name}` in Tenant '{tenant}'{gone}{meant}{none}")
}

/// Why an attribute cannot be read from a source.
fn unreadable(name: &str, sides: &Sides<'_>) -> String {
    let table = &sides.tables.source;
    match table.attribute(name).map(|attribute| attribute.target) {
        None if is_extension(name) => no_extension(name, sides.source, table),
        Some(Target::Never(why)) if is_extension(name) => format!("'{name}' cannot be read: {why}"),
        None | Some(_) => format!("'{name}' is no attribute that can be read from a source"),
    }
}

fn check_origin(path: &str, target: &Attribute<'_>, from: &MappingSource, sides: &Sides<'_>, found: &mut Found<'_>) {
    match from {
        MappingSource::Source(name) => match sides.tables.source.attribute(name).filter(|source| source.source) {
            None => found.add(format!("{path}.source"), unreadable(name, sides)),
            Some(source) if source.value_type == ValueType::Unread || target.value_type == ValueType::Unread => {}
            Some(source) if source.value_type != target.value_type => {
                let message =
                    format!("'{name}' holds {} and '{}' holds {}", describe(source.value_type), target.name, describe(target.value_type));
                found.add(format!("{path}.source"), message);
            }
            Some(_) => {}
        },
        MappingSource::Constant(_) if target.value_type == ValueType::Unread => {}
        MappingSource::Constant(text) => match (target.name, target.value_type.constant(text)) {
            ("userType", Some(_)) if !matches!(text.as_str(), "Member" | "Guest") => {
                found.add(format!("{path}.constant"), "is neither Member nor Guest");
            }
            (_, Some(_)) => {}
            (_, None) if text.is_empty() => found.add(format!("{path}.constant"), "is empty"),
            (_, None) => found.add(format!("{path}.constant"), format!("cannot be {}", describe(target.value_type))),
        },
        MappingSource::Expression(text) => check_expression(&format!("{path}.expression"), target, text, sides, found),
        MappingSource::None if target.name == "displayName" => {
            found.add(format!("{path}.none"), "a user cannot be without a display name; a target that wants its own `keeps` it");
        }
        MappingSource::None => {}
    }
}

fn check_expression(path: &str, target: &Attribute<'_>, text: &str, sides: &Sides<'_>, found: &mut Found<'_>) {
    match checked(text, target.value_type, &sides.tables.source) {
        Err(error) => found.add_at(path, &error, text),
        Ok(Some(kind)) => {
            found.add(path.to_owned(), format!("gives {} and '{}' holds {}", kind.describe(), target.name, describe(target.value_type)));
        }
        Ok(None) if target.name == "userType" => found.add(path.to_owned(), "must be a constant: a target admits user types and not users"),
        Ok(None) => {}
    }
}

fn check_default(path: &str, target: &Attribute<'_>, mapping: &Mapping, found: &mut Found<'_>) {
    let Some(text) = &mapping.default else { return };
    if let MappingSource::Constant(_) | MappingSource::None = mapping.from {
        found.add(format!("{path}.default"), "has no effect beside a constant or `none`");
    } else if target.value_type != ValueType::Unread && target.value_type.constant(text).is_none() {
        found.add(format!("{path}.default"), format!("cannot be {}", describe(target.value_type)));
    }
}

fn describe(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "a text",
        ValueType::Texts => "a list of texts",
        ValueType::Flag => "a truth value",
        ValueType::Number => "a whole number",
        ValueType::Time => "a moment",
        ValueType::Unread => "what is not read yet",
        ValueType::Other => "what no mapping carries",
    }
}
