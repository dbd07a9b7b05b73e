//! Whether what mappings say of directory extensions is known to fit.
//!
//! Without that no user is decided: an attribute would be missing in the target that the administrator asked for. An extension that is gone
//! since stops nothing: its attribute is left as it is.

use std::collections::BTreeMap;

use super::attribute::{Attribute, ValueType};
use super::expression::checked;
use super::reads;
use super::table::{AttributeTable, Tables};
use crate::extension::{PREFIX, is_extension};
use crate::resource::{Mapping, MappingSource};

/// The extensions that one mapping reads of the source.
#[must_use]
pub fn extensions_read(from: &MappingSource) -> Vec<String> {
    let may = match from {
        MappingSource::Source(name) => is_extension(name),
        MappingSource::Expression(text) => text.contains(PREFIX),
        MappingSource::Constant(_) | MappingSource::None => false,
    };
    if may { reads(from).into_iter().filter(|name| is_extension(name)).collect() } else { Vec::new() }
}

/// Whether a mapping to that attribute reads or writes an extension.
#[must_use]
pub fn names_extension(target: &str, mapping: &Mapping) -> bool {
    is_extension(target) || !extensions_read(&mapping.from).is_empty()
}

/// Whether every mapping of an extension is known to fit.
#[must_use]
pub fn is_resolved(mappings: &BTreeMap<String, Mapping>, tables: &Tables<'_>) -> bool {
    mappings.iter().all(|(target, mapping)| fits(target, &mapping.from, tables))
}

fn fits(target: &str, from: &MappingSource, tables: &Tables<'_>) -> bool {
    let read = extensions_read(from);
    if !is_extension(target) && read.is_empty() {
        return true;
    }
    if tables.target.is_gone(target) || read.iter().any(|name| tables.source.is_gone(name)) {
        return true;
    }
    let Some(target) = tables.target.attribute(target).filter(is_written) else { return false };
    match from {
        MappingSource::Source(name) => is_read(&tables.source, name, target.value_type),
        MappingSource::Expression(text) => !tables.source.is_unread() && checked(text, target.value_type, &tables.source) == Ok(None),
        MappingSource::Constant(_) | MappingSource::None => true,
    }
}

fn is_written(target: &Attribute<'_>) -> bool {
    target.value_type != ValueType::Unread && target.target.is_writable()
}

fn is_read(source: &AttributeTable<'_>, name: &str, value_type: ValueType) -> bool {
    source.attribute(name).is_some_and(|source| source.source && source.value_type == value_type)
}

#[cfg(test)]
mod tests;
