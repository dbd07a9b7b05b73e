//! The groups of a tenant that are looked up by name, as the configuration has them.

use std::collections::BTreeSet;

use xtsync_domain::configuration::Configuration;
use xtsync_domain::resource::GroupRef;
use xtsync_domain::{GroupId, TenantName};

/// The names to look up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Names {
    /// The revision that last changed what is to be looked up.
    pub(crate) revision: u64,
    /// All that some synchronization writes, in force or pending.
    pub(crate) all: BTreeSet<String>,
    /// Those that keep a synchronization from being in force at all.
    pub(crate) unresolved: BTreeSet<String>,
    /// Whether any synchronization is in force, so that users may be decided on.
    pub(crate) any_in_force: bool,
}

impl Names {
    /// What the configuration says of a tenant.
    pub(crate) fn of(configuration: &Configuration, tenant: &TenantName) -> Self {
        let (revision, all) =
            configuration.name_resolution(tenant).map(|(revision, spec)| (revision, spec.names.clone())).unwrap_or_default();
        let scopes = || configuration.synchronizations_from(tenant).map(|synchronization| &synchronization.spec.scope);
        let unresolved = scopes().flat_map(|scope| &scope.groups).filter_map(|group| match group {
            GroupRef::Named(name) => Some(name.clone()),
            GroupRef::Pinned(_) => None,
        });
        Self { revision, all, unresolved: unresolved.collect(), any_in_force: scopes().any(|scope| scope.is_resolved()) }
    }

    /// Whether users need not wait for names. A name that one group bears is about to get its id; one that no group bears, or several, may
    /// never, and must not hold up the synchronizations that are in force. Where none is, no user is published unless they were before.
    pub(crate) fn are_ready<'a>(&self, published_before: bool, found: impl Fn(&str) -> Option<&'a [GroupId]>) -> bool {
        let is_awaited = |name: &String| found(name).is_none_or(|ids| ids.len() == 1);
        (self.unresolved.is_empty() || self.any_in_force || published_before) && !self.unresolved.iter().any(is_awaited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_wait_for_a_name_that_is_about_to_resolve_and_for_no_other_where_anything_is_in_force() {
        let ids = |n: usize| Some((0..n).map(|n| GroupId::from(n.to_string())).collect::<Vec<_>>());
        //   found   in force  published before  want
        for (found, any_in_force, published_before, want) in [
            (None, true, true, false),
            (ids(1), true, true, false),
            (ids(0), true, false, true),
            (ids(2), true, false, true),
            (ids(0), false, false, false),
            (ids(0), false, true, true),
        ] {
            let names = Names { unresolved: ["All".to_owned()].into(), any_in_force, ..Names::default() };
            assert_eq!(names.are_ready(published_before, |_| found.as_deref()), want, "{found:?} {any_in_force} {published_before}");
        }
        assert!(Names::default().are_ready(false, |_| None));
    }
}
