//! The rules over mappings of directory extensions, whose types only the directories know.
//!
//! What is not read yet is no mistake: the synchronization waits for it and is checked then.

use super::mappings::{Sides, check_one};
use super::{Found, Problem, filter};
use crate::configuration::Configuration;
use crate::extension::is_extension;
use crate::mapping::extensions_read;
use crate::resource::{Id, Synchronization};
use crate::{TenantName, mapping, scope};

/// Every mistake in what a synchronization's mappings and filter say of extensions, as far as the extensions are known.
#[must_use]
pub fn extension_problems(id: &Id, synchronization: &Synchronization, configuration: &Configuration) -> Vec<Problem> {
    let mut problems = Vec::new();
    check(id, synchronization, configuration, &mut Found { id, problems: &mut problems });
    problems
}

/// The fields of a synchronization that name an extension of a directory which was not read yet, each with its tenant.
#[must_use]
pub fn unread_extensions(id: &Id, synchronization: &Synchronization, configuration: &Configuration) -> Vec<(String, TenantName)> {
    let mut unread = Vec::new();
    let source = id.tenant.as_ref().filter(|source| configuration.attributes(source).is_unread());
    if let Some(source) = source.filter(|_| scope::names_extension(&synchronization.scope)) {
        unread.push(("spec.scope.where".to_owned(), source.clone()));
    }
    for (target, mapping) in &synchronization.mappings {
        let path = format!("spec.mappings.{target}");
        if is_extension(target) && configuration.attributes(&synchronization.to).is_unread() {
            unread.push((path, synchronization.to.clone()));
        } else if let Some(source) = source
            && !extensions_read(&mapping.from).is_empty()
        {
            unread.push((path, source.clone()));
        }
    }
    unread
}

pub(super) fn check(id: &Id, synchronization: &Synchronization, configuration: &Configuration, found: &mut Found<'_>) {
    let Some(source) = &id.tenant else { return };
    let sides = Sides { source, target: &synchronization.to, tables: configuration.tables(source, &synchronization.to) };
    for (name, mapping) in synchronization.mappings.iter().filter(|(name, mapping)| mapping::names_extension(name, mapping)) {
        check_one(name, mapping, &sides, found);
    }
    if let Some(written) = synchronization.scope.filter.as_ref().filter(|_| scope::names_extension(&synchronization.scope)) {
        filter::check("spec.scope.where", written, &sides.tables.source, found);
    }
}

#[cfg(test)]
mod tests;
