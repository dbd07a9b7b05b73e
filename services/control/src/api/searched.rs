//! Where an unknown user may be: the sources, when they were read, and their scopes.

use xtsync_contract::control::{SearchedScope, SearchedSource};
use xtsync_contract::convert::wire_time;
use xtsync_domain::TenantName;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::fact::{FRESHNESS, Fact};
use xtsync_domain::resource::GroupRef;

use crate::Error;
use crate::context::Context;
use crate::names::Names;
use crate::notices::shown;
use crate::view::fact;

/// Returns the source with that key, or every source if there is none.
pub(super) async fn sources(
    context: &Context,
    configuration: &Configuration,
    names: &Names,
    source: Option<&TenantName>,
) -> Result<Vec<SearchedSource>, Error> {
    let sources = source.map_or_else(|| configuration.sources().into_iter().collect(), |source| vec![source]);
    let mut searched = Vec::new();
    for source in sources {
        let read_at = match fact::read(&context.store, source, FRESHNESS).await?.map(|fact| fact.fact) {
            Some(Fact::Freshness { completed_at, .. }) => Some(wire_time(completed_at)),
            Some(Fact::Group(_) | Fact::GroupName { .. } | Fact::AccessPolicy(_) | Fact::Identity(_) | Fact::Extensions(_)) | None => None,
        };
        let scopes = configuration.synchronizations_from(source).map(scope).collect();
        searched.push(SearchedSource { source: names.name(source).to_string(), read_at, scopes });
    }
    Ok(searched)
}

fn scope(synchronization: &NamedSynchronization) -> SearchedScope {
    let scope = &synchronization.spec.scope;
    let group = |group: &GroupRef| match group {
        GroupRef::Named(name) => name.clone(),
        GroupRef::Pinned(pinned) => shown(group).unwrap_or_else(|| pinned.id.to_string()),
    };
    SearchedScope {
        synchronization: synchronization.name.clone(),
        everyone: scope.everyone,
        groups: scope.groups.iter().map(group).collect(),
    }
}
